"""The operators in polars; a masked cell is null, as its windows skip or pass on NaN differently."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lib.studies.how_fast.bench.contender import Contender, alpha_of, groups
from lib.studies.how_fast.bench.peers import load


def operators(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """One column for each stock, and one for each day where stocks are compared."""
    pl = load("polars")
    if pl is None:
        return {}
    found = _by_stock(pl, x, y, window)
    each, rows = pl.all(), range(len(x))
    days = _frame(pl, x, "d")  # a rank over stocks runs down a column
    grouped = days.with_columns(pl.Series("group", groups(x.shape[1])))
    expressions = {
        "cs_rank": (days, each.rank("average") / each.count()),
        "cs_zscore": (days, (each - each.mean()) / each.std(ddof=0)),
        "group_neutralize": (grouped, [pl.col(f"d{t}") - pl.col(f"d{t}").mean().over("group") for t in rows]),
    }
    for name, (frame, expression) in expressions.items():
        found[name] = Contender(partial(frame.select, expression), lambda result: _array(result).T)
    return found


def _by_stock(pl: Any, x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    columns = range(x.shape[1])
    stocks = _frame(pl, x.T, "a").hstack(_frame(pl, y.T, "b"))
    every = pl.col([f"a{i}" for i in columns])
    expressions = {
        "ts_mean": every.rolling_mean(window),
        "ts_sum": every.rolling_sum(window),
        "ts_max": every.rolling_max(window),
        "ts_min": every.rolling_min(window),
        "ts_std": every.rolling_std(window),
        "ts_corr": [pl.rolling_corr(pl.col(f"a{i}"), pl.col(f"b{i}"), window_size=window) for i in columns],
        "ts_rank": every.rolling_rank(window, method="max"),
        "ewma": every.ewm_mean(alpha=alpha_of(window), adjust=False),
    }
    if not np.isnan(x).any():  # it weights no window that holds a null
        weights = [float(weight) for weight in range(1, window + 1)]
        expressions["decay_linear"] = every.rolling_mean(window, weights=weights)

    def contender(name: str) -> Contender:
        scale = window if name == "ts_rank" else 1
        return Contender(lambda: stocks.select(expressions[name]), lambda frame: _array(frame) / scale)

    return {name: contender(name) for name in expressions}


def _frame(pl: Any, columns: np.ndarray, prefix: str) -> Any:
    return pl.DataFrame({f"{prefix}{i}": pl.Series(column, nan_to_null=True) for i, column in enumerate(columns)})


def _array(frame: Any) -> np.ndarray:
    return frame.to_numpy().astype(np.float64)
