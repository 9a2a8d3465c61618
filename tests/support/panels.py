"""Small panels for the tests: flat stocks for cases by hand, lively ones for properties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lib.limits.ticks import limit_prices
from lib.panel import Panel
from lib.reasons import PRICES

SYMBOLS = ["SH600000", "SH600001", "SH688001", "SZ000001", "SZ300001", "SZ300002"]
#: limit source -> fields to leave out so that it is the one used
SOURCES = {
    "published": (),
    "pre_close and limit_pct": ("limit_up",),
    "pre_close and board": ("limit_down", "limit_pct"),
    "return heuristic": ("limit_up", "limit_down", "limit_pct", "pre_close"),
}


def days(n: int, start: str = "2020-08-03") -> np.ndarray:
    return np.busday_offset(start, np.arange(n), roll="forward").astype("datetime64[D]")


def flat(values: list[float], **more: Any) -> dict[str, Any]:
    """Fields of one stock whose four prices are equal."""
    prices = np.array(values, dtype=float)[:, None]
    fields = {name: prices.copy() for name in PRICES} | {"volume": np.full(prices.shape, 100.0)}
    return fields | {name: np.array(v, dtype=float)[:, None] for name, v in more.items()}


def one(fields: dict[str, Any], market: str = "cn", symbol: str = "SH600000", **options: Any) -> Panel:
    return Panel.from_arrays(days(len(fields["close"])), [symbol], fields, market=market, **options)


def codes(panel: Panel) -> list[int]:
    return panel.reasons[:, 0].tolist()


def lively(rng: np.random.Generator, n_days: int = 60) -> dict[str, np.ndarray]:
    """Fields with limit moves, halts, holes, late listings, splits and missing opens, on a 0.01 grid."""
    shape = (n_days, len(SYMBOLS))
    pre = np.empty(shape)
    close = np.empty(shape)
    last = rng.uniform(5, 50, shape[1]).round(2)
    for t in range(n_days):
        pre[t] = np.where(rng.random(shape[1]) < 0.1, (last / 1.2).round(2), last)
        up, down = limit_prices(pre[t], 10)
        close[t] = np.clip((pre[t] * np.exp(0.07 * rng.standard_normal(shape[1]))).round(2), down, up)
        last = close[t]
    up, down = limit_prices(pre, 10)
    opened = np.clip((pre * np.exp(0.07 * rng.standard_normal(shape))).round(2), down, up)
    volume = np.where(rng.random(shape) < 0.1, 0.0, 1000.0)
    opened = np.where(volume == 0, close, opened)  # a halted day stands still
    fields = {"open": opened, "high": np.maximum(opened, close), "low": np.minimum(opened, close)}
    fields |= {"close": close, "pre_close": pre, "limit_up": up, "limit_down": down}
    fields |= {"volume": volume, "vwap": (opened + close) / 2}
    fields |= {"amount": fields["volume"] * close, "limit_pct": np.full(shape, 10.0)}
    for name, share in (("open", 0.03), ("volume", 0.03)):
        fields[name][rng.random(shape) < share] = math.nan
    hole = rng.random(shape) < 0.05
    for n in range(shape[1]):
        hole[: rng.integers(0, 12), n] = True  # not listed yet
    for name in fields:
        fields[name][hole] = math.nan
    return fields
