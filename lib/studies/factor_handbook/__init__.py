"""What is each factor, how much of the market does it cover under strict windows, and which others does it resemble?

Every factor of the catalogue is measured on one panel after the other; formulas are printed from the tree that
computes them.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.agreement import Agreement
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.factor_handbook.measure import compute, grid, group, inputs
from lib.studies.factor_handbook.page import findings

STUDY = Study(
    name="factor_handbook",
    title="The handbook of factors",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "vwap_path": Parameter(
            str, None, optional=True, help="A-share file with vwap, amount and market value, if data_path lacks them"
        ),
        "n_stocks": Parameter(int, 150, low=60, high=5000, help="stocks of the simulated market"),
        "n_days": Parameter(int, 700, low=400, high=5000, help="days of the simulated market"),
        "n_sampled": Parameter(int, 120, low=10, high=1000, help="days on which factors are compared"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"n_stocks": 80, "n_days": 440, "n_sampled": 30, "seeds": 1},
        "laptop": {"seeds": 1},
        "paper": {"n_sampled": 240, "seeds": 5},
    },
    group=group,
    page=Page(findings=findings),
    inputs=inputs,
    evidence="real",
    setting="different",
    # another processor adds in another order: means move by round-off, and a few cells change sides of a tolerance
    agreement=lambda row: Agreement(relative=1e-4, share=1e-3, events=20),
)
