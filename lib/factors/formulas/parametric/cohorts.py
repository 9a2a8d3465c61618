"""Momentum and reversal within cohorts: against the industry, or the fifth of the universe of like size or volatility.

Size is the value traded over 20 days, because most files have no market value (paper A s4.B.2).
"""

from __future__ import annotations

from lib.factors.fields import close, ret, industry
from lib.factors.formulas.parametric.market import traded_value
from lib.factors.formulas.parametric.template import Expansion, Grid
from lib.graph import Node
from lib.ops import cs_rank, delay, group_neutralize, ts_max, ts_mean, ts_min, ts_std


def fifth(x: Node) -> Node:
    """Which fifth of the day's valid stocks, 0 to 4."""
    rank = cs_rank(x)
    return (rank > 0.2) + (rank > 0.4) + (rank > 0.6) + (rank > 0.8)


COHORTS = {
    "industry": industry,
    "size": fifth(ts_mean(traded_value, 20)),
    "volatility": fifth(ts_std(ret, 60)),
}


def past_return(d: int, k: int) -> Node:
    """Return over the d days that ended k days ago."""
    return delay(close, k) / delay(close, d + k) - 1 if k else close / delay(close, d) - 1


def within(x: Node, cohort: str) -> Node:
    return x if cohort == "market" else group_neutralize(x, COHORTS[cohort])


cohort = Expansion("cohort", "Momentum and reversal within cohorts")
SOURCE = "paper A s4.B.2"
ALL = ("market", *COHORTS)
MOMENTUM: Grid = {"d": (5, 10, 20, 60, 120, 252), "k": (0, 5, 20), "cohort": ALL, "smooth": ("raw", "mean5")}
EXTREMES: Grid = {"d": (5, 10, 20, 60, 120, 252), "cohort": ALL, "smooth": ("raw", "mean5")}


def shorter_gap(d: int, k: int, cohort: str) -> bool:
    return k < d


cohort("momentum", lambda d, k, cohort: within(past_return(d, k), cohort), "past return against the cohort", SOURCE, MOMENTUM, shorter_gap)
cohort("scaled_momentum", lambda d, k, cohort: within(past_return(d, k) / ts_std(ret, 60), cohort), "past return in units of volatility, against the cohort", SOURCE, MOMENTUM, shorter_gap)
cohort("from_high", lambda d, cohort: within(close / ts_max(close, d) - 1, cohort), "distance from the high, against the cohort", SOURCE, EXTREMES)
cohort("from_low", lambda d, cohort: within(close / ts_min(close, d) - 1, cohort), "distance from the low, against the cohort", SOURCE, EXTREMES)
