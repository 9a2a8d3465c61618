"""Whether fast factors are the same factors: ours and the authors' package against pandas in float64.

On a panel without a masked cell, where all three mean the same by a window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from lib.factors import factor_names
from lib.studies.how_fast.bench.peers import OURS
from lib.studies.how_fast.bench.workloads import bench_panel, factor_calls

#: a factor agrees where this share of its cells lies within TOLERANCE of its largest value: the rest are ranks that
#: swap with a neighbour by round-off
SHARE, TOLERANCE = 0.98, 1e-4


class Agreement(NamedTuple):
    """Factors that agree with pandas, of how many; the median over factors of the largest error, in z-scores."""

    agree: int
    of: int
    median_error: float


def agreement(dates: int, stocks: int, seed: int = 0) -> dict[str, Agreement]:
    """Ours and, where it is installed, mlquantx against the same formulas in pandas."""
    calls: Mapping[str, Callable[[], Any]] = factor_calls(bench_panel(dates, stocks, seed, masked=False))
    values, valid = calls["pandas"]()
    truth = np.where(valid, values, np.nan)
    ours = calls[OURS]()
    found = {OURS: _compare(np.where(ours.valid, ours.values, np.nan), truth)}
    if "mlquantx" in calls:
        theirs, mask, names = calls["mlquantx"]()
        order = [names.index(name) for name in factor_names()]
        found["mlquantx"] = _compare(np.where(mask.numpy()[..., None], theirs.numpy()[..., order], np.nan), truth)
    return found


def _compare(values: np.ndarray, truth: np.ndarray) -> Agreement:
    """values: [T, N, F]; truth: [F, T, N]; NaN where there is none."""
    agree, largest = 0, []
    for f, expected in enumerate(truth):
        both = np.isfinite(expected) & np.isfinite(values[..., f])
        error = np.abs(values[..., f] - expected)[both]
        if error.size:
            agree += bool((error <= TOLERANCE * np.abs(expected[both]).max()).mean() >= SHARE)
            largest.append(error.max())
    return Agreement(agree, len(truth), float(np.median(largest)))
