"""The extra_* family: turnover and amount features (paper B, table 1; 14 factors)."""

from __future__ import annotations

from lib.factors.fields import amount, close, high, low, open, prev_close, volume, vwap
from lib.factors.registry import Family
from lib.ops import cs_rank, delay, delta, ewma, max, ts_max, ts_mean, ts_min, ts_std, ts_sum

extra = Family("extra", "Turnover and amount features")

extra("extra_001", delta((high + low - 2 * close) / (high - low), 1), "one-day change of close location", "after GTJA-191 #2")
extra("extra_002", cs_rank(ts_max(vwap - close, 3)) + cs_rank(ts_min(vwap - close, 3)) * cs_rank(delta(volume, 3)), "vwap spread extremes and volume ranks", "after GTJA-191 #7")
extra("extra_003", open / prev_close - 1, "overnight gap", "after GTJA-191 #15")
extra("extra_004", ewma(volume * (2 * close - high - low) / (high - low), 2 / 9) - ewma(volume * (2 * close - high - low) / (high - low), 1 / 2), "accumulation-distribution oscillator", "after GTJA-191 #111")
extra("extra_005", amount / ts_mean(amount, 20) - 1, "turnover surge", "authors' legacy")
extra("extra_006", cs_rank(volume / ts_mean(volume, 20)), "relative volume rank", "authors' legacy")
extra("extra_007", ewma((high - low), 2 / 5) / ewma(ewma((high - low), 2 / 5), 2 / 20), "range expansion, double smoothed", "after GTJA-191 #109")
extra("extra_008", ts_sum(max(high - prev_close, 0), 5) * 100 / ts_sum(max(prev_close - low, 0), 10), "up-range 5d over down-range 10d", "after GTJA-191 #110")
extra("extra_009", ewma(ts_std(close, 20) * (close <= prev_close), 1 / 5) - ewma(ts_std(close, 20) * (close <= prev_close), 1 / 20), "down-day volatility fast minus slow", "after GTJA-191 #23")
extra("extra_010", close / delay(close, 5), "five-day price ratio", "after GTJA-191 #18")
extra("extra_011", amount, "raw turnover", "authors' legacy")
extra("extra_012", high / open, "high over open", "authors' legacy")
extra("extra_013", vwap / close, "vwap over close", "authors' legacy")
extra("extra_014", (high - low) / close, "relative day range", "authors' legacy")
