"""What do loss, factors, synthetic panels and model change on the papers' own panel, in which nothing can be predicted?

Their system and one thing at a time that differs from it, with their generator, mask, split and back-test, over many
markets; beside it the same system trained with another seed, and a book of all names that never trades.
"""

from __future__ import annotations

from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.own_setting_learning.claims import CLAIM_IDS, answer_claims
from lib.studies.own_setting_learning.findings import findings
from lib.studies.own_setting_learning.measure import agreement, by_market, compute, contrast, grid, group
from lib.studies.own_setting_learning.page import levels_table
from lib.studies.own_setting_learning.variants import ARMS

FEW = ["MSE", "system", "IC", "another seed", "9 factors", "1 panel", "ridge", "XGBoost", "LightGBM"]

STUDY = Study(
    name="own_setting_learning",
    title="Learning in the papers' own setting",
    grid=grid,
    compute=compute,
    parameters={
        "n_stocks": Parameter(int, 120, low=40, high=5000, help="stocks of a panel"),
        "n_days": Parameter(int, 1500, low=300, high=5000, help="days of a panel"),
        "validation_days": Parameter(int, 126, low=20, high=2000, help="days that choose, before the test days"),
        "test_days": Parameter(int, 378, low=20, high=2000, help="days that are predicted, the last ones"),
        "k": Parameter(int, 20, low=1, high=1000, help="names held"),
        "arms": Parameter(list, None, choices=tuple(ARMS), optional=True, help="what is run; None: all"),
        "slow_seeds": Parameter(int, 1, low=0, high=1000, help="markets of the Transformers: the first so many seeds"),
        "rounds": Parameter(int, 1000, low=1, high=5000, help="trees of LightGBM and XGBoost at most"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="epochs of a network at most"),
        "slow_epochs": Parameter(int, 6, low=1, high=1000, help="epochs of a Transformer at most"),
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 420, "validation_days": 40, "test_days": 60, "k": 10, "rounds": 10,
                  "epochs": 1, "arms": ["MSE", "system", "9 factors", "LightGBM"], "seeds": 1},
        "laptop": {"arms": FEW, "seeds": 2},
        "paper": {"n_stocks": 400, "n_days": 3500, "validation_days": 252, "test_days": 756, "k": 67, "slow_seeds": 5,
                  "seeds": 20},
    },
    grid_only=("arms", "slow_seeds", "rounds", "epochs", "slow_epochs"),
    group=group,
    setting="reduced",
    contrast=Contrast(contrast, by=by_market),
    agreement=agreement,
    page=Page(table=levels_table, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
