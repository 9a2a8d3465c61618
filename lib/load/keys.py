"""The two keys of a row: dates in two forms, symbols in one spelling, and no pair twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import LoadError
from lib.limits.exchanges import exchange_of_share, is_symbol, kind_of
from lib.load.columns import BoolArray, Table, dictionary

#: how vendors mark the exchanges: Wind and Tushare, Yahoo, JoinQuant, TradingView and vn.py, MyQuant, EODHD
MARKS: Final = {
    "SH": "SH", "SS": "SH", "XSHG": "SH", "SSE": "SH", "SHSE": "SH", "SHG": "SH",
    "SZ": "SZ", "XSHE": "SZ", "SZSE": "SZ", "SHE": "SZ",
    "BJ": "BJ", "BSE": "BJ", "BJSE": "BJ", "XBSE": "BJ",
}  # fmt: skip
_MARK: Final = "|".join(sorted(MARKS, key=len, reverse=True))
#: SH600000, sh.600000, 600000.SH, 600000.XSHG, 600000
_SPELLINGS: Final = re.compile(
    rf"(?:(?P<a>{_MARK})\.?)?(?P<code>\d{{6}})(?:\.(?P<b>{_MARK}))?", re.IGNORECASE | re.ASCII
)
#: a word of a file's name that is a code, with what is glued to it
_CODED: Final = re.compile(r"(?P<glued>[a-z]*)(?P<code>\d{6})(?P<tail>[a-z]*)", re.IGNORECASE | re.ASCII)
_BETWEEN: Final = re.compile(r"([^0-9A-Za-z]+)")
#: Eastmoney's markets; Beijing shares the 0 of Shenzhen
_NUMBERED: Final = {"1": ("SH",), "0": ("SZ", "BJ")}
#: marks of what is no A-share, in any case; others are known by their capitals alone
_FOREIGN: Final = frozenset((
    "HK", "XHKG", "HKEX", "US", "KS", "KQ", "TW", "TWO",
    "OF", "SI", "SW", "CSI", "CNI", "WI", "TI", "MI", "NQ", "OC", "IB",
))  # fmt: skip
#: exchanges in the Chinese names of folders
_IN_CHINESE: Final = {
    "上海": "SH", "上证": "SH", "沪市": "SH", "深圳": "SZ", "深证": "SZ", "深市": "SZ",
    "北京": "BJ", "北证": "BJ", "北交所": "BJ",
}  # fmt: skip
#: folders above a file that may mark its exchange
_FOLDERS: Final = 3
#: words of a file's or a folder's name that say what it holds
_INDEX: Final = ("INDEX", "INDICES", "INDEXES", "IDX", "指数")
#: words in capitals beside a code that mark no exchange
_WORDS: Final = ("CSV", "DAY", "DAILY", "RAW", "HFQ", "QFQ", "BFQ", "OHLC", "OHLCV", "PARQUET", "K", "D", "A")
_RENAME: Final = "name the file by its symbol, such as sh600000.csv or 600000.SH.csv"

MAX_CELLS: Final = 64_000_000  # dates x symbols: about 30 years of every A-share


def spell(symbol: str) -> str | None:
    """The one spelling SH600000 of an A-share symbol; None when it is written in no known way.

    A code without its exchange gets the one whose stocks have such codes, and stays as it is if there is none. A share
    marked as one of another exchange (SH300750) is no symbol.

    >>> [spell(s) for s in ("600000.SH", "sh.600000", "000001", "510300", "PAB", "SH300750")]
    ['SH600000', 'SH600000', 'SZ000001', '510300', None, None]
    """
    written = _written(symbol)
    if written is None or _contradicts(*written):
        return None
    exchange, code = written
    return (exchange or exchange_of_share(code)) + code


def _written(symbol: str) -> tuple[str, str] | None:
    """Exchange ("" where none is marked) and code of a symbol; None when it is written in no known way."""
    match = _SPELLINGS.fullmatch(symbol.strip())
    if match is None or (match["a"] and match["b"]):
        return None
    mark = match["a"] or match["b"]
    return MARKS[mark.upper()] if mark else "", match["code"]


def _contradicts(exchange: str, code: str) -> bool:
    """Whether a code is that of a share of another exchange than the one marked, where nothing has it."""
    return bool(exchange) and exchange_of_share(code) not in ("", exchange) and not kind_of(exchange + code)


def symbol_of_file(path: Path) -> str:
    """The symbol in a file's name, with its exchange as the name marks it, or else a folder, or else the code.

    sh600000.csv, 000001_daily.parquet, 000001.XSHG.csv, SSE.000001.csv, 1.000001.csv (Eastmoney), sz/day/000001.csv.
    Raises LoadError when there is not one symbol; for a mark that is not known (005930.KS is no A-share) or that of
    another exchange (SH300750); and for index/000001.csv, which may be Shanghai's index or Shenzhen's stock.

    >>> symbol_of_file(Path("data/000001_daily.csv")), symbol_of_file(Path("000001.XSHG.csv"))
    ('SZ000001', 'SH000001')
    """
    # word, joint, word, joint, ..., word; nothing stands before the first and behind the last
    words = ["", "", *_BETWEEN.split(path.stem), "", ""]
    found = {_symbol_in(words[at - 2 : at + 3], path) for at in range(2, len(words) - 2, 2)} - {""}
    if len(found) != 1:
        raise LoadError(
            f"{path.name}: no column holds the symbol, and the file's name does not give one; "
            f"name the file by its symbol, such as sh600000.csv"
        )
    return found.pop()


def _symbol_in(words: Sequence[str], path: Path) -> str:
    """The symbol in the middle one of (word, joint, word, joint, word); "" when it is none."""
    before, joint, middle, behind, after = words
    match = _CODED.fullmatch(middle)
    glued = [part.upper() for part in (match["glued"], match["tail"]) if part] if match else [""]
    if match is None or any(part not in MARKS for part in glued):
        return ""
    beside = [word.upper() for word in (before, after)]
    exchanges = {MARKS[word] for word in (*glued, *beside) if word in MARKS}
    if joint == "." and before in _NUMBERED:
        exchanges.add(_numbered(before, match["code"]))
    strange = [word for word, dot in ((before, joint), (after, behind)) if dot == "." and _looks_like_a_mark(word)]
    if strange or len(exchanges) > 1:
        trouble = f"{strange[0]!r} marks no exchange that is known" if strange else "two exchanges are marked"
        raise LoadError(f"{path.name}: {trouble}; {_RENAME}")
    code = match["code"]
    marked = exchanges.pop() if exchanges else _of_the_folders(path, code)
    if _contradicts(marked, code):
        raise LoadError(f"{path.name}: {code} is a code of {exchange_of_share(code)}, marked as {marked}; {_RENAME}")
    own = exchange_of_share(code)
    if own and not marked and kind_of("SH" + code) == "index" and _says_index(path):
        raise LoadError(f"{path.name}: is it the index SH{code} or the stock {own}{code}? {_RENAME}")
    return (marked or own) + code


def _numbered(market: str, code: str) -> str:
    """The exchange of Eastmoney's market 0 or 1 to which a code belongs."""
    own, allowed = exchange_of_share(code), _NUMBERED[market]
    return own if own in allowed else allowed[0]


