"""What every statistic asks of its input: a finite series [T], long enough and not constant."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import StatisticsError

Series = NDArray[np.float64]

#: A range below this share of 1 + max|x| is rounding. Returns are ratios minus 1, hence the 1.
ROUNDING = 1e-13


def series(values: ArrayLike, name: str = "series", *, minimum: int = 2) -> Series:
    """`values` as a float64 vector [T].

    Raises: StatisticsError when it is not one-dimensional, shorter than `minimum`, or not finite.

    >>> series([1, 2])
    array([1., 2.])
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise StatisticsError(f"{name}: expected one dimension [T], got shape {x.shape}")
    if x.size < minimum:
        raise StatisticsError(f"{name}: expected at least {minimum} observations, got {x.size}")
    bad = np.flatnonzero(~np.isfinite(x))
    if bad.size:
        raise StatisticsError(
            f"{name}: {bad.size} of {x.size} observations are not finite, first at position "
            f"{bad[0]} ({x[bad[0]]}); leave undefined days out before calling"
        )
    return x


def varying(values: ArrayLike, name: str = "series", *, minimum: int = 2) -> Series:
    """`series`, and an error for a constant: nothing divided by its deviation is defined.

    >>> varying([0.01, 0.01, 0.01])
    Traceback (most recent call last):
    lib.errors.StatisticsError: series: constant at 0.01 over 3 observations: its deviation is zero
    """
    x = series(values, name, minimum=minimum)
    if is_constant(x):
        raise StatisticsError(
            f"{name}: constant at {x[0]:.6g} over {x.size} observations: its deviation is zero"
        )
    return x


def is_constant(x: Series) -> bool:
    """True when the range of `x` is rounding error (`ROUNDING`)."""
    return bool(np.ptp(x) <= ROUNDING * (1.0 + np.abs(x).max()))


def paired(a: ArrayLike, b: ArrayLike, *, minimum: int = 2) -> tuple[Series, Series]:
    """Two series observed on the same days.

    Raises: StatisticsError when their lengths differ, besides the reasons of `series`.
    """
    x, y = series(a, "first series", minimum=minimum), series(b, "second series", minimum=minimum)
    if x.size != y.size:
        raise StatisticsError(f"paired series need the same days: got {x.size} and {y.size} observations")
    return x, y


def probability(value: float, name: str) -> float:
    """`value` when it lies strictly between 0 and 1, an error otherwise."""
    if not 0.0 < value < 1.0:
        raise StatisticsError(f"{name}: expected a number strictly between 0 and 1, got {value}")
    return float(value)
