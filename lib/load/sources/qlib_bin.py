"""Qlib's binary folder: calendars/day.txt, instruments/*.txt and features/SYMBOL/FIELD.day.bin.

A bin file is little-endian float32: first the place in the calendar where the stock begins, then one value a day,
NaN where nothing was traded. Prices and volume are adjusted, as in Qlib's CSV files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lib.days import parse_day
from lib.errors import LoadError, closest
from lib.load.columns import FILE, PLACE, FloatArray, Table, dictionary
from lib.load.files import Caps
from lib.load.keys import spell
from lib.load.sources.base import Source
from lib.load.sources.qlib_csv import DAILY as CSV
from lib.load.sources.qlib_csv import from_adjusted

FIELDS: Final = {name: field for name, field in CSV.columns.items() if name not in ("date", "symbol")}
NEEDS: Final = tuple(name for name in CSV.needs if name in FIELDS)
ENDING: Final = ".day.bin"

BIN: Final = Source(
    format="qlib_bin",
    title="Qlib bin",
    columns=FIELDS,
    needs=NEEDS,
    silent_halts=True,
    units_known=False,
    rounds_volume=True,
    raw_hint=CSV.raw_hint,
)


def is_qlib_folder(path: Path) -> bool:
    """Whether a folder holds a calendar and features."""
    return path.is_dir() and (path / "calendars").is_dir() and (path / "features").is_dir()


def read_bins(path: Path, universe: str | None, caps: Caps) -> tuple[Table, int]:
    """All stocks of a Qlib folder, and how many; universe: name of a file in instruments/. Raises LoadError."""
    calendar = _calendar(path / "calendars" / "day.txt", caps)
    folders = sorted(folder for folder in (path / "features").iterdir() if folder.is_dir())
    _check_caps(path, folders, caps)
    stocks = [(str(spell(folder.name) or folder.name), _stock(folder, calendar)) for folder in folders]
    rows = sum(len(days) for _, (days, _) in stocks)
    if rows == 0:
        raise LoadError(f"{path.name}: no rows (no stock under features/ has any day)")
    if rows > caps.max_rows:
        raise LoadError(f"{path.name}: {rows:,} rows, more than the cap of {caps.max_rows:,}")
    table = _table(path, calendar, stocks)
    table = table.updated({"delist_date": _gone(table, _ranges(path / "instruments" / "all.txt"))})
    if universe is not None:
        table = table.updated({universe: _members(path, table, universe)})
    return from_adjusted(table), len(stocks)


def _table(
    path: Path,
    calendar: NDArray[np.datetime64],
    stocks: Sequence[tuple[str, tuple[NDArray[np.int64], dict[str, FloatArray]]]],
) -> Table:
    lengths = [len(days) for _, (days, _) in stocks]
    present = dict.fromkeys(name for _, (_, columns) in stocks for name in columns)
    numbers = {
        FIELDS[name]: np.concatenate([columns.get(name, np.full(len(days), np.nan)) for _, (days, columns) in stocks])
        for name in present
    }
    codes = np.repeat(np.arange(len(stocks)), lengths)
    keys = {
        "date": dictionary(np.concatenate([days for _, (days, _) in stocks]), calendar),
        "symbol": dictionary(codes, np.array([symbol for symbol, _ in stocks], dtype=np.str_)),
        FILE: dictionary(codes, np.array([f"value {symbol}" for symbol, _ in stocks], dtype=np.str_)),
        PLACE: np.concatenate([np.arange(1, length + 1) for length in lengths]),
    }
    return Table(path.name, pa.table({**keys, **numbers}), (), "float32")


# -- text files -----------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise LoadError(f"{path.parent.name}/{path.name}: no such file in the Qlib folder") from None
    except (UnicodeDecodeError, OSError) as error:
        raise LoadError(
            f"{path.parent.name}/{path.name}: not readable as UTF-8 text ({type(error).__name__})"
        ) from error
    yield from ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _day(path: Path, number: int, text: str) -> np.datetime64:
    day = parse_day(text)
    if day is None:
        shown = " ".join(text[:40].split())
        raise LoadError(f"{path.parent.name}/{path.name}: line {number}: got {shown!r}, expected YYYY-MM-DD")
    return day


def _calendar(path: Path, caps: Caps) -> NDArray[np.datetime64]:
    if path.exists() and path.stat().st_size > min(caps.max_bytes, 1 << 24):
        raise LoadError(f"{path.parent.name}/{path.name}: too large for a calendar ({path.stat().st_size:,} bytes)")
    days = [(number, _day(path, number, line)) for number, line in _lines(path)]
    if not days:
        raise LoadError(f"{path.parent.name}/{path.name}: no rows")
    calendar = np.array([day for _, day in days], dtype="datetime64[D]")
    wrong = np.flatnonzero(calendar[1:] <= calendar[:-1])
    if len(wrong):
        line = days[int(wrong[0]) + 1][0]
        raise LoadError(f"{path.parent.name}/{path.name}: line {line}: days are not increasing")
    return calendar


def _ranges(path: Path) -> list[tuple[str, np.datetime64, np.datetime64]]:
    """(symbol, first day, last day) lines of an instruments file; empty if there is none."""
    if not path.exists():
        return []
    ranges = []
    for number, line in _lines(path):
        parts = line.split()
        if len(parts) != 3:
            raise LoadError(f"{path.parent.name}/{path.name}: line {number} has {len(parts)} fields, expected 3")
        ranges.append((spell(parts[0]) or parts[0], _day(path, number, parts[1]), _day(path, number, parts[2])))
    return ranges


def _gone(table: Table, ranges: list[tuple[str, np.datetime64, np.datetime64]]) -> pa.DictionaryArray:
    """The day from which on a stock is delisted: after the end of its range, where that is before the last session."""
    ends: dict[str, np.datetime64] = {}
    for symbol, _, end in ranges:
        ends[symbol] = max(end, ends.get(symbol, end))
    last, (codes, symbols) = table.dates.values[-1], table.symbols
    values = np.array(
        [ends[s] + 1 if s in ends and ends[s] < last else np.datetime64("NaT") for s in symbols], "datetime64[D]"
    )
    return dictionary(np.where(np.isnat(values), -1, np.arange(len(values)))[codes], values)


def _members(path: Path, table: Table, universe: str) -> FloatArray:
    """1.0 on the rows of a stock's ranges in instruments/UNIVERSE.txt."""
    folder = path / "instruments"
    names = sorted(file.stem for file in folder.glob("*.txt")) if folder.is_dir() else []
    if universe not in names:
        raise LoadError(f"{path.name}: no universe {universe!r} in instruments/{closest(universe, names)}")
    (day, dates), (stock, symbols) = table.dates, table.symbols
    days, inside = dates[day], np.zeros(table.n_rows, dtype=bool)
    place = {str(symbol): i for i, symbol in enumerate(symbols)}
    for symbol, first, last in _ranges(folder / f"{universe}.txt"):
        if symbol in place:
            inside |= (stock == place[symbol]) & (days >= first) & (days <= last)
    return inside.astype(np.float64)


