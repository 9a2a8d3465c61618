"""The few random processes that everything is made of."""

from __future__ import annotations

import numpy as np

from lib.arrays import FloatArray


def student(rng: np.random.Generator, tail: float, shape: tuple[int, ...]) -> FloatArray:
    """Student-t draws of unit variance, `tail` degrees of freedom."""
    draws = rng.standard_t(tail, shape)
    draws *= np.sqrt((tail - 2) / tail)
    return draws


def autoregression(rng: np.random.Generator, memory: float, shape: tuple[int, ...]) -> FloatArray:
    """x(t) = memory x(t-1) + sqrt(1 - memory^2) eps along the first axis: stationary, mean 0, variance 1."""
    return remember(rng.standard_normal(shape), memory)


def remember(x: FloatArray, memory: float) -> FloatArray:
    """Turn white noise into the stationary autoregression it drives, in place."""
    fresh = np.sqrt(1 - memory**2)
    for t in range(1, len(x)):
        x[t] *= fresh
        x[t] += memory * x[t - 1]
    return x


def memory_of(half_life: float) -> float:
    """Coefficient whose powers halve after `half_life` steps.

    >>> round(memory_of(5) ** 5, 12)
    0.5
    """
    return float(0.5 ** (1 / half_life))


def standardise(x: FloatArray) -> FloatArray:
    """z-score of each row, in place; a row without spread (one stock) becomes 0."""
    x -= x.mean(axis=1, keepdims=True)
    spread = x.std(axis=1, keepdims=True)
    # a row of equal values leaves round-off, which must not be blown up to a signal
    x /= np.where(spread > 1e-12, spread, np.inf)
    return x
