"""The optimiser with a ridge on its covariance, Sigma + size I (paper A, eq. 30)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lib.errors import ParameterError
from lib.portfolio.dual import Answer, Problem
from lib.portfolio.optimiser import MeanVariance


@dataclass(frozen=True)
class Ridged(MeanVariance):
    """`MeanVariance` with `ridge` added to the variance of every stock, in squared returns a day, >= 0.

    With fewer days than stocks the sample covariance leaves many portfolios without any risk. A ridge of 1e-6, a
    deviation of 0.1 % a day, is the smallest with which the fast form keeps its certificate on nearly every day.
    """

    ridge: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.ridge >= 0:
            raise ParameterError(f"Ridged: ridge is {self.ridge}; expected a number of at least 0")

    def _answer(self, problem: Problem, start: NDArray[np.float64] | None) -> Answer:
        return super()._answer(replace(problem, diagonal=problem.diagonal + self.ridge), start)
