"""Tushare: daily prices, and the tables that are joined to them by stock and day.

Lots of 100, thousands of yuan, shares and values of daily_basic in units of 10,000. No row on a halted day; who was
halted stands in suspend_d, where an entry with a time is a halt within the day and not a day without trading.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import numpy as np

from lib.load.columns import BoolArray, Column, Table
from lib.load.sources.base import Source

_KEYS: Final = {"ts_code": "symbol", "trade_date": "date"}
_STOCK: Final = {"ts_code": "symbol"}
_LIMITS: Final = {"up_limit": "limit_up", "down_limit": "limit_down"}
_BASIC: Final = {"turnover_rate": "turnover", "total_mv": "cap", "circ_mv": "float_mkt_cap"}
#: ST, *ST, SST, S*ST, also on an ex-date (XD, XR, DR) or a first day (N), and with blanks; a name such as STAR is none
_SPECIAL: Final = re.compile(r"((XD|XR|DR|N|G|S)\s*)*(\*\s*ST|ST(?![A-Z]))")
#: a day without a limit carries 99999.99 / 0 or 100000 / 0; any other zero is an empty cell
_NO_LIMIT: Final = 99_999.0


def _limits(table: Table) -> Table:
    """Sentinels of days without a limit become NaN, on both sides; `limit_known` tells them from a missing row.

    A limit of 0 beside an upper one that is no sentinel is not known either.
    """
    up, down = table.numbers.get("limit_up"), table.numbers.get("limit_down")
    if up is not None and down is not None:
        free = up >= _NO_LIMIT
        known = (free | ((up > 0) & (down > 0))).astype(np.float64)
        limits = {
            name: np.where(free | (side == 0), np.nan, side) for name, side in (("limit_up", up), ("limit_down", down))
        }
        return table.updated({**limits, "limit_known": known})
    return table


def _full_day_halts(table: Table) -> Table:
    """Rows that suspend a stock (S, not R) for the whole day (no time given)."""
    labels = table.labels
    suspended, timing = _is(labels["suspend_type"], "S"), labels.get("suspend_timing")
    if timing is not None:
        suspended &= (timing.codes < 0) | _is(timing, "")
    halted = np.ones(table.n_rows)
    return table.updated({"halted": halted, "suspend_type": None, "suspend_timing": None}).take(suspended)


def _is(column: Column, text: str) -> BoolArray:
    wanted = np.append(np.char.strip(np.char.upper(column.values.astype(np.str_))) == text, False)
    return np.asarray(wanted[column.codes], dtype=bool)


def _special_treatment(table: Table) -> Table:
    """Names that say ST or *ST, from their first day to their last; the vendor leaves many last days empty."""
    names = table.labels["stock_name"]
    special = np.array([*(_is_special(str(name)) for name in names.values), False])
    return table.updated({"is_st": special[names.codes].astype(np.float64), "stock_name": None})


def _is_special(name: str) -> bool:
    """Whether a name says special treatment, in letters and asterisks of any width."""
    return _SPECIAL.match(unicodedata.normalize("NFKC", name).strip().upper()) is not None


def _joined(name: str, columns: dict[str, str], mark: str, **more: object) -> Source:
    keys = _KEYS if more.pop("dated", True) else _STOCK
    return Source(
        format="tushare",
        title=f"Tushare {name}",
        columns={**keys, **columns},
        needs=(*keys, mark),
        marks=(frozenset((*keys, mark)),),
        joins=name,
        **more,  # type: ignore[arg-type]
    )


DAILY: Final = Source(
    format="tushare",
    title="Tushare daily",
    columns={
        **_KEYS, "open": "open", "high": "high", "low": "low", "close": "close", "pre_close": "pre_close",
        "vol": "volume", "amount": "amount", **_LIMITS, "adj_factor": "adj_factor", **_BASIC,
    },
    needs=("ts_code", "trade_date", "open", "high", "low", "close", "vol"),
    marks=(frozenset(("ts_code", "trade_date", "open", "close")), frozenset(("ts_code", "trade_date", "vol"))),
    scale={"volume": 100, "amount": 1_000, "cap": 10_000, "float_mkt_cap": 10_000},
    convert=_limits,
    silent_halts=True,
    raw_hint="use the table daily, which is unadjusted, not pro_bar(adj=...)",
)  # fmt: skip

TABLES: Final = (
    DAILY,
    _joined("stk_limit", _LIMITS, "up_limit", convert=_limits),
    _joined("suspend_d", {"suspend_type": "suspend_type", "suspend_timing": "suspend_timing"}, "suspend_type",
            convert=_full_day_halts),
    _joined("daily_basic", _BASIC, "turnover_rate", scale={"cap": 10_000, "float_mkt_cap": 10_000}),
    _joined("adj_factor", {"adj_factor": "adj_factor"}, "adj_factor"),
    _joined("namechange", {"name": "stock_name", "start_date": "since", "end_date": "until"}, "start_date",
            dated=False, convert=_special_treatment),
    _joined("stock_basic", {name: name for name in ("industry", "list_date", "delist_date")}, "list_date", dated=False),
    # sessions come from the prices; a calendar beside them is no trouble
    Source(format="tushare", title="Tushare trade_cal", columns={}, needs=("cal_date", "is_open"),
           marks=(frozenset(("cal_date", "is_open")),), joins="trade_cal", unused=True),
)  # fmt: skip
