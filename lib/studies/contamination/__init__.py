"""Is a factor nearer to its value in a market without limits when rolling windows skip limit closes and halts?

Rows deleted after the windows are computed do not repair them. A simulated market has a known counterfactual, the same
random draws without limits and halts, so the distance of every treatment from it is a number.
"""

from __future__ import annotations

from datetime import date

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import LIMIT_RATES, market_grid, market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.contamination.measure import WARM_UP, compute
from lib.studies.contamination.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="contamination",
    title="Upstream contamination, measured",
    grid=market_grid,
    compute=compute,
    parameters={
        **FILE,
        "data_start": Parameter(date, "2014-07-01", help="first day of the file that is studied"),
        "data_end": Parameter(date, "2016-07-01", help="the day after the last; the crash of 2015 lies between"),
        "limit_rates": LIMIT_RATES,
        "n_stocks": Parameter(int, 100, low=30, high=5000, help="stocks of a simulated market"),
        "n_days": Parameter(int, 260, low=WARM_UP + 50, high=5000, help="its days"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 170, "limit_rates": ["paper"], "seeds": 2},
        "laptop": {"seeds": 5},
        "paper": {"n_stocks": 300, "n_days": 750, "seeds": 20},
    },
    inputs=market_inputs,
    grid_only=("limit_rates",),
    setting="reduced",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
