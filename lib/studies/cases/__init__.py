"""Does a mask shrink the loss in a crash, cost return in a rally, and show a theme earlier (paper B, s6.2)?

Each story of the paper is one path. Here the market's part of each is scripted and repeated over simulated markets; on
a price file the papers' windows and two more stand beside it.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.evaluation.slices import MARKET_SAMPLES
from lib.market import EPISODES
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.cases.measure import agreement, compute, grid
from lib.studies.cases.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="cases",
    title="A crash, a rally, a rotation",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "episodes": Parameter(list, list(EPISODES), choices=tuple(EPISODES), help="scripted episodes"),
        "limit_rates": Parameter(str, "real", choices=("real", "paper"), help="calibration of the simulated market"),
        "n_stocks": Parameter(int, 200, low=60, high=5000, help="stocks of the simulated market"),
        "mlp_epochs": Parameter(int, 10, low=1, high=1000, help="epochs of the MLP at most, in the theme rotation"),
        "first_test_year": Parameter(int, 2013, low=1991, high=2100, help="first year predicted on the price file"),
        "samples": MARKET_SAMPLES,
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 80, "mlp_epochs": 2, "samples": 100, "seeds": 2},
        "laptop": {"seeds": 2},
        "paper": {"n_stocks": 300, "mlp_epochs": 60, "samples": 0, "seeds": 24},
    },
    grid_only=("episodes", "mlp_epochs"),
    inputs=market_inputs,
    setting="different",
    agreement=agreement,
    evidence="simulated",
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
