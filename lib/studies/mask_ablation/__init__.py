"""Which part of a mask helps a model, the labels, the orders or the rolling windows, where the truth is known?

Every mask is judged by what its predictions know of what could be earned, and by its book before trading costs, after
them and at matched turnover. A second page, the papers' IC-Sharpe paradox, is made from the same rows.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, REFIT_EVERY, RIDGE_SAMPLES, SIZE
from lib.evaluation.variants import VARIANTS
from lib.models.learners import LEARNERS
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.mask_ablation.measure import (
    CHOICES,
    FEW,
    SCALES,
    SHORT,
    agreement,
    by_learner_and_market,
    compute,
    contrast,
    count,
    grid,
    group,
)
from lib.studies.mask_ablation.page import CLAIM_IDS, answer_claims, findings
from lib.studies.mask_ablation.tables import summary

STUDY = Study(
    name="mask_ablation",
    title="The mask ablation on simulated markets",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(list, list(LIMIT_RATES), choices=LIMIT_RATES, help="how often limits bind"),
        "learners": Parameter(list, list(LEARNERS), choices=tuple(LEARNERS), help="which learners to run"),
        "variants": Parameter(list, None, choices=tuple(VARIANTS), optional=True, help="of ridge; None: all"),
        "trained_variants": Parameter(
            list, list(SHORT), choices=tuple(VARIANTS), optional=True, help="of LightGBM and the MLP; None: all"
        ),
        "lightgbm_seeds": count(2, "LightGBM"),
        "mlp_seeds": count(2, "the MLP"),
        "rank_seeds": count(0, "ridge on ranked features"),
        "large_seeds": count(0, "ridge on large markets, core factors"),
        "large_stocks": Parameter(int, 1000, low=60, high=5000, help="stocks of a large market"),
        "alphas": Parameter((list, float), [0.04, 0.02], low=0, high=5, help="further alphas, for ridge; see alpha"),
        "alpha_seeds": count(0, "each of them"),
        "alpha_variants": Parameter(list, list(FEW), choices=tuple(VARIANTS), help="variants on them"),
        "refit_every": REFIT_EVERY,
        "rounds": Parameter(int, 1000, low=1, high=5000, help="trees of LightGBM at most"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="epochs of the MLP at most"),
        "samples": Parameter(int, 200, low=20, high=5000, help="resampled paths behind an interval of one market"),
        "ridge_samples": RIDGE_SAMPLES,
    },
    scales=SCALES,
    grid_only=CHOICES,
    group=group,
    setting="different",
    contrast=Contrast(contrast, by=by_learner_and_market),
    agreement=agreement,
    tolerances={"coverage": 1e-6},  # a share of the market's cells: training has no part in it
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)
