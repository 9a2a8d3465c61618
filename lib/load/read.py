"""A path as tables: which source it is, its daily prices, and the tables that join them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lib.errors import LoadError, closest
from lib.load.columns import Table, stack
from lib.load.files import SUFFIXES, Caps, Header, files_of, read_columns, read_header
from lib.load.keys import repeats, symbol_of_file
from lib.load.sources import FORMATS, Source, choose_columns, has_prices, is_known, recognised, source_of
from lib.load.sources.canonical import RECORD
from lib.load.sources.qlib_bin import BIN, is_qlib_folder, read_bins
from lib.load.typed import typed


@dataclass(frozen=True, eq=False)
class Data:
    """What was read: the source, its daily prices, and the tables beside them by name.

    repeated: rows that a table beside the prices holds twice, equal in every column that is read; one of them stays.
    skipped: files of the folder that hold nothing to read, by name, and why.
    """

    source: Source
    table: Table
    joined: dict[str, Table]
    files: int
    repeated: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def read(path: Path, wanted: str, universe: str | None, caps: Caps) -> Data:
    """Read a file, a folder of files of one source, or a Qlib folder.

    universe: a column of true and false to be read as well (in a Qlib folder: a file of instruments/).
    Raises LoadError.
    """
    if wanted not in FORMATS:
        raise LoadError(
            f"format is {wanted!r}{closest(str(wanted), FORMATS)}; expected one of {', '.join(map(repr, FORMATS))}"
        )
    path = Path(path)
    if wanted == "qlib_bin" or (wanted in ("auto", "qlib") and is_qlib_folder(path)):
        if not is_qlib_folder(path):
            raise LoadError(f"{path}: not a Qlib folder (it has no calendars/ and features/)")
        table, stocks = read_bins(path, universe, caps)
        return Data(BIN, table, {}, stocks)
    kind = wanted if wanted in SUFFIXES.values() else None
    files = files_of(path, caps)
    known = is_known if len(files) == 1 else _known_or_no_prices
    headers = [read_header(file, known, kind) for file in files]
    skipped: dict[str, str] = {}
    groups = _by_source(path, _tables(path, headers, wanted, skipped), wanted)
    return _read_groups(path, groups, [universe] if universe else [], caps, skipped)


def _known_or_no_prices(names: Sequence[str]) -> bool:
    """Headers that bytes of GB18030 may give in a folder: those of a source, and those of tables that are skipped."""
    return is_known(names) or not has_prices(names)


def _tables(path: Path, headers: list[Header], wanted: str, skipped: dict[str, str]) -> list[Header]:
    """The files of a folder that hold a table of some source; the others are skipped, unless they hold prices.

    A stock without a day leaves an empty file, and a list of stocks or a table of another kind lies beside the
    prices. A file alone, and a folder of nothing else, is kept: what is wrong with it is said by its own error.
    """
    filled = [header for header in headers if not header.is_empty]
    if not filled:
        raise LoadError(f"{path.name}: no rows ({'the file is' if len(headers) == 1 else 'all files are'} empty)")
    skipped |= {header.path.name: "empty" for header in headers if header.is_empty}
    kinds = {header: _table_of(header, wanted) for header in filled}
    if not any(kinds.values()):
        return filled
    for header in (header for header, kind in kinds.items() if kind is None):
        if has_prices(header.names):
            raise LoadError(
                f"{path.name}: {header.path.name} holds prices under names of no known source "
                f"({' '.join(', '.join(header.names).split())[:200]}), beside files of {_titles(kinds.values())}; "
                f"rename its columns, or take it out"
            )
        skipped[header.path.name] = "no table of daily prices"
    main = {kind.format for kind in kinds.values() if kind and not kind.joins}
    for header, kind in kinds.items():
        if kind and kind.joins and not kind.dated and main and kind.format not in main:
            skipped[header.path.name] = f"{kind.title}, of another source"
    return [header for header, kind in kinds.items() if kind and header.path.name not in skipped]


def _table_of(header: Header, wanted: str) -> Source | None:
    """The source whose table a file is; None for one that has a date and a symbol, and no prices."""
    source = recognised(header, wanted)
    return None if source is RECORD and not has_prices(header.names) else source


def _titles(sources: Iterable[Source | None]) -> str:
    return ", ".join(sorted({source.title for source in sources if source}))


def _by_source(path: Path, headers: list[Header], wanted: str) -> dict[Source, list[Header]]:
    """The files of each kind of table. Raises LoadError when they are of two sources."""
    groups: dict[Source, list[Header]] = {}
    for header in headers:
        groups.setdefault(source_of(header, wanted), []).append(header)
    first = {source.format: files[0].path.name for source, files in groups.items()}
    if len(first) > 1:
        found = ", ".join(f"{name} looks like {kind!r}" for kind, name in first.items())
        raise LoadError(f"{path.name}: files of more than one source ({found}); load each folder on its own")
    if all(source.joins for source in groups):
        names = ", ".join(source.joins for source in groups)
        raise LoadError(f"{path.name}: only {names} of {next(iter(first))}, no table with daily prices")
    return {source: files for source, files in groups.items() if not source.unused}


def _read_groups(
    path: Path, groups: dict[Source, list[Header]], extra: list[str], caps: Caps, skipped: dict[str, str]
) -> Data:
    tables: dict[str, Table] = {}
    main: Source | None = None
    left = caps.max_rows
    for source, headers in groups.items():
        parts = []
        for header in headers:
            part = _read_one(source, header, extra, left, caps, alone=len(headers) == 1)
            if part is None:
                skipped[header.path.name] = "only a header"
                continue
            left -= part.n_rows
            parts.append(part)
        if not parts:
            raise LoadError(
                f"{headers[0].path.name}: no rows (only a header); expected one row per date and symbol"
            )
        tables[source.joins] = source.convert(source.rescaled(stack(parts, path.name)))
        main = main if source.joins else source
    assert main is not None
    table, joined, repeated = tables.pop(""), dict[str, Table](), dict[str, int]()
    for name, other in tables.items():
        joined[name] = _once(other)
        repeated[name] = other.n_rows - joined[name].n_rows
    return Data(main, table, joined, sum(map(len, groups.values())), repeated, skipped)


def _once(table: Table) -> Table:
    """The table without rows that say what an earlier row said; rows that contradict each other stay."""
    cell, order, again = repeats(table)
    # only rows that share a stock and a day are compared: a table of limits has millions that do not
    shared = np.sort(order[np.append(again, False) | np.append(False, again)]) if len(order) else order
    columns: list[NDArray[Any]] = [cell[shared], *(column.codes[shared] for column in table.labels.values())]
    columns += [np.unique(values[shared], return_inverse=True)[1] for values in table.numbers.values()]
    keep = np.ones(table.n_rows, dtype=bool)
    keep[shared] = False
    keep[shared[np.unique(np.column_stack(columns), axis=0, return_index=True)[1]]] = True
    return table.take(keep)


def _read_one(
    source: Source, header: Header, extra: Sequence[str], left: int, caps: Caps, *, alone: bool
) -> Table | None:
    """One file; None for one of prices that has only a header: its stock had no day."""
    symbol = None
    if source.symbol not in header.names and source.per_stock and (not alone or _names_a_stock(header.path)):
        symbol = symbol_of_file(header.path)
    flags = [name for name in extra if not source.joins]
    wanted = choose_columns(source, header, flags, has_name=symbol is not None)
    try:
        raw = read_columns(header, wanted, left)
    except LoadError as error:
        if left < caps.max_rows and "more than the cap" in str(error):
            raise LoadError(f"{header.path.parent.name}: more rows than the cap of {caps.max_rows:,}") from error
        raise
    if raw.num_rows == 0:
        if not source.joins:
            return None
        raw = pa.table({name: pa.array([], pa.string()) for name in wanted})  # no halts: an answer, not damage
    return typed(header, raw, source.columns, flags, symbol)


def _names_a_stock(path: Path) -> bool:
    try:
        symbol_of_file(path)
    except LoadError:
        return False
    return True
