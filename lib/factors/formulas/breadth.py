"""The cs_rank_* family: cross-sectional market breadth (paper B, table 1; 6 factors)."""

from __future__ import annotations

from lib.factors.fields import amount, high, low, open, prev_close, ret, vwap
from lib.factors.registry import Family
from lib.ops import clip, cs_rank

breadth = Family("cs_rank", "Cross-sectional market breadth")

breadth("cs_rank_close", cs_rank(clip(ret, -0.1, 0.1)), "rank of clipped close return", "authors' legacy")
breadth("cs_rank_open", cs_rank(clip(open / prev_close - 1, -0.1, 0.1)), "rank of clipped overnight gap", "authors' legacy")
breadth("cs_rank_high", cs_rank(high / prev_close - 1), "rank of high return", "authors' legacy")
breadth("cs_rank_low", cs_rank(low / prev_close - 1), "rank of low return", "authors' legacy")
breadth("cs_rank_avg", cs_rank(vwap / prev_close - 1), "rank of vwap return", "authors' legacy")
breadth("cs_rank_amount", cs_rank(amount), "rank of turnover", "authors' legacy")
