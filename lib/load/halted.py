"""Halted rows that are written with prices of 0: there was no trade, so there was no price, and the last close stands.

Some vendors write a halted day as open = high = low = 0 beside the last close, some with a close of 0 as well. A zero
is no price anywhere; beside a volume of 0, or a flag that says halted, it is a way of writing a halt, and anywhere else
it is refused (`lib.load.checks`).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lib.limits.listing import PRICES, previous
from lib.load.columns import BoolArray, FloatArray, Table
from lib.load.grid import Grid

#: prices that a halted row may hold as 0; a price beside the four is unknown there
_OTHERS: Final = ("pre_close", "vwap", "limit_up", "limit_down")
#: marks the rows that take the last close once the rows stand in the order of their days
_PENDING: Final = "close_pending"


def fill_empty_halts(table: Table, notes: dict[str, Any]) -> Table:
    """The table with halted rows of zeros given the prices they stand for: the row's close, else its previous close.

    A row that has neither waits for `carry_closes`.
    """
    numbers = table.numbers
    idle = ~(numbers["volume"] > 0) | (numbers.get("halted", np.zeros(table.n_rows)) == 1)
    zero = idle & np.logical_or.reduce([numbers[name] == 0 for name in (*PRICES, *_OTHERS) if name in numbers])
    empty = zero & np.logical_or.reduce([numbers[name] == 0 for name in PRICES])
    if not zero.any():
        return table
    filled = dict[str, FloatArray]()
    for name in _OTHERS:
        if name in numbers:
            filled[name] = np.where(zero & (numbers[name] == 0), np.nan, numbers[name])
    last = _standing(numbers["close"], filled.get("pre_close"))
    filled |= {name: np.where(empty & (numbers[name] == 0), last, numbers[name]) for name in PRICES}
    if np.isnan(last[empty]).any():
        filled[_PENDING] = (empty & np.isnan(last)).astype(np.float64)
    notes["halted_without_prices"] = int(empty.sum())
    return table.updated(filled)


def _standing(close: FloatArray, pre_close: FloatArray | None) -> FloatArray:
    stands = np.where(close > 0, close, np.nan)
    return stands if pre_close is None else np.where(np.isnan(stands) & (pre_close > 0), pre_close, stands)


def carry_closes(grid: Grid) -> None:
    """Give halted rows without any price the last close before them; those before a stock's first one stay missing."""
    pending = grid.fields.pop(_PENDING, None)
    if pending is None:
        return
    waiting: BoolArray = pending == 1
    last = previous(grid.fields["close"], np.isfinite(grid.fields["close"]) & ~waiting)
    for name in PRICES:
        grid.fields[name] = np.where(waiting & np.isnan(grid.fields[name]), last, grid.fields[name])
