"""Which of the papers' formulas, counts and shares are right, as far as a recomputation settles it?

Nothing is trained and nothing back-tested. Where the outcome depends on what prices look like, as with ties and masked
cells, it is counted on simulated markets and, if one is given, on a price file.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.identities.measure import compute, grid, setting
from lib.studies.identities.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="identities",
    title="What needs no sampling",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "n_stocks": Parameter(int, 200, low=20, high=5000, help="stocks of a simulated market"),
        "n_days": Parameter(int, 600, low=60, high=5000, help="its days"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 200, "seeds": 2},
        "laptop": {"seeds": 2},
        "paper": {"n_stocks": 300, "n_days": 1400, "seeds": 5},
    },
    inputs=market_inputs,
    setting=setting,
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
