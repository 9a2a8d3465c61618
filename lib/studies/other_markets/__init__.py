"""Which rule of an exchange makes a back-test show too much, and where does a mask help (paper B, s7.3)?

On the simulated market the rules are a parameter: limits, halts, a circuit breaker, none, over the same draws. On a
real market without limits the mask has nothing to hide and must change nothing.
"""

from __future__ import annotations

from lib.evaluation.inputs import MIN_SESSIONS
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.evaluation.slices import MARKET_SAMPLES
from lib.paper.results.agreement import simulated
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.other_markets.measure import compute, grid
from lib.studies.other_markets.page import findings, summary

STUDY = Study(
    name="other_markets",
    title="Other markets, other rules",
    grid=grid,
    compute=compute,
    parameters={
        "us_path": Parameter(str, None, optional=True, help="file of a market without limits: the control"),
        "min_sessions": MIN_SESSIONS,
        "limit_rates": Parameter(str, "real", choices=("real", "paper"), help="calibration of the simulated market"),
        "n_stocks": Parameter(int, 200, low=60, high=5000, help="stocks of the simulated market"),
        "us_test_year": Parameter(int, 2015, low=1991, high=2100, help="first year predicted on the control market"),
        "samples": MARKET_SAMPLES,
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 80, "samples": 100, "seeds": 2},
        "laptop": {"seeds": 2},
        "paper": {"n_stocks": 300, "samples": 0, "seeds": 24},
    },
    inputs=lambda settings: [settings["us_path"]] if settings["us_path"] else [],
    setting="different",
    evidence="simulated",
    agreement=simulated,
    page=Page(table=summary, findings=findings),
)
