"""Volatility regimes: level, ratio of short to long, volatility of volatility, clustering, asymmetry (A s4.B.2)."""

from __future__ import annotations

from lib.factors.fields import high, low, ret
from lib.factors.formulas.parametric.market import MARKETS
from lib.factors.formulas.parametric.template import POOLS, Expansion, Grid
from lib.graph import Node
from lib.ops import abs, delay, log, max, min, ts_corr, ts_max, ts_mean, ts_std, where

SOURCE = "paper A s4.B.2"
MARKET = MARKETS["equal"]
BOTH: Grid = {"smooth": ("raw", "mean5"), "pool": POOLS}
LEVEL: Grid = {"w": (5, 10, 20, 60, 120, 252), **BOTH}
SLOW: Grid = {"w": (20, 40, 60, 120, 252), **BOTH}
PAIR: Grid = {"short": (5, 10, 20), "long": (20, 60, 120, 252), **BOTH}


def shorter(short: int, long: int) -> bool:
    return short < long


def restless(short: int, long: int) -> Node:
    """Deviation over `long` days of the `short`-day volatility, as a share of its mean."""
    level = ts_std(ret, short)
    return ts_std(level, long) / ts_mean(level, long)


def stressed(w: int) -> Node:
    """Mean return on days on which the market moves more than it did over the past 60, less the overall mean."""
    tense = abs(MARKET) > delay(ts_mean(abs(MARKET), 60), 1)
    return ts_mean(where(tense, ret, 0), w) - ts_mean(ret, w)


regime = Expansion("volatility", "Volatility regimes")

regime("volatility", lambda w: ts_std(ret, w), "realised volatility", SOURCE, LEVEL)
regime("range_volatility", lambda w: ts_mean(log(high / low), w), "mean log range", SOURCE, LEVEL)
regime("volatility_ratio", lambda short, long: ts_std(ret, short) / ts_std(ret, long), "short over long volatility", SOURCE, PAIR, shorter)
regime("volatility_of_volatility", restless, "volatility of volatility", SOURCE, PAIR, shorter)
regime("fall_share", lambda w: ts_mean(min(ret, 0) * min(ret, 0), w) / ts_mean(ret * ret, w), "share of variance from falls", SOURCE, LEVEL)
regime("bear_share", lambda w: ts_mean(where(MARKET < 0, ret * ret, 0), w) / ts_mean(ret * ret, w), "share of variance on falling days of the market", SOURCE, SLOW)
regime("clustering", lambda w: ts_corr(abs(ret), delay(abs(ret), 1), w), "autocorrelation of absolute returns", SOURCE, SLOW)
regime("largest_gain", lambda w: ts_max(ret, w), "largest daily return", SOURCE, SLOW)
regime("largest_loss", lambda w: ts_max(max(-ret, 0), w), "largest daily loss", SOURCE, SLOW)
regime("stress_return", stressed, "return on days of market stress", SOURCE, SLOW)
regime("reward", lambda w: ts_mean(ret, w) / ts_std(ret, w), "mean return over volatility", SOURCE, LEVEL)
