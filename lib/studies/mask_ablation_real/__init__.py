"""Which part of a mask matters on real prices, the labels, the orders or the rolling windows?

Variants of one pipeline differ in one thing at a time. They are compared by the information coefficient on cells that
can be bought and by executed books, before trading costs first.
"""

from __future__ import annotations

from lib.evaluation.inputs import FILE
from lib.evaluation.markets import market_inputs
from lib.evaluation.scoring import SAMPLES
from lib.evaluation.variants import VARIANTS
from lib.models.learners import LEARNERS
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.mask_ablation_real.measure import (
    SHORT,
    TOLD_APART,
    WINDOWS,
    agreement,
    compared,
    compute,
    contrast,
    grid,
    group,
)
from lib.studies.mask_ablation_real.page import findings
from lib.studies.mask_ablation_real.tables import CLAIM_IDS, answer_claims, summary

STUDY = Study(
    name="mask_ablation_real",
    title="The mask ablation on real prices",
    grid=grid,
    compute=compute,
    parameters={
        **FILE,
        "windows": Parameter(list, list(WINDOWS), choices=WINDOWS, help="of the file; generated markets have the walk"),
        "first_test_year": Parameter(int, 2013, low=1991, high=2100, help="first year that the walk predicts"),
        "refit_every": Parameter(int, 1, low=1, high=20, help="years between two fits of the walk, for every learner"),
        "learners": Parameter(list, list(LEARNERS), choices=tuple(LEARNERS), help="which learners to run"),
        "variants": Parameter(list, None, choices=tuple(VARIANTS), optional=True, help="variants of ridge; None: all"),
        "trained_variants": Parameter(
            list, list(SHORT), choices=tuple(VARIANTS), optional=True, help="of LightGBM and the MLP; None: all"
        ),
        "ranks": Parameter(bool, True, help="ridge on ranked features too, beside z-scores"),
        "walk_seeds": Parameter(
            int, 1, low=1, high=100, help="training seeds of the walk on a file: its many fits take the time"
        ),
        "rounds": Parameter(int, 1000, low=1, high=5000, help="trees of LightGBM at most"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="epochs of the MLP at most"),
        "samples": Parameter(int, SAMPLES, low=10, high=10000, help="resampled paths behind each interval"),
        "n_stocks": Parameter(int, 150, low=60, high=5000, help="stocks of the simulated market"),
        "n_days": Parameter(int, 1400, low=900, high=5000, help="days of the simulated market"),
    },
    scales={
        "smoke": {
            "n_stocks": 60, "n_days": 960, "trained_variants": ["none", "row_deletion"],
            "variants": ["none", "halt_only", "labels_only", "row_deletion", "mask_skip", "mask_paper"],
            "ranks": False, "rounds": 10, "epochs": 1, "samples": 20, "seeds": 1,
        },
        "laptop": {"seeds": 1},
        "paper": {"trained_variants": list(TOLD_APART), "seeds": 3},
    },
    grid_only=(
        "windows", "first_test_year", "refit_every", "learners", "variants", "trained_variants", "ranks",
        "walk_seeds", "rounds", "epochs",
    ),
    group=group,
    inputs=market_inputs,
    setting="different",
    contrast=Contrast(contrast, by=compared),
    agreement=agreement,
    tolerances={"coverage": 1e-6},  # a share of the data's cells: training has no part in it
    evidence="real",
    page=Page(table=summary, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
