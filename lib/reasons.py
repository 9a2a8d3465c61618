"""Why a cell is masked: the reason flags and their derivation from prices.

Every decision about day t uses rows up to t only. In particular a stock is UNLISTED before its first
row, and after its last row it is MISSING: on the day itself a delisting cannot be told from a gap, and
calling it by its later name would let the future into the panel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import PanelError
from lib.limits import BOARDS, bands, boards_of, free_sessions, limit_prices, to_ticks

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Fields = dict[str, NDArray[Any]]

PRICES: Final = ("open", "high", "low", "close")
#: slack of the return heuristic (paper B, section 3.2): half a tick on a two-yuan stock, and rounding
HEURISTIC_SLACK: Final = 0.002


class Reason(IntFlag):
    """Why a cell is masked; the bits of `Panel.reasons`."""

    MISSING = 1
    UNLISTED = 2
    HALT = 4
    LIMIT_UP = 8
    LIMIT_DOWN = 16
    OPEN_LOCKED_UP = 32
    OPEN_LOCKED_DOWN = 64


@dataclass(frozen=True, eq=False)
class Limits:
    """Limit prices [T,N] in yuan (NaN: no limit that day) and where they come from."""

    up: FloatArray
    down: FloatArray
    source: str


def derive_reasons(
    dates: NDArray[Any], symbols: NDArray[Any], fields: Fields, market: str
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Reason bits [T,N] and notes on how they were found.

    MISSING: listed, but open, high, low or close is not finite. HALT: the `halted` field is set, or
    volume is zero or missing on a cell with prices. Limit bits are set on traded cells only.
    Source: paper B, section 3.2 (published limits, and the return heuristic as the last resort).
    """
    listed = listed_cells(dates, fields)
    missing = listed & ~_finite(fields, PRICES)
    halt = listed & _halted(fields, missing)
    traded = listed & ~missing & ~halt
    reasons = missing * np.uint8(Reason.MISSING) | ~listed * np.uint8(Reason.UNLISTED)
    reasons |= halt * np.uint8(Reason.HALT)
    notes: dict[str, Any] = {"reasons": "derived", "limit_source": "none"}
    if market == "cn":
        limits = derive_limits(dates, symbols, fields, traded)
        reasons |= limit_bits(fields, traded, limits)
        notes |= {"limit_source": limits.source} | _board_notes(symbols, fields, limits.source)
    return reasons.astype(np.uint8), notes


def listed_cells(dates: NDArray[Any], fields: Fields) -> BoolArray:
    """Cells on or after the stock's first row (a price), or on or after `list_date` where that is given."""
    row = np.zeros(fields["close"].shape, dtype=bool)
    for name in PRICES:
        row |= np.isfinite(fields[name])
    listed = np.logical_or.accumulate(row, axis=0)
    if "list_date" in fields:
        given = fields["list_date"]
        # a missing list_date leaves the first row in charge
        listed = np.where(np.isnat(given), listed, dates[:, None] >= given)
    return listed


def derive_limits(
    dates: NDArray[Any], symbols: NDArray[Any], fields: Fields, traded: BoolArray | None = None
) -> Limits:
    """Limit prices from the first source the fields allow (under market="cn").

    1. published `limit_up` and `limit_down`; 2. `pre_close` with `limit_pct`; 3. `pre_close` with the
    band of board and date; 4. the heuristic |r| >= L - 0.002, expressed here as the price at which it
    sets in. Which source is used depends on the fields present, never on their values.
    """
    if "limit_up" in fields and "limit_down" in fields:
        return Limits(fields["limit_up"], fields["limit_down"], "published")
    percent = np.where(_free_of_limit(dates, symbols, fields), np.nan, _percent(dates, symbols, fields))
    if "pre_close" in fields:
        up, down = limit_prices(fields["pre_close"], percent)
        return Limits(up, down, "pre_close and " + ("limit_pct" if "limit_pct" in fields else "board"))
    if traded is None:
        traded = _finite(fields, PRICES)
    reference = previous(fields["close"], traded)
    reach = percent / 100 - HEURISTIC_SLACK
    return Limits(reference * (1 + reach), reference * (1 - reach), "return heuristic")


def limit_bits(fields: Fields, traded: BoolArray, limits: Limits) -> NDArray[np.uint8]:
    """Close and open at or beyond a limit, on traded cells, as reason bits [T,N]."""
    bits = np.zeros(traded.shape, dtype=np.uint8)
    for name, at_up, at_down in (
        ("close", Reason.LIMIT_UP, Reason.LIMIT_DOWN),
        ("open", Reason.OPEN_LOCKED_UP, Reason.OPEN_LOCKED_DOWN),
    ):
        up, down = _beyond(fields[name], limits)
        bits |= (traded & up) * np.uint8(at_up) | (traded & down) * np.uint8(at_down)
    return bits


