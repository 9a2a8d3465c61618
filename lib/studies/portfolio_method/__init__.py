"""What does the covariance of an optimiser do for a book, what do the costs that it counts, and what does it add to
holding the best names at equal weight?

Sample, Ledoit-Wolf, diagonal and factor covariance, each with and without costs in the objective, all on the same
predictions of simulated markets, beside the top k at equal weight.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, MARKET_PARAMETERS, SIZE
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.portfolio_method.measure import AVERSIONS, by_market, compute, grid
from lib.studies.portfolio_method.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="portfolio_method",
    title="What matters more in an optimiser: the covariance or the cost term",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "large_stocks": Parameter(int, 1000, low=50, high=5000, help="stocks of a large market"),
        "large_seeds": Parameter(int, 0, low=0, high=1000, help="large markets: the first so many seeds"),
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "aversions": Parameter(list, list(AVERSIONS), choices=AVERSIONS, help="risk aversions"),
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 640, "first_test_year": 2012, "aversions": [10], "seeds": 1},
        "laptop": {"n_stocks": 150, "n_days": 1000, "aversions": [1, 10, 50], "seeds": 3},
        "paper": {"large_seeds": 10, "seeds": 30},
    },
    grid_only=("n_stocks", "large_stocks", "large_seeds", "aversions"),
    group=by_market,
    setting="different",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
