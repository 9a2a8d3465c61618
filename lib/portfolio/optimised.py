"""The mean-variance optimiser as a policy of the simulator: weights from today's predictions and the returns so far.

It is built on a panel and reads, on the day of a decision, the rows up to that day only; masked returns have no part.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Vector
from lib.errors import ParameterError
from lib.panel import Panel, row_at
from lib.portfolio.covariance import ESTIMATORS, LEAST_DAYS, estimate
from lib.portfolio.feasible import InfeasibleError
from lib.portfolio.optimiser import MeanVariance, OptimiserWarning
from lib.portfolio.policies import Past, Policy

#: days of the covariance (paper B, s3.6)
LOOK_BACK = 120
#: a change of a weight by less than this is no order
NO_ORDER = 1e-12


def optimised(
    panel: Panel,
    optimiser: MeanVariance,
    *,
    look_back: int = LOOK_BACK,
    least_share: float = 0.5,
    hold: int = 1,
    ic: float | None = None,
    infeasible: Literal["raise", "hold"] = "raise",
) -> Policy:
    """A long-only policy: the optimiser's weights on the members that may be ordered and have a prediction.

    look_back:   days of returns up to the decision, today included; earlier than that there are no orders
    least_share: of the look-back on which a stock must have a valid return, or it is treated as one without prediction
    hold:        sessions between two rebalancings (paper A, s6.C: 20): decisions fall on every hold-th row of the
                 panel, and on any day with nothing held
    ic:          expected returns are ic x the stock's own volatility x its z-score among the candidates; None: the
                 predictions themselves
    infeasible:  what a day without a feasible portfolio does: raise, or no orders with a warning

    A held member that may not be ordered or has no prediction keeps its weight as both bounds, so that the others share
    what is left. Names outside the universe are sold by the simulator and count as sold. Turnover is counted from the
    drifted weights.
    Raises ParameterError for settings out of range, and on a day as `MeanVariance.solve` does.
    """
    if optimiser.market_neutral:
        raise ParameterError("optimised: the simulator holds no short positions; expected a long-only optimiser")
    if look_back < LEAST_DAYS or hold < 1 or not 0 <= least_share <= 1:
        raise ParameterError(
            f"optimised: look_back={look_back}, hold={hold}, least_share={least_share}; expected look_back >= "
            f"{LEAST_DAYS}, hold >= 1 and a share from 0 to 1"
        )
    if infeasible not in ("raise", "hold"):
        raise ParameterError(f"optimised: infeasible is {infeasible!r}; expected 'raise' or 'hold'")
    returns = np.where(panel.mask, panel.returns, np.nan)

    def policy(past: Past) -> Vector:
        row = row_at(panel.dates, past.date, "date", ParameterError)
        none = np.full(past.weights.shape, np.nan)
        if row + 1 < look_back or (row % hold and (past.weights > 0).any()):
            return none
        history = returns[row + 1 - look_back : row + 1]
        days = np.isfinite(history).sum(axis=0)
        known = days >= max(least_share * look_back, LEAST_DAYS)
        free = past.universe & past.orderable & np.isfinite(past.prediction) & known
        if not free.any():
            return none
        mu = past.prediction if ic is None else expected_returns(past.prediction, history, free, ic)
        try:
            target = _target(optimiser, mu, history, past.weights, free, past.universe & ~free)
        except InfeasibleError as error:
            error.add_note(f"on {past.date}")
            if infeasible == "raise":
                raise
            warnings.warn(f"{error} on {past.date}; no orders", OptimiserWarning, 2)
            return none
        return np.where(free & (np.abs(target - past.weights) > NO_ORDER), target, np.nan)

    return policy


def _target(
    optimiser: MeanVariance,
    mu: Vector,
    history: NDArray[np.float64],
    weights: Vector,
    free: NDArray[np.bool_],
    fixed: NDArray[np.bool_],
) -> Vector:
    """The optimal weights with those of `fixed` names as they are."""
    frozen = np.where(fixed, weights, 0.0)
    used = (free | (frozen > 0)) & (np.isfinite(history).sum(axis=0) >= LEAST_DAYS)
    covariance = estimate(ESTIMATORS[optimiser.estimator], history, used)
    upper = np.where(free, optimiser.cap, frozen)
    found = optimiser.solve(mu, covariance, previous=weights, lower=frozen, upper=upper).weights
    return np.clip(found, frozen, upper)  # a reference solver keeps bounds to its own tolerance only


def expected_returns(prediction: Vector, history: NDArray[np.float64], free: NDArray[np.bool_], ic: float) -> Vector:
    """ic x volatility x z-score among the candidates; 0 where all predict the same."""
    among = prediction[free]
    spread = float(among.std())
    found = np.full(prediction.shape, np.nan)
    found[free] = ic * np.nanstd(history[:, free], axis=0) * ((among - among.mean()) / spread if spread > 0 else 0.0)
    return found
