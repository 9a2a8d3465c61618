"""The operators in every library that has them, on one panel without a masked cell.

Each library gets its inputs in the layout that it is fastest with, converted before the clock starts. Where it has
no such operation it is left out; where an idiom is needed, it is the fastest that we know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from lib import ops
from lib.bench.peers import FLOOR, OURS, load
from lib.bench.timing import Call
from lib.masked import Masked

#: the operators that are measured, and those of two series among them
PRIMITIVES = (
    "ts_mean", "ts_max", "ts_std", "ts_corr", "ts_rank", "ts_argmax", "decay_linear", "ewma", "cs_rank", "cs_zscore",
)  # fmt: skip
TWO_SERIES = ("ts_corr",)


class Contender(NamedTuple):
    """A call to be timed, and how its result becomes an array [T, N]."""

    call: Call
    values: Callable[[Any], np.ndarray]


def alpha_of(window: int) -> float:
    """Weight of an exponential average with the mean age of a window: 2 / (w + 1)."""
    return 2 / (window + 1)


def prices(dates: int, stocks: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two independent price-like series [T, N]: random walks of 2 % a day around 20."""
    steps = np.random.default_rng(seed).standard_normal((2, dates, stocks))
    x, y = 20 * np.exp(0.02 * steps.cumsum(axis=1))
    return x, y


