"""A book's return split by regression into the market's part and the rest.

    r(t) = a + beta m(t) + e(t),    appraisal ratio = mean(a + e) / deviation(e)

Weights that sum to one, or to zero, say nothing about beta: an optimiser that avoids risk picks stocks of low beta, and
its return over an index then holds a bet against the market.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lib.errors import ParameterError


def market_beta(returns: ArrayLike, market: ArrayLike) -> float:
    """Slope of the least-squares regression of returns [D] on the market's [D], with a constant.

    Raises ParameterError for series of other shapes, with fewer than three days, or a market that does not move.

    >>> market_beta([0.03, 0.01, -0.01], [0.02, 0.01, 0.0])
    2.0
    """
    r, m = np.asarray(returns, dtype=float), np.asarray(market, dtype=float)
    if r.ndim != 1 or r.shape != m.shape or len(r) < 3:
        raise ParameterError(f"market_beta: got shapes {r.shape} and {m.shape}; expected equal ones, 3 days or more")
    moved = m - m.mean()
    if not (size := float(moved @ moved)) > 0:
        raise ParameterError("market_beta: the market's return is the same on all days; expected one that moves")
    return float(moved @ (r - r.mean())) / size


def hedged(returns: ArrayLike, market: ArrayLike) -> np.ndarray:
    """Returns [D] less beta times the market's: what is left to whoever holds the book and hedges its market part."""
    r, m = np.asarray(returns, dtype=float), np.asarray(market, dtype=float)
    return np.asarray(r - market_beta(r, m) * m)
