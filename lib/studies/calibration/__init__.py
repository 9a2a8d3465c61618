"""Is the simulated market like a real one where masks matter: how often limits bind, what follows, how long halts last?

The same code measures real prices and simulated markets, and every number has a target with a band. Nothing is
calibrated to what a model or a strategy earns.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.calibration.measure import compute, grid
from lib.studies.calibration.page import findings, summary

STUDY = Study(
    name="calibration",
    title="The simulated market beside a real one",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "n_stocks": Parameter(int, 300, low=30, high=5000, help="stocks of a simulated market"),
        "n_days": Parameter(int, 1400, low=250, high=5000, help="days of a simulated market"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 100, "n_days": 700, "seeds": 2},
        "laptop": {"n_days": 3500, "seeds": 8},
        "paper": {"n_days": 3500, "seeds": 20},
    },
    inputs=market_inputs,
    setting="different",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, findings=findings),
)
