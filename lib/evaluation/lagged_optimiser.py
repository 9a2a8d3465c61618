"""The papers' book in the papers' back-test (B eq. 4, s3.7): the optimiser every day, lagged weights, linear costs.

    maximise mu'w - 10 w'Sigma w,   sum w = 1, 0 <= w <= 3 %,   Sigma from the 120 days up to the decision

Costs are no part of the objective, as in the papers. The optimiser reads the size of predictions, which the papers do
not print, so every book is made twice: literally, with predictions as the network gives them, in returns; and
standardised, an IC of .05 times the stock's volatility times its score of the day. A stock without a prediction has the
expected return 0 in both, as in the authors' package, which multiplies predictions by the mask.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lib.arrays import Matrix, Vector
from lib.errors import ParameterError
from lib.models.dataset import next_return
from lib.models.splits import Split
from lib.panel import Panel
from lib.portfolio import MeanVariance, OptimiserWarning
from lib.portfolio.covariance import ESTIMATORS, estimate
from lib.portfolio.lagged import LaggedBook, lagged_book
from lib.portfolio.optimised import LOOK_BACK, expected_returns
from lib.portfolio.ridged import Ridged

SENSES: Final = ("literal", "standardised")
IC: Final = 0.05
#: with the covariance of the papers, and with the one that a system without shrinkage has
OPTIMISERS: Final[Mapping[str, MeanVariance]] = {
    "ledoit_wolf": MeanVariance(cap=0.03, risk_aversion=10.0),
    "sample": Ridged(cap=0.03, risk_aversion=10.0, estimator="sample"),
}


@dataclass(frozen=True, eq=False)
class OptimiserDesk:
    """What the book needs beside predictions. returns [T, N]: those the covariance reads, NaN where the mask hides
    them. next_return [T, N]: what is earned, whatever the mask says."""

    returns: Matrix
    next_return: Matrix
    split: Split

    @classmethod
    def of(cls, panel: Panel, seen: Panel, split: Split) -> OptimiserDesk:
        """seen: the panel under the mask of the system. Raises ParameterError with too few days before validation."""
        if split.validation_start + 1 < LOOK_BACK:
            raise ParameterError(
                f"lagged optimiser: validation begins on day {split.validation_start}; the covariance needs "
                f"{LOOK_BACK} days before it, take more days"
            )
        return cls(np.where(seen.mask, seen.returns, np.nan), next_return(panel), split)

    @property
    def test(self) -> slice:
        """Decision days of the test: the last day of the panel has no next return."""
        return slice(self.split.test_start, min(self.split.test_stop, len(self.next_return) - 1))

    @property
    def validation(self) -> slice:
        return slice(self.split.validation_start, self.split.validation_stop)

    def books(
        self,
        prediction: Matrix,
        covariance: str,
        *,
        cost: float = 0.0,
        days: slice | None = None,
        senses: tuple[str, ...] = SENSES,
    ) -> tuple[dict[str, LaggedBook], int]:
        """One book for each sense, and the days on which the optimiser's fast form had no certificate.

        prediction [T, N], NaN: none. cost: of a unit of turnover, in the objective. days: by default those of the test;
        a book begins in cash.
        """
        days = self.test if days is None else days
        weights, fallbacks = self._weights(prediction, replace(OPTIMISERS[covariance], cost=cost), days, senses)
        known = np.isfinite(prediction[days])
        found = {sense: lagged_book(weights[sense], self.next_return[days], known) for sense in senses}
        return found, fallbacks

    def _weights(
        self, prediction: Matrix, optimiser: MeanVariance, days: slice, senses: tuple[str, ...]
    ) -> tuple[dict[str, Matrix], int]:
        """Weights [D, N] by sense; both read the covariance of a day once."""
        shape = len(range(*days.indices(len(prediction)))), prediction.shape[1]
        weights = {sense: np.zeros(shape) for sense in senses}
        held = {sense: np.zeros(shape[1]) for sense in senses}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", OptimiserWarning)
            for row in range(shape[0]):
                t = days.start + row
                history = self.returns[t + 1 - LOOK_BACK : t + 1]
                used = np.isfinite(history).sum(axis=0) >= LOOK_BACK // 2
                covariance = estimate(ESTIMATORS[optimiser.estimator], history, used)
                for sense in senses:
                    mu = expected(prediction[t], history, used, sense)
                    held[sense] = optimiser.solve(mu, covariance, held[sense]).weights
                    weights[sense][row] = held[sense]
        return weights, sum(issubclass(item.category, OptimiserWarning) for item in caught)


def expected(prediction: Vector, history: Matrix, used: np.ndarray, sense: str) -> Vector:
    """Expected returns [N] of a day: 0 without a prediction, NaN for a stock that is not used."""
    known = used & np.isfinite(prediction)
    found = np.where(known, prediction, np.nan).astype(float)
    if sense == "standardised" and known.any():
        found = expected_returns(found, history, known, IC)
    return np.where(used, np.where(known, found, 0.0), np.nan)
