"""Mean-variance portfolios from predictions and a history of returns.

    maximise   mu'w - risk_aversion w'Sigma w - cost sum |w - previous|

The papers' B eq. 4 has no factor 1/2 before the risk; A eq. 23 has lambda / 2: pass half. Sigma is Ledoit and Wolf's of
the history. Long only: weights sum to 1 and lie in [0, cap]. Market neutral: weights sum to 0, in every group too, lie
in [-cap, cap], and |w| sums to at most `leverage`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Vector
from lib.errors import ParameterError
from lib.portfolio.covariance import Covariance, ledoit_wolf
from lib.portfolio.dual import Problem, solve

#: relative gap up to which the fast answer is taken
CERTIFIED = 1e-9
#: room for round-off in sums of bounds
SLACK = 1e-12


class OptimiserWarning(UserWarning):
    """The fast form did not reach its certificate; the answer is the reference's."""


@dataclass(frozen=True)
class Solution:
    """weights [N] (0 without a prediction); gap: most that a better answer could gain, relative; iterations."""

    weights: Vector
    gap: float
    iterations: int


@dataclass(frozen=True)
class MeanVariance:
    """The optimiser; see the head of this file.

    cap: most of one stock, 0 < cap <= 1. risk_aversion: > 0, per unit of variance a day. cost: a unit of turnover, >=
    0, in returns (8 basis points: 0.0008). leverage: most of sum |w| of a market-neutral book; None: no limit but the
    caps.

    >>> history = np.random.default_rng(0).normal(0, 0.02, (60, 5))
    >>> MeanVariance(cap=0.4).solve([0.01, 0.0, 0.0, 0.0, -0.01], history).weights.round(2).tolist()
    [0.4, 0.26, 0.17, 0.17, 0.0]
    """

    cap: float = 0.03
    risk_aversion: float = 10.0
    cost: float = 0.0
    market_neutral: bool = False
    leverage: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.cap <= 1:
            raise ParameterError(f"MeanVariance: cap is {self.cap}; expected a share above 0 and at most 1")
        if not self.risk_aversion > 0:
            raise ParameterError(f"MeanVariance: risk_aversion is {self.risk_aversion}; expected a number above 0")
        if not self.cost >= 0:
            raise ParameterError(f"MeanVariance: cost is {self.cost}; expected a number of at least 0")
        if self.leverage is not None and not (self.market_neutral and self.leverage > 0):
            raise ParameterError(
                f"MeanVariance: leverage is {self.leverage}; expected a number above 0, of a market-neutral book alone"
            )

    def solve(
        self,
        mu: ArrayLike,
        history: ArrayLike | Covariance,
        previous: ArrayLike | None = None,
        lower: ArrayLike | None = None,
        upper: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Solution:
        """The optimal weights [N].

        mu:       expected returns a day [N]; NaN: no prediction, weight 0 unless the bounds say otherwise
        history:  returns [T, N] of the days before, NaN where masked; or their covariance
        previous: weights held [N], default 0: what turnover is counted from
        lower, upper: bounds [N] beside the cap; a frozen stock has its weight as both
        groups:   codes [N] of industries, of a market-neutral book

        Raises ParameterError for inputs of other shapes, and for bounds that no portfolio meets: which, and by how
        much.
        """
        found = np.asarray(mu, dtype=float)
        stocks = found.size
        if found.ndim != 1 or not stocks:
            raise ParameterError(f"MeanVariance: mu has shape {found.shape}; expected [stocks] with at least one")
        low, high = self._bounds(found, lower, upper)
        held = _of_length(np.zeros(stocks) if previous is None else previous, stocks, "previous")
        covariance = history if isinstance(history, Covariance) else _covariance(history, found, low, high)
        if len(covariance.diagonal) != stocks:
            raise ParameterError(
                f"MeanVariance: history of {len(covariance.diagonal)} stocks, mu of {stocks}; expected the same number"
            )
        budget = 0.0 if self.market_neutral else 1.0
        self._check_budget(low, high, budget)
        problem = Problem(
            np.nan_to_num(found), covariance.factors, covariance.diagonal, self.risk_aversion, self.cost, held, low,
            high, budget,
        )  # fmt: skip
        if self.market_neutral:
            codes = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
            return self._reference(problem, codes)
        if not (covariance.diagonal > 0).all():  # a covariance without a share of the identity: no separate minimum
            return self._reference(problem, None)
        answer = solve(problem)
        if not answer.gap <= CERTIFIED:
            text = f"MeanVariance: the fast form ended with a gap of {answer.gap:.1e}; solved by the reference"
            warnings.warn(text, OptimiserWarning, 2)
            return self._reference(problem, None)
        return Solution(answer.weights, answer.gap, answer.iterations)

    def _reference(self, problem: Problem, groups: NDArray[np.int64] | None) -> Solution:
        from lib.portfolio.reference import solve_reference

        answer = solve_reference(problem, groups, self.leverage)
        return Solution(answer.weights, answer.gap, answer.iterations)

    def _bounds(self, mu: Vector, lower: ArrayLike | None, upper: ArrayLike | None) -> tuple[Vector, Vector]:
        least = -self.cap if self.market_neutral else 0.0
        known = np.isfinite(mu)
        low = np.where(known, least, 0.0) if lower is None else _of_length(lower, mu.size, "lower")
        high = np.where(known, self.cap, 0.0) if upper is None else _of_length(upper, mu.size, "upper")
        if (low > high).any():
            stock = int(np.argmax(low - high))
            raise ParameterError(
                f"MeanVariance: the stock in column {stock} has lower bound {low[stock]:g} above its upper bound "
                f"{high[stock]:g}"
            )
        return low, high

    def _check_budget(self, low: Vector, high: Vector, budget: float) -> None:
        least, most = float(low.sum()), float(high.sum())
        if most < budget - SLACK:
            raise ParameterError(
                f"MeanVariance: upper bounds sum to {most:.6g}, {budget - most:.3g} short of the budget of {budget:g}: "
                f"{int((high > 0).sum())} stocks may be held at a cap of {self.cap:g}; raise it or allow more stocks"
            )
        if least > budget + SLACK:
            raise ParameterError(
                f"MeanVariance: lower bounds sum to {least:.6g}, {least - budget:.3g} above the budget of {budget:g}: "
                f"too much is frozen; sell something or raise the budget"
            )


def _covariance(history: ArrayLike, mu: Vector, low: Vector, high: Vector) -> Covariance:
    """Ledoit and Wolf's of the stocks that may be held; the others have no part in it."""
    returns = np.asarray(history, dtype=float)
    if returns.ndim != 2 or returns.shape[1] != mu.size:
        raise ParameterError(f"MeanVariance: history has shape {returns.shape}; expected [days, {mu.size}]")
    used = (low != 0) | (high != 0)
    if not used.any():
        raise ParameterError(f"MeanVariance: none of {mu.size} stocks may be held; expected predictions of some")
    own = ledoit_wolf(returns[:, used])
    factors, diagonal = np.zeros((len(own.factors), mu.size)), np.full(mu.size, float(own.diagonal.mean()))
    factors[:, used], diagonal[used] = own.factors, own.diagonal
    return Covariance(factors, diagonal, own.shrinkage)


def _of_length(values: ArrayLike, stocks: int, name: str) -> Vector:
    found = np.asarray(values, dtype=float)
    if found.shape != (stocks,) or not np.isfinite(found).all():
        raise ParameterError(f"MeanVariance: {name} has shape {found.shape}; expected {stocks} finite numbers")
    return found
