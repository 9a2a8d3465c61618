"""What every library is asked for: the operators by name, and a call that can be timed with what reads its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from lib.studies.how_fast.bench.timing import Call

#: the operators that are measured, and those of two series of prices among them
PRIMITIVES = (
    "ts_mean", "ts_sum", "ts_max", "ts_min", "ts_std", "ts_corr", "ts_rank", "ts_argmax", "ts_argmin",
    "decay_linear", "ewma", "cs_rank", "cs_zscore", "group_neutralize",
)  # fmt: skip
TWO_SERIES = ("ts_corr",)
#: as many as a classification of industries has
GROUPS = 29


class Contender(NamedTuple):
    """A call to be timed, and how its result becomes an array [T, N]."""

    call: Call
    values: Callable[[Any], np.ndarray]


#: prices x and y [T, N], NaN where masked, and a window -> the operators that a library has
Operators = Callable[[np.ndarray, np.ndarray, int], Mapping[str, Contender]]


def alpha_of(window: int) -> float:
    """Weight of an exponential average with the mean age of a window: 2 / (w + 1)."""
    return 2 / (window + 1)


def groups(stocks: int) -> np.ndarray:
    """The group of each stock, [N]: the same number of stocks in each, give or take one."""
    return np.arange(stocks) % GROUPS


def further_arguments(name: str, window: int) -> tuple[float, ...]:
    """What follows the series: nothing for a day's row, the weight of an average, else the window."""
    if name.startswith("cs_"):
        return ()
    return (alpha_of(window),) if name == "ewma" else (window,)
