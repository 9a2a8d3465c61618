"""Does a market-neutral book have no market exposure, and does its drawdown stay below 8 %?

The papers' problem (A, eq. 23-27) is solved exactly on simulated markets, whose stocks can be sold short at will: the
short side is hypothetical, A-shares can hardly be borrowed. One limit at a time is changed.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, MARKET_PARAMETERS, SIZE
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.market_neutral.measure import BOOKS, compute, grid
from lib.studies.market_neutral.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="market_neutral",
    title="Market neutral",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "books": Parameter(list, list(BOOKS), choices=tuple(BOOKS), help="books, each with one change"),
    },
    scales={
        "smoke": {"n_stocks": 80, "n_days": 700, "first_test_year": 2012, "seeds": 1},
        "laptop": {"n_stocks": 200, "n_days": 1000, "seeds": 5},
        "paper": {"n_days": 1700, "seeds": 30},
    },
    group=lambda row: str(row["seed"]),
    setting="different",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
