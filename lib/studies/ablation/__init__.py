"""What does each component of the papers' system contribute where there is something to predict?

The whole system and five systems with one component removed, on simulated markets with a known alpha, orders filled as
the exchange would fill them; the order of the contributions with its uncertainty.
"""

from __future__ import annotations

from lib.evaluation.ladder import LEARNING
from lib.evaluation.simulated import MARKET_PARAMETERS, SIZE
from lib.paper.results.study import Contrast, Page, Study
from lib.studies.ablation.measure import agreement, compute, contrast, grid, group
from lib.studies.ablation.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="ablation",
    title="The papers' ablation on a market with a known alpha",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        **LEARNING,
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 580, "first_test_year": 2012, "rows": 500, "epochs": 1,
                  "transformer_epochs": 1, "seeds": 1},
        "laptop": {"n_stocks": 150, "n_days": 1000, "rows": 4000, "transformer_epochs": 3, "seeds": 2},
        "paper": {"few_seeds": 10, "seeds": 40},
    },
    grid_only=tuple(name for name in LEARNING if name != "factors"),
    group=group,
    setting="different",
    contrast=Contrast(contrast),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
