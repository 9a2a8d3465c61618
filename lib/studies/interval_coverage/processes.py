"""Daily returns of two books whose true means and Sharpe ratios are known, for checks of statistics.

a = m + s z1 and b = m / 2 + s (rho z1 + sqrt(1 - rho^2) z2), rho = .9: two books of the same market. m is the mean and
s the deviation of the day; z1, z2 are independent shocks of every day.

- normal, student: m and s constant; normal shocks, and Student's t with 4.5 degrees of freedom.
- volatility: log variance is an autoregression of memory .98 and deviation .75; normal shocks.
- regimes: a Markov chain of calm, bear and rally spells (80, 40 and 30 days on average, calm to bear .55) with means
  .0003, -.0022, .0040 and deviations .008, .020, .015 a day; log deviation is an autoregression of memory .95 and shock
  .08; Student's t as above, clipped at 4 deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray
from lib.market.processes import autoregression, student

MEAN, DEVIATION = 0.0006, 0.01
CORRELATION = 0.9
TAIL = 4.5
VOLATILITY_MEMORY, VOLATILITY_SPREAD = 0.98, 0.75  # of the log variance
SPELLS, TO_BEAR = np.array([80.0, 40.0, 30.0]), 0.55
REGIME_MEANS, REGIME_DEVIATIONS = np.array([0.0003, -0.0022, 0.0040]), np.array([0.008, 0.020, 0.015])
SWING_MEMORY, SWING_SHOCK, CLIP = 0.95, 0.08, 4.0  # of the log deviation within a regime
SWING_VARIANCE = SWING_SHOCK**2 / (1 - SWING_MEMORY**2)


@dataclass(frozen=True)
class Truth:
    """Mean of a day of `a`, and Sharpe ratio of `a` minus that of `b`, both a day."""

    mean: float
    sharpe_difference: float


def books(process: str, days: int, paths: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Returns of both books, [days, paths] each; the paths are independent and start in the long run."""
    mean, deviation, first, second = _PROCESSES[process].draw((days, paths), rng)
    other = CORRELATION * first + np.sqrt(1 - CORRELATION**2) * second
    return mean + deviation * first, mean / 2 + deviation * other


def truth(process: str) -> Truth:
    """The numbers that the long run of a process has, in closed form."""
    mean, spread, variance = _PROCESSES[process].moments()

    def sharpe(share: float) -> float:
        return share * mean / (variance + share**2 * spread) ** 0.5

    return Truth(mean, sharpe(1.0) - sharpe(0.5))


Parts = tuple[FloatArray | float, FloatArray | float, FloatArray, FloatArray]


@dataclass(frozen=True)
class _Process:
    """draw: (shape, rng) -> (m, s, z1, z2). moments: mean of m, variance of m, mean of (s z1)^2."""

    draw: Callable[[tuple[int, int], np.random.Generator], Parts]
    moments: Callable[[], tuple[float, float, float]]


def _normal(shape: tuple[int, int], rng: np.random.Generator) -> Parts:
    return MEAN, DEVIATION, rng.standard_normal(shape), rng.standard_normal(shape)


def _student(shape: tuple[int, int], rng: np.random.Generator) -> Parts:
    return MEAN, DEVIATION, student(rng, TAIL, shape), student(rng, TAIL, shape)


def _volatility(shape: tuple[int, int], rng: np.random.Generator) -> Parts:
    log_variance = VOLATILITY_SPREAD * autoregression(rng, VOLATILITY_MEMORY, shape)
    return MEAN, DEVIATION * np.exp(log_variance / 2), rng.standard_normal(shape), rng.standard_normal(shape)


def _regimes(shape: tuple[int, int], rng: np.random.Generator) -> Parts:
    state = _spells(shape, rng)
    swing = np.exp(SWING_VARIANCE**0.5 * autoregression(rng, SWING_MEMORY, shape))
    first, second = (np.clip(student(rng, TAIL, shape), -CLIP, CLIP) for _ in range(2))
    return REGIME_MEANS[state], REGIME_DEVIATIONS[state] * swing, first, second


def _spells(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.intp]:
    """State of each day, 0 calm, 1 bear, 2 rally: calm ends in one of the others, these end in calm."""
    ends, bear = rng.random(shape), rng.random(shape) < TO_BEAR
    states = np.empty(shape, dtype=np.intp)
    states[0] = rng.choice(3, size=shape[1], p=_shares())
    for day in range(1, shape[0]):
        before = states[day - 1]
        following = np.where(before == 0, np.where(bear[day], 1, 2), 0)
        states[day] = np.where(ends[day] < 1 / SPELLS[before], following, before)
    return states


def _shares() -> FloatArray:
    """Share of days in each regime."""
    weights = SPELLS * np.array([1.0, TO_BEAR, 1 - TO_BEAR])
    return np.asarray(weights / weights.sum())


def _constant_moments() -> tuple[float, float, float]:
    return MEAN, 0.0, DEVIATION**2


def _volatility_moments() -> tuple[float, float, float]:
    return MEAN, 0.0, DEVIATION**2 * float(np.exp(VOLATILITY_SPREAD**2 / 2))


def _regime_moments() -> tuple[float, float, float]:
    shares = _shares()
    mean = float(shares @ REGIME_MEANS)
    variance = float(shares @ REGIME_DEVIATIONS**2 * np.exp(2 * SWING_VARIANCE)) * _clipped_variance()
    return mean, float(shares @ REGIME_MEANS**2) - mean**2, variance


def _clipped_variance() -> float:
    """Variance of Student's t of unit variance, clipped at +-CLIP."""
    from scipy.integrate import quad
    from scipy.stats import t

    unit = ((TAIL - 2) / TAIL) ** 0.5
    inside = quad(lambda x: x**2 * t.pdf(x / unit, TAIL) / unit, 0, CLIP)[0]
    return float(2 * (inside + CLIP**2 * t.sf(CLIP / unit, TAIL)))


_PROCESSES = {
    "normal": _Process(_normal, _constant_moments),
    "student": _Process(_student, _constant_moments),
    "volatility": _Process(_volatility, _volatility_moments),
    "regimes": _Process(_regimes, _regime_moments),
}
PROCESSES = tuple(_PROCESSES)
