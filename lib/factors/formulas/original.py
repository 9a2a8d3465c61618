"""The original_* family: direct close and volume statistics (paper B, table 1; 28 factors)."""

from __future__ import annotations

from lib.factors.fields import close, ret, volume
from lib.factors.registry import Family
from lib.ops import cs_rank, cs_zscore, delay, delta, ts_corr, ts_max, ts_min, ts_rank, ts_std

original = Family("original", "Direct close and volume statistics")

original("original_001", cs_zscore(ts_std(delta(close, 1) / close, 20)), "standardised 20-day volatility", "authors' legacy")
original("original_002", cs_rank(close / ts_max(close, 20) - 1), "distance to 20-day high, ranked", "authors' legacy")
original("original_003", cs_rank(close / ts_min(close, 20) - 1), "distance to 20-day low, ranked", "authors' legacy")
original("original_004", ts_rank(close, 60), "time rank of close, 60 days", "authors' legacy")
original("original_005", ts_rank(volume, 60), "time rank of volume, 60 days", "authors' legacy")
original("original_007", ts_rank(close, 20), "time rank of close, 20 days", "authors' legacy")
original("original_008", ts_rank(volume, 20), "time rank of volume, 20 days", "authors' legacy")
original("original_011", ts_rank(close, 10), "time rank of close, 10 days", "authors' legacy")
original("original_012", ts_rank(volume, 10), "time rank of volume, 10 days", "authors' legacy")
original("original_013", ts_rank(close, 5), "time rank of close, 5 days", "authors' legacy")
original("original_014", ts_rank(volume, 5), "time rank of volume, 5 days", "authors' legacy")
original("original_006", ts_corr(close, volume, 20), "price-volume correlation, 20 days", "authors' legacy")
original("original_009", ts_corr(close, volume, 10), "price-volume correlation, 10 days", "authors' legacy")
original("original_010", ts_corr(close, volume, 5), "price-volume correlation, 5 days", "authors' legacy")
original("original_015", ts_std(delta(close, 1) / close, 10), "volatility, 10 days", "authors' legacy")
original("original_016", ts_std(delta(close, 1) / close, 5), "volatility, 5 days", "authors' legacy")
original("original_017", close / ts_max(close, 10) - 1, "distance to 10-day high", "authors' legacy")
original("original_018", close / ts_min(close, 10) - 1, "distance to 10-day low", "authors' legacy")
original("original_019", close / ts_max(close, 5) - 1, "distance to 5-day high", "authors' legacy")
original("original_020", close / ts_min(close, 5) - 1, "distance to 5-day low", "authors' legacy")
original("original_021", close / delay(close, 10) - 1, "10-day return", "authors' legacy")
original("original_022", close / delay(close, 5) - 1, "5-day return", "authors' legacy")
original("original_023", close / delay(close, 3) - 1, "3-day return", "authors' legacy")
original("original_024", ret, "one-day return", "authors' legacy")
original("original_025", cs_rank(close / delay(close, 10) - 1), "10-day return rank", "authors' legacy")
original("original_026", cs_rank(close / delay(close, 5) - 1), "5-day return rank", "authors' legacy")
original("original_027", cs_rank(ret), "1-day return rank", "authors' legacy")
original("original_028", cs_rank(close / delay(close, 20) - 1), "20-day return rank", "authors' legacy")
