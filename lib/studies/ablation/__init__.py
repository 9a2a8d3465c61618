"""What does each component of the papers' system contribute where there is something to predict?

The whole system and five systems with one component removed, on simulated markets with a known alpha, orders filled as
the exchange would fill them; the order of the contributions with its uncertainty.
"""

from __future__ import annotations

from lib.evaluation.ladder import FITS
from lib.evaluation.simulated import FACTOR_SETS, MARKET_PARAMETERS, SIZE
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
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
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "fits": Parameter(list, list(FITS), choices=tuple(FITS), help="what is fitted"),
        "few_seeds": Parameter(
            int, 1, low=0, high=1000, help="markets of the Transformer, the MLP beside it and another training seed"
        ),
        "rows": Parameter(int, 20_000, low=500, high=10**7, help="real samples of the Transformer, and of that MLP"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="epochs of the MLP at most"),
        "transformer_epochs": Parameter(int, 6, low=1, high=1000, help="epochs of the Transformer, and of that MLP"),
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 580, "first_test_year": 2012, "rows": 500, "epochs": 1,
                  "transformer_epochs": 1, "seeds": 1},
        "laptop": {"n_stocks": 150, "n_days": 1000, "rows": 4000, "transformer_epochs": 3, "seeds": 2},
        "paper": {"few_seeds": 10, "seeds": 40},
    },
    grid_only=("fits", "few_seeds", "rows", "epochs", "transformer_epochs"),
    group=group,
    setting="different",
    contrast=Contrast(contrast),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
