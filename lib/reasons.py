"""Why a cell is masked: the reason flags and their derivation from prices.

Every decision about day t uses rows up to t only. In particular a stock is UNLISTED before its first
row, and after its last row it is MISSING: on the day itself a delisting cannot be told from a gap, and
calling it by its later name would let the future into the panel.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray
from lib.limits.day_limits import HEURISTIC, HEURISTIC_SLACK, Limits, derive_limits, limits_in_force, named_boards
from lib.limits.exchanges import BOARDS, UNKNOWN_BOARD, kinds_of
from lib.limits.listing import PRICES, Fields, complete_cells, listed_cells, previous

__all__ = [
    "HEURISTIC_SLACK",
    "PRICES",
    "Limits",
    "Reason",
    "derive_limits",
    "derive_reasons",
    "limit_bits",
    "listed_cells",
    "previous",
]


#: most cells that a note names; a column that is empty throughout would name them all
NAMED: Final = 10_000


class Reason(IntFlag):
    """Why a cell is masked; the bits of `Panel.reasons`."""

    MISSING = 1
    UNLISTED = 2
    HALT = 4
    LIMIT_UP = 8
    LIMIT_DOWN = 16
    OPEN_LOCKED_UP = 32
    OPEN_LOCKED_DOWN = 64


def derive_reasons(
    dates: NDArray[Any], symbols: NDArray[Any], fields: Fields, market: str
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Reason bits [T,N] and notes on how they were found.

    MISSING: listed, but open, high, low or close is not finite; or the prices moved, or money changed hands, while the
    volume is zero or missing; or the stock traded before and its `pre_close` is not given, so that nobody knows what
    the day earned. HALT: the `halted` field is set, or volume is zero or missing on a cell whose prices stand still.
    Limit bits are set on traded cells only, and on none whose prices lie well beyond every limit that could have been
    in force (`lib.limits.day_limits`). The notes name those, and the missing cells that have prices.
    Source: paper B, section 3.2 (published limits, and the return heuristic as the last resort).
    """
    listed = listed_cells(dates, fields)
    missing = listed & ~complete_cells(fields)
    moved = listed & ~missing & _moved_without_volume(fields)
    missing |= moved
    halt = listed & _halted(fields, missing)
    unknown = _without_previous_close(fields, listed & ~missing & ~halt)
    missing |= unknown
    traded = listed & ~missing & ~halt
    reasons = missing * np.uint8(Reason.MISSING) | ~listed * np.uint8(Reason.UNLISTED)
    reasons |= halt * np.uint8(Reason.HALT)
    notes: dict[str, Any] = {"reasons": "derived", "limit_source": "none"}
    for name, cells in (("trade_without_volume", moved), ("previous_close_unknown", unknown)):
        if cells.any():
            notes[name] = _named(dates, symbols, cells)
    if market == "cn":
        limits = derive_limits(dates, symbols, fields, traded)
        limits, free = limits_in_force(dates, symbols, fields, traded, limits)
        reasons |= limit_bits(fields, traded, limits)
        if free.any():
            notes["beyond_every_limit"] = _named(dates, symbols, free)
        notes |= {"limit_source": limits.source} | _board_notes(symbols, fields, limits.source)
    return reasons.astype(np.uint8), notes


def limit_bits(fields: Fields, traded: BoolArray, limits: Limits) -> NDArray[np.uint8]:
    """Close and open at or beyond a limit, on traded cells, as reason bits [T,N]."""
    bits = np.zeros(traded.shape, dtype=np.uint8)
    for name, at_up, at_down in (
        ("close", Reason.LIMIT_UP, Reason.LIMIT_DOWN),
        ("open", Reason.OPEN_LOCKED_UP, Reason.OPEN_LOCKED_DOWN),
    ):
        up, down = limits.touched(fields[name], at_open=name == "open")
        bits |= (traded & up) * np.uint8(at_up) | (traded & down) * np.uint8(at_down)
    return bits


def _board_notes(symbols: NDArray[Any], fields: Fields, source: str) -> dict[str, Any]:
    if source == "published":
        return {}
    notes: dict[str, Any] = {}
    if source == HEURISTIC:
        notes["limit_note"] = (
            f"no pre_close and no published limits: limit closes are guessed from |return| >= band - "
            f"{HEURISTIC_SLACK}, and ex-dividend days are mistaken for falls"
        )
    unknown = kinds_of(symbols) == UNKNOWN_BOARD
    named = named_boards(fields)
    if named is not None:
        unknown &= ~np.isin(named, BOARDS).any(axis=0)
    if "limit_pct" not in fields and unknown.any():
        notes["unknown_board"] = int(unknown.sum())
    return notes


def _named(dates: NDArray[Any], symbols: NDArray[Any], cells: BoolArray) -> list[str]:
    found = [f"{dates[t]} {symbols[n]}" for t, n in np.argwhere(cells)[:NAMED]]
    return found + [f"and {cells.sum() - NAMED:,} more"] * bool(cells.sum() > NAMED)


def _moved_without_volume(fields: Fields) -> BoolArray:
    """Cells that no flag calls halted, whose amount or prices say that there was trade, and whose volume does not.

    Prices that are those of the row before say nothing: so some write a halt.
    """
    flagged = fields["halted"] == 1 if "halted" in fields else np.False_
    idle = ~(fields["volume"] > 0) & ~flagged
    if not idle.any():
        return idle
    paid = fields["amount"] > 0 if "amount" in fields else np.False_
    moved = idle & (fields["high"] > fields["low"])
    if moved.any():
        rows = complete_cells(fields)
        moved &= np.logical_or.reduce([fields[name] != previous(fields[name], rows) for name in PRICES])
    return np.asarray(moved | (idle & paid))


def _without_previous_close(fields: Fields, traded: BoolArray) -> BoolArray:
    """Traded cells without a `pre_close`, of stocks that have traded before; none without that field."""
    if "pre_close" not in fields:
        return np.zeros(traded.shape, dtype=bool)
    unknown = traded & ~(fields["pre_close"] > 0)
    if not unknown.any():
        return unknown
    before = np.logical_or.accumulate(traded, axis=0)
    unknown[0] = False
    unknown[1:] &= before[:-1]
    return unknown


def _halted(fields: Fields, missing: BoolArray) -> BoolArray:
    halted = ~missing & ~(fields["volume"] > 0)
    if "halted" in fields:
        halted = halted | (fields["halted"] == 1)
    return halted
