"""The exchange laid over the latent price: ticks, limits, halts, and the spill-over of what was cut off.

A close is what the market wants, rounded to the tick and clipped to the limits of the last close. The latent
price is not told (`spill` = 1): what could not happen today happens at the next open.

A stock that has become too cheap for its tick merges its shares overnight (a reverse split), as firms do on
exchanges with a least price: the last close, and with it the limits, are restated in the new shares. Without it
a falling market ends where one tick is a large part of the band, and closes meet the limits by rounding alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from lib.arrays import BoolArray, FloatArray, IntArray
from lib.limits.ticks import TICKS_PER_YUAN, from_ticks, limit_ticks

if TYPE_CHECKING:
    from lib.market.config import MarketConfig


#: limits of a market without limits, in ticks
NO_UP: Final = np.iinfo(np.int64).max
NO_DOWN: Final = 1
#: old shares per new share in a reverse split
MERGED: Final = 10


@dataclass(frozen=True, eq=False)
class Session:
    """What the exchange printed, in ticks, and the log price behind it; all [T,N], in yuan per share of the day."""

    pre_close: IntArray
    close: IntArray
    up: IntArray
    down: IntArray
    halted: BoolArray
    before: FloatArray  # desired log price when the day begins
    desired: FloatArray  # desired log price at the close
    merged: FloatArray  # first-day shares in one share of the day: 1, 10, 100, ...


def draw_halts(cfg: MarketConfig, halting: FloatArray, n_stocks: int, rng: np.random.Generator) -> BoolArray:
    """Spells [T,N]: a share `halt_rate` of cells where `halting` [T] is 1; it multiplies the chance that one begins.

    A spell lasts one day with probability `halt_single`, else it is geometric; `halt_days` on average.
    """
    # a spell may follow another at once: mean gap (1 - p) / p between spells of halt_days
    usual = cfg.halt_rate / (cfg.halt_days * (1 - cfg.halt_rate) + cfg.halt_rate)
    begin = np.minimum(usual * halting, 1.0)
    long_days = (cfg.halt_days - cfg.halt_single) / (1 - cfg.halt_single)
    draw = rng.random((len(halting), n_stocks))
    kind = rng.random((len(halting), n_stocks), dtype=np.float32)
    halted = np.zeros(draw.shape, dtype=bool)
    left = np.zeros(n_stocks)  # days the running spell still lasts; everyone trades before the first day
    for t in range(len(halted)):
        begins = (left <= 0) & (draw[t] < begin[t])
        if begins.any():
            # the draw below `begin` is itself uniform there: it gives the length of the spell
            u = draw[t, begins] / begin[t]
            left[begins] = np.where(kind[t, begins] < cfg.halt_single, 1.0, geometric(u, long_days))
        halted[t] = left > 0
        left -= 1
    return halted


def geometric(u: FloatArray, mean: float) -> FloatArray:
    """Geometric lengths 1, 2, ... of the given mean from uniform draws.

    >>> geometric(np.array([0.3, 0.9]), 2.0).tolist(), geometric(np.array([0.5]), 1.0).tolist()
    ([2.0, 1.0], [1.0])
    """
    if mean <= 1:
        return np.ones_like(u)
    return 1 + np.floor(np.log(np.maximum(u, 1e-300)) / np.log(1 - 1 / mean))


def trade(
    latent: FloatArray, percent: FloatArray, first: IntArray, halted: BoolArray, spill: float = 1.0, least: float = 0.0
) -> Session:
    """Closes day by day from the latent log price [T,N]: each day's limits hang on the close before.

    least: yuan; below it a stock merges its shares for the next day (0: never). What counts is the desired price,
    which limits and halts do not change: the twin merges on the same days.
    """
    shape = latent.shape
    pre_close, close, up, down = (np.empty(shape, dtype=np.int64) for _ in range(4))
    before, desired, merged = np.empty(shape), np.empty(shape), np.empty(shape)
    last, yesterday = first, np.log(from_ticks(first))
    lost = np.zeros(shape[1])  # what was cut off and did not stay in the price
    shares = np.ones(shape[1])
    for t in range(shape[0]):
        cheap = too_cheap(yesterday, least) if t else np.zeros(shape[1], dtype=bool)
        last, shares = np.where(cheap, last * MERGED, last), np.where(cheap, shares * MERGED, shares)
        before[t] = np.where(cheap, yesterday + np.log(MERGED), yesterday)
        merged[t] = shares
        desired[t] = latent[t] - lost + np.log(shares)
        pre_close[t] = last
        up[t], down[t] = limit_ticks(last, percent[t].astype(np.int64))
        close[t] = np.where(halted[t], last, np.clip(log_ticks(desired[t]), down[t], up[t]))
        at_limit = ~halted[t] & ((close[t] == up[t]) | (close[t] == down[t]))
        gone = np.where(at_limit, (1 - spill) * (desired[t] - np.log(from_ticks(close[t]))), 0.0)
        lost += gone
        last, yesterday = close[t], desired[t] - gone
    return Session(pre_close, close, up, down, halted, before, desired, merged)


def too_cheap(log_price: FloatArray, least: float) -> BoolArray:
    """Stocks whose log price is below `least` yuan.

    >>> too_cheap(np.log([1.99, 2.01]), 2.0).tolist(), too_cheap(np.log([0.01]), 0.0).tolist()
    ([True, False], [False])
    """
    return log_price < (np.log(least) if least else -np.inf)


def trade_freely(latent: FloatArray, first: IntArray, least: float = 0.0) -> Session:
    """Closes of a market without limits and halts."""
    merged = np.ones(latent.shape)
    for t in range(1, len(latent) if least else 0):
        cheap = too_cheap(latent[t - 1] + np.log(merged[t - 1]), least)
        merged[t] = np.where(cheap, merged[t - 1] * MERGED, merged[t - 1])
    desired = latent + np.log(merged)
    close = log_ticks(desired)
    step = merged[1:] / merged[:-1]
    pre_close = np.vstack([first, close[:-1] * step.astype(np.int64)])
    before = np.vstack([np.log(from_ticks(first)), desired[:-1] + np.log(step)])
    up, down = np.broadcast_to(np.int64(NO_UP), close.shape), np.broadcast_to(np.int64(NO_DOWN), close.shape)
    return Session(pre_close, close, up, down, np.zeros(close.shape, dtype=bool), before, desired, merged)


def log_ticks(log_price: FloatArray) -> IntArray:
    """Nearest whole tick of a log price, at least one."""
    return np.maximum(np.rint(np.exp(log_price) * TICKS_PER_YUAN), 1).astype(np.int64)
