"""From a file of daily rows to a Panel: what is checked, what is masked and counted, what is refused.

    read (lib.tables) -> rows checked -> [T,N] arrays -> reasons and adjustment -> checks of the limits
    -> cut to start..end

The cut comes last, so that reasons, listing days and the adjustment see the whole file.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import LibError, LoadError, closest
from lib.limits import is_symbol
from lib.load_checks import MISSING_BUDGET, check_limits, check_values, note_adjustment, note_calendar
from lib.panel import MARKETS, Panel, as_day
from lib.reasons import Reason
from lib.tables import MAX_BYTES, MAX_ROWS, MEMBERSHIP, Column, Table, read_table

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Day = str | date | np.datetime64

#: cells of the panel, dates x symbols: about 30 years of every A-share
MAX_CELLS: Final = 64_000_000
LISTED: Final = "listed"


def load_panel(
    path: str | Path,
    *,
    market: str = "cn",
    format: str = "auto",  # noqa: A002 - the public name
    start: Day | None = None,
    end: Day | None = None,
    universe: str | None = None,
    missing_budget: float = MISSING_BUDGET,
    max_bytes: int = MAX_BYTES,
    max_rows: int = MAX_ROWS,
) -> Panel:
    """Panel of a parquet or CSV file with columns date, symbol, open, high, low, close, volume.

    Optional columns are those of `Panel`; others are ignored and listed in `panel.notes`. Prices are raw.
    market="cn" checks symbols, the 0.01 grid and that prices stay inside their limits; market="none"
    checks none of these, and masks cells whose high, low and close contradict each other as missing.
    start and end are inclusive and cut after the adjustment is computed. universe: a boolean column,
    or "listed" for all listed cells; None takes `in_csi300` if it is there, else all listed cells.

    `panel.notes` counts what was sorted, masked and found; see `report`. Raises LoadError: one line.
    """
    path = Path(path)
    if market not in MARKETS:
        raise LoadError(f"market is {market!r}; expected one of {', '.join(map(repr, MARKETS))}")
    extra = () if universe in (None, LISTED, MEMBERSHIP) else (universe,)
    table = read_table(path, format, extra, max_bytes=max_bytes, max_rows=max_rows)
    notes: dict[str, Any] = {"file": path.name, "rows": table.n_rows}
    notes |= {"encoding": table.encoding, "ignored_columns": table.ignored}
    _check_keys(table, market, notes)
    contradictory = check_values(table, market, missing_budget, notes)
    membership = _membership(table, universe, notes)
    fields = _fields(table)
    try:
        panel = Panel.from_arrays(
            table.dates.values, table.symbols.values, fields, None, membership, market, copy=False
        )
    except LibError as error:
        raise LoadError(f"{path.name}: {error}") from error
    panel = _mask_missing(panel, _spread(table, contradictory) == 1)
    panel.notes.update(notes)
    check_limits(panel)
    note_calendar(panel)
    note_adjustment(panel)
    return _cut(panel, start, end)


def _membership(table: Table, universe: str | None, notes: dict[str, Any]) -> BoolArray | None:
    """Universe [T,N] from its column; None for all listed cells."""
    chosen = universe or (MEMBERSHIP if MEMBERSHIP in table.numbers else LISTED)
    notes["universe"] = chosen
    if chosen != LISTED and chosen not in table.numbers:
        raise LoadError(f"{table.path.name}: no universe column {chosen!r}{closest(chosen, table.numbers)}")
    members = None if chosen == LISTED else _spread(table, table.numbers[chosen]) == 1
    for name in {chosen, MEMBERSHIP} & set(table.numbers):
        del table.numbers[name]
    return members


def _fields(table: Table) -> dict[str, NDArray[Any]]:
    """Columns [rows] as fields [T,N]; each column is let go as soon as it is spread."""
    fields: dict[str, NDArray[Any]] = {}
    for name in list(table.numbers):
        fields[name] = _spread(table, table.numbers.pop(name))
    for name, column in table.labels.items():
        fields[name] = _spread_labels(table, column)
    return fields


def _mask_missing(panel: Panel, cells: BoolArray) -> Panel:
    """Set the reason of the cells to MISSING; their values stay readable in `fields`."""
    if not cells.any():
        return panel
    return replace(panel, reasons=np.where(cells, np.uint8(Reason.MISSING), panel.reasons))


def _spread(table: Table, values: FloatArray | BoolArray) -> FloatArray:
    out = np.full((len(table.dates.values), len(table.symbols.values)), np.nan)
    out[table.dates.codes, table.symbols.codes] = values
    return out


def _spread_labels(table: Table, column: Column) -> NDArray[Any]:
    """Labels [T,N], "" or NaT where there is none; one that never changes is a view of [N]."""
    empty = np.zeros(1, "datetime64[D]") if column.values.dtype.kind == "M" else np.zeros(1, "<U1")
    if column.values.dtype.kind == "M":
        empty[:] = "NaT"
    values = np.concatenate([column.values, empty])  # code -1 is the last
    shape = (len(table.dates.values), len(table.symbols.values))
    constant = np.full(shape[1], -1, dtype=np.int32)
    constant[table.symbols.codes] = column.codes
    if np.array_equal(constant[table.symbols.codes], column.codes):
        return np.broadcast_to(values[constant], shape)
    codes = np.full(shape, -1, dtype=np.int32)
    codes[table.dates.codes, table.symbols.codes] = column.codes
    return np.asarray(values[codes])


def _cut(panel: Panel, start: Day | None, end: Day | None) -> Panel:
    """Dates start..end, both included."""
    if start is None and end is None:
        return panel
    first = 0 if start is None else int(np.searchsorted(panel.dates, as_day(start)))
    stop = len(panel.dates) if end is None else int(np.searchsorted(panel.dates, as_day(end), side="right"))
    if stop <= first:
        raise LoadError(
            f"{panel.notes['file']}: no dates from {start or panel.dates[0]} to {end or panel.dates[-1]}; "
            f"the file has {panel.dates[0]} to {panel.dates[-1]}"
        )
    return panel.rows(first, stop)


# -- dates and symbols ----------------------------------------------------------------------------


def _check_keys(table: Table, market: str, notes: dict[str, Any]) -> None:
    if market == "cn":
        _check_symbol_forms(table)
    n_dates, n_symbols = len(table.dates.values), len(table.symbols.values)
    if n_dates * n_symbols > MAX_CELLS:
        raise LoadError(
            f"{table.path.name}: {n_dates:,} dates x {n_symbols:,} symbols, more than the cap of "
            f"{MAX_CELLS:,} cells"
        )
    cell = table.dates.codes.astype(np.int64) * n_symbols + table.symbols.codes
    _check_duplicates(table, cell)
    order = np.argsort(table.symbols.codes, kind="stable")
    by_symbol = np.diff(table.symbols.codes[order]) == 0
    notes["unsorted_rows"] = int((by_symbol & (np.diff(table.dates.codes[order]) < 0)).sum())


def _check_symbol_forms(table: Table) -> None:
    for i, symbol in enumerate(table.symbols.values):
        if not is_symbol(symbol):
            where = table.line(int((table.symbols.codes == i).argmax()))
            lost = symbol.isdigit() and len(symbol) < 6
            trouble = f"lost its leading zeros ({int(symbol):06d}?)" if lost else "is not an A-share symbol"
            raise LoadError(
                f"{table.path.name}: symbol {symbol[:20]!r} ({where}) {trouble}; expected "
                f"600000, 600000.SH or SH600000 (market='none' takes any text)"
            )


def _check_duplicates(table: Table, cell: NDArray[np.int64]) -> None:
    order = np.argsort(cell, kind="stable")
    again = np.flatnonzero(np.diff(cell[order]) == 0)
    if len(again):
        first, second = order[again[0]], order[again[0] + 1]
        raise LoadError(
            f"{table.path.name}: {len(again)} duplicate (date, symbol) rows; the first pair is "
            f"{table.cell(first)} and {table.line(second)}; keep one row for each"
        )


# -- report ---------------------------------------------------------------------------------------


def report(path: str | Path, market: str = "auto") -> str:
    """What a file holds, in a few lines: rows, dates, symbols, units, masked cells, what was repaired.

    market="auto" is "cn" if most symbols are A-share symbols, else "none". Raises LoadError.
    """
    if market == "auto":
        table = read_table(Path(path), "auto")
        market = "cn" if np.mean([is_symbol(s) for s in table.symbols.values]) >= 0.5 else "none"
        del table
    panel = load_panel(path, market=market)
    notes = panel.notes
    lines = [
        f"file        {notes['file']} ({notes['encoding']}), market {market!r}",
        f"rows        {notes['rows']:,}",
        f"dates       {panel.shape[0]:,} from {panel.dates[0]} to {panel.dates[-1]}",
        f"symbols     {panel.shape[1]:,} from {panel.symbols[0]} to {panel.symbols[-1]}",
        f"fields      {' '.join(panel.fields)}",
        f"ignored     {' '.join(notes['ignored_columns']) or 'no column'}",
        f"units       {guess_units(panel)}",
        f"universe    {notes['universe']}, {panel.universe.sum() / panel.shape[0]:.1f} symbols a day",
        f"limits      {notes['limit_source']}",
        f"masked      {_masked_shares(panel)}",
        f"adjustment  {_adjustment_line(notes)}",
        f"repaired    {notes['unsorted_rows']:,} rows out of date order sorted; "
        f"{notes['contradictory_rows']:,} contradictory rows masked; "
        f"empty values: {notes['empty_values'] or 'none'}",
        f"calendar    {notes['weekdays_without_session']:,} weekdays without a session; "
        f"unexplained holes: {', '.join(notes['calendar_holes'][:5]) or 'none'}",
    ]
    if "limit_note" in notes:
        lines.append(f"note        {notes['limit_note']}")
    return "\n".join(lines)


def guess_units(panel: Panel) -> str:
    """Units of volume and amount from the median of amount / (volume x close), and whether prices are raw."""
    off = "prices raw (on the 0.01 grid)" if panel.market == "cn" else "prices not checked for adjustment"
    if "amount" not in panel.fields:
        return f"volume taken as shares (no amount to compare it with); {off}"
    with np.errstate(all="ignore"):
        ratio = panel.fields["amount"] / (panel.fields["volume"] * panel.fields["close"])
    ratio = ratio[panel.traded & np.isfinite(ratio)]
    middle = float(np.median(ratio)) if len(ratio) else float("nan")
    for size, meaning in _UNITS:
        if 0.5 * size < middle < 2 * size:
            return f"{meaning} (amount / (volume x close) = {middle:.4g}); {off}"
    return f"units of volume and amount unclear: amount / (volume x close) = {middle:.4g}; {off}"


#: median of amount / (volume x close) -> what that says about the units
_UNITS: Final = (
    (1.0, "volume in shares, amount in yuan"),
    (100.0, "volume in lots of 100, amount in yuan"),
    (0.1, "volume in lots of 100, amount in thousands of yuan"),
    (0.001, "volume in shares, amount in thousands of yuan"),
)


def _masked_shares(panel: Panel) -> str:
    shares = [f"{r.name.lower()} {np.mean((panel.reasons & r.value) > 0):.3%}" for r in Reason if r.name]
    return f"{np.mean(~panel.mask):.3%} of cells; by reason: {', '.join(shares)}"


def _adjustment_line(notes: dict[str, Any]) -> str:
    wrong = notes.get("adjustment_disagreement")
    if wrong is None:
        return "not compared (needs pre_close and adj_factor)"
    return f"from pre_close; adj_factor of the file disagrees by more than 1 % on {len(wrong)} rows"
