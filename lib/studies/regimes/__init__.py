"""Does filling every order distort a back-test most, and does a mask gain most, where price limits bind most?

The test span of a simulated market holds one bear market, one calm stretch and one rally, each as long as the papers'
period of that kind. On a price file days are sorted by the papers' periods and by a rule that uses earlier closes only.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.evaluation.slices import MARKET_SAMPLES
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.regimes.measure import RATES, compute, grid
from lib.studies.regimes.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="regimes",
    title="The mask by regime",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "limit_rates": Parameter(list, list(RATES), choices=RATES, help="how often limits bind, when simulated"),
        "n_stocks": Parameter(int, 200, low=60, high=5000, help="stocks of the simulated market"),
        "first_test_year": Parameter(int, 2013, low=1991, high=2100, help="first year predicted on the price file"),
        "samples": MARKET_SAMPLES,
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 80, "limit_rates": ["real_rates"], "samples": 100, "seeds": 2},
        "laptop": {"seeds": 2},
        "paper": {"n_stocks": 300, "samples": 0, "seeds": 24},
    },
    grid_only=("limit_rates",),
    inputs=market_inputs,
    setting="different",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
