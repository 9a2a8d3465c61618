"""The market-neutral optimiser (paper A, eq. 23-27) as a policy of `long_short`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Vector
from lib.errors import ParameterError
from lib.panel import Panel
from lib.portfolio.covariance import ESTIMATORS, LEAST_DAYS, estimate
from lib.portfolio.feasible import SLACK, InfeasibleError
from lib.portfolio.long_short import Close, Policy
from lib.portfolio.optimised import LOOK_BACK, NO_ORDER, expected_returns
from lib.portfolio.optimiser import MeanVariance

Codes = NDArray[np.intp]


def market_neutral(
    panel: Panel,
    optimiser: MeanVariance,
    *,
    look_back: int = LOOK_BACK,
    least_share: float = 0.5,
    hold: int = 20,
    ic: float | None = None,
    sectors: bool = True,
) -> Policy:
    """The optimiser's weights on the members with a prediction whose orders can be filled, every hold-th row.

    look_back, least_share, ic: as for `optimised`. hold: sessions between two rebalancings (paper A, s6.C: 20); between
    them weights drift. sectors: the weights of every industry of the panel sum to 0 (eq. 27), not only all of them.

    A held name whose order cannot be filled keeps its weight, on the side that is refused or on both. Where that
    leaves an industry that cannot be balanced, these names are left out of its sum: the book is then off by their
    weights. A day on which what must be held exceeds the leverage has no orders.
    Raises ParameterError for a long-only optimiser and settings out of range.
    """
    if not optimiser.market_neutral or look_back < LEAST_DAYS or hold < 1 or not 0 <= least_share <= 1:
        raise ParameterError(
            f"market_neutral: optimiser.market_neutral={optimiser.market_neutral}, look_back={look_back}, hold={hold}, "
            f"least_share={least_share}; expected a market-neutral optimiser, look_back >= {LEAST_DAYS}, hold >= 1 and "
            f"a share from 0 to 1"
        )
    returns = np.where(panel.mask, panel.returns, np.nan)
    industry = panel.fields.get("industry") if sectors else None
    if sectors and industry is None:
        raise ParameterError("market_neutral: the panel has no field industry; expected it, or sectors=False")

    def policy(close: Close) -> Vector:
        row, held = close.row, close.weights
        none = np.full(held.shape, np.nan)
        if row + 1 < look_back or (row % hold and held.any()):
            return none
        history = returns[row + 1 - look_back : row + 1]
        days = np.isfinite(history).sum(axis=0)
        known = close.universe & np.isfinite(close.prediction) & (days >= max(least_share * look_back, LEAST_DAYS))
        if known.sum() < 2:
            return none
        mu = close.prediction if ic is None else expected_returns(close.prediction, history, known, ic)
        codes = np.zeros(held.size, dtype=np.intp)
        if industry is not None:
            codes = np.unique(industry[row], return_inverse=True)[1].astype(np.intp)
        low, high = bounds(held, known & close.may_buy, known & close.may_sell, optimiser.cap, close.universe)
        fixed = balanced_bounds(low, high, codes)
        used = ((low != 0) | (high != 0)) & (days >= LEAST_DAYS)
        if not (known & ~fixed & used).any():
            return none
        low, high = np.where(used, low, 0.0), np.where(used, high, 0.0)
        covariance = estimate(ESTIMATORS[optimiser.estimator], history, used)
        try:
            found = optimiser.solve(np.where(used, np.nan_to_num(mu), np.nan), covariance, previous=held, lower=low,
                                    upper=high, groups=codes).weights  # fmt: skip
        except InfeasibleError:
            return none
        return np.where(known & ~fixed & used & (np.abs(found - held) > NO_ORDER), found, np.nan)

    return policy


def bounds(
    held: Vector, may_buy: NDArray[np.bool_], may_sell: NDArray[np.bool_], cap: float, member: NDArray[np.bool_]
) -> tuple[Vector, Vector]:
    """Lower and upper bounds [N] of the weights: +-cap, and no side of the weight held that cannot be traded.

    >>> low, high = bounds(np.array([0.02, -0.05]), np.array([False, False]), np.array([True, False]), 0.03,
    ...                    np.array([True, True]))
    >>> low.tolist(), high.tolist()
    ([-0.03, -0.05], [0.02, -0.05])
    """
    kept = np.where(member, held, 0.0)
    low = np.where(may_sell, np.where(may_buy, -cap, np.minimum(-cap, kept)), kept)
    high = np.where(may_buy, np.where(may_sell, cap, np.maximum(cap, kept)), kept)
    return low, high


def balanced_bounds(low: Vector, high: Vector, codes: Codes) -> NDArray[np.bool_]:
    """Names [N] left out of the sums: of a group whose bounds do not allow 0, those whose own bounds do not.

    Their bounds become 0, in place.
    """
    off = (np.bincount(codes, weights=low) > SLACK) | (np.bincount(codes, weights=high) < -SLACK)
    left_out = off[codes] & ((low > 0) | (high < 0))
    low[left_out] = high[left_out] = 0.0
    return np.asarray(left_out)
