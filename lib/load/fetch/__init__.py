"""Downloads in a source's own shape, one file a stock or a day, for `load_panel` to read.

    python -m lib fetch akshare --symbols SH600000,SZ000001 --start 2020-01-01 --end 2024-12-31 --out data/akshare

The libraries are the extra `data`; each is imported when it is asked for. Nothing else in the project needs them,
and no test and no page uses the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lib.days import Day, as_day
from lib.errors import LoadError, closest
from lib.load.fetch import akshare, baostock, tushare
from lib.load.fetch.download import Request, RetryPolicy, Summary, download, make_folder, today_in_china
from lib.load.keys import spell

#: name -> what makes its jobs
SOURCES: Final = {
    "akshare": akshare.history,
    "akshare_daily": akshare.sina,
    "tushare": tushare.tables,
    "baostock": baostock.daily,
}


def fetch(
    source: str,
    out: str | Path,
    start: Day,
    end: Day,
    symbols: Sequence[str] = (),
    *,
    client: Any = None,
    retries: RetryPolicy | None = None,
    progress: bool | None = None,
    today: Day | None = None,
) -> Summary:
    """Download daily rows of a source into a folder; final files that are there for the same request are kept.

    start, end: days (`lib.days`), both included. symbols: in any spelling; Tushare is asked by day and takes none.
    client: an object with the library's functions, else the library itself. progress: None shows a bar on a terminal.
    today: a day, None for the date in China. A file is written whole or not at all, so an interrupted download
    goes on where it was.

    Tried again, after growing pauses (retries): every call that raises, among them Tushare's calendar and Baostock's
    login; Baostock logs in anew for that. Not tried again: an answer in another shape, which fails that file alone.
    Final: what was answered after its last day, rows or no rows. Fetched again each time: files whose last day, for
    Tushare the day itself and for the others `end`, is today or later. An empty answer removes the file that was there.

    Raises LoadError: unknown source, bad dates or symbols, a library that is not installed, a folder that cannot be
    made, downloads that failed; StoreError: a file that cannot be written; ParameterError: retries out of range.
    """
    if source not in SOURCES:
        hint = closest(source, SOURCES) or f"; there are: {', '.join(SOURCES)}"
        raise LoadError(f"unknown source {source!r}{hint}")
    request = Request(
        str(as_day(start, "start", LoadError)),
        str(as_day(end, "end", LoadError)),
        tuple(dict.fromkeys(map(_symbol, symbols))),
        today_in_china() if today is None else str(as_day(today, "today", LoadError)),
        retries or RetryPolicy(),
    )
    if request.end < request.start:
        raise LoadError(f"end {request.end} is before start {request.start}")
    make_folder(Path(out))
    with SOURCES[source](client, request) as jobs:
        return download(jobs, Path(out), request, progress)


def _symbol(given: object) -> str:
    symbol = spell(given) if isinstance(given, str) else None  # a number has lost its leading zeros
    if symbol is None or len(symbol) != 8:
        raise LoadError(f"symbol {given!r}: expected 600000, 600000.SH or SH600000, as text")
    return symbol
