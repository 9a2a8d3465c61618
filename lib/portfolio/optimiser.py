"""Mean-variance portfolios from predictions and a history of returns.

    maximise   mu'w - risk_aversion w'Sigma w - cost sum |w - previous|

The papers' B eq. 4 has no factor 1/2 before the risk; A eq. 23 has lambda / 2: pass half. Sigma is Ledoit and Wolf's of
the history, or another estimate of `lib.portfolio.covariance`. Long only: weights sum to 1 and lie in [0, cap]. Market
neutral (A eq. 24-27): weights sum to 0, in every group too, lie in [-cap, cap], and |w| sums to at most `leverage`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Vector
from lib.errors import ParameterError
from lib.portfolio.covariance import ESTIMATORS, Covariance, estimate
from lib.portfolio.dual import Answer, Problem, solve
from lib.portfolio.feasible import check

#: relative gap, and excess over a limit in units of weight, up to which the fast answer is taken
CERTIFIED = 1e-12


class OptimiserWarning(UserWarning):
    """The fast form did not reach its certificate; the answer is the reference's."""


@dataclass(frozen=True)
class Solution:
    """weights [N] (0 without a prediction); gap: most that a better answer could gain, relative; iterations; excess: by
    how much a limit is broken at most, in units of weight."""

    weights: Vector
    gap: float
    iterations: int
    excess: float = 0.0


@dataclass(frozen=True)
class MeanVariance:
    """The optimiser; see the head of this file.

    cap: most of one stock, 0 < cap <= 1. risk_aversion: > 0, per unit of variance a day. cost: a unit of turnover, >=
    0, in returns (8 basis points: 0.0008). leverage: most of sum |w| of a market-neutral book; None: no limit but the
    caps. estimator: the covariance of a history, a name of `lib.portfolio.covariance.ESTIMATORS`.

    >>> history = np.random.default_rng(0).normal(0, 0.02, (60, 5))
    >>> MeanVariance(cap=0.4).solve([0.01, 0.0, 0.0, 0.0, -0.01], history).weights.round(2).tolist()
    [0.4, 0.26, 0.17, 0.17, 0.0]
    """

    cap: float = 0.03
    risk_aversion: float = 10.0
    cost: float = 0.0
    market_neutral: bool = False
    leverage: float | None = None
    estimator: str = "ledoit_wolf"

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
        if self.estimator not in ESTIMATORS:
            raise ParameterError(
                f"MeanVariance: estimator is {self.estimator!r}; expected one of {', '.join(ESTIMATORS)}"
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

        Raises ParameterError for inputs of other shapes, and InfeasibleError for limits that no portfolio meets: which,
        and by how much. Warns (OptimiserWarning) where the fast form misses its certificate and the reference answers.
        """
        found = np.asarray(mu, dtype=float)
        if found.ndim != 1 or not found.size:
            raise ParameterError(f"MeanVariance: mu has shape {found.shape}; expected [stocks] with at least one")
        if np.isinf(found).any():
            raise ParameterError(f"MeanVariance: mu is infinite in column {int(np.argmax(np.isinf(found)))}")
        low, high = self._bounds(found, lower, upper)
        held = _of_length(np.zeros(found.size) if previous is None else previous, found.size, "previous")
        names, codes = self._groups(groups, found.size)
        covariance = history if isinstance(history, Covariance) else self._covariance(history, low, high)
        if len(covariance.diagonal) != found.size:
            raise ParameterError(
                f"MeanVariance: history of {len(covariance.diagonal)} stocks, mu of {found.size}; expected the same "
                f"number"
            )
        problem = Problem(
            np.nan_to_num(found), covariance.factors, covariance.diagonal, self.risk_aversion, self.cost, held, low,
            high, 0.0 if self.market_neutral else 1.0, codes, np.inf if self.leverage is None else self.leverage,
        )  # fmt: skip
        check(problem, self.cap, names)
        answer = self._answer(problem, held if previous is not None else None)
        return Solution(answer.weights, answer.gap, answer.iterations, answer.excess)

    def _answer(self, problem: Problem, start: Vector | None) -> Answer:
        """The fast form's, or the reference's where that has no certificate."""
        from lib.portfolio.reference import solve_reference

        if not (problem.diagonal > 0).all():  # a stock without risk of its own: its best weight is no function
            return solve_reference(problem)
        answer = solve(problem, start)
        if answer.gap <= CERTIFIED and answer.excess <= CERTIFIED:
            return answer
        text = (
            f"MeanVariance: the fast form ended with a gap of {answer.gap:.1e} and {answer.excess:.1e} over a limit, "
            f"expected at most {CERTIFIED:g}; solved by the reference"
        )
        warnings.warn(text, OptimiserWarning, 3)
        return solve_reference(problem)

    def _covariance(self, history: ArrayLike, low: Vector, high: Vector) -> Covariance:
        """Of the stocks that may be held; the others have no part in it."""
        returns = np.asarray(history, dtype=float)
        if returns.ndim != 2 or returns.shape[1] != low.size:
            raise ParameterError(f"MeanVariance: history has shape {returns.shape}; expected [days, {low.size}]")
        used = (low != 0) | (high != 0)
        if not used.any():
            raise ParameterError(f"MeanVariance: none of {low.size} stocks may be held; expected predictions of some")
        return estimate(ESTIMATORS[self.estimator], returns, used)

    def _bounds(self, mu: Vector, lower: ArrayLike | None, upper: ArrayLike | None) -> tuple[Vector, Vector]:
        least = -self.cap if self.market_neutral else 0.0
        known = np.isfinite(mu)
        low = np.where(known, least, 0.0) if lower is None else _of_length(lower, mu.size, "lower")
        high = np.where(known, self.cap, 0.0) if upper is None else _of_length(upper, mu.size, "upper")
        return low, high

    def _groups(self, groups: ArrayLike | None, stocks: int) -> tuple[Sequence[object], NDArray[np.intp] | None]:
        """Names of the groups, and the code of every stock."""
        if groups is None:
            return (), None
        found = np.asarray(groups)
        if not self.market_neutral:
            raise ParameterError("MeanVariance: groups are given; expected them of a market-neutral book alone")
        if found.shape != (stocks,) or (found.dtype.kind == "f" and not np.isfinite(found).all()):
            raise ParameterError(f"MeanVariance: groups have shape {found.shape}; expected a code of {stocks} stocks")
        names, codes = np.unique(found, return_inverse=True)
        return names.tolist(), codes.astype(np.intp)


def _of_length(values: ArrayLike, stocks: int, name: str) -> Vector:
    found = np.asarray(values, dtype=float)
    if found.shape != (stocks,) or not np.isfinite(found).all():
        raise ParameterError(f"MeanVariance: {name} has shape {found.shape}; expected {stocks} finite numbers")
    return found
