"""Qlib's CSV files: prices and volume are adjusted, and factor takes them back.

raw price = price / factor, raw volume = volume x factor; a halted day is a row of NaN, or no row. Some vendors fill
them with lots and thousands of yuan: `lib.load.units` tells.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lib.load.columns import BoolArray, Table
from lib.load.sources.base import Source, on_grid
from lib.reasons import PRICES


def from_adjusted(table: Table) -> Table:
    """Raw prices and shares; days on which nothing was traded go, for they are written as days without a row."""
    table = table.take(traded_rows(table))
    numbers = table.numbers
    factor = numbers["factor"]
    with np.errstate(all="ignore"):
        columns = {name: on_grid(numbers[name] / factor) for name in PRICES}
        if "vwap" in numbers:
            columns["vwap"] = numbers["vwap"] / factor
        columns["volume"] = numbers["volume"] * factor  # whole shares only when the units are known
    return table.updated({**columns, "adj_factor": factor, "factor": None})


def traded_rows(table: Table) -> BoolArray:
    """Rows that hold anything: a close, a volume other than zero, or another price."""
    numbers = table.numbers
    held = np.logical_or.reduce([numbers["volume"] > 0, *(~np.isnan(numbers[name]) for name in PRICES)])
    return held if held.any() else np.ones(table.n_rows, dtype=bool)


DAILY: Final = Source(
    format="qlib",
    title="Qlib CSV",
    columns={
        "date": "date", "symbol": "symbol", "open": "open", "high": "high", "low": "low", "close": "close",
        "volume": "volume", "factor": "factor", "money": "amount", "amount": "amount", "vwap": "vwap",
    },
    needs=("date", "symbol", "open", "high", "low", "close", "volume", "factor"),
    marks=(frozenset(("date", "close", "factor")),),
    convert=from_adjusted,
    per_stock=True,
    silent_halts=True,
    units_known=False,
    rounds_volume=True,
    raw_hint="close / factor must be the raw price; check the factor",
)  # fmt: skip
