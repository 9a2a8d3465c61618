"""Volume, liquidity and the day's path: what daily bars show of the microstructure that paper A takes from ticks."""

from __future__ import annotations

from lib.factors.fields import close, high, low, open, prev_close, ret, volume
from lib.factors.formulas.parametric.market import traded_value
from lib.factors.formulas.parametric.template import POOLS, Expansion, Grid
from lib.factors.formulas.parametric.volatility import shorter
from lib.ops import abs, delta, log, max, min, ts_corr, ts_mean, ts_std

SOURCE = "paper A s4.B.2, from daily bars"
BOTH: Grid = {"smooth": ("raw", "mean5"), "pool": POOLS}
LEVEL: Grid = {"w": (5, 10, 20, 60, 120, 252), **BOTH}
SLOW: Grid = {"w": (20, 40, 60, 120, 252), **BOTH}
PAIR: Grid = {"short": (5, 10, 20), "long": (20, 60, 120, 252), **BOTH}

trading = Expansion("liquidity", "Volume, liquidity and the path of the day")

trading("volume_ratio", lambda short, long: ts_mean(volume, short) / ts_mean(volume, long), "short over long volume", SOURCE, PAIR, shorter)
trading("volume_variation", lambda w: ts_std(volume, w) / ts_mean(volume, w), "variation of volume", SOURCE, LEVEL)
trading("illiquidity", lambda w: ts_mean(abs(ret) / traded_value, w), "absolute return per currency traded", SOURCE, LEVEL)
trading("return_volume_corr", lambda w: ts_corr(ret, delta(log(volume), 1), w), "return and volume growth together", SOURCE, SLOW)
trading("overnight", lambda w: ts_mean(open / prev_close - 1, w), "mean overnight return", SOURCE, LEVEL)
trading("intraday", lambda w: ts_mean(close / open - 1, w), "mean intraday return", SOURCE, LEVEL)
trading("close_location", lambda w: ts_mean((2 * close - high - low) / (high - low), w), "mean location of the close in the range", SOURCE, LEVEL)
trading("upper_shadow", lambda w: ts_mean((high - max(open, close)) / close, w), "mean upper shadow", SOURCE, LEVEL)
trading("lower_shadow", lambda w: ts_mean((min(open, close) - low) / close, w), "mean lower shadow", SOURCE, LEVEL)
