"""AkShare: stock_zh_a_hist by code and stock_zh_a_daily, both unadjusted, with Sina's factors beside them.

Neither has the ex-right previous close, and Eastmoney's own adjusted prices give no factor (see the reader), so the
table of factors of stock_zh_a_daily serves both.
"""

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
    """One file a stock, from stock_zh_a_hist with adjust="", with the column hfq_factor of stock_zh_a_daily."""
    need_symbols("akshare", request)
    client = client or library("akshare")
    start, end = request.compact
    needs = tuple(name for name in HISTORY.needs if name != HISTORY.symbol)

    def job(symbol: str) -> Job:
        code = symbol[2:]

        def call() -> pd.DataFrame:
            prices = client.stock_zh_a_hist(symbol=code, period="daily", start_date=start, end_date=end, adjust="")
            return _beside(prices, needs, "日期", client, symbol)

        made_by = about("stock_zh_a_hist", symbol=code, start=start, end=end, factors="stock_zh_a_daily")
        return Job(symbol, call, needs, made_by, may_be_empty=True)

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
            return _beside(prices, needs, "date", client, symbol)

        return Job(symbol, call, needs, about("stock_zh_a_daily", symbol=name, start=start, end=end), may_be_empty=True)

    yield [job(symbol) for symbol in request.symbols]


def _beside(prices: Any, needs: tuple[str, ...], day: str, client: Any, symbol: str) -> pd.DataFrame:
    """Prices with Sina's factors; an empty answer, or one in another shape, goes back as it came, to be refused."""
    if prices is None or len(prices) == 0 or not {*needs} <= {*prices.columns}:
        return prices
    name = symbol.lower()
    try:
        factors = client.stock_zh_a_daily(symbol=name, adjust="hfq-factor")
    except ValueError as error:
        if "not available" not in str(error):  # anything else may be the network: worth another try
            raise
        raise BadAnswerError(f"Sina has no factors of {name}, so its ex-dates are unknown; leave it out") from error
    return with_factors(prices, factors, day)


def with_factors(prices: pd.DataFrame, factors: pd.DataFrame, day: str = "date") -> pd.DataFrame:
    """Prices with the factor in force on each day; the table of factors has a row for each day it changes.

    day: the column of the prices that holds it. Raises BadAnswerError: a column is missing, or a day of the prices
    comes before the first factor.
    """
    import pandas as pd

    missing = {"date", "hfq_factor"} - set(factors.columns)
    if missing:
        raise BadAnswerError(f"the table of factors has no column {', '.join(sorted(missing))}")
    days = pd.to_datetime(prices[day]).astype("datetime64[ns]")
    changes = pd.DataFrame(
        {
            "day": pd.to_datetime(factors["date"]).astype("datetime64[ns]"),
            "hfq_factor": factors["hfq_factor"].astype(float),
        }
    ).sort_values("day")
    found = pd.merge_asof(pd.DataFrame({"day": days}).sort_values("day"), changes, on="day")
    if found["hfq_factor"].isna().any():
        raise BadAnswerError(f"the table of factors begins after {days.min().date()}, the first day of the prices")
    return prices.assign(**{day: days}).sort_values(day).assign(hfq_factor=found["hfq_factor"].to_numpy())
