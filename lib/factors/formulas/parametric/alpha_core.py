"""The curated Alpha101 with other look-backs, smoothings and cross-sections (paper A s4.B.1: "approximately 300-400").

`d` is the window that the publication fixes; alpha_101 has none, so its family sums body and range over d days.
"""

from __future__ import annotations

from lib.factors.fields import close, high, low, open, ret, volume
from lib.factors.formulas.parametric.template import POOLS, SMOOTHINGS, Expansion, Grid
from lib.ops import abs, cs_rank, delta, log, sign, signedpower, ts_argmax, ts_corr, ts_mean, ts_rank, ts_std, ts_sum, where

core = Expansion("alpha", "Look-backs, smoothings and cross-sections of the curated Alpha101")
GRID: Grid = {"d": (5, 10, 20, 60, 120), "smooth": SMOOTHINGS, "pool": POOLS}
LOCATION = ((close - low) - (high - close)) / (close - low)

core("alpha_001", lambda d: cs_rank(ts_argmax(signedpower(where(ret < 0, ts_std(ret, 20), close), 2), d)) - 0.5, "recency of the extreme close", "Kakushadze 2016 #1", GRID)
core("alpha_002", lambda d: -ts_corr(cs_rank(delta(log(volume), 2)), cs_rank((close - open) / open), d), "volume growth versus intraday return", "Kakushadze 2016 #2", GRID)
core("alpha_003", lambda d: -ts_corr(cs_rank(open), cs_rank(volume), d), "open and volume rank divergence", "Kakushadze 2016 #3", GRID)
core("alpha_004", lambda d: -ts_rank(cs_rank(low), d), "low-price rank reversal", "Kakushadze 2016 #4", GRID)
core("alpha_006", lambda d: -ts_corr(open, volume, d), "open-volume co-movement", "Kakushadze 2016 #6", GRID)
core("alpha_007", lambda d: where(ts_mean(volume, 20) < volume, -ts_rank(abs(delta(close, d)), 60) * sign(delta(close, d)), -1), "signed move on busy days", "Kakushadze 2016 #7", GRID)
core("alpha_012", lambda d: sign(delta(volume, d)) * (-delta(close, d)), "reversal signed by volume change", "Kakushadze 2016 #12", GRID)
core("alpha_053", lambda d: -delta(LOCATION, d), "change of close location, low-anchored", "Kakushadze 2016 #53", GRID)
core("alpha_101", lambda d: ts_sum(close - open, d) / (ts_sum(high - low, d) + 0.001), "body as share of range", "Kakushadze 2016 #101", GRID)
