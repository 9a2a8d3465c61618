"""Do the papers' own simulated panel and its stated parameters leave a mask anything to hide, or a model to predict?

The panel is generated as paper B describes it and counted; factors and a ridge are walked forward on it and, as the
control, on a simulated market in which alpha is planted. Paper A's estimators of the same process are recomputed.
"""

from __future__ import annotations

from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.paper_panel.measure import compute, grid
from lib.studies.paper_panel.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="paper_panel",
    title="The papers' own panel",
    grid=grid,
    compute=compute,
    parameters={
        "count_stocks": Parameter(int, 1000, low=20, high=5000, help="stocks of the panels that are counted"),
        "count_days": Parameter(int, 1750, low=60, high=5000, help="days of the panels that are counted"),
        "n_stocks": Parameter(int, 200, low=40, high=5000, help="stocks of the panels that are predicted"),
        "n_days": Parameter(int, 1250, low=600, high=5000, help="days of the panels that are predicted"),
        "first_test_year": Parameter(int, 2013, low=2011, high=2030, help="the panels begin in 2010"),
        "years": Parameter(int, 10, low=1, high=50, help="length of the paths whose drift is estimated"),
        "n_paths": Parameter(int, 4000, low=100, high=1_000_000, help="number of those paths"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"count_stocks": 200, "n_stocks": 80, "n_days": 800, "first_test_year": 2012, "n_paths": 1000,
                  "count_days": 500, "seeds": 3},
        "laptop": {"seeds": 6},
        "paper": {"count_stocks": 3000, "count_days": 3500, "n_stocks": 500, "n_days": 3500, "n_paths": 40_000,
                  "first_test_year": 2021, "seeds": 20},
    },
    setting="different",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
