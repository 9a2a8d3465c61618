"""What does a percentile rank lose if it is divided by the number of all stocks instead of the valid ones?

Within a day the wrong rank is a rising straight line of the right one, so most factors that rank cannot notice, by
their formula alone. The others are computed with both denominators, under imposed halts and on real prices.
"""

from __future__ import annotations

from datetime import date

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import market_grid, market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.rank_denominator.measure import compute
from lib.studies.rank_denominator.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="rank_denominator",
    title="The rank denominator",
    grid=market_grid,
    compute=compute,
    parameters={
        **FILE,
        "data_start": Parameter(date, "2014-07-01", help="first day of the file that is studied"),
        "data_end": Parameter(date, "2016-07-01", help="the day after the last: two years with the halts of 2015"),
        "halted_share": Parameter(float, 200 / 3000, low=0.001, high=0.15, help="of the stocks, on days with halts"),
        "n_stocks": Parameter(int, 120, low=30, high=5000, help="stocks of a simulated market"),
        "n_days": Parameter(int, 340, low=150, high=5000, help="its days"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 190, "seeds": 2},
        "laptop": {"seeds": 5},
        "paper": {"n_stocks": 600, "n_days": 1000, "data_start": "2010-07-01", "data_end": "2025-01-01", "seeds": 20},
    },
    inputs=market_inputs,
    setting="reduced",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
