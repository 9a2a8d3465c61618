"""The alpha_* family: curated Alpha101 (paper B, table 1; 9 factors)."""

from __future__ import annotations

from lib.factors.fields import close, high, low, open, ret, volume
from lib.factors.registry import Family
from lib.ops import abs, cs_rank, delta, log, sign, signedpower, ts_argmax, ts_corr, ts_mean, ts_rank, ts_std, where

alpha = Family("alpha", "Curated Alpha101")

alpha("alpha_001", cs_rank(ts_argmax(signedpower(where(ret < 0, ts_std(ret, 20), close), 2), 5)) - 0.5, "recency of the extreme close", "Kakushadze 2016 #1")
alpha("alpha_002", -ts_corr(cs_rank(delta(log(volume), 2)), cs_rank((close - open) / open), 6), "volume growth versus intraday return", "Kakushadze 2016 #2")
alpha("alpha_003", -ts_corr(cs_rank(open), cs_rank(volume), 10), "open and volume rank divergence", "Kakushadze 2016 #3")
alpha("alpha_004", -ts_rank(cs_rank(low), 9), "low-price rank reversal", "Kakushadze 2016 #4")
alpha("alpha_006", -ts_corr(open, volume, 10), "open-volume co-movement", "Kakushadze 2016 #6")
alpha("alpha_007", where(ts_mean(volume, 20) < volume, -ts_rank(abs(delta(close, 7)), 60) * sign(delta(close, 7)), -1), "signed 7-day move on busy days", "Kakushadze 2016 #7")
alpha("alpha_012", sign(delta(volume, 1)) * (-delta(close, 1)), "reversal signed by volume change", "Kakushadze 2016 #12")
alpha("alpha_053", -delta(((close - low) - (high - close)) / (close - low), 9), "change of close location, low-anchored", "Kakushadze 2016 #53")
alpha("alpha_101", (close - open) / (high - low + 0.001), "body as share of day range", "Kakushadze 2016 #101")
