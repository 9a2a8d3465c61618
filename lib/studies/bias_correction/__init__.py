"""Does neutralisation by industry and size raise the information coefficient of factors (paper A, Table I)?

Factors as they are, less industry, less industry and size, the same by a robust fit and with a strength that follows
the market's volatility: on simulated markets, whose truth is known, and on a price file with market values.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, SIZE
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.bias_correction.measure import compute, grid
from lib.studies.bias_correction.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="bias_correction",
    title="Neutralised factors",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "all", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="how often stocks close at a limit"),
        "file_test_year": Parameter(int, 2022, low=1991, high=2100, help="first year that counts on the price file"),
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 700, "first_test_year": 2011, "factors": "core", "seeds": 1},
        "laptop": {"n_stocks": 150, "n_days": 1000, "first_test_year": 2012, "factors": "core", "seeds": 5},
        "paper": {"seeds": 20},
    },
    inputs=lambda settings: [settings["data_path"]] if settings["data_path"] else [],
    group=lambda row: str(row["seed"]),
    setting="different",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