# -- bin files ------------------------------------------------------------------------------------


def _check_caps(path: Path, folders: list[Path], caps: Caps) -> None:
    if not folders:
        raise LoadError(f"{path.name}: no rows (features/ holds no stock)")
    if len(folders) > caps.max_files:
        raise LoadError(f"{path.name}: {len(folders):,} stocks, more than the cap of {caps.max_files:,}")
    size = sum(file.stat().st_size for folder in folders for file in folder.glob(f"*{ENDING}"))
    if size > caps.max_bytes:
        raise LoadError(f"{path.name}: {size:,} bytes, more than the cap of {caps.max_bytes:,}")


def _stock(folder: Path, calendar: NDArray[np.datetime64]) -> tuple[NDArray[np.int64], dict[str, FloatArray]]:
    """Calendar places [rows] of a stock, and its columns there; a field that begins later is NaN before."""
    names = {file.name.removesuffix(ENDING): file for file in sorted(folder.glob(f"*{ENDING}"))}
    missing = [name for name in NEEDS if name not in names]
    if missing:
        near = "".join(closest(name, names) for name in missing)
        raise LoadError(f"{folder.name}: no file {', '.join(name + ENDING for name in missing)}{near}")
    pieces = {name: _bin(names[name], len(calendar)) for name in FIELDS if name in names}
    first = min(start for start, _ in pieces.values())
    stop = max(start + len(values) for start, values in pieces.values())
    columns = {}
    for name, (start, values) in pieces.items():
        column = np.full(stop - first, np.nan)
        column[start - first : start - first + len(values)] = values
        columns[name] = column
    return np.arange(first, stop), columns


def _bin(path: Path, n_days: int) -> tuple[int, FloatArray]:
    content, where = path.read_bytes(), f"{path.parent.name}/{path.name}"
    if len(content) < 4:
        raise LoadError(f"{where}: the file is empty or truncated ({len(content)} bytes, no rows)")
    if len(content) % 4:
        raise LoadError(f"{where}: the file is truncated: {len(content)} bytes are no whole number of 32-bit values")
    values = np.frombuffer(content, dtype="<f4").astype(np.float64)
    start, values = values[0], values[1:]
    if not (np.isfinite(start) and start >= 0 and start == np.floor(start)):
        raise LoadError(f"{where}: it begins with {start:g}, expected a place in the calendar (0 to {n_days - 1})")
    if start + len(values) > n_days:
        raise LoadError(
            f"{where}: {len(values):,} values from place {start:g} on, but the calendar has {n_days:,} days"
        )
    return int(start), values
