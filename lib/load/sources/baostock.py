"""Baostock, query_history_k_data_plus: everything is text, shares and yuan; halted days are rows (tradestatus 0)."""

from __future__ import annotations

from typing import Final

import numpy as np

from lib.errors import LoadError
from lib.load.columns import FloatArray, Table
from lib.load.sources.base import Source

_ADJUSTED: Final = {1.0: "backward-adjusted (hfq)", 2.0: "forward-adjusted (qfq)"}
_RAW: Final = 'query it with adjustflag="3"'


def _from_baostock(table: Table) -> Table:
    _check_raw(table)
    numbers, columns = table.numbers, dict[str, FloatArray | None](adjust_flag=None, trading=None)
    if "trading" in numbers:
        unknown = np.isnan(numbers["trading"])
        if unknown.any():  # an empty status says nothing: the volume decides
            columns["status_guessed"] = unknown.astype(np.float64)
        halted = np.where(unknown, ~(numbers["volume"] > 0), numbers["trading"] == 0)
        columns["halted"] = (numbers["trading"] == 0).astype(np.float64)
        for name in ("open", "high", "low"):  # zero or empty where nothing was traded
            columns[name] = np.where(halted & ~(numbers[name] > 0), numbers["close"], numbers[name])
        for name in ("volume", "amount", "turnover"):
            if name in numbers:
                columns[name] = np.where(halted & np.isnan(numbers[name]), 0.0, numbers[name])
    return table.updated(columns)


def _check_raw(table: Table) -> None:
    flag = table.numbers.get("adjust_flag", np.full(table.n_rows, 3.0))
    wrong = flag != 3
    if wrong.any():
        row = int(wrong.argmax())
        what = _ADJUSTED.get(float(flag[row]), "of no known adjustment")
        raise LoadError(
            f"{table.name}: adjustflag is {flag[row]:g} instead of 3 on {int(wrong.sum()):,} of {table.n_rows:,} rows, "
            f"first at {table.cell(row)}: prices are {what}; {_RAW}"
        )


DAILY: Final = Source(
    format="baostock",
    title="Baostock query_history_k_data_plus",
    columns={
        "date": "date", "code": "symbol", "open": "open", "high": "high", "low": "low", "close": "close",
        "preclose": "pre_close", "volume": "volume", "amount": "amount", "adjustflag": "adjust_flag",
        "turn": "turnover", "tradestatus": "trading", "isST": "is_st",
    },
    needs=("date", "code", "open", "high", "low", "close", "volume"),
    marks=tuple(frozenset(("date", "code", name)) for name in ("preclose", "tradestatus", "adjustflag", "isST")),
    convert=_from_baostock,
    per_stock=True,
    raw_hint=_RAW,
)  # fmt: skip
