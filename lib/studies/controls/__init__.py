"""Where does phantom alpha come from, and does an honest pipeline find nothing where nothing can be predicted?

Eight simulated markets of the same draws switch the delayed part of limited moves, the planted alpha and the frequency
of limits on and off. Small null markets count how often a 95 % interval of the information coefficient covers zero.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, MARKET_PARAMETERS, SIZE
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.controls.measure import agreement, by_market, compute, contrast, grid
from lib.studies.controls.page import findings, summary

STUDY = Study(
    name="controls",
    title="Controls: where phantom alpha comes from, and the null market",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "samples": Parameter(int, 60, low=20, high=5000, help="resampled paths behind an interval of one market"),
        "null_seeds": Parameter(int, 10, low=0, high=1000, help="null markets of ridge"),
        "null_trained_seeds": Parameter(int, 2, low=0, high=1000, help="null markets of LightGBM and of the MLP"),
    },
    scales={
        "smoke": {"n_stocks": 80, "n_days": 860, "samples": 20, "null_seeds": 2, "null_trained_seeds": 0, "seeds": 1},
        "laptop": {"n_stocks": 120, "n_days": 1000, "first_test_year": 2012, "seeds": 5},
        "paper": {"samples": 200, "null_seeds": 100, "null_trained_seeds": 20, "seeds": 20},
    },
    grid_only=("null_seeds", "null_trained_seeds"),
    group=lambda row: f"{row['seed']} {row.get('world', 'null')}",
    setting="different",
    contrast=Contrast(contrast, by=by_market),
    agreement=agreement,
    page=Page(table=summary, findings=findings),
)
