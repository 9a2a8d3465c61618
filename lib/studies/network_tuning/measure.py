"""Settings of the networks by random search, on the markets of `learner_tuning`, which no comparison evaluates.

Eight trials a network, each a draw from stated ranges (see `trials`); trial 0 has the default settings. Fewer than the
twenty of the quick learners, because a fit takes up to a minute, and for the same reason a fit reads about `rows`
samples on whole days drawn at random, and is judged on as many of the validation days. A trial is judged by its mean
validation IC, the criterion by which the networks stop. Test days, every fourth of them, and the truth behind them
decide nothing.

The best trial's settings are `lib.models.architectures.SETTINGS`, which nothing here reads: setting them makes no trial
stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lib.evaluation.arms import arm_dataset
from lib.evaluation.one_fit import few_samples, predict_span
from lib.evaluation.samples import DAYS
from lib.evaluation.scoring import daily_ics
from lib.evaluation.simulated import market, market_settings, truth_series
from lib.evaluation.tuning import TRIAL
from lib.models.architectures import WINDOWED
from lib.models.neural import neural
from lib.models.validation import Validation
from lib.models.windows import windowed
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.studies.learner_tuning.measure import FIRST_MARKET, tuning_split
from lib.studies.network_tuning.trials import RANGES, trial_settings

FACTORS = "core"
#: rates of limit closes, as measured on members of the CSI 300
LIMIT_RATES = "real"
TEST_EVERY = 4  # days
NETWORKS = tuple(RANGES)


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        for network in settings["networks"]:
            for trial in range(settings["trials"]):
                name = TRIAL.name(learner=network, trial=trial)
                yield {"variant": name, "seed": seed, "network": network, "trial": trial}


def compute(row: Config, settings: Settings) -> RowResult:
    world = market(
        settings["n_stocks"], settings["n_days"], FIRST_MARKET + row["seed"], LIMIT_RATES, **market_settings(settings)
    )
    split = tuning_split(world.panel.dates, settings["first_test_year"])
    data = few_samples(arm_dataset(world, FACTORS), split, settings["rows"], row["seed"])
    if row["network"] in WINDOWED:
        data = windowed(data, DAYS, world.panel.dates)
    chosen: dict[str, Any] = {**trial_settings(row["network"], row["trial"])}
    predict = neural(data, row["seed"], network=row["network"], epochs=settings["epochs"], **chosen)(split)
    validation, prediction = Validation.of(data, split), predict_span(data, split, predict, TEST_EVERY)
    found = {
        "validation_ic": validation.ic(predict(validation.features)),
        "test_ic": float(np.nanmean(daily_ics(world.panel, prediction, metrics=("m1_ic",))["m1_ic"])),
        "truth_ic": float(np.nanmean(truth_series(world, prediction)["truth_ic"])),
    }
    found |= {f"setting {name}": float(value) for name, value in chosen.items()}
    return RowResult([{"metric": name, "value": value} for name, value in found.items()])


def agreement(row: Config) -> Agreement:
    return TRAINED
