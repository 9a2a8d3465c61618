"""Which cells of a panel are listed, and what was known of a stock before each day."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray, FloatArray

Fields = dict[str, NDArray[Any]]

PRICES: Final = ("open", "high", "low", "close")


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


def complete_cells(fields: Fields, names: tuple[str, ...] = PRICES) -> BoolArray:
    """Cells with all of the named values."""
    return np.logical_and.reduce([np.isfinite(fields[name]) for name in names])


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


def listing_days(dates: NDArray[Any], fields: Fields, listed: BoolArray) -> tuple[NDArray[Any], NDArray[Any]]:
    """Day of listing [N], and sessions since then [T,N] (0 on the day itself, negative before it).

    The day is `list_date`, else the first row when the panel begins before it; a stock that is there on the first date
    was listed before, unknown when: its sessions count from far above. Weekdays stand for sessions before the panel.
    """
    first = np.where(listed.any(axis=0), listed.argmax(axis=0), len(dates) - 1)
    listed_on, before = dates[first], np.where(first == 0, np.iinfo(np.int32).max, 0)
    if "list_date" in fields:
        given = fields["list_date"][first, np.arange(listed.shape[1])]
        listed_on = np.where(np.isnat(given), listed_on, given)
        elapsed = np.busday_count(listed_on, np.maximum(dates[first], listed_on))
        before = np.where(np.isnat(given), before, elapsed)
    return listed_on, np.cumsum(listed, axis=0) - 1 + before


def seasoned(dates: NDArray[Any], fields: Fields, rows: BoolArray, sessions: int) -> BoolArray:
    """Cells [T,N] from the stock's `sessions`-th session since its listing on, that session included; 0: all cells.

    rows: [T,N], cells on which the stock has a row, halted or not. Sessions with a row count, from `list_date` on, else
    from the first row on. A stock without `list_date` that has a row on the panel's first day was listed before,
    unknown when: it is seasoned from there on. Weekdays from `list_date` to the first day of the panel stand for the
    sessions before it. Prices are not read; nothing on day t depends on a later day.
    """
    before = np.where(rows[0], np.iinfo(np.int32).max, 0)
    if "list_date" in fields:
        given = fields["list_date"][rows.argmax(axis=0), np.arange(rows.shape[1])]
        known, first = ~np.isnat(given), dates[0]
        before = np.where(known, np.busday_count(np.where(known & (given < first), given, first), first), before)
    seen = np.cumsum(rows, axis=0)
    return np.asarray((sessions == 0) | ((seen > 0) & (before + seen >= sessions)))
