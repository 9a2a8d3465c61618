"""Do predictions and books get better with every family of factors that is added, and is that the families' merit?

Six nested sets, as in the papers' table: 9, 58, 108, 144, 179 and 213 factors. Beside each stands a random set of the
same size, and each is learned by ridge and by the small neural network, in two markets: one whose alpha is linear in
factors, and one in which a reversal works only in calm stocks.
"""

from __future__ import annotations

from lib.evaluation.simulated import MARKET_PARAMETERS, SIZE, SIZES
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.factor_count.measure import COUNTS, WORLDS, agreement, by_learner_and_market, compute, contrast, grid
from lib.studies.factor_count.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="factor_count",
    title="How many factors?",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "counts": Parameter(list, list(COUNTS), choices=tuple(COUNTS), help="sizes of the factor sets"),
        "worlds": Parameter(list, list(WORLDS), choices=tuple(WORLDS), help="markets with linear alpha, or not"),
        "mlp_seeds": Parameter(int, 2, low=0, high=1000, help="markets of the MLP: the first so many seeds"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="epochs of the MLP at most"),
    },
    scales={
        "smoke": {"n_stocks": 60, "n_days": 640, "counts": [9, 58], "worlds": ["linear"], "first_test_year": 2012,
                  "mlp_seeds": 1, "epochs": 2, "seeds": 1},
        "laptop": {**SIZES["laptop"], "n_days": 1000, "mlp_seeds": 1, "seeds": 2},
        "paper": {"mlp_seeds": 20, "seeds": 40},
    },
    grid_only=("counts", "worlds", "mlp_seeds", "epochs"),
    group=lambda row: f"{row['world']} {row['seed']}",
    setting="different",
    contrast=Contrast(contrast, by=by_learner_and_market),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
