"""The mask ablation on real prices: does the mask earn what the papers say, and which part of it?

Every variant differs from its neighbours in one thing: features, labels or universe (see `lib.studies.variants`). All
are scored alike (see `lib.studies.scoring`). Without a price file the same code runs on the overlay market, which
proves the plumbing and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from lib.factors import FactorSet
from lib.factors.core import CORE
from lib.models.learners import TRAINED as TRAINED_LEARNERS
from lib.panel import Panel
from lib.parameters import Parameter
from lib.studies.agreement import EXACT, TRAINED, Agreement
from lib.studies.base import Config, RowResult, Settings, Study
from lib.studies.evaluation import evaluate, on_panel, ordered, pairs, row_rng
from lib.studies.mask_ablation_tables import CLAIM_IDS, LEARNERS, answer_claims, summary
from lib.studies.panels import study_panel
from lib.studies.scoring import difference
from lib.studies.variants import CONTRASTS, VARIANTS, compute_features

#: variants of the MLP where time is short
MLP_SHORT = ("none", "row_deletion", "mask_skip")


def _grid(settings: Settings) -> Iterator[Config]:
    """Ridge has one row per market; the MLP one per training seed, and per market where that is drawn too."""
    real = bool(settings["data_path"])
    for seed in settings["seeds"]:
        for learner in settings["learners"]:
            if learner == "ridge" and real and seed != settings["seeds"][0]:
                continue  # one real market and no randomness: one row
            for variant in ordered(settings["variants"] if learner == "ridge" else settings["mlp_variants"]):
                row = {"variant": f"{variant} {learner}", "seed": seed, "mask": variant, "learner": learner}
                row["market_seed"] = 0 if real else seed
                if learner == "mlp":
                    row |= {"refit_every": settings["mlp_refit_every"], "epochs": settings["mlp_epochs"]}
                yield row


def _group(row: Config) -> str:
    return f"{row['market_seed']} {VARIANTS[row['mask']].features}"


def _panel(settings: Settings, seed: int) -> Panel:
    return study_panel(settings["data_path"], "cn", settings["n_stocks"], settings["n_days"], seed)


@lru_cache(maxsize=1)
def _features(panel: Panel, features: str) -> FactorSet:
    """Keyed on the panel object, which `study_panel` shares between the rows of a process."""
    return compute_features(panel, features, CORE)


def _compute(row: Config, settings: Settings) -> RowResult:
    panel = _panel(settings, row["market_seed"])
    return evaluate(
        panel,
        row["mask"],
        _features(panel, VARIANTS[row["mask"]].features),
        name=row["variant"],
        seed=row["seed"],
        learner=row["learner"],
        first_test_year=settings["first_test_year"],
        **{name: row[name] for name in ("refit_every", "epochs") if name in row},
    )


def _contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Paired differences between the variants of one learner on one market."""
    learner, seed = rows[0][0]["learner"], rows[0][0]["seed"]
    panel = _panel(settings, rows[0][0]["market_seed"])
    sides = {row["mask"]: (on_panel(panel, result.arrays), result.arrays) for row, result in rows}
    records = []
    for left, right in pairs(sides, CONTRASTS):
        name = f"{left} - {right} {learner}"
        found = difference(panel, sides[left], sides[right], row_rng(name, seed))
        records += [{"variant": name, **record} for record in found]
    return RowResult(records)


def _by_learner_and_seed(row: Config) -> str:
    return f"{row['learner']} {row['seed']}"


def _agreement(row: Config) -> Agreement:
    return TRAINED if row["learner"] in TRAINED_LEARNERS else EXACT


STUDY = Study(
    name="mask_ablation_real",
    title="The mask ablation on real prices",
    grid=_grid,
    compute=_compute,
    parameters={
        "data_path": Parameter(str, None, optional=True, help="A-share file; without it the overlay market is used"),
        "first_test_year": Parameter(int, 2013, low=1991, high=2100, help="first year that is predicted"),
        "learners": Parameter(list, list(LEARNERS), choices=LEARNERS, help="which learners to run"),
        "variants": Parameter(list, None, choices=tuple(VARIANTS), optional=True, help="variants of ridge; None: all"),
        "mlp_variants": Parameter(
            list, list(MLP_SHORT), choices=tuple(VARIANTS), optional=True, help="variants of the MLP; None: all"
        ),
        "mlp_refit_every": Parameter(int, 3, low=1, high=20, help="years between two fits of the MLP"),
        "mlp_epochs": Parameter(int, 60, low=1, high=1000, help="epochs of the MLP at most"),
        "n_stocks": Parameter(int, 150, low=60, high=5000, help="stocks of the overlay market"),
        "n_days": Parameter(int, 1400, low=900, high=5000, help="days of the overlay market"),
    },
    scales={
        "smoke": {"n_stocks": 80, "n_days": 960, "mlp_epochs": 3, "seeds": 1},
        "laptop": {"seeds": 1},
        "paper": {"mlp_variants": None, "mlp_refit_every": 1, "seeds": 3},
    },
    grid_only=("learners", "variants", "mlp_variants", "mlp_refit_every", "mlp_epochs"),
    group=_group,
    inputs=lambda settings: [settings["data_path"]] if settings["data_path"] else [],
    setting="different",
    contrast=_contrast,
    contrast_by=_by_learner_and_seed,
    agreement=_agreement,
    tolerances={"coverage": 1e-6},  # a share of the data's cells: training has no part in it
    summarise=summary,
    claims=answer_claims,
    claim_ids=CLAIM_IDS,
)
