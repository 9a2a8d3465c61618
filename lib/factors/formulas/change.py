"""The change_* family: short-window acceleration (paper B, table 1; 5 factors)."""

from __future__ import annotations

from lib.factors.fields import close, high, low, volume
from lib.factors.registry import Family
from lib.ops import cs_rank, delta, sign, ts_mean, ts_sum

change = Family("change", "Short-window acceleration")

change("change_001", delta(close, 1) / close - ts_mean(delta(close, 1) / close, 5), "return against its weekly mean", "authors' legacy")
change("change_002", delta(delta(close, 1), 1) / close, "price acceleration", "authors' legacy")
change("change_003", cs_rank(volume - ts_mean(volume, 20)), "excess volume rank", "authors' legacy")
change("change_004", (high - low) / ts_mean((high - low), 20) - 1, "range expansion", "authors' legacy")
change("change_005", ts_sum(sign(delta(close, 1)), 5), "net up days in a week", "authors' legacy")
