"""Does attention between factors show how they interact, and does closing its strongest pathways cost anything?

Paper B (s5.3) lists the five pairs of factors with most attention, finds among them a reversal that works in calm
stocks only, and loses .08 of Sharpe ratio without them. Here exactly that interaction is planted on one market and not
on another, and five random pathways are the control.
"""

from __future__ import annotations

from lib.evaluation.simulated import MARKET_PARAMETERS, SIZE, SIZES
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.interactions.measure import agreement, compute, contrast, grid
from lib.studies.interactions.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="interactions",
    title="Attention between factors",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "rows": Parameter(int, 20_000, low=100, high=10_000_000, help="samples of a fit, at most, on whole days"),
        "epochs": Parameter(int, 6, low=1, high=1000, help="most epochs of a fit"),
        "linear_seeds": Parameter(int, 1, low=0, high=1000, help="markets without the interaction: the first so many"),
    },
    scales={
        "smoke": {
            "n_stocks": 50,
            "n_days": 600,
            "first_test_year": 2012,
            "rows": 400,
            "epochs": 1,
            "linear_seeds": 0,
            "seeds": 1,
        },
        "laptop": {**SIZES["laptop"], "n_days": 1000, "rows": 5000, "epochs": 4, "seeds": 1},
        "paper": {"linear_seeds": 12, "seeds": 20},
    },
    grid_only=("linear_seeds",),
    group=lambda row: f"{row['world']} {row['seed']}",
    contrast=Contrast(contrast),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
