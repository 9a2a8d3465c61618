"""Does the papers' full system beat buy and hold, LightGBM, an MLP and a Transformer, as their main table says?

Whole systems side by side on simulated markets and, where a price file is given, in both papers' windows: what each
knows, what it earns before costs and after them, what it trades, and what is left once two trade the same.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.scoring import SAMPLES
from lib.evaluation.simulated import FACTOR_SETS, MARKET_PARAMETERS, SIZE
from lib.models.baselines import ROWS
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.main_results.measure import agreement, compute, contrast, grid, group
from lib.studies.main_results.page import CLAIM_IDS, answer_claims, findings, summary
from lib.studies.mask_ablation_real.measure import FIXED
from lib.studies.portfolio_method.measure import AVERSIONS

STUDY = Study(
    name="main_results",
    title="The main table: whole systems side by side",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        **SIZE,
        **MARKET_PARAMETERS,
        "slow_seeds": Parameter(int, 10, low=0, high=1000, help="markets of the Transformers: the first so many"),
        "windows": Parameter(list, list(FIXED), choices=tuple(FIXED), help="of the price file"),
        "training_seeds": Parameter(int, 5, low=1, high=100, help="of each learner on the price file, averaged"),
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "aversions": Parameter(list, [1, 10, 50], choices=AVERSIONS, help="risk aversions of further books"),
        "few": Parameter(int, ROWS, low=100, high=10**7, help="samples of a Transformer, and of the learners on few"),
        "slow_epochs": Parameter(int, 6, low=1, high=1000, help="epochs of a Transformer at most"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="epochs of the MLP at most"),
        "rounds": Parameter(int, 1000, low=1, high=5000, help="trees of LightGBM at most"),
        "samples": Parameter(int, SAMPLES, low=10, high=10000, help="resampled paths of an interval of the price file"),
    },
    scales={
        "smoke": {
            "n_stocks": 40, "n_days": 500, "first_test_year": 2011, "few": 1000, "slow_epochs": 1, "epochs": 1,
            "rounds": 5, "samples": 20, "aversions": [10], "training_seeds": 1, "seeds": 1,
        },
        "laptop": {"n_stocks": 120, "n_days": 1000, "few": 5000, "slow_seeds": 2, "training_seeds": 1, "seeds": 3},
        "paper": {"samples": 500, "seeds": 20},
    },
    grid_only=("slow_seeds", "windows", "training_seeds"),
    group=group,
    inputs=lambda settings: [settings["data_path"]] if settings["data_path"] else [],
    setting="different",
    contrast=Contrast(contrast, by=group),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
