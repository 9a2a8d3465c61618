"""From what was read to a Panel: what is checked, what is masked and counted, what is refused.

    read -> one spelling of symbols, rows checked, units settled -> [T,N] arrays -> previous closes and halts
    -> reasons and adjustment -> checks of the limits -> cut to start..end

The cut comes last, so that reasons, listing days and the adjustment see the whole file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from lib.days import Day, as_day
from lib.errors import LibError, LoadError, closest
from lib.load.adjustment import check_average_price, check_grid, check_limits, note_adjustment
from lib.load.checks import MISSING_BUDGET, check_numbers, check_values, note_calendar
from lib.load.columns import MEMBERSHIP, BoolArray, Table
from lib.load.files import MAX_BYTES, MAX_ROWS, Caps, unfinished, unread_in
from lib.load.grid import Grid, add_average_price, add_previous_close, fill_halts, panel_fields
from lib.load.halted import carry_closes, fill_empty_halts
from lib.load.instruments import stocks_only
from lib.load.keys import check_cells, respell
from lib.load.limits import settle_limits
from lib.load.read import Data, read
from lib.load.sources import canonical
from lib.load.units import refuse_fen, refuse_unknown_units, settle_units, vwap_outside
from lib.panel import MARKETS, Panel
from lib.reasons import PRICES, Reason

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
    """Panel of a file, of a folder of files of one source, or of a Qlib folder.

    format: "auto" goes by the columns; "record" (in a file of either kind), "csv" and "parquet" are the canonical
    record: date, symbol, open, high, low, close, volume, and the optional columns of `Panel`, raw prices in yuan,
    shares. "akshare" (stock_zh_a_hist), "akshare_daily", "tushare" (one table or a folder of tables), "baostock",
    "qlib" (CSV) and "qlib_bin" are read in their own names and units. Other columns are ignored and listed.

    market="cn" checks symbols, the 0.01 grid and that prices stay inside their limits, and writes every symbol as
    SH600000; market="none" checks none of these, and masks cells whose high, low and close contradict each
    other as missing. start and end are inclusive and cut after the adjustment is computed. universe: a boolean
    column (in a Qlib folder: a file of instruments/), or "listed" for all listed cells; None takes `in_csi300` if
    it is there, else all listed cells.

    `panel.notes` says what was converted, sorted, masked, filled and found; see `lib.load.quality.report`. Raises
    LoadError: one line.
    """
    _check_arguments(path, universe, missing_budget, max_bytes, max_rows)
    first, last = _day("start", start), _day("end", end)
    path = Path(path)
    if market not in MARKETS:
        raise LoadError(f"market is {market!r}; expected one of {', '.join(map(repr, MARKETS))}")
    extra = None if universe in (None, LISTED, MEMBERSHIP) else universe
    data = read(path, format, extra, Caps(max_bytes, max_rows))
    notes = _notes(path, data)
    data = _one_spelling(data, market, notes)
    if market == "cn":
        refuse_fen(data.table)
        data = replace(data, table=stocks_only(data.table, notes))
    notes["unsorted_rows"] = check_cells(data.table)
    data = _checked(data, market, missing_budget, notes)
    notes["universe"], source = _universe_name(data.table, universe), data.source
    try:
        grid, marked = _grid(data, market, notes)
        del data  # the panel needs the memory
        panel = _panel(grid, marked, market, notes)
    except LibError as error:
        raise error if isinstance(error, LoadError) else LoadError(f"{path.name}: {error}") from error
    panel = _without(panel, check_limits(panel, source))
    note_calendar(panel)
    note_adjustment(panel)
    return _with_members(_cut(panel, first, last))


def _check_arguments(
    path: object, universe: object, missing_budget: object, max_bytes: object, max_rows: object
) -> None:
    """Refuse arguments of the wrong kind before a file is opened."""
    if not isinstance(path, (str, Path)) or not str(path).strip():
        raise LoadError(f"path is {path!r}; expected a file or a folder")
    if universe is not None and not isinstance(universe, str):
        raise LoadError(f"universe is {universe!r}; expected the name of a column, {LISTED!r} or None")
    if isinstance(missing_budget, bool) or not isinstance(missing_budget, (int, float)) or not 0 <= missing_budget <= 1:
        raise LoadError(f"missing_budget is {missing_budget!r}; expected a share from 0 to 1")
    for name, value in (("max_bytes", max_bytes), ("max_rows", max_rows)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise LoadError(f"{name} is {value!r}; expected a whole number of at least 1")


def _day(name: str, day: Day | None) -> np.datetime64 | None:
    return None if day is None else as_day(day, name, LoadError)


def _notes(path: Path, data: Data) -> dict[str, Any]:
    return {
        "file": path.name,
        "source": data.source.title,
        "format": data.source.format,
        "files": data.files,
        "rows": data.table.n_rows,
        "encoding": data.table.encoding,
        "ignored_columns": data.table.ignored,
        "unfinished_files": unfinished(path),
        "repeated_rows": data.repeated,
        "skipped_files": data.skipped,
        "unread_files": unread_in(path),
    }


def _one_spelling(data: Data, market: str, notes: dict[str, Any]) -> Data:
    """Symbols as SH600000 in every table; outside China only a source that has its own spelling is respelled."""
    record = data.source is canonical.RECORD
    if record and market != "cn":
        return data
    table, notes["respelled_symbols"] = respell(data.table, strict=record)
    return replace(data, table=table, joined={name: respell(other, False)[0] for name, other in data.joined.items()})


#: columns that mark rows of the daily prices that contradict themselves, by what of them is masked or emptied
_MARKS: Final[tuple[str, ...]] = ("#contradictory", "#volume outside", "#vwap outside")
#: and cells of the grid, among them the contradictory rows, to be masked
_MISSING: Final = "#missing"


def _checked(data: Data, market: str, missing_budget: float, notes: dict[str, Any]) -> Data:
    """Daily prices in shares and yuan, rows that contradict themselves marked; refused if they are not raw prices."""
    table, source = fill_empty_halts(data.table, notes), data.source
    marked = [check_values(table, market, missing_budget, notes)]
    for other in data.joined.values():
        check_numbers(other)
    table, notes["units"] = settle_units(table, source, market)
    if market == "cn":
        check_grid(table, source)
        marked += [check_average_price(table, source), vwap_outside(table)]
        refuse_unknown_units(table, source, marked[1])
    columns = {name: rows.astype(np.float64) for name, rows in zip(_MARKS, marked, strict=False) if rows.any()}
    return replace(data, table=table.updated(columns))


def _grid(data: Data, market: str, notes: dict[str, Any]) -> tuple[Grid, dict[str, BoolArray]]:
    """The fields [T,N] with what their source leaves out, and the cells of the marked rows."""
    grid = Grid.of(data, notes)
    none = np.zeros(grid.rows.shape)
    marked = {name: grid.fields.pop(name, none) == 1 for name in _MARKS}
    carry_closes(grid)
    marked[_MISSING] = marked[_MARKS[0]] | add_previous_close(grid, market, notes)
    if data.source.silent_halts:
        fill_halts(grid, notes)
    if market == "cn":
        add_average_price(grid, notes)
        settle_limits(grid, data.source, notes)
    return grid, marked


def _panel(grid: Grid, marked: dict[str, BoolArray], market: str, notes: dict[str, Any]) -> Panel:
    chosen = notes["universe"]
    members = None if chosen == LISTED else grid.fields[chosen] == 1
    panel = Panel.from_arrays(grid.dates, grid.symbols, panel_fields(grid), None, members, market, copy=False)
    panel.notes.update(notes)
    _, volume, vwap = (marked[name] for name in _MARKS)
    panel = _mask_missing(panel, marked[_MISSING])
    panel = _emptied(panel, volume, "volume_emptied", ("volume", "amount", "vwap"))
    return _emptied(panel, vwap & ~volume, "vwap_emptied", ("vwap",))


def _universe_name(table: Table, universe: str | None) -> str:
    chosen = universe or (MEMBERSHIP if MEMBERSHIP in table.numbers else LISTED)
    if chosen != LISTED and chosen not in table.numbers:
        raise LoadError(f"{table.name}: no universe column {chosen!r}{closest(chosen, table.numbers)}")
    return chosen


def _with_members(panel: Panel) -> Panel:
    """The panel itself. Raises LoadError for a universe without a member: every statistic over it would be empty."""
    if panel.universe.any():
        return panel
    name = panel.notes["universe"]
    what = "no cell is listed" if name == LISTED else f"universe column {name!r} is false on every row"
    raise LoadError(
        f"{panel.notes['file']}: {what} from {panel.dates[0]} to {panel.dates[-1]}; expected members: choose another "
        f"column or other dates, or universe={LISTED!r} for all listed cells"
    )


def _mask_missing(panel: Panel, cells: BoolArray) -> Panel:
    """Set the reason of the cells to MISSING; their values stay readable in `fields`."""
    if not cells.any():
        return panel
    return replace(panel, reasons=np.where(cells, np.uint8(Reason.MISSING), panel.reasons))


def _without(panel: Panel, cells: BoolArray) -> Panel:
    """The panel as if some cells had no prices, named in its notes; what follows them is derived anew."""
    if not cells.any():
        return panel
    named = [(str(panel.dates[t]), str(panel.symbols[n])) for t, n in np.argwhere(cells)]
    volume = panel.fields["volume"]
    fields = panel.fields | {name: np.where(cells, np.nan, panel.fields[name]) for name in PRICES}
    fields |= {"volume": np.where(panel.traded & np.isnan(volume), 1.0, volume)}  # emptied, but traded
    anew = Panel.from_arrays(panel.dates, panel.symbols, fields, None, panel.universe, panel.market, copy=False)
    notes = {name: note for name, note in panel.notes.items() if name != "beyond_every_limit"}
    anew.notes.update(notes | anew.notes | {"leaps": named})
    return _mask_missing(replace(anew, fields=anew.fields | {"volume": volume}), ~panel.without(Reason.MISSING))


def _emptied(panel: Panel, cells: BoolArray, note: str, names: tuple[str, ...]) -> Panel:
    """Empty fields in some cells, and name the cells. Prices and reasons stay: they traded, how much is unknown."""
    if not cells.any():
        return panel
    panel.notes[note] = [(str(panel.dates[t]), str(panel.symbols[n])) for t, n in np.argwhere(cells)]
    emptied = {name: np.where(cells, np.nan, panel.fields[name]) for name in names if name in panel.fields}
    return replace(panel, fields=panel.fields | emptied)


def _cut(panel: Panel, start: np.datetime64 | None, end: np.datetime64 | None) -> Panel:
    """Dates start..end, both included."""
    if start is None and end is None:
        return panel
    start, end = panel.dates[0] if start is None else start, panel.dates[-1] if end is None else end
    first, stop = int(np.searchsorted(panel.dates, start)), int(np.searchsorted(panel.dates, end, side="right"))
    if stop <= first:
        raise LoadError(
            f"{panel.notes['file']}: no dates from {start} to {end}; the file has {panel.dates[0]} to {panel.dates[-1]}"
        )
    return panel.rows(first, stop)
