"""Can the papers' own synthetic panel give the numbers of their mask ablation?

Their three masks are run on their generator, with their split and their back-test, over many markets. Results before
costs, three answers to what happens to a name without a prediction, and masks without information tell apart which
difference comes from where.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS
from lib.models.learners import LEARNERS
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.own_setting_mask.measure import agreement, by_learner_and_market, compute, contrast, count, grid, group
from lib.studies.own_setting_mask.numbers import summary
from lib.studies.own_setting_mask.page import CLAIM_IDS, answer_claims, findings
from lib.studies.own_setting_mask.scores import MASKS

STUDY = Study(
    name="own_setting_mask",
    title="The mask ablation in the papers' own setting",
    grid=grid,
    compute=compute,
    parameters={
        "n_stocks": Parameter(int, 200, low=40, high=5000, help="stocks of a panel"),
        "n_days": Parameter(int, 1500, low=300, high=5000, help="days of a panel"),
        "validation_days": Parameter(int, 126, low=20, high=2000, help="days that choose, before the test days"),
        "test_days": Parameter(int, 378, low=20, high=2000, help="days that are predicted, the last ones"),
        "k": Parameter(int, 33, low=1, high=1000, help="names held; the papers' 100 of 3000 is a thirtieth"),
        "factors": Parameter(str, "all", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "masks": Parameter(list, list(MASKS), choices=tuple(MASKS), help="which masks to run"),
        "learners": Parameter(list, list(LEARNERS), choices=tuple(LEARNERS), help="which learners to run"),
        "windows": Parameter(list, [20, 60], low=2, high=1000, help="longest windows, in days, of smaller factor sets"),
        "window_seeds": count(2, "the smaller factor sets, with ridge"),
        "lightgbm_seeds": count(2, "LightGBM"),
        "mlp_seeds": count(2, "the MLP"),
        "large_stocks": Parameter(int, 0, low=0, high=5000, help="stocks of one more panel, of seed 42; 0: none"),
        "rounds": Parameter(int, 1000, low=1, high=5000, help="trees of LightGBM at most"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="epochs of the MLP at most"),
    },
    scales={
        "smoke": {"n_stocks": 80, "n_days": 420, "validation_days": 60, "test_days": 100, "k": 13, "factors": "core",
                  "windows": [20], "window_seeds": 1, "lightgbm_seeds": 1, "mlp_seeds": 1, "rounds": 20, "epochs": 2,
                  "seeds": 2},
        "laptop": {"seeds": 6},
        "paper": {"n_stocks": 600, "n_days": 3500, "validation_days": 252, "test_days": 756, "k": 100,
                  "window_seeds": 10, "lightgbm_seeds": 20, "mlp_seeds": 5, "large_stocks": 3000, "seeds": 20},
    },
    grid_only=("n_stocks", "k", "masks", "learners", "windows", "window_seeds", "lightgbm_seeds", "mlp_seeds",
               "large_stocks", "rounds", "epochs"),
    group=group,
    setting="reduced",
    contrast=Contrast(contrast, by=by_learner_and_market),
    agreement=agreement,
    tolerances={"coverage": 1e-6},  # decided by the masks: training has no part in it
    evidence="simulated",
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
