"""What single precision costs a factor: the share of its cells that a float64 evaluation would give otherwise.

The engine works in float32 but for what feeds a comparison. What is left are round-off swaps of neighbours: two
values that nearly tie change places in a rank, or a cancellation keeps fewer digits than the factor's scale asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from lib.engine import Stream
from lib.factors.leaves import Leaves

if TYPE_CHECKING:
    from lib.factors import Factor, FactorSet
    from lib.masked import Cells
    from lib.panel import Panel

#: a cell agrees within this share of the factor's own scale; or if it is the single-precision number next to the
#: float64 one, because in a heavy tail, thousands of scales out, two such numbers lie further apart than that
TOLERANCE, NEAREST = 1e-4, 2.0**-24
BLOCK_DAYS = 128


def apart_from_float64(panel: Panel, factors: Sequence[Factor], computed: FactorSet) -> list[tuple[float, int]]:
    """Per factor: share of its valid cells apart from float64, and how many cells there are.

    Apart: by more than 1e-4 of the factor's scale, and not the single-precision number next to it.

    computed: the factors as the engine gives them, [T,N,F], not standardised. Scale: the median absolute deviation of
    the factor's cells, or their standard deviation where more than half are equal. NaN for a factor without cells.
    """
    scales = [_scale(computed, k) for k in range(len(factors))]
    apart, cells_of = np.zeros(len(factors), dtype=np.int64), np.zeros(len(factors), dtype=np.int64)

    def compare(position: int, day: int, wide: Cells) -> None:
        days = slice(day, day + len(wide.valid))
        valid = wide.valid.numpy() & np.asarray(computed.valid[days, :, position])
        found = np.asarray(computed.values[days, :, position], dtype=np.float64)[valid]
        exact = wide.values.numpy()[valid]
        allowed = np.maximum(TOLERANCE * scales[position], NEAREST * np.abs(exact))
        apart[position] += int((np.abs(found - exact) > allowed).sum())
        cells_of[position] += len(found)

    leaves = Leaves(panel, {name for factor in factors for name in factor.fields})
    stream = Stream([factor.node for factor in factors], precision=torch.float64)
    stream.run(leaves.rows, panel.shape[0], compare, rows=BLOCK_DAYS)
    return [(float(a / n) if n else float("nan"), int(n)) for a, n in zip(apart, cells_of, strict=True)]


def _scale(computed: FactorSet, position: int) -> float:
    values = np.asarray(computed.values[..., position])[np.asarray(computed.valid[..., position])].astype(np.float64)
    if not len(values):
        return float("nan")
    return float(np.median(np.abs(values - np.median(values))) or values.std())
