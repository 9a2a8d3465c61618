"""Can a Ledoit-Wolf covariance have a negative eigenvalue, and which covariance of a masked window does?

Paper B was stopped about once a year by one. The estimate of every day is decomposed, in float64 and float32, beside
the sample covariance that it shrinks and beside three ways to leave masked returns out of it.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import LIMIT_RATES, market_grid, market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.covariance_eigenvalue.measure import LEAST, compute
from lib.studies.covariance_eigenvalue.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="covariance_eigenvalue",
    title="The eigenvalue below zero",
    grid=market_grid,
    compute=compute,
    parameters={
        **FILE,
        "limit_rates": LIMIT_RATES,
        "window": Parameter(int, 120, low=10, high=1000, help="days of a covariance; the paper's 120"),
        "sizes": Parameter((list, int), [50, 100, 250], low=LEAST, high=5000, help="numbers of stocks of a covariance"),
        "every": Parameter(int, 20, low=1, high=250, help="every so-many-th day"),
        "n_stocks": Parameter(int, 300, low=20, high=5000, help="stocks of a simulated market"),
        "n_days": Parameter(int, 620, low=60, high=5000, help="its days"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"window": 40, "sizes": [20, 60], "n_stocks": 60, "n_days": 300, "seeds": 2},
        "laptop": {"seeds": 2},
        "paper": {"sizes": [50, 100, 250, 1000], "n_stocks": 1100, "n_days": 876, "seeds": 5},
    },
    inputs=market_inputs,
    grid_only=("limit_rates",),
    setting="reduced",
    # eigenvalues of rounding differ from one processor to the next; what float32 adds to a real one is small
    tolerances={"round-off": 9.0, "round-off of all": 9.0, "lowest": 1e-3, "lowest of all": 1e-3, "needed": 1e-3},
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
