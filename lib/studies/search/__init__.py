"""Does a Gaussian process find better settings than a random search or a grid in as many trials, and are they stable?

The same learner, market and trials for each. What a search finds on validation days is held against test days, and the
best of many trials against luck.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, SIZE, SIZES
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.search.measure import SEARCHES, agreement, compute, grid
from lib.studies.search.page import findings, summary

STUDY = Study(
    name="search",
    title="Searching for settings",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="real: as in CSI 300; paper: as it states"),
        "searches": Parameter(list, list(SEARCHES), choices=tuple(SEARCHES), help="methods with what they make large"),
        "trials": Parameter(int, 27, low=2, high=500, help="of each search; a grid is the largest full one of as many"),
        "most_rounds": Parameter(int, 400, low=10, high=5000, help="upper end of the range of trees"),
    },
    scales={
        "smoke": {**SIZES["smoke"], "first_test_year": 2013, "searches": ["grid", "random", "gp ic"], "trials": 9,
                  "most_rounds": 20, "seeds": 1},
        "laptop": {"n_stocks": 100, "n_days": 1000, "most_rounds": 60, "seeds": 2},
        "paper": {**SIZES["paper"], "seeds": 10},
    },
    grid_only=("searches",),
    group=lambda row: str(row["seed"]),
    agreement=agreement,
    page=Page(table=summary, findings=findings),
)  # fmt: skip
