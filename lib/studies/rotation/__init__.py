"""Does a Transformer over factors catch a theme rotation before an MLP does, and do its factor weights follow regimes?

Paper B (s6.2, case 3) tells of one quarter, Sharpe ratio 2.4 against 1.8. Paper A (s5.E) has a model that adapts factor
weights by regime. Here the rotation, a bear market and a rally are scripted after years in which every regime was seen.
"""

from __future__ import annotations

from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.rotation.measure import agreement, compute, grid
from lib.studies.rotation.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="rotation",
    title="A theme rotation, and factor weights by regime",
    grid=grid,
    compute=compute,
    parameters={
        **MARKET_PARAMETERS,
        "n_stocks": Parameter(int, 200, low=50, high=5000, help="stocks of the simulated market"),
        "rows": Parameter(int, 20_000, low=100, high=10_000_000, help="samples of a fit, at most, on whole days"),
        "epochs": Parameter(int, 6, low=1, high=1000, help="most epochs of a fit"),
        "transformer_seeds": Parameter(int, 1, low=0, high=1000, help="markets of the Transformer: the first so many"),
    },
    scales={
        "smoke": {"n_stocks": 50, "rows": 400, "epochs": 1, "seeds": 1},
        "laptop": {"rows": 5000, "epochs": 4, "seeds": 2},
        "paper": {"n_stocks": 300, "transformer_seeds": 10, "seeds": 30},
    },
    grid_only=("transformer_seeds",),
    group=lambda row: str(row["seed"]),
    agreement=agreement,
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
