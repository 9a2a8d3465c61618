"""The mask ablation on real prices: does the mask earn what the papers say, and which part of it?

Every variant differs from its neighbours in one thing: features, labels or universe (see `lib.studies.variants`). All
are scored alike (see `lib.studies.scoring`). Three windows: a walk over all test years, and the papers' own windows of
train, validation and test. Three learners, fitted equally often. Without a price file the same code runs on the overlay
market, which proves the plumbing and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from lib.errors import ParameterError
from lib.factors import FactorSet
from lib.factors.core import CORE
from lib.models.learners import LEARNERS
from lib.models.learners import TRAINED as TRAINED_LEARNERS
from lib.models.splits import Split, fixed_split
from lib.panel import Panel
from lib.parameters import Parameter
from lib.studies.agreement import EXACT, TRAINED, Agreement
from lib.studies.base import Config, RowResult, Settings, Study
from lib.studies.contrasts import difference
from lib.studies.evaluation import evaluate, on_panel, ordered, pairs, row_rng
from lib.studies.mask_ablation_real_tables import (
    CLAIM_IDS,
    FIXED,
    WALK,
    WINDOWS,
    answer_claims,
    condition_name,
    row_name,
    summary,
)
from lib.studies.panels import FILE, study_panel
from lib.studies.scoring import SAMPLES
from lib.studies.variants import CONTRASTS, VARIANTS, compute_features

#: variants of LightGBM and the MLP where time is short, and those that tell labels, universe and windows apart
SHORT = ("none", "row_deletion", "mask_skip")
TOLD_APART = ("none", "labels_only", "universe_only", "row_deletion", "mask_skip", "mask_paper")

#: learner -> its parameter that says how long it may train
LENGTHS = {"lightgbm": ("rounds",), "mlp": ("epochs",)}


def _grid(settings: Settings) -> Iterator[Config]:
    """Ridge: a row per market, variant and window; the others per training seed too. Overlay markets: the walk only."""
    real = bool(settings["data_path"])
    for place, seed in enumerate(settings["seeds"]):
        walks = place < settings["walk_seeds"]
        windows = [window for window in settings["windows"] if window != WALK or walks] if real else [WALK]
        for learner in settings["learners"]:
            trained = learner in TRAINED_LEARNERS
            if real and not trained and place:
                continue  # one real market and no randomness: one row
            for standardise in ["zscore"] + ["rank"] * (settings["ranks"] and not trained):
                for mask in ordered(settings["trained_variants" if trained else "variants"]):
                    how = {"learner": learner, "standardise": standardise, "market_seed": 0 if real else seed}
                    yield from (_row(mask, window, seed, how, settings) for window in windows)


def _row(mask: str, window: str, seed: int, how: Config, settings: Settings) -> Config:
    condition = condition_name(window, how["standardise"])
    row = {"variant": row_name(mask, how["learner"], condition), "seed": seed, "mask": mask, "condition": condition}
    row |= how | {"window": window}
    names = (*LENGTHS.get(how["learner"], ()), *(("first_test_year", "refit_every") if window == WALK else ()))
    return row | {name: settings[name] for name in names}


def _group(row: Config) -> str:
    return f"{row['market_seed']} {VARIANTS[row['mask']].features} {row['standardise']}"


@lru_cache(maxsize=1)
def _features(panel: Panel, features: str, standardise: str) -> FactorSet:
    """Keyed on the panel object, which `study_panel` shares between the rows of a process."""
    return compute_features(panel, features, CORE, standardise)


def _split(panel: Panel, window: str) -> Split | None:
    """The split of a window of the papers; None on the walk."""
    if window == WALK:
        return None
    train, validation, test = FIXED[window]
    try:
        return fixed_split(panel.dates, train=train, validation=validation, test=test)
    except ParameterError as error:
        raise ParameterError(f"windows: {window!r} cannot be had from this file: {error}") from None


def _panel(row: Config, settings: Settings) -> tuple[Panel, Split | None]:
    """The panel of a row up to its last test day, and its split: a book is held to the end of its panel."""
    panel = study_panel(settings, row["market_seed"])
    split = _split(panel, row["window"])
    return (panel, None) if split is None else (_first_rows(panel, split.test_stop), split)


@lru_cache(maxsize=1)
def _first_rows(panel: Panel, stop: int) -> Panel:
    """The same object where nothing is cut, so that windows share what is computed from it."""
    return panel if stop == len(panel.dates) else panel.rows(0, stop)


def _compute(row: Config, settings: Settings) -> RowResult:
    panel, split = _panel(row, settings)
    names = ("first_test_year", "refit_every", "rounds", "epochs")
    return evaluate(
        panel,
        row["mask"],
        _features(panel, VARIANTS[row["mask"]].features, row["standardise"]),
        name=row["variant"],
        seed=row["seed"],
        learner=row["learner"],
        samples=settings["samples"],
        splits=None if split is None else [split],
        **{name: row[name] for name in names if name in row},
    )


def _contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Paired differences between the variants of one learner on one market in one window."""
    first = rows[0][0]
    panel, _ = _panel(first, settings)
    sides = {row["mask"]: (on_panel(panel, result.arrays), result.arrays) for row, result in rows}
    records = []
    for left, right in pairs(sides, CONTRASTS):
        name = row_name(f"{left} - {right}", first["learner"], first["condition"])
        found = difference(panel, sides[left], sides[right], row_rng(name, first["seed"]), settings["samples"])
        records += [{"variant": name, **record} for record in found]
    return RowResult(records)


def _compared(row: Config) -> str:
    return f"{row['learner']} {row['seed']} {row['condition']}".strip()


def _agreement(row: Config) -> Agreement:
    return TRAINED if row["learner"] in TRAINED_LEARNERS else EXACT


STUDY = Study(
    name="mask_ablation_real",
    title="The mask ablation on real prices",
    grid=_grid,
    compute=_compute,
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
        "n_stocks": Parameter(int, 150, low=60, high=5000, help="stocks of the overlay market"),
        "n_days": Parameter(int, 1400, low=900, high=5000, help="days of the overlay market"),
    },
    scales={
        "smoke": {
            "n_stocks": 80, "n_days": 960, "variants": ["halt_only", *TOLD_APART], "ranks": False, "rounds": 20,
            "epochs": 2, "samples": 40, "seeds": 1,
        },
        "laptop": {"seeds": 1},
        "paper": {"trained_variants": list(TOLD_APART), "seeds": 3},
    },
    grid_only=(
        "windows", "first_test_year", "refit_every", "learners", "variants", "trained_variants", "ranks",
        "walk_seeds", "rounds", "epochs",
    ),
    group=_group,
    inputs=lambda settings: [settings["data_path"]] if settings["data_path"] else [],
    setting="different",
    contrast=_contrast,
    contrast_by=_compared,
    agreement=_agreement,
    tolerances={"coverage": 1e-6},  # a share of the data's cells: training has no part in it
    summarise=summary,
    claims=answer_claims,
    claim_ids=CLAIM_IDS,
)  # fmt: skip
