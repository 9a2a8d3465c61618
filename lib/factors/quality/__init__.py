"""Which candidates deserve a place: paper A's quality filter (s3.A.2, s4.B.3), with every reason and every threshold.

daily: what one day says about each candidate. measures: what a training period says, with intervals.
criteria: the declared thresholds. verdict: which candidate fails which. redundancy: near-duplicates. luck: false
discoveries under the null.
The papers name the tests and state no threshold, so each threshold is a parameter with its reason beside it.
"""

from __future__ import annotations

from lib.factors.quality.criteria import CRITERIA, Criterion, thresholds
from lib.factors.quality.daily import HORIZONS, Daily, candidate_sets, computable, daily_scores
from lib.factors.quality.luck import count_interval, null_estimates
from lib.factors.quality.measures import Bound, Periods, measure
from lib.factors.quality.redundancy import distinct, rank_correlation
from lib.factors.quality.verdict import Verdict, judge, passes

__all__ = [
    "HORIZONS", "Daily", "candidate_sets", "computable", "daily_scores",
    "Bound", "Periods", "measure",
    "CRITERIA", "Criterion", "thresholds",
    "Verdict", "judge", "passes",
    "distinct", "rank_correlation",
    "count_interval", "null_estimates",
]  # fmt: skip
