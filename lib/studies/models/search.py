"""The search for settings of the learners that the studies `learner_tuning` and `network_tuning` have not searched.

Each is given trials on markets of its own, seeds 1000 and 1001, which no study evaluates: trial 0 has the settings of
`lib.models.baselines`, the others draw from the ranges below. A trial is fitted on one split and judged by its mean
validation IC; truth on some test days is recorded and decides nothing. The best trial's settings are then written to
`lib.models.settings`. Neither there nor here does an entry change a trial.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lib.evaluation.samples import samples_of
from lib.evaluation.simulated import market, market_settings, truth_series
from lib.models.baselines import BASELINES, find_baseline
from lib.models.validation import Validation
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats.keys import Key
from lib.store.marks import registry, used
from lib.studies.learner_tuning.measure import FIRST_MARKET, tuning_split
from lib.studies.learner_tuning.trials import Range

TREES: Mapping[str, Range] = {
    "learning_rate": Range(0.01, 0.2), "min_data_share": Range(1e-4, 0.05), "lambda_l2": Range(1, 10_000),
}  # fmt: skip
FOREST: Mapping[str, Range] = {
    "features_share": Range(0.1, 1, log=False), "rows": Range(2_000, 40_000, whole=True),
}  # fmt: skip
#: learner -> what its trials draw, a row names it under "ranges"
RANGES: dict[str, Mapping[str, Range]] = registry("ranges", {
    "none": {},
    "xgboost": {**TREES, "depth": Range(2, 8, log=False, whole=True), "feature_fraction": Range(0.1, 1, log=False),
                "bagging_fraction": Range(0.3, 1, log=False)},
    "gradient_boosting": {**TREES, "num_leaves": Range(8, 128, whole=True)},
    "random_forest": FOREST,
    "extra_trees": FOREST,
    "residual_network": {
        "learning_rate": Range(1e-4, 5e-3), "weight_decay": Range(1e-6, 1), "dropout": Range(0, 0.5, log=False),
        "batch": Range(512, 16_384, whole=True), "width": Range(32, 256, whole=True),
        "depth": Range(2, 6, log=False, whole=True),
    },
})  # fmt: skip
SEARCHED = tuple(name for name in RANGES if name != "none")
PLACE = "search"
TRIAL = Key("{learner} trial {trial} | search", learner=BASELINES)
#: of the test days, every so many are predicted
SOME_DAYS = 5


def drawn(learner: str, trial: int) -> dict[str, float]:
    """Settings of a trial, the same on every market and whatever the number of trials; of trial 0, none.

    >>> drawn("xgboost", 0)
    {}
    """
    if trial == 0:
        return {}
    rng = np.random.default_rng([zlib.crc32(f"models {learner}".encode()), trial])
    used("ranges", [learner])
    return {name: span.draw(rng) for name, span in RANGES[learner].items()}


def trials(settings: Settings) -> Iterator[Config]:
    """Rows of the search: `trials` a learner, `slow_trials` of the slow ones, on each of the markets."""
    for market_number in range(settings["search_markets"]):
        for learner in settings["searched"]:
            entry = BASELINES[learner]
            for trial in range(settings["slow_trials" if learner in settings["slow"] else "trials"]):
                row = {"variant": TRIAL.name(learner=learner, trial=trial), "seed": market_number, "place": PLACE,
                       "baseline": learner,
                       "trial": trial, "ranges": learner, "samples": entry.samples, "tuned": "none"}  # fmt: skip
                yield row | ({"network": entry.network, "loss": "mse"} if entry.network else {})


def compute_trial(row: Config, settings: Settings) -> RowResult:
    planted, seed = market_settings(settings), FIRST_MARKET + row["seed"]
    world = market(settings["n_stocks"], settings["n_days"], seed, settings["limit_rates"], **planted)
    data, split = _data(world, row, settings), tuning_split(world.panel.dates, settings["first_test_year"])
    options: dict[str, Any] = drawn(row["baseline"], row["trial"])
    predict = find_baseline(row["baseline"]).fit(data, row["seed"], **options)(split)
    validation, prediction = Validation.of(data, split), np.full(data.shape, np.nan)
    rows = data.to_predict(split.test_start, split.test_stop)
    rows = rows[data.day[rows] % SOME_DAYS == 0]
    data.grid(rows, predict(data.features[rows]), prediction)
    found = {
        "validation_ic": validation.ic(predict(validation.features)),
        "truth_ic": float(np.nanmean(truth_series(world, prediction)["truth_ic"])),
    }
    return RowResult([{"metric": name, "value": value} for name, value in found.items()])


def _data(world: Any, row: Config, settings: Settings) -> Any:
    return samples_of(world.panel, row["samples"], settings["factors"])
