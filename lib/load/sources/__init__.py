"""What each source calls its columns, in which units, and how it writes a halt; which file is whose.

A source is data (`Source`) and one function that turns its own columns into ours. Detection goes by columns
that only this source has; the canonical record is what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lib.errors import LoadError, closest
from lib.load.files import Header
from lib.load.sources import akshare, baostock, canonical, qlib_csv, tushare
from lib.load.sources.base import Source
from lib.reasons import PRICES

#: in the order in which their marks are looked for; the canonical record has none
SOURCES: Final = (*tushare.TABLES, akshare.HISTORY, akshare.SINA, baostock.DAILY, qlib_csv.DAILY, canonical.RECORD)
#: names for load_panel(format=...); csv and parquet are the canonical record in such a file
FORMATS: Final = ("auto", "csv", "parquet", *dict.fromkeys(source.format for source in SOURCES), "qlib_bin")

#: a column of prices in any source, in lower case -> which price
_PRICE_NAMES: Final = {
    name.lower(): field
    for source in SOURCES for name, field in source.columns.items() if field in PRICES
} | {"开盘价": "open", "收盘价": "close", "最高价": "high", "最低价": "low"}  # fmt: skip

__all__ = ["FORMATS", "SOURCES", "Source", "choose_columns", "has_prices", "is_known", "recognised", "source_of"]


def is_known(names: Sequence[str]) -> bool:
    """Whether a header is that of a source; decides if bytes that are no UTF-8 are read as GB18030."""
    return any(source.is_marked(names) for source in SOURCES)


def source_of(header: Header, wanted: str = "auto") -> Source:
    """The source of a file: the first one that its columns give away, among those of the format asked for."""
    unmarked = canonical.RECORD if wanted == "auto" else _candidates(wanted)[0]
    return recognised(header, wanted) or unmarked


def recognised(header: Header, wanted: str = "auto") -> Source | None:
    """As `source_of`, but None for a file whose columns are those of no table of these sources."""
    return next((source for source in _candidates(wanted) if source.is_marked(header.names)), None)


def has_prices(names: Sequence[str]) -> bool:
    """Whether at least two columns are prices of a day, in any spelling of the sources."""
    return len({_PRICE_NAMES[name.lower()] for name in names if name.lower() in _PRICE_NAMES}) >= 2


def _candidates(wanted: str) -> tuple[Source, ...]:
    if wanted in ("auto", "csv", "parquet"):
        return SOURCES if wanted == "auto" else (canonical.RECORD,)
    return tuple(source for source in SOURCES if source.format == wanted)


def choose_columns(source: Source, header: Header, extra: Sequence[str], has_name: bool) -> list[str]:
    """The columns to read; LoadError for a missing or misspelt one.

    has_name: the file's name may say which stock it is about, so that no column needs to.
    """
    path, names = header.path, header.names
    optional = {source.symbol} if source.symbol and has_name and source.per_stock else set()
    missing = [name for name in source.needs if name not in names and name not in optional]
    unknown = [name for name in names if name not in source.columns and name not in extra]
    if missing:
        near = "".join(closest(name, unknown) for name in missing)
        title = "" if source is canonical.RECORD else f" ({source.title})"
        raise LoadError(f"{path.name}{title}: no column {', '.join(missing)}{near}; the file has {_shown(names)}")
    if source is canonical.RECORD:
        canonical.check_spelling(path, names, unknown)
    absent = [name for name in extra if name not in names]
    if absent and source.dated and not source.joins:
        raise LoadError(f"{path.name}: no universe column {absent[0]!r}{closest(absent[0], names)}")
    return [name for name in names if name in source.columns or name in extra]


def _shown(names: Sequence[str]) -> str:
    return " ".join(", ".join(name or '""' for name in names).split())[:300]