def _looks_like_a_mark(word: str) -> bool:
    """Letters in capitals that are neither a known mark nor a word of file names, or a known mark of no A-share."""
    return word.upper() in _FOREIGN or (word.isalpha() and word.isupper() and word not in MARKS and word not in _WORDS)


def _of_the_folders(path: Path, code: str) -> str:
    """The exchange that the nearest folder is named by (sh, sh_index, SH/day) where such a code is known."""
    for folder in path.parts[-2 : -2 - _FOLDERS : -1]:
        found = {MARKS[word] for word in _words(folder) if word in MARKS}
        found |= {exchange for name, exchange in _IN_CHINESE.items() if name in folder}
        if len(found) == 1 and kind_of(next(iter(found)) + code):
            return found.pop()
    return ""


def _says_index(path: Path) -> bool:
    """Whether the file's name speaks of an index, or its folder's of nothing else."""
    folder = [word for word in _words(path.parent.name) if word not in _WORDS]
    return any(word in _INDEX for word in _words(path.stem)) or (
        bool(folder) and all(word in _INDEX for word in folder)
    )


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", name.upper()) if word]


def respell(table: Table, strict: bool) -> tuple[Table, int]:
    """The table with its symbols in one spelling, and how many were written otherwise. Raises LoadError.

    strict: only 600000, 600000.SH and SH600000 are taken, which is what a file of no particular source may write.
    """
    codes, symbols = table.symbols
    names = [str(symbol) for symbol in symbols]
    spelled = [spell(name) for name in names]
    for i, name in enumerate(names):
        if spelled[i] is None or (strict and not is_symbol(name)):
            _refuse_symbol(table, int((codes == i).argmax()), name)
    changed = sum(a != b for a, b in zip(names, spelled, strict=True))
    return table.updated({"symbol": dictionary(codes, np.array(spelled, dtype=np.str_))}) if changed else table, changed


def _refuse_symbol(table: Table, row: int, symbol: str) -> None:
    written = _written(symbol)
    if symbol.isascii() and symbol.isdigit() and len(symbol) < 6:
        trouble = f"lost its leading zeros ({int(symbol):06d}?)"
    elif written and _contradicts(*written):
        trouble = f"has the code of a share of {exchange_of_share(written[1])}, marked as {written[0]}"
    else:
        trouble = "is not an A-share symbol"
    raise LoadError(
        f"{table.name}: symbol {symbol[:20]!r} ({table.line(row)}) {trouble}; expected "
        f"600000, 600000.SH or SH600000 (market='none' takes any text)"
    )


def check_cells(table: Table) -> int:
    """Refuse a panel beyond the cap and a (date, symbol) that comes twice; returns the rows out of date order."""
    dates, symbols = table.dates, table.symbols
    n_dates, n_symbols = len(dates.values), len(symbols.values)
    if n_dates * n_symbols > MAX_CELLS:
        raise LoadError(
            f"{table.name}: {n_dates:,} dates x {n_symbols:,} symbols, more than the cap of {MAX_CELLS:,} cells"
        )
    check_duplicates(table)
    order = np.argsort(symbols.codes, kind="stable")
    by_symbol = np.diff(symbols.codes[order]) == 0
    return int((by_symbol & (np.diff(dates.codes[order]) < 0)).sum())


def repeats(table: Table) -> tuple[NDArray[np.int64], NDArray[np.int64], BoolArray]:
    """Cell (date, symbol) of each row, the rows in the order of their cells, and which of these have the next one's."""
    symbols = table.symbols
    cell = table.dates.codes.astype(np.int64) * len(symbols.values) + symbols.codes
    order = np.argsort(cell, kind="stable")
    return cell, order, np.diff(cell[order]) == 0


def check_duplicates(table: Table) -> None:
    """Refuse a (date, symbol) that comes twice, naming the first pair and its lines."""
    _, order, twice = repeats(table)
    again = np.flatnonzero(twice)
    if len(again):
        first, second = min(zip(order[again].tolist(), order[again + 1].tolist(), strict=True))
        raise LoadError(
            f"{table.name}: {len(again)} duplicate (date, symbol) rows; the first pair is "
            f"{table.cell(first)} and {table.line(second)}; keep one row for each"
        )
