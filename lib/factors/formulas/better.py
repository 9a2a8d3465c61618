"""The better_* family: VWAP deviation, volume-weighted momentum (paper B, table 1; 28 factors)."""

from __future__ import annotations

from lib.factors.fields import amount, close, high, low, open, prev_close, ret, volume, vwap
from lib.factors.registry import LOG2, Family
from lib.ops import abs, delay, delta, ewma, log, max, min, ts_max, ts_mean, ts_min, ts_std, ts_sum

better = Family("better", "VWAP deviation, volume-weighted momentum")

better("better_001", (open / prev_close - 1) * log(volume + 1) / LOG2, "overnight gap scaled by log volume", "authors' legacy")
better("better_002", (open / prev_close - 1) * volume / ts_mean(volume, 5), "overnight gap times relative volume", "authors' legacy")
better("better_003", (open / prev_close - 1) * (vwap - close) * (high - low) / close, "gap times vwap spread times range", "authors' legacy")
better("better_004", -delta((2 * vwap - low - high) / (high - low), 1), "one-day change of vwap location", "authors' legacy")
better("better_005", -delta((2 * vwap - low - high) / (high - low), 5), "five-day change of vwap location", "authors' legacy")
better("better_006", ts_mean((2 * vwap - low - high) / (high - low), 5), "average vwap location", "authors' legacy")
better("better_007", (high - low) / close * delta(volume, 1), "range times volume change", "authors' legacy")
better("better_008", (high - low) / close / (log(volume + 1) / LOG2), "range per unit log volume", "authors' legacy")
better("better_009", ts_sum((vwap < delay(vwap, 1)) * abs(vwap / delay(vwap, 1) - 1) / log(amount + 1), 20) / max(ts_sum(vwap < delay(vwap, 1), 20), 1), "illiquidity on vwap-down days, 20d", "after GTJA-191 #144")
better("better_010", ts_sum((vwap < delay(vwap, 1)) * abs(vwap / delay(vwap, 1) - 1) / log(amount + 1), 10) / max(ts_sum(vwap < delay(vwap, 1), 10), 1), "illiquidity on vwap-down days, 10d", "after GTJA-191 #144")
better("better_011", (ts_mean((close - min(low, delay(low, 1))) / (max(high, delay(high, 1)) - min(low, delay(low, 1))), 6) + ts_mean((close - min(low, delay(low, 1))) / (max(high, delay(high, 1)) - min(low, delay(low, 1))), 12) + ts_mean((close - min(low, delay(low, 1))) / (max(high, delay(high, 1)) - min(low, delay(low, 1))), 24)) / 3, "close inside two-day range, three horizons", "after GTJA-191 #159")
better("better_012", (ts_mean((vwap - min(low, delay(vwap, 1))) / (max(high, delay(vwap, 1)) - min(low, delay(vwap, 1))), 6) + ts_mean((vwap - min(low, delay(vwap, 1))) / (max(high, delay(vwap, 1)) - min(low, delay(vwap, 1))), 12) + ts_mean((vwap - min(low, delay(vwap, 1))) / (max(high, delay(vwap, 1)) - min(low, delay(vwap, 1))), 24)) / 3, "vwap inside prior-vwap range, three horizons", "after GTJA-191 #159")
better("better_013", (vwap / close - 1) * log(amount + 1) / LOG2, "vwap premium times log turnover", "authors' legacy")
better("better_014", ts_mean((vwap / close - 1) * log(amount + 1) / LOG2, 4), "averaged vwap premium times log turnover", "authors' legacy")
better("better_015", ewma(delta(vwap / ts_mean(vwap, 10) - 1, 5), 1 / 20), "smoothed change of vwap bias, slow", "after GTJA-191 #22")
better("better_016", ewma(delta(vwap / ts_mean(vwap, 6) - 1, 3), 1 / 12), "smoothed change of vwap bias, fast", "after GTJA-191 #22")
better("better_017", ewma(delta(amount / ts_mean(amount, 6) - 1, 3), 1 / 12), "smoothed change of turnover bias, fast", "after GTJA-191 #22")
better("better_018", ewma(delta(amount / ts_mean(amount, 10) - 1, 5), 1 / 20), "smoothed change of turnover bias, slow", "after GTJA-191 #22")
better("better_019", ewma(ewma(ewma(log(volume + 1), 2 / 13), 2 / 13), 2 / 13) / delay(ewma(ewma(ewma(log(volume + 1), 2 / 13), 2 / 13), 2 / 13), 1) - 1, "TRIX of log volume", "after GTJA-191 #122")
better("better_020", ts_std(abs(ret) / volume, 10) / ts_mean(abs(ret) / volume, 10), "dispersion of per-share illiquidity", "after GTJA-191 #76")
better("better_021", vwap / prev_close, "vwap over previous close", "authors' legacy")
better("better_022", (vwap / prev_close - 1) * log(amount + 1) / LOG2, "vwap return times log turnover", "authors' legacy")
better("better_023", ts_mean((vwap / prev_close - 1) * log(amount + 1) / LOG2, 4), "averaged vwap return times log turnover", "authors' legacy")
better("better_024", (ts_max(vwap - close, 5) + ts_min(vwap - close, 5)) * delta(volume, 5), "vwap spread extremes times volume change", "after GTJA-191 #7")
better("better_025", (ts_max(vwap - close, 5) + ts_min(vwap - close, 5)) * (volume - ts_mean(volume, 5)), "vwap spread extremes times excess volume", "after GTJA-191 #7")
better("better_026", ewma((high - low) / close, 2 / 5) / ewma(ewma((high - low) / close, 2 / 5), 2 / 20), "relative range expansion, double smoothed", "after GTJA-191 #109")
better("better_027", ts_sum((vwap < prev_close) * abs(vwap / prev_close - 1) / log(amount + 1), 20) / max(ts_sum(vwap < prev_close, 20), 1), "illiquidity on below-prior-close days", "after GTJA-191 #144")
better("better_028", ts_sum((vwap < close) * abs(vwap / close - 1) / log(amount + 1), 20) / max(ts_sum(vwap < close, 20), 1), "intraday sell-off illiquidity", "after GTJA-191 #144")
