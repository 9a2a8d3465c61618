"""What an operator makes of a masked cell: one in each stock, and what stands there, beside it and after it.

The prices lie around 20, so that arithmetic which subtracts squares shows how exact it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from lib.studies.how_fast.bench.accuracy import CHECKED, OF_A_DAY, largest_error
from lib.studies.how_fast.bench.adapters import alpha_lib, kunquant, polars_ta
from lib.studies.how_fast.bench.contender import Contender, Operators
from lib.studies.how_fast.bench.peers import FLOOR
from lib.studies.how_fast.bench.primitives import LIBRARIES, prices

#: the operators that are looked at, and the window
LOOKED_AT, WINDOW = ("ts_mean", "ts_std", "ts_corr", "ts_rank", "ewma", "cs_rank"), 20
#: as many stocks as the truth covers; the first of them is masked on this day, the next a day later, ..
STOCKS, FIRST, SPREAD = CHECKED, 30, 8

IMPLEMENTATIONS: Mapping[str, Operators] = {
    **{library: build for library, build in LIBRARIES.items() if library != FLOOR},
    "kunquant fast": partial(kunquant.operators, mode="fast"),
    "alpha-lib": alpha_lib.operators,
    "polars_ta": polars_ta.operators,
}


class Gap(NamedTuple):
    """Shares of cells in [0, 1] on a panel with gaps, and the largest error on the same panel without.

    masked: masked cells that hold a number. inside: cells whose window holds the masked cell that hold a number.
    blank: cells after it left the window that hold none. error: as in `lib.studies.how_fast.bench.accuracy`.
    """

    masked: float
    inside: float
    blank: float
    error: float


def gaps(days: int, seed: int = 0, dtype: str = "float32") -> Iterator[tuple[str, str, Gap]]:
    """(library, operator, what it does) for every library that is installed; errors are of the panel without a gap."""
    whole, y = (values.astype(dtype) for values in prices(days, STOCKS, seed))
    day = FIRST + np.arange(STOCKS) % SPREAD
    masked = whole.copy()
    masked[day, np.arange(STOCKS)] = np.nan
    since = np.arange(days)[:, None] - day  # days since the stock was masked
    for library, build in IMPLEMENTATIONS.items():
        with_gap, without = (build(x, y, WINDOW) for x in (masked, whole))
        for name in LOOKED_AT:
            if name in with_gap:
                error = largest_error(name, _result(without[name]), whole, y, WINDOW)
                yield library, name, _gap(_result(with_gap[name]), since, 1 if name in OF_A_DAY else WINDOW, error)


def _result(contender: Contender) -> np.ndarray:
    return np.asarray(contender.values(contender.call()), dtype=np.float64)


def _gap(found: np.ndarray, since: np.ndarray, reach: int, error: float) -> Gap:
    there = np.isfinite(found)
    inside = there[(since > 0) & (since < reach)]
    return Gap(
        masked=float(there[since == 0].mean()),
        inside=float(inside.mean()) if inside.size else np.nan,
        blank=float(1 - there[since >= reach].mean()),
        error=error,
    )
