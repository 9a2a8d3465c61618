"""How much money can a signal carry, and what does an account pay that a back-test in weights does not (paper A, s4.F)?

The same predictions of simulated markets are traded by accounts from a hundred thousand to ten billion yuan, each with
three sizes of buffer: board lots and minimum fees weigh on the small one, market impact and thin days on the large one.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, SIZE
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.costs_and_capacity.measure import compute, grid
from lib.studies.costs_and_capacity.page import findings, summary

STUDY = Study(
    name="costs_and_capacity",
    title="Costs and capacity of an account in yuan",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="how often stocks close at a limit"),
        "impact": Parameter(float, 1.0, low=0, high=10, help="coefficient of the square-root law"),
        "participation": Parameter(float, 0.1, low=0.001, high=1, help="largest share of a day's volume"),
        "sessions": Parameter(int, 3, low=1, high=20, help="sessions that an order is worked on"),
    },
    scales={
        "smoke": {"n_stocks": 80, "n_days": 860, "seeds": 1},
        "laptop": {"n_stocks": 200, "n_days": 1000, "first_test_year": 2012, "seeds": 3},
        "paper": {"seeds": 10},
    },
    setting="different",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, findings=findings),
)
