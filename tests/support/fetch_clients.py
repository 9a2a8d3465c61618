"""Stand-ins for the libraries that are fetched from: they answer in the recorded shape of each source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import source_shapes as shapes

from lib.load.fetch import fetch

ROWS = shapes.market()
START, END = shapes.DAYS[0], shapes.DAYS[-1]
CAP = 5_800  # of stk_limit, as its page states


def own(code: str) -> list[shapes.Row]:
    return [row for row in ROWS if row.stock[2:] == code]


class AkShare:
    """stock_zh_a_hist and stock_zh_a_daily of the hand-made market."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def stock_zh_a_hist(self, symbol: str, period: str, start_date: str, end_date: str, adjust: str) -> pd.DataFrame:
        assert (period, adjust, start_date, end_date) == ("daily", "", START.replace("-", ""), END.replace("-", ""))
        self.calls.append(symbol)
        return shapes.history(own(symbol))

    def stock_zh_a_daily(self, symbol: str, start_date: str = "", end_date: str = "", adjust: str = "") -> pd.DataFrame:
        self.calls.append(symbol + adjust)
        frame = shapes.sina(own(symbol[2:]))
        if adjust == "":
            return frame.drop(columns="hfq_factor").assign(date=pd.to_datetime(frame["date"]).dt.date)
        factors = frame[["date", "hfq_factor"]].drop_duplicates("hfq_factor").iloc[::-1]  # newest first, as text
        return factors.assign(hfq_factor=factors["hfq_factor"].astype(str)).reset_index(drop=True)


class Tushare:
    """pro_api: tables by trading day."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def trade_cal(self, exchange: str, start_date: str, end_date: str, is_open: str, **page: int) -> pd.DataFrame:
        assert (exchange, is_open) == ("SSE", "1")
        days = [day.replace("-", "") for day in shapes.DAYS]
        days = [day for day in days if start_date <= day <= end_date]
        return cut(pd.DataFrame({"exchange": exchange, "cal_date": days[::-1], "is_open": 1}), **page)

    def stock_basic(self, list_status: str, fields: str, **page: int) -> pd.DataFrame:
        frame = shapes.ts_stocks(ROWS)[fields.split(",")]
        return cut(frame if list_status == "L" else frame.iloc[:0], **page)

    def __getattr__(self, name: str) -> Callable[..., pd.DataFrame]:
        make = {"daily": shapes.ts_daily, "stk_limit": shapes.ts_limits, "daily_basic": shapes.ts_basic,
                "adj_factor": shapes.ts_factors}  # fmt: skip

        def table(trade_date: str, **page: int) -> pd.DataFrame:
            self.calls.append(f"{name} {trade_date}")
            if name == "suspend_d":
                whole = shapes.ts_suspensions(ROWS)
                return cut(whole[whole["trade_date"] == trade_date], **page)
            return cut(make[name]([row for row in ROWS if row.date.replace("-", "") == trade_date]), **page)

        return table


def cut(whole: pd.DataFrame, limit: int = CAP, offset: int = 0) -> pd.DataFrame:
    """A page of Tushare: from offset on, at most limit rows and never more than the cap."""
    return whole.iloc[offset : offset + min(limit, CAP)].reset_index(drop=True)


class Baostock:
    """login, logout and a result that is read row by row."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def login(self) -> SimpleNamespace:
        self.log.append("in")
        return SimpleNamespace(error_code="0", error_msg="success")

    def logout(self) -> None:
        self.log.append("out")

    def query_history_k_data_plus(self, code: str, fields: str, **options: str) -> Any:
        assert options == {"start_date": START, "end_date": END, "frequency": "d", "adjustflag": "3"}
        frame = shapes.baostock(own(code[3:]))
        frame = frame.reindex(columns=fields.split(","), fill_value="")
        rows = iter(frame.to_numpy().tolist())
        held: list[list[str]] = []

        def step() -> bool:
            held[:] = [row for row in [next(rows, None)] if row]
            return bool(held)

        return SimpleNamespace(
            error_code="0", error_msg="", fields=list(frame.columns), next=step, get_row_data=lambda: held[0]
        )


CLIENTS = {"akshare": AkShare, "akshare_daily": AkShare, "tushare": Tushare, "baostock": Baostock}


def got(source: str, folder: Path, client: Any, **more: Any) -> Any:
    symbols = () if source == "tushare" else shapes.STOCKS
    return fetch(source, folder, START, END, symbols, client=client, progress=False, **more)
