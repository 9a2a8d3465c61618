"""Many tests at once: the false discovery rate, and the p-value of a mean information coefficient to feed it with."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lib.errors import StatisticsError
from lib.stats.checks import Series, finite, series
from lib.stats.inference import NORMAL, newey_west_t


@finite
def false_discovery(p_values: ArrayLike, *, dependence: Literal["positive", "any"] = "positive") -> Series:
    """Adjusted p-values [m] in the order given: rejecting those <= q keeps the false discovery rate at most q.

    Running min, from the largest p down, of c m p / rank, at most 1. c = 1 for tests that are independent or positively
    dependent (Benjamini & Hochberg 1995); c = 1 + 1/2 + .. + 1/m whatever their dependence (Benjamini & Yekutieli
    2001). The family-wise error rate is `holm`'s. Raises: StatisticsError for p outside [0, 1], unknown dependence.

    >>> false_discovery([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    >>> false_discovery([0.01, 0.04, 0.03], dependence="any").round(3).tolist()
    [0.055, 0.073, 0.073]
    """
    from statsmodels.stats.multitest import multipletests

    p = series(p_values, "p-values", minimum=1)
    if p.min() < 0 or p.max() > 1:
        raise StatisticsError(f"false_discovery: p-values lie in [0, 1], got {p.min()} to {p.max()}")
    methods = {"positive": "fdr_bh", "any": "fdr_by"}
    if dependence not in methods:
        raise StatisticsError(f"false_discovery: unknown dependence {dependence!r}; expected 'positive' or 'any'")
    return np.asarray(multipletests(p, method=methods[dependence])[1])


@finite
def newey_west_p(values: ArrayLike, lags: int | None = None, *, horizon: int = 1) -> float:
    """Two-sided p-value, in [0, 1], of a mean of zero, e.g. of a daily information coefficient [T].

    2 Phi(-|t|) with `newey_west_t`; labels that span `horizon` days need that many lags less one. Normal: with few days
    it rejects too often. Raises: StatisticsError as `newey_west_t` does.

    >>> round(newey_west_p([.02, .04, -.01, .03, .05, .01, -.02, .04, .06, .02], lags=0), 6)
    0.001686
    """
    return 2 * NORMAL.cdf(-abs(newey_west_t(values, lags, horizon=horizon)))
