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

#: in the order in which their marks are looked for; the canonical record has none
SOURCES: Final = (*tushare.TABLES, akshare.HISTORY, akshare.SINA, baostock.DAILY, qlib_csv.DAILY, canonical.RECORD)
#: names for load_panel(format=...); csv and parquet are the canonical record in such a file
FORMATS: Final = ("auto", "csv", "parquet", *dict.fromkeys(source.format for source in SOURCES), "qlib_bin")

__all__ = ["FORMATS", "SOURCES", "Source", "choose_columns", "is_known", "source_of"]


def is_known(names: Sequence[str]) -> bool:
    """Whether a header is that of a source; decides if bytes that are no UTF-8 are read as GB18030."""
    return any(source.is_marked(names) for source in SOURCES)


def source_of(header: Header, wanted: str = "auto") -> Source:
    """The source of a file: the first one that its columns give away, among those of the format asked for."""
    if wanted in ("auto", "csv", "parquet"):
        candidates: tuple[Source, ...] = SOURCES if wanted == "auto" else (canonical.RECORD,)
    else:
        candidates = tuple(source for source in SOURCES if source.format == wanted)
    unmarked = canonical.RECORD if wanted == "auto" else candidates[0]
    return next((source for source in candidates if source.is_marked(header.names)), unmarked)


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
    if absent and source.dated and not source.side:
        raise LoadError(f"{path.name}: no universe column {absent[0]!r}{closest(absent[0], names)}")
    return [name for name in names if name in source.columns or name in extra]


def _shown(names: Sequence[str]) -> str:
    return " ".join(", ".join(names).split())[:300]