def contenders(name: str, x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """The operator `name` in ours and in every installed peer that has it, ours first."""
    found = {}
    for library, build in LIBRARIES.items():
        operators = build(x, y, window)
        if name in operators:
            found[library] = operators[name]
    return found


# ------------------------------------------------------------------------------------------- libraries


def _ours(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    valid = torch.ones(x.shape, dtype=torch.bool)
    a, b = (Masked(torch.from_numpy(values), valid) for values in (x, y))
    numbers: Mapping[str, tuple[float, ...]] = {"ewma": (alpha_of(window),), "cs_rank": (), "cs_zscore": ()}

    def contender(name: str) -> Contender:
        operator: Any = getattr(ops, name)
        arguments = ((a, b) if name in TWO_SERIES else (a,)) + numbers.get(name, (window,))
        return Contender(lambda: operator(*arguments), lambda masked: masked.values.numpy())

    return {name: contender(name) for name in PRIMITIVES}


def _copy(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """The floor that memory sets: the inputs read once, a result written once."""
    target = np.empty_like(x)
    one = Contender(lambda: np.copyto(target, x), lambda _: target)
    two = Contender(lambda: np.add(x, y, out=target), lambda _: target)
    return {name: two if name in TWO_SERIES else one for name in PRIMITIVES}


def _pandas(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    p, q = pd.DataFrame(x), pd.DataFrame(y)
    calls: dict[str, Call] = {
        "ts_mean": lambda: p.rolling(window).mean(),
        "ts_max": lambda: p.rolling(window).max(),
        "ts_std": lambda: p.rolling(window).std(),
        "ts_corr": lambda: p.rolling(window).corr(q),
        "ts_rank": lambda: p.rolling(window).rank(method="max", pct=True),
        # rolling.apply with a dot product takes many times as long
        "decay_linear": lambda: _weighted(p, window),
        "ewma": lambda: p.ewm(alpha=alpha_of(window), adjust=False).mean(),
        "cs_rank": lambda: p.rank(axis=1, pct=True),
        "cs_zscore": lambda: p.sub(p.mean(axis=1), axis=0).div(p.std(axis=1, ddof=0), axis=0),
    }
    return {name: Contender(call, lambda frame: frame.to_numpy()) for name, call in calls.items()}


def _weighted(p: pd.DataFrame, window: int) -> pd.DataFrame:
    """Mean with weights w, .., 1 from today backwards, as a sum of shifted frames."""
    total = p * window
    for age in range(1, window):
        total = total + p.shift(age) * (window - age)
    return total / (window * (window + 1) / 2)


def _bottleneck(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    bn = load("bottleneck")
    if bn is None:
        return {}
    by_stock = np.ascontiguousarray(x.T)  # time is contiguous: its moving windows like that best
    calls: dict[str, Call] = {
        "ts_mean": lambda: bn.move_mean(by_stock, window, axis=1),
        "ts_max": lambda: bn.move_max(by_stock, window, axis=1),
        "ts_std": lambda: bn.move_std(by_stock, window, axis=1, ddof=1),
        "ts_argmax": lambda: bn.move_argmax(by_stock, window, axis=1),
    }
    found = {name: Contender(call, lambda values: values.T) for name, call in calls.items()}
    # its positions count backwards from today, its rank of today runs from -1 to 1
    found["ts_argmax"] = Contender(calls["ts_argmax"], lambda values: window - values.T)
    found["ts_rank"] = Contender(
        lambda: bn.move_rank(by_stock, window, axis=1), lambda r: ((r.T + 1) / 2 * (window - 1) + 1) / window
    )
    found["cs_rank"] = Contender(lambda: bn.rankdata(x, axis=1), lambda ranks: ranks / x.shape[1])
    return found


def _polars(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    pl = load("polars")
    if pl is None:
        return {}
    columns = range(x.shape[1])
    stocks = pl.DataFrame({f"a{i}": x[:, i] for i in columns} | {f"b{i}": y[:, i] for i in columns})
    days = pl.DataFrame({f"d{t}": row for t, row in enumerate(x)})  # a rank over stocks runs down a column
    every = pl.col([f"a{i}" for i in columns])
    pairs = [pl.rolling_corr(pl.col(f"a{i}"), pl.col(f"b{i}"), window_size=window) for i in columns]
    weights = [float(weight) for weight in range(1, window + 1)]
    expressions = {
        "ts_mean": every.rolling_mean(window),
        "ts_max": every.rolling_max(window),
        "ts_std": every.rolling_std(window),
        "ts_corr": pairs,
        "ts_rank": every.rolling_rank(window, method="max"),
        "decay_linear": every.rolling_mean(window, weights=weights),
        "ewma": every.ewm_mean(alpha=alpha_of(window), adjust=False),
    }

    def by_stock(name: str) -> Contender:
        scale = window if name == "ts_rank" else 1
        return Contender(lambda: stocks.select(expressions[name]), lambda frame: _array(frame) / scale)

    def by_day(expression: Any) -> Contender:
        return Contender(lambda: days.select(expression), lambda frame: _array(frame).T)

    each = pl.all()
    found = {name: by_stock(name) for name in expressions}
    found["cs_rank"] = by_day(each.rank("average") / pl.len())
    found["cs_zscore"] = by_day((each - each.mean()) / each.std(ddof=0))
    return found


def _array(frame: Any) -> np.ndarray:
    return frame.to_numpy().astype(np.float64)


def _mlquantx(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    theirs = load("mlquantx", "features.tensor_factors")
    if theirs is None:
        return {}
    mask = torch.ones(x.shape, dtype=torch.bool)
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    numbers: Mapping[str, tuple[float, ...]] = {"ewma": (alpha_of(window),), "cs_rank": (), "cs_zscore": ()}

    def contender(name: str) -> Contender:
        operator = getattr(theirs, name)
        series = (a, b, mask) if name in TWO_SERIES else (a, mask)
        return Contender(lambda: operator(*series, *numbers.get(name, (window,))), lambda pair: pair[0].numpy())

    return {name: contender(name) for name in PRIMITIVES}


LIBRARIES: Mapping[str, Callable[[np.ndarray, np.ndarray, int], dict[str, Contender]]] = {
    OURS: _ours,
    FLOOR: _copy,
    "pandas": _pandas,
    "bottleneck": _bottleneck,
    "polars": _polars,
    "mlquantx": _mlquantx,
}