def previous(values: FloatArray, usable: BoolArray) -> FloatArray:
    """Last usable value of the same stock before each day, [T,N]; NaN before there is one.

    >>> previous(np.array([[1.0], [2.0], [3.0]]), np.array([[True], [False], [True]])).ravel().tolist()
    [nan, 1.0, 1.0]
    """
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(usable, rows, -1), axis=0)
    last = np.vstack([np.full((1, values.shape[1]), -1), last[:-1]])
    found = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, found, np.nan)


def _beyond(price: FloatArray, limits: Limits) -> tuple[BoolArray, BoolArray]:
    up, down = limits.up, limits.down
    if limits.source != "return heuristic":
        # compare whole ticks, so that a price that went through float32 still equals its limit
        ticks = to_ticks(price)
        return np.isfinite(up) & (ticks >= to_ticks(up)), np.isfinite(down) & (ticks <= to_ticks(down))
    return price >= up, price <= down


def _percent(dates: NDArray[Any], symbols: NDArray[Any], fields: Fields) -> FloatArray:
    if "limit_pct" not in fields:
        return bands(_banded_boards(symbols, fields), dates[:, None], fields.get("is_st", np.False_) == 1)
    percent: FloatArray = fields["limit_pct"]
    wrong = (percent < 1) | (percent >= 100)
    if wrong.any():
        t, n = np.argwhere(wrong)[0]
        raise PanelError(
            f"limit_pct is in percent, from 1 to 99: got {percent[t, n]:g} at {dates[t]} {symbols[n]} "
            f"({int(wrong.sum())} cells); write 10 for ten percent, NaN for a day without a limit"
        )
    return percent


def _free_of_limit(dates: NDArray[Any], symbols: NDArray[Any], fields: Fields) -> BoolArray:
    """Sessions right after listing that have no limit.

    The listing day is `list_date`, else the first row when the panel begins before it; a stock that is
    there on the first date was listed before, unknown when.
    """
    listed = listed_cells(dates, fields)
    first = np.where(listed.any(axis=0), listed.argmax(axis=0), len(dates) - 1)
    board = _banded_boards(symbols, fields)
    board = board if board.ndim == 1 else board[first, np.arange(len(symbols))]
    age = np.cumsum(listed, axis=0) - 1  # sessions since the first listed one
    listed_on, before = dates[first], np.where(first == 0, np.iinfo(np.int32).max, 0)
    if "list_date" in fields:
        given = fields["list_date"][first, np.arange(len(symbols))]
        listed_on = np.where(np.isnat(given), listed_on, given)
        elapsed = np.busday_count(listed_on, np.maximum(dates[first], listed_on))
        before = np.where(np.isnat(given), before, elapsed)
    return listed & (age + before < free_sessions(board, listed_on))


def _boards(symbols: NDArray[Any], fields: Fields) -> NDArray[Any]:
    """Boards [N] from the symbols, or [T,N] from a `board` field that names them."""
    named = fields.get("board")
    if named is not None and named.dtype.kind in "UT" and np.isin(named, BOARDS).any():
        return named
    return boards_of(symbols)


def _banded_boards(symbols: NDArray[Any], fields: Fields) -> NDArray[Any]:
    """As `_boards`, with the main board's band for symbols of no known board (counted in the notes)."""
    board = _boards(symbols, fields)
    return np.where(np.isin(board, BOARDS), board, "main")


def _board_notes(symbols: NDArray[Any], fields: Fields, source: str) -> dict[str, Any]:
    if source == "published":
        return {}
    notes: dict[str, Any] = {}
    if source == "return heuristic":
        notes["limit_note"] = (
            f"no pre_close and no published limits: limit closes are guessed from |return| >= band - "
            f"{HEURISTIC_SLACK}, and ex-dividend days are mistaken for falls"
        )
    board = _boards(symbols, fields)
    unknown = ~np.isin(board, BOARDS).reshape(-1, len(symbols)).any(axis=0)
    if "limit_pct" not in fields and unknown.any():
        notes["unknown_board"] = int(unknown.sum())
    return notes


def _halted(fields: Fields, missing: BoolArray) -> BoolArray:
    halted = ~missing & ~(fields["volume"] > 0)
    if "halted" in fields:
        halted = halted | (fields["halted"] == 1)
    return halted


def _finite(fields: Fields, names: tuple[str, ...]) -> BoolArray:
    return np.logical_and.reduce([np.isfinite(fields[name]) for name in names])
