"""Settings of the learners by random search, on markets that no other study evaluates.

Twenty trials a learner, each a draw from stated ranges (see `trials`); trial 0 has the default settings.
A trial is fitted on one split of each market and judged by its mean validation IC, the criterion by which the learners
stop. The test days, and the truth behind them, are recorded for every trial and decide nothing: they say what the
search gained. The best trial's settings are the constants of `lib.models.learners`, which nothing here reads: setting
them makes no trial stale.

Market `seed` of this study is drawn with seed 1000 + `seed`; the other studies count their markets from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lib.evaluation.scoring import daily_ics
from lib.evaluation.simulated import (
    features,
    market,
    market_settings,
    truth_series,
)
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.models.dataset import Dataset
from lib.models.fits import boosted_trees, mlp, ridge
from lib.models.splits import Split, walk_forward
from lib.models.validation import Validation
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.store.rows import records
from lib.studies.learner_tuning.trials import RANGES, TRIAL, trial_settings

#: seed of the first market; no other study reaches it
FIRST_MARKET = 1000
VARIANT = "mask_skip"
#: share of the days before the test span that a trial is judged on: more than in a walk, because it chooses
HOLDOUT = 0.25
ONE_FIT = 100  # years; the test days of a market are predicted by one fit


FITS: dict[str, Any] = {"ridge": ridge, "lightgbm": boosted_trees, "mlp": mlp}


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        for learner in RANGES:
            for trial in range(settings["trials"]):
                part = {"learner": learner, "trial": trial}
                yield {"variant": TRIAL.name(**part), "seed": seed, **part}


def compute(row: Config, settings: Settings) -> RowResult:
    size, planted = (settings["n_stocks"], settings["n_days"]), market_settings(settings)
    world = market(*size, FIRST_MARKET + row["seed"], settings["limit_rates"], **planted)
    panel, chosen = world.panel, trial_settings(row["learner"], row["trial"])
    data = variant_dataset(panel, VARIANTS[VARIANT], features(panel, VARIANTS[VARIANT].features, settings["factors"]))
    split = tuning_split(panel.dates, settings["first_test_year"])
    validation = Validation.of(data, split)
    predict = FITS[row["learner"]](data, row["seed"], **_options(row["learner"], chosen, settings))(split)
    prediction = _test_predictions(data, split, predict)
    found = {
        "validation_ic": validation.ic(predict(validation.features)),
        "test_ic": float(np.nanmean(daily_ics(panel, prediction, metrics=("m1_ic",))["m1_ic"])),
        "truth_ic": float(np.nanmean(truth_series(world, prediction)["truth_ic"])),
    }
    found |= {f"setting {name}": float(value) for name, value in chosen.items()}
    return RowResult(records(found))


def tuning_split(dates: np.ndarray, first_test_year: int) -> Split:
    """One split: a quarter of the days before the first test year validates, all days from it on are tested."""
    return next(walk_forward(dates, first_test_year=first_test_year, refit_every=ONE_FIT, holdout=HOLDOUT))


def _options(learner: str, chosen: Mapping[str, float], settings: Settings) -> dict[str, Any]:
    if learner == "ridge":
        return {"penalties": (chosen["penalty"],)}
    steps = {"lightgbm": "rounds", "mlp": "epochs"}[learner]
    return {steps: settings[steps], **chosen}


def _test_predictions(data: Dataset, split: Split, predict: Any) -> np.ndarray:
    prediction = np.full(data.shape, np.nan)
    rows = data.to_predict(split.test_start, split.test_stop)
    data.grid(rows, predict(data.features[rows]), prediction)
    return prediction


def agreement(row: Config) -> Agreement:
    return SIMULATED if row["learner"] == "ridge" else TRAINED
