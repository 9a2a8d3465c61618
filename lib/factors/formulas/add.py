"""The add_* family: composite supplement factors (paper B, table 1; 30 factors)."""

from __future__ import annotations

from lib.factors.fields import close, high, low, open, prev_close, ret, volume, vwap
from lib.factors.registry import Family
from lib.ops import abs, cs_rank, delay, delta, ewma, power, sign, ts_corr, ts_max, ts_mean, ts_min, ts_rank, ts_std, ts_sum

add = Family("add", "Composite supplement factors")

add("add_001", cs_rank(delta(close, 5)) * cs_rank(delta(volume, 5)), "joint price and volume change ranks, 5d", "authors' legacy")
add("add_002", -(close / ts_mean(close, 10) - 1) * cs_rank(volume), "mean deviation times volume rank", "authors' legacy")
add("add_003", sign(delta(close, 1)) * (1 + abs(delta(close, 1) / close)) * delta(volume, 1) / volume, "direction times relative volume change", "authors' legacy")
add("add_004", ts_rank(volume, 20) * ts_rank((high + low - 2 * close) / (high - low), 10), "volume rank times close location rank", "authors' legacy")
add("add_005", ts_sum(close > prev_close, 12) - ts_sum(close < prev_close, 12), "up days minus down days, 12d", "authors' legacy")
add("add_006", ewma(ret, 1 / 12) - (close / delay(close, 12) - 1), "smoothed return minus 12-day return", "authors' legacy")
add("add_007", ts_corr(cs_rank(close), cs_rank(volume), 5), "close and volume rank correlation", "authors' legacy")
add("add_008", ts_std(ret, 20), "return volatility, 20 days", "authors' legacy")
add("add_009", delta((high + low) / 2, 3), "three-day mid-price change", "authors' legacy")
add("add_010", (ts_max(high, 5) - ts_min(low, 5)) / close, "five-day channel width", "authors' legacy")
add("add_011", ts_corr(vwap, volume, 10), "vwap-volume correlation", "authors' legacy")
add("add_012", cs_rank(open - ts_mean(open, 10)) * cs_rank(abs(close - vwap)), "open deviation times vwap gap ranks", "after GTJA-191 #12")
add("add_013", power(high * low, 0.5) - vwap, "geometric mid minus vwap", "Kakushadze 2016 #41")
add("add_014", close / delay(close, 5) - 1, "five-day return", "authors' legacy")
add("add_015", cs_rank(open / prev_close - 1), "overnight gap rank", "authors' legacy")
add("add_016", ts_max(vwap, 10) - vwap, "distance below vwap peak", "authors' legacy")
add("add_017", vwap - ts_min(vwap, 10), "distance above vwap trough", "authors' legacy")
add("add_018", ts_mean(abs(close - open) / (high - low), 5), "average body share of range", "authors' legacy")
add("add_019", ts_mean(close > open, 5), "share of bullish bars", "authors' legacy")
add("add_020", ts_std(close, 10) / ts_mean(close, 10), "price coefficient of variation", "authors' legacy")
add("add_021", cs_rank(ts_corr(close, volume, 20)), "price-volume correlation rank", "authors' legacy")
add("add_022", ewma(volume, 2 / 6) / ewma(volume, 2 / 24), "volume wave", "authors' legacy")
add("add_023", (close - ts_mean(close, 5)) / close, "deviation from 5-day mean", "authors' legacy")
add("add_024", (close - ts_mean(close, 20)) / close, "deviation from 20-day mean", "authors' legacy")
add("add_025", ts_mean(close, 5) / ts_mean(close, 20), "short over long mean", "authors' legacy")
add("add_026", ts_std(volume, 5) / ts_mean(volume, 5), "volume coefficient of variation", "authors' legacy")
add("add_027", cs_rank(-delta(close, 3) * delta(volume, 3)), "opposed price and volume change rank", "authors' legacy")
add("add_028", (close - open) / (high - low), "body share of range", "authors' legacy")
add("add_029", ts_mean((close - open) / (high - low), 10), "average signed body share", "authors' legacy")
add("add_030", cs_rank(ts_sum(delta(close, 1) / close, 5)) * cs_rank(ts_sum(delta(close, 1) / close, 20)), "short and long momentum ranks", "authors' legacy")
