"""Tushare by trading day: the tables that the reader joins, one file a day and table, and the list of stocks.

The token is the one that `tushare.set_token` stored; it is never read or written here. A call gives no more rows than
the vendor's cap for its table, 5,800 of stk_limit and 6,000 of daily, and does not say that it stopped there: every
table is read in pages (limit, offset) until one is not full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lib.days import parse_day
from lib.errors import LoadError
from lib.load.fetch.download import BadAnswerError, Job, Request, about, library, with_retries
from lib.load.sources.tushare import TABLES

if TYPE_CHECKING:
    import pandas as pd

BY_DAY: Final = ("daily", "stk_limit", "suspend_d", "adj_factor", "daily_basic")
_NEEDS: Final = {source.joins or "daily": source.needs for source in TABLES}
_STOCK_FIELDS: Final = "ts_code,name,industry,list_date,delist_date"
#: rows of a page: below the cap of every table, with room for those whose cap is not stated
_PAGE: Final = 4_000


@contextmanager
def tables(client: Any, request: Request) -> Iterator[list[Job]]:
    """Every table on every trading day from start to end; all stocks, so symbols are not looked at.

    Days after today are left out: the calendar knows them, the tables do not.
    Raises LoadError: the interface does not open, or the calendar gives no days.
    """
    if client is None:
        client = with_retries("tushare, pro_api", library("tushare").pro_api, request.retries)
    days = with_retries("tushare, trade_cal", lambda: _trading_days(client, request), request.retries)
    yield [_stocks(client, request), *(_day(client, name, day, request.today) for day in days for name in BY_DAY)]


def _trading_days(client: Any, request: Request) -> list[str]:
    """Days as YYYY-MM-DD, up to today."""
    span = dict(zip(("start_date", "end_date"), request.compact, strict=True))
    calendar = _paged(lambda **page: client.trade_cal(exchange="SSE", is_open="1", **span, **page))
    if len(calendar) and "cal_date" not in calendar.columns:
        raise BadAnswerError(f"the answer has no column cal_date; it has {', '.join(map(str, calendar.columns))}")
    texts = {str(text) for text in calendar["cal_date"]} if len(calendar) else set()
    odd = next((text for text in sorted(texts) if parse_day(text) is None), None)
    if odd is not None:
        raise BadAnswerError(f"cal_date {odd!r} is no day; expected YYYYMMDD")
    days = [day for day in sorted(str(parse_day(text)) for text in texts) if day <= request.today]
    if not days:
        raise BadAnswerError(f"no trading day from {request.start} to {min(request.end, request.today)}")
    return days


def _day(client: Any, name: str, day: str, today: str) -> Job:
    date = day.replace("-", "")

    def call() -> pd.DataFrame:
        return _paged(lambda **page: getattr(client, name)(trade_date=date, **page))

    # today's tables come after the close, each at its hour: none yet is no fault
    may_be_empty = name == "suspend_d" or day >= today
    return Job(f"{name}/{date}", call, _NEEDS[name], about(name, trade_date=date), may_be_empty, until=day)


def _stocks(client: Any, request: Request) -> Job:
    def listed(status: str) -> pd.DataFrame:
        return _paged(lambda **page: client.stock_basic(list_status=status, fields=_STOCK_FIELDS, **page))

    def call() -> pd.DataFrame:
        # listed, delisted and paused: without the delisted ones the list would hold survivors only
        return _joined([listed(status) for status in "LDP"])

    return Job("stock_basic", call, _NEEDS["stock_basic"], about("stock_basic", end=request.compact[1]))


def _paged(call: Callable[..., pd.DataFrame | None]) -> pd.DataFrame:
    """Every row of a call that takes limit and offset, in the order of the answers.

    Raises BadAnswerError when the offset is not heeded: then the rows beyond the cap cannot be had; LoadError when
    pages overlap, which is what a table looks like that changes between two calls.
    """
    pages: list[pd.DataFrame] = []
    while not pages or len(pages[-1]) >= _PAGE:
        page = call(limit=_PAGE, offset=sum(map(len, pages)))
        if page is None or len(page) == 0:
            break
        if pages:
            _check_new(page, pages)
        pages.append(page)
    return _joined(pages)


def _check_new(page: pd.DataFrame, before: list[pd.DataFrame]) -> None:
    seen = set().union(*map(_rows, before))
    again = sum(row in seen for row in _rows(page))
    if again == len(page):
        raise BadAnswerError(
            f"{len(page):,} rows, and from row {sum(map(len, before)):,} on the same rows again: the client does not "
            f"heed offset, so what is beyond the cap of one call cannot be had; use the interface of tushare.pro_api"
        )
    if again:
        raise LoadError(f"{again:,} rows come on two pages: the table changed in between")


def _rows(frame: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Rows that can be compared: as text, where a missing value equals itself."""
    return frame.astype(str).itertuples(index=False, name=None)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Frames below each other; a column that is empty in one of them takes its type from the others."""
    import pandas as pd

    frames = [frame for frame in frames if len(frame)]
    if len(frames) < 2:
        return frames[0] if frames else pd.DataFrame()
    columns = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    whole = pd.concat([frame.dropna(axis=1, how="all") for frame in frames], ignore_index=True)
    return whole.reindex(columns=columns)
