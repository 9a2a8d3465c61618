"""Tushare by trading day: the tables that the reader joins, one file a day and table, and the list of stocks.

The token is the one that `tushare.set_token` stored; it is never read or written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lib.load.fetch.download import Job, Request, about, library
from lib.load.sources.tushare import TABLES

if TYPE_CHECKING:
    import pandas as pd

BY_DAY: Final = ("daily", "stk_limit", "suspend_d", "adj_factor", "daily_basic")
_NEEDS: Final = {source.side or "daily": source.needs for source in TABLES}
_STOCK_FIELDS: Final = "ts_code,name,industry,list_date,delist_date"


@contextmanager
def tables(client: Any, request: Request) -> Iterator[list[Job]]:
    """Every table on every trading day from start to end; all stocks, so symbols are not looked at."""
    client = client or library("tushare").pro_api()
    start, end = request.compact
    calendar = client.trade_cal(exchange="SSE", start_date=start, end_date=end, is_open="1")
    days = sorted(str(day) for day in calendar["cal_date"])
    yield [_stocks(client, end), *(_day(client, name, day) for day in days for name in BY_DAY)]


def _day(client: Any, name: str, day: str) -> Job:
    def call() -> pd.DataFrame:
        frame: pd.DataFrame = getattr(client, name)(trade_date=day)
        return frame

    return Job(f"{name}/{day}", call, _NEEDS[name], about(name, trade_date=day), may_be_empty=name == "suspend_d")


def _stocks(client: Any, end: str) -> Job:
    def call() -> pd.DataFrame:
        import pandas as pd

        # listed, delisted and paused: without the delisted ones the list would hold survivors only
        parts = [client.stock_basic(list_status=status, fields=_STOCK_FIELDS) for status in "LDP"]
        parts = [part.astype(object) for part in parts if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    return Job("stock_basic", call, _NEEDS["stock_basic"], about("stock_basic", end=end))
