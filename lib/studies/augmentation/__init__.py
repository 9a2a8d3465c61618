"""Do synthetic panels, appended to the days of a fit, make a network better, and is it their samples that do it?

None, one, two and four panels, three kinds of them, and the real sample seen twice with as many optimiser steps, for
the MLP and the factor-axis Transformer; beside them what each kind keeps of the market it is made from.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, SIZE, SIZES
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.augmentation.measure import TREATMENTS, agreement, by_market, compute, contrast, grid, group
from lib.studies.augmentation.page import CLAIM_IDS, answer_claims, findings, summary

#: the papers' comparison and its control
COUNTED = ("none", "twice", "stock_blocks", "stock_blocks_2", "stock_blocks_4")

STUDY = Study(
    name="augmentation",
    title="Synthetic panels as further samples",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="real: as in CSI 300; paper: as it states"),
        "treatments": Parameter(list, list(TREATMENTS), choices=tuple(TREATMENTS), help="what the MLP is fitted to"),
        "transformer_treatments": Parameter(
            list, [*COUNTED, "row_blocks"], choices=tuple(TREATMENTS), help="what the Transformer is fitted to"
        ),
        "transformer_seeds": Parameter(int, 1, low=0, high=1000, help="its markets: the first so many seeds"),
        "file_treatments": Parameter(
            list, list(COUNTED), choices=tuple(TREATMENTS), help="what the learners are fitted to on the price file"
        ),
        "training_seeds": Parameter(int, 5, low=1, high=100, help="of an MLP on the price file, averaged"),
        "slow_training_seeds": Parameter(int, 2, low=1, high=100, help="of the Transformer on the price file"),
        "sub_samples": Parameter(
            int, 20_000, low=500, high=10**7, help="samples of the Transformer, and of the MLP beside it"
        ),
        "epochs": Parameter(int, 8, low=1, high=1000, help="epochs of the MLP"),
        "transformer_epochs": Parameter(int, 8, low=1, high=1000, help="epochs of the Transformer"),
        "samples": Parameter(int, 100, low=0, high=5000, help="resampled paths behind an interval of one market"),
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 760, "first_test_year": 2012, "epochs": 1,
                  "treatments": ["none", "twice", "stock_blocks"],
                  "transformer_treatments": ["none", "stock_blocks"], "sub_samples": 500,
                  "transformer_epochs": 1, "samples": 20, "training_seeds": 1, "slow_training_seeds": 1, "seeds": 1},
        "laptop": {**SIZES["laptop"], "n_days": 1200, "sub_samples": 6000, "epochs": 6, "samples": 20,
                   "training_seeds": 2, "slow_training_seeds": 1, "seeds": 2},
        "paper": {**SIZES["paper"], "transformer_seeds": 8, "seeds": 40},
    },
    grid_only=("factors", "treatments", "transformer_treatments", "transformer_seeds", "file_treatments",
               "training_seeds", "slow_training_seeds", "sub_samples", "epochs", "transformer_epochs"),
    group=group,
    inputs=lambda settings: [settings["data_path"]] if settings["data_path"] else [],
    setting="different",
    contrast=Contrast(contrast, by=by_market),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
