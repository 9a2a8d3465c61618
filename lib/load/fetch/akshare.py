"""AkShare: stock_zh_a_hist by code, and stock_zh_a_daily with its factors beside it; both unadjusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lib.load.fetch.download import BadAnswerError, Job, Request, about, library, need_symbols
from lib.load.sources.akshare import HISTORY, SINA

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def history(client: Any, request: Request) -> Iterator[list[Job]]:
    """One file a stock, from stock_zh_a_hist with adjust=""."""
    need_symbols("akshare", request)
    client = client or library("akshare")
    start, end = request.compact
    needs = tuple(name for name in HISTORY.needs if name != HISTORY.symbol)

    def job(symbol: str) -> Job:
        code = symbol[2:]

        def call() -> pd.DataFrame:
            frame: pd.DataFrame = client.stock_zh_a_hist(
                symbol=code, period="daily", start_date=start, end_date=end, adjust=""
            )
            return frame

        return Job(symbol, call, needs, about("stock_zh_a_hist", symbol=code, start=start, end=end), may_be_empty=True)

    yield [job(symbol) for symbol in request.symbols]


@contextmanager
def sina(client: Any, request: Request) -> Iterator[list[Job]]:
    """One file a stock, from stock_zh_a_daily with adjust="", with the column hfq_factor: it has no previous close."""
    need_symbols("akshare_daily", request)
    client = client or library("akshare")
    start, end = request.compact
    needs = tuple(name for name in SINA.needs if name != SINA.symbol)

    def job(symbol: str) -> Job:
        name = symbol.lower()

        def call() -> pd.DataFrame:
            prices = client.stock_zh_a_daily(symbol=name, start_date=start, end_date=end, adjust="")
            return with_factors(prices, client.stock_zh_a_daily(symbol=name, adjust="hfq-factor"))

        return Job(symbol, call, needs, about("stock_zh_a_daily", symbol=name, start=start, end=end), may_be_empty=True)

    yield [job(symbol) for symbol in request.symbols]


def with_factors(prices: pd.DataFrame, factors: pd.DataFrame) -> pd.DataFrame:
    """Prices with the factor in force on each day; the table of factors has a row for each day it changes."""
    import pandas as pd

    missing = {"date", "hfq_factor"} - set(factors.columns)
    if missing or "date" not in prices.columns:
        raise BadAnswerError(f"the table of factors has no column {', '.join(sorted(missing)) or 'date'}")
    days = pd.to_datetime(prices["date"]).astype("datetime64[ns]")
    changes = pd.DataFrame(
        {
            "day": pd.to_datetime(factors["date"]).astype("datetime64[ns]"),
            "hfq_factor": factors["hfq_factor"].astype(float),
        }
    ).sort_values("day")
    found = pd.merge_asof(pd.DataFrame({"day": days}).sort_values("day"), changes, on="day")
    return prices.assign(date=days).sort_values("date").assign(hfq_factor=found["hfq_factor"].to_numpy())
