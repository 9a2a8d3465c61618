"""Limit prices in integer ticks.

A limit price is the previous close (ex-right) times one plus or minus the band, brought to the tick of the instrument:
rounded half up in Shanghai and Shenzhen, cut in Beijing, where an order beyond the exact product is void. It lies at
least a tick away from the previous close. The rounding is done on integers: the float expression ``round(p * 0.9, 2)``
gives the wrong tick for 346 of the 9,901 prices from 1.00 to 100.00.

Bands, ticks and rounding are the dated tables of `lib.limits.exchanges`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from lib.arrays import FloatArray, IntArray
from lib.limits.exchanges import (
    BANDS,
    BOARDS,
    LEAST_TICKS,
    UNKNOWN_BOARD,
    bands,
    board_of,
    boards_of,
    free_sessions,
    is_symbol,
)

__all__ = [
    "BANDS",
    "BOARDS",
    "TICKS_PER_YUAN",
    "UNKNOWN_BOARD",
    "bands",
    "board_of",
    "boards_of",
    "free_sessions",
    "from_ticks",
    "is_symbol",
    "limit_prices",
    "limit_ticks",
    "to_ticks",
]


#: of shares
TICKS_PER_YUAN: Final = 100


def to_ticks(price: ArrayLike, per_yuan: ArrayLike = TICKS_PER_YUAN) -> IntArray:
    """Price in yuan as a whole number of ticks, the nearest one; 0 where the price is not finite.

    >>> to_ticks([12.34, float("nan")]).tolist(), to_ticks(1.234, 1000).tolist()
    ([1234, 0], 1234)
    """
    price = np.asarray(price, dtype=np.float64)
    # beyond 1e13 yuan a float has no room left for the cent; such a number is no price either
    usable = np.isfinite(price) & (np.abs(price) < 1e13)
    return np.rint(np.where(usable, price, 0.0) * np.asarray(per_yuan)).astype(np.int64)


def from_ticks(ticks: ArrayLike, per_yuan: ArrayLike = TICKS_PER_YUAN) -> FloatArray:
    """Ticks as yuan: the double nearest to the decimal price."""
    return np.asarray(ticks, dtype=np.float64) / np.asarray(per_yuan)


def limit_ticks(
    pre_close_ticks: ArrayLike, percent: ArrayLike, fall: ArrayLike | None = None, cut: ArrayLike = False
) -> tuple[IntArray, IntArray]:
    """Upper and lower limit in ticks: previous close times (100 +- percent) / 100, rounded half up.

    fall: percent of the lower limit, where it is another one. cut: the upper limit is cut down to the tick and the
    lower one cut up to it. Both lie at least one tick away from a previous close, and at least one tick above zero.
    Integers in, integers out, any broadcastable shapes; a previous close of 0 (none) has the limits 0 and 0.

    >>> up, down = limit_ticks(1235, 10)
    >>> int(up), int(down)
    (1359, 1112)
    >>> up, down = limit_ticks(285, 30, cut=True)
    >>> int(up), int(down)
    (370, 200)
    """
    pre = np.asarray(pre_close_ticks, dtype=np.int64)
    percent = np.asarray(percent, dtype=np.int64)
    fall, cut = percent if fall is None else np.asarray(fall, dtype=np.int64), np.asarray(cut, dtype=bool)
    up = (pre * (100 + percent) + np.where(cut, 0, 50)) // 100
    down = (pre * (100 - fall) + np.where(cut, 99, 50)) // 100
    least = np.minimum(pre, LEAST_TICKS)  # none for a previous close of 0
    return np.maximum(up, pre + least), np.maximum(np.minimum(down, pre - least), least)


def limit_prices(
    pre_close: ArrayLike,
    percent: ArrayLike,
    fall: ArrayLike | None = None,
    cut: ArrayLike = False,
    per_yuan: ArrayLike = TICKS_PER_YUAN,
) -> tuple[FloatArray, FloatArray]:
    """Upper and lower limit in yuan; NaN where the previous close or the percentage is not finite.

    `percent` is in percent (10, not 0.1) and may be NaN on days without a limit; fall and cut as in `limit_ticks`;
    per_yuan: ticks in a yuan.

    >>> up, down = limit_prices([12.35, 10.0], [10, float("nan")])
    >>> up.tolist(), down.tolist()
    ([13.59, nan], [11.12, nan])
    """
    pre_close, percent = np.broadcast_arrays(np.asarray(pre_close, float), np.asarray(percent, float))
    known = np.isfinite(pre_close) & np.isfinite(percent)
    rise = np.rint(np.where(known, percent, 0.0)).astype(np.int64)
    lower = rise if fall is None else np.rint(np.where(known, fall, 0.0)).astype(np.int64)
    up, down = limit_ticks(to_ticks(pre_close, per_yuan), rise, lower, cut)
    return np.where(known, from_ticks(up, per_yuan), np.nan), np.where(known, from_ticks(down, per_yuan), np.nan)
