"""Daily price limits of the Chinese exchanges: boards, bands by date, and limit prices in integer ticks.

A limit price is the previous close (ex-right) times one plus or minus the band, rounded half up to the
tick of 0.01 yuan. The rounding is done on integers: the float expression ``round(p * 0.9, 2)`` gives the
wrong tick for 346 of the 9,901 prices from 1.00 to 100.00.

Source of the bands: the trading rules of the Shanghai, Shenzhen and Beijing exchanges; the ST band of
2026-07-06 is known from secondary sources only, which is why the bands are a dated table.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.days import as_days

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TICKS_PER_YUAN: Final = 100
BOARDS: Final = ("main", "chinext", "star", "bse")
UNKNOWN_BOARD: Final = ""

#: (board, special treatment, first day in force, band in percent), oldest first within a board
BANDS: Final = (
    ("main", False, "1996-12-16", 10),
    ("main", True, "1998-04-22", 5),
    ("main", True, "2026-07-06", 10),
    ("chinext", False, "2009-10-30", 10),
    ("chinext", True, "2009-10-30", 5),
    ("chinext", False, "2020-08-24", 20),
    ("chinext", True, "2020-08-24", 20),
    ("star", False, "2019-07-22", 20),
    ("star", True, "2019-07-22", 20),
    ("bse", False, "2021-11-15", 30),
    ("bse", True, "2021-11-15", 30),
)

#: (board, first listing day the row applies to, sessions without a limit counted from the listing day)
FREE_SESSIONS: Final = (
    ("main", "1900-01-01", 1),
    ("main", "2023-04-10", 5),
    ("chinext", "1900-01-01", 1),
    ("chinext", "2020-08-24", 5),
    ("star", "1900-01-01", 5),
    ("bse", "1900-01-01", 1),
)

_SYMBOL = re.compile(r"^(?:(SH|SZ|BJ)(\d{6})|(\d{6})(?:\.(SH|SZ|BJ))?)$")
#: (exchange, code pattern, board); B shares follow the main board
_CODES: Final = (
    ("SH", re.compile(r"68[89]\d{3}"), "star"),
    ("SH", re.compile(r"(60|900)\d+"), "main"),
    ("SZ", re.compile(r"30\d{4}"), "chinext"),
    ("SZ", re.compile(r"(00[0-4]|200|201)\d{3}"), "main"),
    ("BJ", re.compile(r"(92|4|8)\d+"), "bse"),
)


def is_symbol(symbol: str) -> bool:
    """Whether `symbol` is written 600000, 600000.SH or SH600000.

    >>> is_symbol("600000.SH"), is_symbol("1")
    (True, False)
    """
    return _SYMBOL.match(symbol) is not None


def board_of(symbol: str) -> str:
    """Board of one symbol, or the empty string when its code belongs to none.

    >>> board_of("SH688001"), board_of("300750.SZ"), board_of("000001"), board_of("920002")
    ('star', 'chinext', 'main', 'bse')
    """
    match = _SYMBOL.match(symbol)
    if match is None:
        return UNKNOWN_BOARD
    exchange, code = match[1] or match[4], match[2] or match[3]
    for where, pattern, board in _CODES:
        if exchange in (None, where) and pattern.fullmatch(code):
            return board
    return UNKNOWN_BOARD


def boards_of(symbols: ArrayLike) -> NDArray[np.str_]:
    """Board of every symbol, shape [N]; the empty string where unknown."""
    return np.array([board_of(str(symbol)) for symbol in np.asarray(symbols)], dtype="<U7")


def to_ticks(price: ArrayLike) -> IntArray:
    """Price in yuan as a whole number of ticks, the nearest one; 0 where the price is not finite.

    >>> to_ticks([12.34, float("nan")]).tolist()
    [1234, 0]
    """
    price = np.asarray(price, dtype=np.float64)
    # beyond 1e13 yuan a float has no room left for the cent; such a number is no price either
    usable = np.isfinite(price) & (np.abs(price) < 1e13)
    return np.rint(np.where(usable, price, 0.0) * TICKS_PER_YUAN).astype(np.int64)


def from_ticks(ticks: ArrayLike) -> FloatArray:
    """Ticks as yuan: the double nearest to the decimal price."""
    return np.asarray(ticks, dtype=np.float64) / TICKS_PER_YUAN


def limit_ticks(pre_close_ticks: ArrayLike, percent: ArrayLike) -> tuple[IntArray, IntArray]:
    """Upper and lower limit in ticks: previous close times (100 +- percent) / 100, rounded half up.

    Integers in, integers out, any broadcastable shapes.

    >>> up, down = limit_ticks(1235, 10)
    >>> int(up), int(down)
    (1359, 1112)
    """
    pre = np.asarray(pre_close_ticks, dtype=np.int64)
    percent = np.asarray(percent, dtype=np.int64)
    return (pre * (100 + percent) + 50) // 100, (pre * (100 - percent) + 50) // 100


def limit_prices(pre_close: ArrayLike, percent: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Upper and lower limit in yuan; NaN where the previous close or the percentage is not finite.

    `percent` is in percent (10, not 0.1) and may be NaN on days without a limit.

    >>> up, down = limit_prices([12.35, 10.0], [10, float("nan")])
    >>> up.tolist(), down.tolist()
    ([13.59, nan], [11.12, nan])
    """
    pre_close, percent = np.broadcast_arrays(np.asarray(pre_close, float), np.asarray(percent, float))
    known = np.isfinite(pre_close) & np.isfinite(percent)
    up, down = limit_ticks(to_ticks(pre_close), np.rint(np.where(known, percent, 0.0)).astype(np.int64))
    return np.where(known, from_ticks(up), np.nan), np.where(known, from_ticks(down), np.nan)


