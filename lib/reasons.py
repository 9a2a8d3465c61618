"""Why a cell is masked: the reason flags and their derivation from prices.

Every decision about day t uses rows up to t only. In particular a stock is UNLISTED before its first
row, and after its last row it is MISSING: on the day itself a delisting cannot be told from a gap, and
calling it by its later name would let the future into the panel.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any

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

    MISSING: listed, but open, high, low or close is not finite. HALT: the `halted` field is set, or
    volume is zero or missing on a cell with prices. Limit bits are set on traded cells only, and on none whose
    prices lie well beyond every limit that could have been in force (`lib.limits.day_limits`); the notes count and
    name those.
    Source: paper B, section 3.2 (published limits, and the return heuristic as the last resort).
    """
    listed = listed_cells(dates, fields)
    missing = listed & ~complete_cells(fields)
    halt = listed & _halted(fields, missing)
    traded = listed & ~missing & ~halt
    reasons = missing * np.uint8(Reason.MISSING) | ~listed * np.uint8(Reason.UNLISTED)
    reasons |= halt * np.uint8(Reason.HALT)
    notes: dict[str, Any] = {"reasons": "derived", "limit_source": "none"}
    if market == "cn":
        limits = derive_limits(dates, symbols, fields, traded)
        limits, free = limits_in_force(dates, symbols, fields, traded, limits)
        reasons |= limit_bits(fields, traded, limits)
        if free.any():
            notes["beyond_every_limit"] = [f"{dates[t]} {symbols[n]}" for t, n in np.argwhere(free)]
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


def _halted(fields: Fields, missing: BoolArray) -> BoolArray:
    halted = ~missing & ~(fields["volume"] > 0)
    if "halted" in fields:
        halted = halted | (fields["halted"] == 1)
    return halted
