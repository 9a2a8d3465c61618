"""What happens after a close at the price limit: can anyone who trades at the next open earn the move that follows?

Counted by year on real prices, against a market that has no limits and in which a limit of 10 % is only drawn. A
back-test that fills orders at limit closes books a return that cannot be traded. How large is it, and in which years?
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.limit_events.measure import compute, grid, inputs
from lib.studies.limit_events.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="limit_events",
    title="After a limit close",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "us_path": Parameter(str, None, optional=True, help="file of a market without limits: the control"),
        "n_stocks": Parameter(int, 200, low=20, high=5000, help="stocks of the simulated market"),
        "n_days": Parameter(int, 750, low=60, high=5000, help="days of the simulated market"),
        **MARKET_PARAMETERS,
    },
    scales={"smoke": {"n_stocks": 120, "n_days": 500, "seeds": 1}, "laptop": {"seeds": 2}, "paper": {"seeds": 5}},
    inputs=inputs,
    setting="reduced",
    evidence="real",
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
