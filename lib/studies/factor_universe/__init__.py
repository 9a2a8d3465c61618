"""How many of a thousand declared candidates pass paper A's quality filter, and how many would by chance alone?

The filter sees a training period only; what becomes of the survivors is read off the days after it.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import market_inputs
from lib.evaluation.simulated import MARKET_PARAMETERS
from lib.factors.quality import CRITERIA
from lib.factors.quality.criteria import REDUNDANCY
from lib.factors.quality.measures import PERIOD
from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.factor_universe.measure import compute, grid
from lib.studies.factor_universe.page import CLAIM_IDS, answer_claims, findings, summary

STUDY = Study(
    name="factor_universe",
    title="The factor universe",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "train_share": Parameter(float, 11 / 15, low=0.2, high=0.95, help="of the days; paper A: 11 of 15 years"),
        "window": Parameter(str, "skip", choices=("skip", "strict"), help="window policy of the candidates"),
        "thresholds": Parameter(dict, {}, help=f"other thresholds, {{test: value}}; tests: {', '.join(CRITERIA)}"),
        "redundancy": Parameter(float, REDUNDANCY, low=0.0, high=1.0, help="least rank correlation of near-duplicates"),
        "every": Parameter(int, 1, low=1, high=20, help="every so-many-th template only"),
        "draws": Parameter(int, 200, low=10, high=10000, help="draws of the null market and of the count's interval"),
        "n_stocks": Parameter(int, 120, low=60, high=5000, help="stocks of the simulated market"),
        "n_days": Parameter(int, 750, low=6 * PERIOD, high=5000, help="days of the simulated market"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"every": 7, "n_stocks": 100, "n_days": 450, "draws": 50, "seeds": 1},
        "laptop": {"seeds": 1},
        "paper": {"n_stocks": 300, "n_days": 1400, "draws": 500, "seeds": 5},
    },
    inputs=market_inputs,
    setting="different",
    evidence="real",
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
