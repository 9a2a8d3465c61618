"""The days that every solver gets: returns with a market and industries, and predictions that change slowly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Matrix, Vector

INDUSTRIES = 29
#: daily volatility of the market, of an industry, and median one of a stock; dispersion of betas and of volatilities
MARKET, INDUSTRY, OWN, BETAS, DISPERSION = 0.012, 0.0065, 0.0155, 0.22, 0.28
#: information coefficient of the predictions (the papers'), and their correlation with those of the day before
IC, PERSISTENCE = 0.049, 0.9


@dataclass(frozen=True)
class Day:
    """mu [N] expected returns; history [T, N] of the look-back; groups [N] codes of the industries."""

    mu: Vector
    history: Matrix
    groups: NDArray[np.intp]


def days(stocks: int, look_back: int, count: int, seed: int) -> Iterator[Day]:
    """`count` consecutive days."""
    rng = np.random.default_rng([seed, stocks])
    groups = rng.integers(0, min(INDUSTRIES, stocks // 4), stocks)
    beta, own = rng.normal(1, BETAS, stocks), OWN * rng.lognormal(0, DISPERSION, stocks)
    total = look_back + count - 1
    shared = MARKET * rng.standard_normal((total, 1)) * beta
    shared += INDUSTRY * rng.standard_normal((total, INDUSTRIES))[:, groups]
    returns = shared + own * rng.standard_normal((total, stocks))
    score = rng.standard_normal(stocks)
    for day in range(count):
        yield Day(IC * own * score, returns[day : day + look_back], groups)
        score = PERSISTENCE * score + np.sqrt(1 - PERSISTENCE**2) * rng.standard_normal(stocks)
