"""AkShare: stock_zh_a_hist (Eastmoney, Chinese headers) and stock_zh_a_daily (Sina).

They look alike and differ in every unit: lots against shares, per cent against a ratio. Neither writes a row on a
halted day, neither has limits or an ST flag, and neither tells ex-dates: Eastmoney's change of the day is the close
less the raw previous close, on ex-dates too, so it says nothing that the closes do not. Both therefore take the
backward factor from a column hfq_factor, as Sina publishes it: a constant between ex-dates, a ratio at them.
(Eastmoney's own adjusted prices are no substitute: they are rounded to the cent, and dividends are added, not
multiplied.) Without that column there are no ex-dates; see `lib.load.limits`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lib.load.columns import FloatArray, Table
from lib.load.sources.base import Source

_RAW: Final = 'fetch it with adjust=""'


def _from_sina(table: Table) -> Table:
    numbers, columns = table.numbers, dict[str, FloatArray | None](turnover_ratio=None, float_shares=None)
    if "turnover_ratio" in numbers:
        columns["turnover"] = 100 * numbers["turnover_ratio"]
    if "float_shares" in numbers:
        with np.errstate(all="ignore"):
            columns["float_mkt_cap"] = numbers["float_shares"] * numbers["close"]
    return table.updated(columns)


HISTORY: Final = Source(
    format="akshare",
    title="AkShare stock_zh_a_hist",
    columns={
        "日期": "date", "股票代码": "symbol", "开盘": "open", "收盘": "close", "最高": "high", "最低": "low",
        "成交量": "volume", "成交额": "amount", "换手率": "turnover", "hfq_factor": "adj_factor",
    },
    needs=("日期", "股票代码", "开盘", "收盘", "最高", "最低", "成交量"),
    marks=(frozenset(("日期", "开盘")), frozenset(("日期", "收盘"))),
    scale={"volume": 100},
    per_stock=True,
    silent_halts=True,
    raw_hint=_RAW,
)  # fmt: skip

SINA: Final = Source(
    format="akshare_daily",
    title="AkShare stock_zh_a_daily",
    columns={
        "date": "date", "symbol": "symbol", "open": "open", "high": "high", "low": "low", "close": "close",
        "volume": "volume", "amount": "amount", "outstanding_share": "float_shares", "turnover": "turnover_ratio",
        "hfq_factor": "adj_factor",
    },
    needs=("date", "symbol", "open", "high", "low", "close", "volume"),
    marks=(frozenset(("date", "outstanding_share")),),
    convert=_from_sina,
    per_stock=True,
    silent_halts=True,
    raw_hint=_RAW,
)  # fmt: skip
