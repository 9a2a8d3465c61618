"""What does each component of the papers' system contribute on their own panel, in which nothing can be predicted?

Their whole system and five systems with one component removed, with their generator, split, mask, optimiser and
back-test, at 0, 5 and 8 basis points, over many markets; and the whole system trained once more with another seed.
"""

from __future__ import annotations

from lib.evaluation.ladder import LEARNING
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.own_setting_ladder.measure import agreement, compute, contrast, grid, group
from lib.studies.own_setting_ladder.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="own_setting_ladder",
    title="The papers' ablation in their own setting",
    grid=grid,
    compute=compute,
    parameters={
        "n_stocks": Parameter(int, 120, low=40, high=5000, help="stocks of a panel"),
        "n_days": Parameter(int, 1500, low=300, high=5000, help="days of a panel"),
        "validation_days": Parameter(int, 126, low=20, high=2000, help="days that choose, before the test days"),
        "test_days": Parameter(int, 378, low=20, high=2000, help="days that are predicted, the last ones"),
        **LEARNING,
    },
    scales={
        "smoke": {"n_stocks": 50, "n_days": 400, "validation_days": 40, "test_days": 60, "rows": 500, "epochs": 1,
                  "transformer_epochs": 1, "seeds": 1},
        "laptop": {"rows": 4000, "transformer_epochs": 3, "seeds": 2},
        "paper": {"n_stocks": 600, "n_days": 3500, "validation_days": 252, "test_days": 756, "few_seeds": 5,
                  "seeds": 20},
    },
    grid_only=tuple(name for name in LEARNING if name != "factors"),
    group=group,
    setting="reduced",
    contrast=Contrast(contrast),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
