"""What does the same random search for settings gain each neural network?

Eight trials a network, chosen by validation IC, on a sample that the slowest can be fitted to and on simulated markets
that no comparison evaluates.
"""

from __future__ import annotations

from lib.evaluation.simulated import MARKET_PARAMETERS, SIZE, SIZES
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.network_tuning.measure import NETWORKS, agreement, compute, grid
from lib.studies.network_tuning.page import findings, gains_table

STUDY = Study(
    name="network_tuning",
    title="Settings of the networks",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "first_test_year": Parameter(int, 2014, low=2011, high=2100, help="first year that is tested"),
        "networks": Parameter(list, list(NETWORKS), choices=NETWORKS, help="networks to search for"),
        "trials": Parameter(int, 8, low=1, high=200, help="of each network; the first has default settings"),
        "rows": Parameter(int, 20_000, low=100, high=10_000_000, help="samples of a fit, at most, on whole days"),
        "epochs": Parameter(int, 6, low=1, high=1000, help="most epochs of a fit"),
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 640, "first_test_year": 2012, "trials": 2, "rows": 500, "epochs": 1,
                  "seeds": 1},
        "laptop": {**SIZES["laptop"], "n_days": 1000, "first_test_year": 2013, "trials": 3, "rows": 6000, "epochs": 4,
                   "seeds": 1},
        "paper": {**SIZES["paper"], "seeds": 2},
    },
    grid_only=("networks", "trials"),
    group=lambda row: str(row["seed"]),
    agreement=agreement,
    page=Page(table=gains_table, findings=findings),
)  # fmt: skip
