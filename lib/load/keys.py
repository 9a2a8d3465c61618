"""The two keys of a row: dates in two forms, symbols in one spelling, and no pair twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import LoadError
from lib.limits import is_symbol

if TYPE_CHECKING:
    from lib.load.columns import Column, Table

#: SH600000, sh.600000, 600000.SH, 600000
_SPELLINGS: Final = re.compile(
    r"(?:(?P<a>SH|SZ|BJ)\.?)?(?P<code>\d{6})(?:\.(?P<b>SH|SZ|BJ))?", re.IGNORECASE | re.ASCII
)
_IN_A_NAME: Final = re.compile(
    r"(?<![0-9a-z])(?:(?:sh|sz|bj)[._]?)?\d{6}(?:[._](?:sh|sz|bj))?(?![0-9a-z])", re.IGNORECASE | re.ASCII
)
#: exchange of a stock's code; funds, bonds and indices share the other codes
_EXCHANGES: Final = (
    ("SH", re.compile(r"60|68|900")), ("SZ", re.compile(r"00[0-4]|20[01]|30")), ("BJ", re.compile(r"92|4|8")),
)  # fmt: skip

MAX_CELLS: Final = 64_000_000  # dates x symbols: about 30 years of every A-share


def spell(symbol: str) -> str | None:
    """The one spelling SH600000 of an A-share symbol; None when it is written in no known way.

    A code without its exchange gets the one whose stocks have such codes, and stays as it is if there is none.

    >>> [spell(s) for s in ("600000.SH", "sh.600000", "000001", "510300", "PAB")]
    ['SH600000', 'SH600000', 'SZ000001', '510300', None]
    """
    match = _SPELLINGS.fullmatch(symbol.strip())
    if match is None or (match["a"] and match["b"]):
        return None
    code = match["code"]
    exchange = match["a"] or match["b"] or next((e for e, form in _EXCHANGES if form.match(code)), "")
    return exchange.upper() + code


def symbol_of_file(path: Path) -> str:
    """The symbol in a file's name: sh600000.csv, 000001_daily.parquet. Raises LoadError when there is not one.

    >>> symbol_of_file(Path("data/000001_daily.csv"))
    'SZ000001'
    """
    found = {spell(text.replace("_", ".")) for text in _IN_A_NAME.findall(path.stem)} - {None}
    if len(found) != 1:
        raise LoadError(
            f"{path.name}: no column holds the symbol, and the file's name does not give one; "
            f"name the file by its symbol, such as sh600000.csv"
        )
    return str(found.pop())


def respell(table: Table, strict: bool) -> tuple[Column, int]:
    """The symbols of a table in one spelling, and how many were written otherwise. Raises LoadError.

    strict: only 600000, 600000.SH and SH600000 are taken, which is what a file of no particular source may write.
    """
    from lib.load.columns import sorted_column

    names = [str(symbol) for symbol in table.symbols.values]
    spelled = [spell(name) for name in names]
    for i, name in enumerate(names):
        if spelled[i] is None or (strict and not is_symbol(name)):
            _refuse_symbol(table, i, name)
    changed = sum(a != b for a, b in zip(names, spelled, strict=True))
    if not changed:
        return table.symbols, 0
    return sorted_column(table.symbols.codes, np.array(spelled, dtype=np.str_)), changed


def _refuse_symbol(table: Table, index: int, symbol: str) -> None:
    where = table.line(int((table.symbols.codes == index).argmax()))
    lost = symbol.isascii() and symbol.isdigit() and len(symbol) < 6
    trouble = f"lost its leading zeros ({int(symbol):06d}?)" if lost else "is not an A-share symbol"
    raise LoadError(
        f"{table.name}: symbol {symbol[:20]!r} ({where}) {trouble}; expected "
        f"600000, 600000.SH or SH600000 (market='none' takes any text)"
    )


def check_cells(table: Table) -> int:
    """Refuse a panel beyond the cap and a (date, symbol) that comes twice; returns the rows out of date order."""
    n_dates, n_symbols = len(table.dates.values), len(table.symbols.values)
    if n_dates * n_symbols > MAX_CELLS:
        raise LoadError(
            f"{table.name}: {n_dates:,} dates x {n_symbols:,} symbols, more than the cap of {MAX_CELLS:,} cells"
        )
    check_duplicates(table)
    order = np.argsort(table.symbols.codes, kind="stable")
    by_symbol = np.diff(table.symbols.codes[order]) == 0
    return int((by_symbol & (np.diff(table.dates.codes[order]) < 0)).sum())


def check_duplicates(table: Table) -> None:
    """Refuse a (date, symbol) that comes twice, naming the first pair and its lines."""
    cell: NDArray[np.int64] = table.dates.codes.astype(np.int64) * len(table.symbols.values) + table.symbols.codes
    order = np.argsort(cell, kind="stable")
    again = np.flatnonzero(np.diff(cell[order]) == 0)
    if len(again):
        pairs = np.column_stack([order[again], order[again + 1]])
        first, second = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))[0]]
        raise LoadError(
            f"{table.name}: {len(again)} duplicate (date, symbol) rows; the first pair is "
            f"{table.cell(first)} and {table.line(second)}; keep one row for each"
        )
