"""The stock_* family: per-stock derived: volatility, CCI, range (paper B, table 1; 22 factors)."""

from __future__ import annotations

from lib.factors.fields import amount, close, high, low, open, prev_close, ret, volume, vwap
from lib.factors.registry import Family
from lib.ops import abs, clip, cs_rank, delay, delta, ewma, log, max, min, power, ts_corr, ts_max, ts_mean, ts_min, ts_std, ts_sum

stock = Family("stock", "Per-stock derived: volatility, CCI, range")

stock("stock_001", ts_corr(delta(log(volume + 1), 1), (close - open) / open, 4), "volume growth with intraday return, 4d", "after GTJA-191 #1")
stock("stock_002", ts_corr(delta(log(volume + 1), 1), (close - open) / open, 6), "volume growth with intraday return, 6d", "after GTJA-191 #1")
stock("stock_003", power(cs_rank(close - ts_max(vwap, 15)), clip(abs(delta(close, 5) / close), 0, 2)), "distance below vwap peak, damped by move", "after GTJA-191 #17")
stock("stock_004", ewma(delta(close / ts_mean(close, 6) - 1, 3), 1 / 12), "smoothed change of price bias", "after GTJA-191 #22")
stock("stock_005", (close / delay(close, 6) - 1) * (volume + 1), "six-day return times volume", "after GTJA-191 #20")
stock("stock_006", close / ts_mean(close, 12) - 1, "distance from 12-day mean", "after GTJA-191 #31")
stock("stock_007", (delay(ts_min(low, 5), 5) - ts_min(low, 5)) * cs_rank((ts_sum(delta(close, 1) / close, 60) - ts_sum(delta(close, 1) / close, 20)) / 40) * cs_rank(volume), "rebound of lows with momentum and volume", "after Kakushadze #52")
stock("stock_008", cs_rank(-delta(ts_sum(open, 5) * ts_sum(delta(close, 1) / close, 5), 10)), "ten-day change of open-return product", "Kakushadze 2016 #8")
stock("stock_009", (ts_mean(close, 3) + ts_mean(close, 6) + ts_mean(close, 12) + ts_mean(close, 24)) / (4 * close), "multi-horizon mean over price", "after GTJA-191 #46")
stock("stock_010", ts_std(log(amount + 1), 6), "volatility of log turnover", "after GTJA-191 #70")
stock("stock_011", ((high + low + close) / 3 - ts_mean((high + low + close) / 3, 12)) / (0.015 * ts_mean(abs(close - ts_mean((high + low + close) / 3, 12)), 12)), "commodity channel index, 12 days", "after GTJA-191 #78")
stock("stock_012", ewma(max(delta(volume, 1), 0), 1 / 6) / ewma(abs(delta(volume, 1)), 1 / 6) * 100, "volume RSI", "after GTJA-191 #102")
stock("stock_013", delta(vwap - close, 1) / abs(delta(vwap + close, 1)), "vwap spread change over price change", "authors' legacy")
stock("stock_014", (close / delay(close, 12) - 1) * volume, "twelve-day return times volume", "after GTJA-191 #134")
stock("stock_015", ts_sum((close < prev_close) * abs(ret) / log(amount + 1), 20) / max(ts_sum(close < prev_close, 20), 1), "illiquidity on down days", "after GTJA-191 #144")
stock("stock_016", ((close - ts_sum(min(low, prev_close), 6)) / ts_sum(max(high, prev_close) - min(low, prev_close), 6) * 288 + (close - ts_sum(min(low, prev_close), 12)) / ts_sum(max(high, prev_close) - min(low, prev_close), 12) * 144 + (close - ts_sum(min(low, prev_close), 24)) / ts_sum(max(high, prev_close) - min(low, prev_close), 24) * 72) * 100 / 504, "three-horizon true-range oscillator", "after GTJA-191 #159")
stock("stock_017", -delta(close, 1) / close * ts_mean(volume, 20) * vwap * (high - close), "reversal times turnover times upper shadow", "after Kakushadze #25")
stock("stock_018", (close / delay(close, 5) - 1) - (close / delay(close, 20) - 1), "short minus long return", "authors' legacy")
stock("stock_019", -(low - close) * power(open, 5) / ((close - high) * power(close, 5)), "intraday pressure ratio with fifth powers", "after Kakushadze #54")
stock("stock_020", ret * volume, "daily return times volume", "after GTJA-191 #178")
stock("stock_021", ((high - low) / ewma((high - low), 2 / 11) - 1) * 100, "range against its smoothed level", "after GTJA-191 #188")
stock("stock_022", ts_corr(ts_mean(volume, 20), low, 5) + (high + low) / 2 - close, "volume-low correlation plus mid deviation", "after Kakushadze #28")
