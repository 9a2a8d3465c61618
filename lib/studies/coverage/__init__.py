"""How many tradable cells does a mask take away that reaches through rolling windows?

Strict windows, which need every day, against windows that need half of them; all factors at once against each with its
own mask. Beside the counts stand closed forms for iid and for clustered masking.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import LIMIT_RATES, market_grid, market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.coverage.measure import compute
from lib.studies.coverage.page import findings, summary

STUDY = Study(
    name="coverage",
    title="What masking costs in cells",
    grid=market_grid,
    compute=compute,
    parameters={
        **FILE,
        "every": Parameter(int, 5, low=1, high=100, help="every so-many-th stock of the file only"),
        "limit_rates": LIMIT_RATES,
        "n_stocks": Parameter(int, 100, low=20, high=5000, help="stocks of a simulated market"),
        "n_days": Parameter(int, 500, low=280, high=5000, help="its days"),
        "imposed_stocks": Parameter(int, 30, low=10, high=5000, help="stocks of it that masks are laid over"),
        "imposed_days": Parameter(int, 250, low=150, high=5000, help="days of it that masks are laid over"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 40, "n_days": 300, "imposed_stocks": 15, "imposed_days": 180, "seeds": 2},
        "laptop": {"seeds": 5},
        "paper": {"n_stocks": 300, "n_days": 1000, "imposed_stocks": 100, "imposed_days": 500, "every": 1, "seeds": 20},
    },
    inputs=market_inputs,
    grid_only=("limit_rates",),
    setting="reduced",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, findings=findings),
)
