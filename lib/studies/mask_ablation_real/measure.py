"""The mask ablation on real prices: does the mask earn what the papers say, and which part of it?

Every variant differs from its neighbours in one thing: features, labels or universe (see `lib.evaluation.variants`).
All are scored alike (see `lib.evaluation.scoring`). Three windows: a walk over all test years, and the papers' own
windows of train, validation and test. Three learners, fitted equally often. Without a price file the same code runs on
a simulated market, which checks the pipeline and says nothing about real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from lib.errors import ParameterError
from lib.evaluation.contrasts import difference
from lib.evaluation.core import CORE
from lib.evaluation.inputs import study_panel
from lib.evaluation.predictions import evaluate, on_panel, ordered, pairs, row_rng
from lib.evaluation.variants import CONTRASTS, VARIANTS, compute_features
from lib.factors import FactorSet
from lib.models.learners import TRAINED as TRAINED_LEARNERS
from lib.models.splits import Split, Years, fixed_split
from lib.panel import Panel
from lib.paper.results.agreement import EXACT, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings

#: variants of LightGBM and the MLP where time is short, and those that tell labels, universe and windows apart
SHORT = ("none", "row_deletion", "mask_skip")
TOLD_APART = ("none", "labels_only", "universe_only", "row_deletion", "mask_skip", "mask_paper")

#: expanding window: every test year is predicted by what was fitted on the years before it
WALK = "walk"
#: the papers' windows: first and last calendar year to train, validate and test on (paper A, section IV.A; paper B,
#: section 4.1). Paper A gives parts that overlap, 2010-2020, 2020-2021, 2021-2024; here the test years stay as they are
FIXED: dict[str, tuple[Years, Years, Years]] = {
    "paper B": ((2015, 2020), (2021, 2021), (2022, 2024)),
    "paper A": ((2010, 2019), (2020, 2020), (2021, 2024)),
}
WINDOWS = (WALK, *FIXED)
#: learner -> its parameter that says how long it may train
LENGTHS = {"lightgbm": ("rounds",), "mlp": ("epochs",)}


def condition_name(window: str, standardise: str = "zscore") -> str:
    """The condition in a row's name; empty on the walk with z-scores.

    >>> condition_name("walk"), condition_name("walk", "rank"), condition_name("paper B", "rank")
    ('', 'ranks', 'paper B window, ranks')
    """
    return ", ".join([f"{window} window"] * (window != WALK) + ["ranks"] * (standardise == "rank"))


def row_name(what: str, learner: str, condition: str) -> str:
    """The name of a row: a variant, or a contrast of two, a learner and a condition.

    >>> row_name("mask_skip - none", "ridge", ""), row_name("none", "mlp", "paper B window")
    ('mask_skip - none ridge', 'none mlp | paper B window')
    """
    return f"{what} {learner}" + (f" | {condition}" if condition else "")


def grid(settings: Settings) -> Iterator[Config]:
    """Ridge: a row per market, variant and window; the others per training seed too. A simulated market: the walk."""
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


def group(row: Config) -> str:
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


def compute(row: Config, settings: Settings) -> RowResult:
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


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
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


def compared(row: Config) -> str:
    return f"{row['learner']} {row['seed']} {row['condition']}".strip()


def agreement(row: Config) -> Agreement:
    return TRAINED if row["learner"] in TRAINED_LEARNERS else EXACT