def bands(board: ArrayLike, dates: ArrayLike, is_st: ArrayLike = False) -> FloatArray:
    """Band in percent by board, date and special treatment, from the dated table; NaN where unknown.

    The three arguments broadcast: boards [N] or [T,N], dates [T,1], is_st [T,N] give [T,N]. A date
    before the first row of a board takes that row: prices older than the rule are not our subject.

    >>> days = np.array(["2020-08-21", "2020-08-24"], dtype="datetime64[D]")
    >>> bands("chinext", days).tolist(), bands("main", days, True).tolist()
    ([10.0, 20.0], [5.0, 5.0])
    """
    board, is_st = np.asarray(board), np.asarray(is_st, dtype=bool)
    dates = as_days(dates)
    out = np.full(np.broadcast_shapes(board.shape, dates.shape, is_st.shape), np.nan)
    for name in BOARDS:
        if not np.any(board == name):
            continue
        for special in (False, True):
            chosen = (board == name) & (is_st == special)
            rows = [(since, percent) for b, s, since, percent in BANDS if (b, s) == (name, special)]
            out = np.where(chosen, dated(rows, dates), out)
    return out


def free_sessions(board: ArrayLike, listed_on: ArrayLike) -> IntArray:
    """Sessions without a limit after listing, by board and listing day; 1 for an unknown board.

    >>> free_sessions(["main", "main", "star"], np.array(["2020-01-06", "2023-04-10", "2019-07-22"], "M8[D]"))
    array([1, 5, 5])
    """
    board, listed_on = np.asarray(board), as_days(listed_on, "listing days")
    out = np.ones(np.broadcast_shapes(board.shape, listed_on.shape), dtype=np.int64)
    for name in BOARDS:
        rows = [(since, sessions) for b, since, sessions in FREE_SESSIONS if b == name]
        out = np.where(board == name, dated(rows, listed_on), out)
    return out.astype(np.int64)


def dated(rows: list[tuple[str, int]], dates: NDArray[Any]) -> FloatArray:
    """Value in force on each date, from (first day, value) rows in date order."""
    since = np.array([day for day, _ in rows], dtype="datetime64[D]")
    values = np.array([value for _, value in rows], dtype=np.float64)
    return values[np.maximum(np.searchsorted(since, dates, side="right") - 1, 0)]
