"""What comes after a day: values and returns of later sessions, NaN (False) past the end."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray

Values = TypeVar("Values", bound=NDArray[Any])


def ahead(values: Values, k: int = 1) -> Values:
    """The values [T, ...] of k sessions later, k >= 0.

    >>> ahead(np.array([1.0, 2.0, 3.0]), 2).tolist(), ahead(np.array([True, True])).tolist()
    ([3.0, nan, nan], [True, False])
    """
    later = np.full_like(values, np.nan if values.dtype.kind == "f" else False)
    later[: len(values) - k] = values[k:]
    return later


def forward_growth(returns: FloatArray, h: int) -> FloatArray:
    """1 + return of the h sessions after each, the product of (1 + r) [T, N]; NaN where one of them is missing.

    >>> forward_growth(np.array([0.0, 0.1, 0.1]), 2).round(2).tolist()
    [1.21, nan, nan]
    """
    growth = np.ones_like(returns)
    for k in range(1, h + 1):
        growth *= 1 + ahead(returns, k)
    return growth
