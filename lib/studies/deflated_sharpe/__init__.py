"""What does a deflated Sharpe ratio say, and how well does it deflate (paper B, s4.2)?

A ledger of 36 configurations is tried on the first half of the test days, the best is chosen, and the second half says
what it was worth: in markets where there is nothing to find, a little, and much.
"""

from __future__ import annotations

from lib.evaluation.simulated import LIMIT_RATES, SIZE
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.deflated_sharpe.measure import WORLDS, compute, grid
from lib.studies.deflated_sharpe.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="deflated_sharpe",
    title="The deflated Sharpe ratio",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="how often stocks close at a limit"),
        "worlds": Parameter(list, list(WORLDS), choices=tuple(WORLDS), help="how much there is to find"),
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 700, "first_test_year": 2011, "worlds": ["null"], "seeds": 1},
        "laptop": {"n_stocks": 100, "n_days": 1000, "first_test_year": 2012, "seeds": 5},
        "paper": {"n_stocks": 200, "first_test_year": 2012, "seeds": 60},
    },
    grid_only=("worlds",),
    group=lambda row: str(row["seed"]),
    setting="different",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
