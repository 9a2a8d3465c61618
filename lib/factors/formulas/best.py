"""The best_* family: close-location momentum (paper B, table 1; 21 factors)."""

from __future__ import annotations

from lib.factors.fields import close, high, low, open, prev_close, volume, vwap
from lib.factors.registry import Family
from lib.ops import cs_rank, delta, ewma, power, ts_corr, ts_max, ts_mean, ts_min, ts_rank

best = Family("best", "Close-location momentum")

best("best_001", ts_rank((high + low - 2 * close) / (high - low), 5), "close location reversal rank, week", "authors' legacy")
best("best_002", ts_rank((high + low - 2 * close) / (high - low), 10), "close location reversal rank, fortnight", "authors' legacy")
best("best_003", ts_rank((high + low - 2 * close) / (high - low), 20), "close location reversal rank, month", "authors' legacy")
best("best_004", delta((high + low - 2 * close) / (high - low), 3), "three-day change of close location", "authors' legacy")
best("best_005", delta((high + low - 2 * close) / (high - low), 5), "five-day change of close location", "authors' legacy")
best("best_006", ewma((high + low - 2 * close) / (high - low), 1 / 10), "smoothed close location", "authors' legacy")
best("best_007", cs_rank((high + low - 2 * close) / (high - low)), "cross-sectional close location", "authors' legacy")
best("best_008", ts_mean(vwap / close, 3), "average vwap premium", "authors' legacy")
best("best_009", ewma(vwap, 1 / 5) / ewma(close, 1 / 5), "ratio of smoothed vwap and close", "authors' legacy")
best("best_010", (vwap / close - 1) * volume, "vwap premium weighted by volume", "authors' legacy")
best("best_011", cs_rank(open / prev_close - 1), "overnight gap rank", "authors' legacy")
best("best_012", ts_mean((open / prev_close - 1), 5), "average overnight gap", "authors' legacy")
best("best_013", ewma((open / prev_close - 1), 1 / 5), "smoothed overnight gap", "authors' legacy")
best("best_014", ts_corr(ts_rank((high - low) / close, 7), ts_rank(volume, 7), 5), "range and volume rank co-movement", "authors' legacy")
best("best_015", cs_rank((high - low) / close), "intraday range rank", "authors' legacy")
best("best_016", (high - low) / close / (1 + power(volume, 0.5)), "range per square-root volume", "authors' legacy")
best("best_017", delta(ewma(close, 1 / 5), 1), "slope of 5-day smoothed close", "authors' legacy")
best("best_018", delta(ewma(close, 1 / 10), 1), "slope of 10-day smoothed close", "authors' legacy")
best("best_019", delta(ewma(close, 1 / 20), 1), "slope of 20-day smoothed close", "authors' legacy")
best("best_020", ewma((close - vwap) * volume, 1 / 5), "smoothed vwap money flow", "authors' legacy")
best("best_021", ts_max((vwap - close) * volume, 3) + ts_min((vwap - close) * volume, 3) * delta(volume, 3), "spread flow extremes times volume change", "after GTJA-191 #7")
