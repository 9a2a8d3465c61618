"""The operators of `lib`, and the floor that memory sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lib import ops
from lib.factors import compute_factors
from lib.masked import Masked
from lib.panel import Panel
from lib.studies.how_fast.bench.contender import PRIMITIVES, TWO_SERIES, Contender, further_arguments, groups
from lib.studies.how_fast.bench.timing import Call


def operators(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """All of them; a masked cell of the result is NaN."""
    a, b = _masked(x), _masked(y)
    labels = _masked(np.broadcast_to(groups(x.shape[1]), x.shape).astype(x.dtype))
    series = dict.fromkeys(PRIMITIVES, (a,)) | dict.fromkeys(TWO_SERIES, (a, b)) | {"group_neutralize": (a, labels)}

    def contender(name: str) -> Contender:
        operator: Any = getattr(ops, name)
        arguments = series[name] + (() if name == "group_neutralize" else further_arguments(name, window))
        return Contender(lambda: operator(*arguments), _values)

    return {name: contender(name) for name in PRIMITIVES}


def _masked(x: np.ndarray) -> Masked:
    return Masked(torch.from_numpy(x), torch.from_numpy(~np.isnan(x)))


def _values(masked: Masked) -> np.ndarray:
    return torch.where(masked.valid, masked.values, torch.nan).numpy()


def floor(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """The inputs read once, a result written once: no operator can be faster."""
    target = np.empty_like(x)
    one = Contender(lambda: np.copyto(target, x), lambda _: target)
    two = Contender(lambda: np.add(x, y, out=target), lambda _: target)
    return {name: two if name in TWO_SERIES else one for name in PRIMITIVES}


def alphas(panel: Panel, names: list[str]) -> Call:
    """The formulas of these names, without a standardisation."""
    return lambda: compute_factors(panel, names)
