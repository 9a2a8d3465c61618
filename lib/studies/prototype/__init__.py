"""What is the papers' first prototype worth: 50 factors, LightGBM, the top 100 stocks with equal weight?

The prototype knew no mask. Beside it stand the same pipeline with the mask, 50 factors drawn at random, and all 213, on
the same simulated markets and with the same book.
"""

from __future__ import annotations

from lib.evaluation.simulated import MARKET_PARAMETERS, SIZE
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.prototype.measure import ARMS, agreement, compute, contrast, grid
from lib.studies.prototype.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="prototype",
    title="The first prototype",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "k": Parameter(int, 100, low=5, high=1000, help="stocks of the book"),
        "arms": Parameter(list, list(ARMS), choices=tuple(ARMS), help="pipelines"),
        "all_seeds": Parameter(int, 1, low=0, high=1000, help="markets of all 213 factors: the first so many seeds"),
        "rounds": Parameter(int, 1000, low=1, high=10_000, help="most trees"),
    },
    scales={
        "smoke": {"n_stocks": 50, "n_days": 500, "first_test_year": 2011, "k": 15, "rounds": 20, "seeds": 1,
                  "arms": ["unmasked", "masked"]},
        "laptop": {"n_stocks": 300, "n_days": 1000, "arms": ["unmasked", "masked", "random"], "seeds": 3},
        "paper": {"n_stocks": 400, "all_seeds": 10, "seeds": 40},
    },
    grid_only=("arms", "all_seeds"),
    group=lambda row: str(row["seed"]),
    setting="reduced",
    contrast=Contrast(contrast),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
