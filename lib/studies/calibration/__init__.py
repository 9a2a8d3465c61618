"""Is the synthetic market like a real one? The calibration table, measured the same way on prices and on markets."""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.calibration.measure import compute, grid, inputs
from lib.studies.calibration.tables import summary

STUDY = Study(
    name="calibration",
    title="The synthetic market beside a real one",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "n_stocks": Parameter(int, 300, low=30, high=5000, help="stocks of a synthetic market"),
        "n_days": Parameter(int, 1400, low=250, high=5000, help="days of a synthetic market"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 100, "n_days": 700, "seeds": 2},
        "laptop": {"n_days": 3500, "seeds": 8},
        "paper": {"n_days": 3500, "seeds": 20},
    },
    inputs=inputs,
    setting="different",
    evidence="simulated",
    page=Page(table=summary),
)
