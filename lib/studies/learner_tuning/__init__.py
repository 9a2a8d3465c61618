"""What does the same random search for settings gain ridge, LightGBM and the MLP?

Twenty trials a learner are fitted on simulated markets that no other study evaluates and chosen by their validation IC.
Test days, and the truth behind them, decide nothing: they say what the search is worth.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, SIZE, SIZES
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.learner_tuning.measure import agreement, compute, grid
from lib.studies.learner_tuning.page import findings, gains_table

STUDY = Study(
    name="learner_tuning",
    title="Settings of the learners",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "first_test_year": Parameter(int, 2014, low=2011, high=2100, help="first year that is tested"),
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="real: as in CSI 300; paper: as it states"),
        "trials": Parameter(int, 20, low=1, high=200, help="of each learner; the first has default settings"),
        "rounds": Parameter(int, 1000, low=1, high=10_000, help="most trees of LightGBM"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="most epochs of the MLP"),
    },
    scales={
        "smoke": {**SIZES["smoke"], "first_test_year": 2013, "trials": 3, "rounds": 20, "epochs": 3, "seeds": 1},
        "laptop": {**SIZES["laptop"], "trials": 6, "seeds": 2},
        "paper": {**SIZES["paper"], "seeds": 2},
    },
    grid_only=("trials",),
    group=lambda row: str(row["seed"]),
    agreement=agreement,
    page=Page(table=gains_table, findings=findings),
)
