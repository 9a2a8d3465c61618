"""Limit prices where a source leaves a cell open: no row in its table of limits, no previous close, no ex-dates.

A limit that is missing and a day without a limit look the same in a panel (NaN), and only the second may be traded
freely. So what is missing is computed from what the file has, by the rules of `lib.reasons.derive_limits`, and counted.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.load.checks import TICK
from lib.load.columns import BoolArray, FloatArray
from lib.load.grid import Grid, traded_rows
from lib.load.sources import akshare
from lib.load.sources.base import Source
from lib.reasons import derive_limits, previous

#: a computed limit and a price that is beyond it for certain: more than rounding can do
_BEYOND: Final = 1.5 * TICK
_SIDES: Final = ("limit_up", "limit_down")


def settle_limits(grid: Grid, source: Source, notes: dict[str, Any]) -> None:
    """Fill what the limits of a Chinese panel need, in this order, and note what was filled.

    0. Columns of limits or bands without any number are none.
    1. `pre_close` empty on a row of a known source: the stock's last close, wrong on an ex-date.
    2. Published limits without a row for a cell: from pre_close, board, date and ST. A sentinel (no limit that day)
       is a row, and stays without a limit.
    3. AkShare without factors: from the stock's last close and its board, see `_limits_without_ex_dates`.
    """
    fields = grid.fields
    if "status_guessed" in fields:
        notes["status_guessed"] = int(np.nansum(fields["status_guessed"]))
    traded = traded_rows(fields)
    if "limit_known" not in fields:
        _drop_empty(fields, notes)
    if "pre_close" in fields and "pre_close" not in notes and source.units_known:
        _fill_previous_close(fields, traded, notes)
    published = all(side in fields for side in _SIDES)
    if published and "limit_known" in fields:
        _fill_published(grid, traded, notes)
    elif not published and "pre_close" not in fields and source in (akshare.HISTORY, akshare.SINA):
        _limits_without_ex_dates(grid, traded, notes)
    if not published or notes.get("limits_computed"):
        notes["listed_on_first_row"] = _listed_on_first_row(grid)


def _drop_empty(fields: dict[str, NDArray[Any]], notes: dict[str, Any]) -> None:
    """In a panel an empty limit is a day without one; a file that has none at all did not publish them."""
    sides = [name for name in _SIDES if name in fields]
    empty = [names for names in (sides, ["limit_pct"]) if all(_is_empty(fields.get(name)) for name in names)]
    dropped = [name for names in empty for name in names if fields.pop(name, None) is not None]
    if dropped:
        notes["empty_columns_of_limits"] = dropped


def _is_empty(values: NDArray[Any] | None) -> bool:
    return values is None or bool(np.isnan(values).all())


def _fill_previous_close(fields: dict[str, NDArray[Any]], traded: BoolArray, notes: dict[str, Any]) -> None:
    """The last close at which the stock traded; a first row has none and keeps no previous close."""
    own = fields["pre_close"]
    filled = np.where(traded & np.isnan(own), previous(fields["close"], traded), own)
    notes["pre_close_filled"] = int((np.isnan(own) & np.isfinite(filled)).sum())
    notes["pre_close_unknown"] = int((traded & np.isnan(filled)).sum())
    fields["pre_close"] = filled


def _fill_published(grid: Grid, traded: BoolArray, notes: dict[str, Any]) -> None:
    open_ = traded & ~(grid.fields["limit_known"] == 1)
    notes["limits_computed"] = int(open_.sum())
    if open_.any():
        up, down = _computed(grid, {}, traded)
        for side, computed in zip(_SIDES, (up, down), strict=True):
            grid.fields[side] = np.where(open_, computed, grid.fields[side])


def _limits_without_ex_dates(grid: Grid, traded: BoolArray, notes: dict[str, Any]) -> None:
    """Limits from the raw previous close: to the tick on every day but ex-dates, which the file does not tell.

    On an ex-date the reference is lower than the last close, and so are both limits. A low beyond the lower limit
    cannot be a trade under it, so it gives the ex-date away: that cell gets no limit rather than a wrong one. What is
    left wrong: a small dividend whose day stays inside, where a close at the true limit goes unnoticed. A close above
    the upper limit has no such excuse, keeps its limit and counts against the file. `pre_close` is not filled in:
    that would claim there are no ex-dates. The heuristic of `lib.reasons` for files without a previous close is not
    used here: it mistakes closes near the limit, and falls on ex-dates, for limit closes.
    """
    reference = previous(grid.fields["close"], traded)
    up, down = _computed(grid, {"pre_close": reference}, traded)
    with np.errstate(invalid="ignore"):
        fell = traded & (grid.fields["low"] < down - _BEYOND)
    for side, computed in zip(_SIDES, (up, down), strict=True):
        grid.fields[side] = np.where(fell, np.nan, computed)
    notes["limit_source"] = "last close and board"
    notes["falls_without_limit"] = int(fell.sum())
    notes["limit_note"] = (
        f"no ex-dates: dividends and splits are in the returns, and limits on those days are not known "
        f"({int(fell.sum()):,} days fell through the lower limit of the last close and have none); fetch the "
        f"factors (column hfq_factor), or use akshare_daily"
    )


def _computed(grid: Grid, more: dict[str, FloatArray], traded: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Limits [T,N] as if none had been published."""
    fields = {name: values for name, values in grid.fields.items() if name not in _SIDES} | more
    limits = derive_limits(grid.dates, grid.symbols, fields, traded)
    return limits.up, limits.down


def _listed_on_first_row(grid: Grid) -> int:
    """Stocks whose first row comes after the first day, and whose listing day is not given."""
    late = ~grid.rows[0]
    given = grid.fields.get("list_date")
    if given is not None:
        late &= np.isnat(given).all(axis=0)
    return int(late.sum())
