"""Rows as arrays [T,N]: tables joined, previous closes derived, halted days filled in where a source has no row.

What happens on day t uses rows up to t only. A session without a row after a stock's first one is a halt in the
sources that write none (HALT, not MISSING); a stock that was delisted and whose source does not say so therefore
stays halted to the end, and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import LoadError
from lib.limits.listing import PRICES, complete_cells, previous
from lib.limits.ticks import from_ticks
from lib.load.columns import BoolArray, Column, FloatArray, Table
from lib.load.keys import check_duplicates
from lib.load.read import Data
from lib.panel import OPTIONAL, REQUIRED

#: fields of a day without trading, where the source has no row: nothing changed hands
NOTHING: Final = ("volume", "amount", "turnover")
#: most cells that a note names; a stock without factors lacks them on every row
NAMED: Final = 10_000
#: and no price was formed, no limit published
UNKNOWN: Final = ("vwap", "limit_up", "limit_down")


@dataclass(frozen=True, eq=False)
class Grid:
    """Fields [T,N] on the days and symbols of the daily prices; `rows` says where there is a row."""

    dates: NDArray[np.datetime64]
    symbols: NDArray[np.str_]
    fields: dict[str, NDArray[Any]]
    rows: BoolArray

    @classmethod
    def of(cls, data: Data, notes: dict[str, Any]) -> Grid:
        """Daily prices and the tables beside them."""
        table, symbols = data.table, data.table.symbols.values
        dates = _sessions(table, data.joined)
        place = _place(table, dates, symbols)
        rows = np.zeros((len(dates), len(symbols)), dtype=bool)
        rows[place.days, place.stocks] = True
        fields = {name: _spread(values, place, rows.shape) for name, values in table.numbers.items()}
        labels = {name: spread_labels(column, place, rows.shape) for name, column in table.labels.items()}
        grid = cls(dates, symbols, fields | labels, rows)
        for name, other in data.joined.items():
            notes["joined"] = notes.get("joined", {}) | {name: grid._join(name, other)}
        return grid

    def named(self, cells: BoolArray) -> list[tuple[str, str]]:
        """Day and symbol of the first `NAMED` of some cells, for the notes."""
        return [(str(self.dates[t]), str(self.symbols[n])) for t, n in np.argwhere(cells)[:NAMED]]

    def _join(self, name: str, other: Table) -> int:
        """Add the columns of another table; returns how many of its rows are about other stocks or days."""
        labels = other.labels
        if "since" in labels:
            return self._join_periods(other)
        check_duplicates(other)
        place = _place(other, self.dates, self.symbols)
        if "delist_date" in labels or "list_date" in labels:  # about the stock, not about a day
            known = place.stocks >= 0
            self._join_stocks(other, place.stocks, known)
        else:
            known = (place.days >= 0) & (place.stocks >= 0)
            at = Place(place.days[known], place.stocks[known])
            for field, values in other.numbers.items():
                new = _spread(values[known], at, self.rows.shape)
                own = self.fields.get(field)
                self.fields[field] = new if own is None else np.where(np.isnan(own), new, own)
        return int((~known).sum())

    def _join_stocks(self, other: Table, stocks: NDArray[np.int64], known: BoolArray) -> None:
        for field, column in other.labels.items():
            values = np.concatenate([column.values, _empty(column)])
            constant = np.full(len(self.symbols), -1, dtype=np.int32)
            constant[stocks[known]] = column.codes[known]
            self.fields[field] = np.broadcast_to(values[constant], self.rows.shape)

    def _join_periods(self, other: Table) -> int:
        """A flag that holds from one day on (names that say ST), until its last day or the first one of a later row."""
        stocks, labels = _codes_in(other.symbols, self.symbols), other.labels
        since, until = _days(labels["since"]), _days(labels["until"])
        marked = other.numbers["is_st"] == 1
        flag = np.zeros(self.rows.shape)
        # of rows that begin on one day an unended one comes first and a marked one last: the later row decides
        for row in np.lexsort((marked, ~np.isnat(until), since)):
            if stocks[row] >= 0:
                inside = self.dates >= since[row]
                ended = inside & (self.dates > until[row])  # by no day where there is no last one
                flag[inside, stocks[row]] = marked[row]
                flag[ended, stocks[row]] = 0.0
        self.fields["is_st"] = flag
        return int((stocks < 0).sum())


@dataclass(frozen=True, eq=False)
class Place:
    """Where rows go: index of the day and of the stock, -1 where the grid has none."""

    days: NDArray[np.int64]
    stocks: NDArray[np.int64]


def _place(table: Table, dates: NDArray[Any], symbols: NDArray[Any]) -> Place:
    return Place(_codes_in(table.dates, dates), _codes_in(table.symbols, symbols))


def _codes_in(column: Column, values: NDArray[Any]) -> NDArray[np.int64]:
    """Codes of a column in other sorted values; -1 for what is not among them."""
    if column.values is values or np.array_equal(column.values, values):
        return column.codes.astype(np.int64)
    at = np.searchsorted(values, column.values)
    found = (at < len(values)) & (values[np.minimum(at, len(values) - 1)] == column.values)
    return np.append(np.where(found, at, -1), -1)[column.codes]


def _days(column: Column) -> NDArray[np.datetime64]:
    return np.append(column.values.astype("datetime64[D]"), np.datetime64("NaT"))[column.codes]


def _sessions(table: Table, joined: dict[str, Table]) -> NDArray[np.datetime64]:
    """Days of the daily prices, and days between them on which a joined table has rows about the same stocks."""
    own, symbols = table.dates.values, table.symbols.values
    days = [_days(other.dates)[_codes_in(other.symbols, symbols) >= 0] for other in joined.values() if other.is_dated]
    together = np.unique(np.concatenate([own, *days]))
    inside = (together >= own[0]) & (together <= own[-1])
    return np.asarray(together[inside & (np.is_busday(together) | np.isin(together, own))])


def _spread(values: FloatArray, place: Place, shape: tuple[int, int]) -> FloatArray:
    out = np.full(shape, np.nan)
    out[place.days, place.stocks] = values
    return out


def _empty(column: Column) -> NDArray[Any]:
    return np.array(["NaT"], "datetime64[D]") if column.values.dtype.kind == "M" else np.array([""])


def spread_labels(column: Column, place: Place, shape: tuple[int, int]) -> NDArray[Any]:
    """Labels [T,N], "" or NaT where a row says none; a day without a row has the label of the stock's last row.

    Days before a stock's first row have that row's label: the day a stock was listed is known before it trades. No
    later row has a say, nor any row of another stock. A label that never changes is a view of [N].
    """
    values = np.concatenate([column.values, _empty(column)])  # code -1 is the last
    constant = np.full(shape[1], -1, dtype=np.int32)
    constant[place.stocks] = column.codes
    if np.array_equal(constant[place.stocks], column.codes):
        return np.broadcast_to(values[constant], shape)
    rows, codes = np.zeros(shape, dtype=bool), np.full(shape, -1, dtype=np.int32)
    rows[place.days, place.stocks] = True
    codes[place.days, place.stocks] = column.codes
    at = np.maximum.accumulate(np.where(rows, np.arange(shape[0])[:, None], -1), axis=0)
    at = np.where(at < 0, rows.argmax(axis=0), at)
    return np.asarray(values[np.take_along_axis(codes, at, axis=0)])


# -- what a source leaves out ---------------------------------------------------------------------


def add_previous_close(grid: Grid, market: str, notes: dict[str, Any]) -> BoolArray:
    """Where only adj_factor tells ex-dates: pre_close(t) = close(t-1) f(t-1) / f(t), in whole ticks in China.

    t-1 is the last row before t on which the stock traded; the first one has no previous close. Returns the traded
    cells without a factor, to be masked: an ex-date there goes unnoticed, and the next row reaches back over them.
    """
    fields = grid.fields
    if "pre_close" in fields or "adj_factor" not in fields:
        return np.zeros(grid.rows.shape, dtype=bool)
    close, factor, traded = fields["close"], fields["adj_factor"], traded_rows(fields)
    known = np.isfinite(factor) & (factor > 0)
    if traded.any() and not known[traded].any():
        raise LoadError(f"{notes['file']}: adj_factor is empty on every traded row; fill it, or take the column out")
    # a halted row carries a close of another day than its factor
    usable = known & traded
    with np.errstate(all="ignore"):
        reference = previous(close, usable) * (previous(factor, usable) / factor)
        if market == "cn":
            # a hair up, as the exchange rounds halves up and a stored factor has few digits
            reference = np.where(np.abs(reference) < 1e9, from_ticks(np.floor(reference * 100 + 0.5 + 1e-6)), np.nan)
    fields["pre_close"] = np.where(known & np.isfinite(close) & (reference > 0), reference, np.nan)
    notes["pre_close"] = "from close and adj_factor"
    unknown = traded & ~known
    notes["no_factor"], notes["no_factor_rows"] = grid.named(unknown), int(unknown.sum())
    return unknown


def traded_rows(fields: dict[str, NDArray[Any]]) -> BoolArray:
    """Cells with four prices and a volume that no flag calls halted."""
    return np.asarray(complete_cells(fields) & (fields["volume"] > 0) & ~(fields.get("halted", np.False_) == 1))


def fill_halts(grid: Grid, notes: dict[str, Any]) -> None:
    """Give the days without a row, after a stock's first one, the row of a halted day: last close, volume 0.

    Where the source has a table of halts (Tushare suspend_d), only the days it names; the others stay missing.
    """
    rows, fields = grid.rows, grid.fields
    silent = np.logical_or.accumulate(rows, axis=0) & ~rows
    named = fields.get("halted")
    if named is not None:
        contradicted = (named == 1) & rows & (fields["volume"] > 0)
        notes["halts_with_trades"] = int(contradicted.sum())
        notes["days_without_row_or_halt"] = int((silent & ~(named == 1)).sum())
        silent &= named == 1
        fields["halted"] = np.where(contradicted, 0.0, np.where(rows & np.isnan(named), 0.0, named))
    gone = fields.get("delist_date")
    if gone is not None:
        silent &= ~(grid.dates[:, None] >= gone)
    notes["halts_filled"] = int(silent.sum())
    notes["silent_to_the_end"] = int(silent[-1].sum())
    if silent.any():
        _fill(fields, silent, rows)


def _fill(fields: dict[str, NDArray[Any]], silent: BoolArray, rows: BoolArray) -> None:
    last = previous(fields["close"], rows & np.isfinite(fields["close"]))
    for name, values in fields.items():
        if values.dtype.kind != "f":
            continue
        if name in (*PRICES, "pre_close"):
            fill: FloatArray | float = last
        elif name in NOTHING:
            fill = 0.0
        elif name in UNKNOWN:
            fill = np.nan
        else:
            fill = 1.0 if name == "halted" else previous(values, rows & np.isfinite(values))
        fields[name] = np.where(silent, fill, values)
    fields.setdefault("halted", silent.astype(np.float64))


def add_average_price(grid: Grid, notes: dict[str, Any]) -> None:
    """vwap = amount / volume, where the file has both in known units: what was paid for a share on average."""
    fields = grid.fields
    if "vwap" in fields or "amount" not in fields or not notes["units"].known:
        return
    with np.errstate(all="ignore"):
        price = fields["amount"] / fields["volume"]
    fields["vwap"] = np.where(np.isfinite(price) & (price > 0), price, np.nan)
    notes["vwap"] = "amount / volume"


def panel_fields(grid: Grid) -> dict[str, NDArray[Any]]:
    """The fields a panel takes, in its order."""
    return {name: grid.fields[name] for name in (*REQUIRED, *OPTIONAL) if name in grid.fields}
