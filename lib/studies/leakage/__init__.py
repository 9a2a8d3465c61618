"""What does a leak of later labels into the fit add to a back-test, and does the papers' check catch it (B, s5.2)?

LightGBM on simulated markets: clean, with three bugs apart, and the fixed split that the papers compared with. The
leak detector of this book is asked about the same bugs.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, SIZE, SIZES
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.leakage.measure import agreement, compute, grid
from lib.studies.leakage.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="leakage",
    title="Labels of later days in the fit",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="real: as in CSI 300; paper: as it states"),
        "rounds": Parameter(int, 1000, low=1, high=10_000, help="most trees of LightGBM"),
        "detector_seeds": Parameter(int, 2, low=0, high=100, help="small markets on which the leak detector is tried"),
    },
    scales={
        "smoke": {**SIZES["smoke"], "first_test_year": 2012, "rounds": 20, "detector_seeds": 1, "seeds": 1},
        "laptop": {"n_stocks": 150, "rounds": 200, "seeds": 5},
        # a fit that is stopped on days that it knows does not stop: with 1000 trees a row costs three times as much
        "paper": {**SIZES["paper"], "rounds": 300, "detector_seeds": 5, "seeds": 60},
    },
    grid_only=("detector_seeds",),
    group=lambda row: f"{row['variant']} {row['seed']}",
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
