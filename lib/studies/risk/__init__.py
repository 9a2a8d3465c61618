"""Is a book's risk what is forecast for it, does it come from where it should, and is it the same in every market?

Value-at-risk and expected shortfall by three methods, back-tested on books of simulated markets and of a price file;
results by regime; exposures to styles; rolling views beside what chance gives (paper A, s4.F).
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.scoring import SAMPLES
from lib.evaluation.simulated import FACTOR_SETS, MARKET_PARAMETERS, SIZE
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.risk.measure import compute, grid
from lib.studies.risk.page import findings, summary

STUDY = Study(
    name="risk",
    title="Risk: tails, regimes, styles and rolling views",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        **SIZE,
        **MARKET_PARAMETERS,
        "first_file_year": Parameter(int, 2013, low=1991, high=2100, help="first year predicted on the price file"),
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "samples": Parameter(int, SAMPLES, low=10, high=10000, help="resampled paths of an interval of the price file"),
    },
    scales={
        "smoke": {"n_stocks": 50, "n_days": 1000, "first_test_year": 2012, "seeds": 1},
        "laptop": {"n_stocks": 150, "n_days": 1800, "first_test_year": 2012, "seeds": 2},
        "paper": {"n_days": 2600, "first_test_year": 2012, "seeds": 10},
    },
    inputs=lambda settings: [settings["data_path"]] if settings["data_path"] else [],
    setting="different",
    agreement=simulated,
    page=Page(table=summary, findings=findings),
)
