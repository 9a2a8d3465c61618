"""What every statistic asks of its input: a finite series [T], long enough and not constant; and of its result."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import StatisticsError

Series = NDArray[np.float64]
P = ParamSpec("P")
R = TypeVar("R")

#: A range below this share of 1 + max|x| is rounding. Returns are ratios minus 1, hence the 1.
ROUNDING = 1e-13


def finite(statistic: Callable[P, R]) -> Callable[P, R]:
    """Decorates a statistic: it returns finite numbers or raises StatisticsError, never inf or NaN.

    A sum or a square beyond the largest double (1.8e308) would otherwise give inf, and a ratio of two of them NaN or,
    worse, a plausible 0.

    >>> finite(np.square)(1e200)
    Traceback (most recent call last):
    lib.errors.StatisticsError: square: overflow encountered in square; rescale the input: doubles end at 1.8e308
    """

    @wraps(statistic)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                value = statistic(*args, **kwargs)
        except (FloatingPointError, OverflowError, ZeroDivisionError) as error:
            raise StatisticsError(
                f"{statistic.__name__}: {error}; rescale the input: doubles end at 1.8e308"
            ) from None
        if not _is_finite(value):
            raise StatisticsError(f"{statistic.__name__}: the result is not finite ({value}); rescale the input")
        return value

    return checked


def _is_finite(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_finite, value))
    return bool(np.isfinite(value).all())


def numbers(values: ArrayLike, name: str = "series") -> NDArray[np.float64]:
    """`values` as a float64 array. Raises: StatisticsError for text and for rows of different lengths."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise StatisticsError(f"{name}: expected numbers of one shape, got {type(values).__name__} ({error})") from None


def series(values: ArrayLike, name: str = "series", *, minimum: int = 2) -> Series:
    """`values` as a float64 vector [T].

    Raises: StatisticsError when it is not one-dimensional, shorter than `minimum`, or not finite.

    >>> series([1, 2])
    array([1., 2.])
    """
    x = numbers(values, name)
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


def positive(value: float, name: str) -> float:
    """`value` when it is finite and above 0, an error otherwise."""
    if not 0.0 < value < np.inf:
        raise StatisticsError(f"{name}: expected a finite number above 0, got {value}")
    return float(value)
