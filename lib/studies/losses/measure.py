"""One network, many losses: the search for the settings of each, its scores on further markets, and its minimiser.

Three kinds of rows. `search`: trials of every loss on markets that nothing else evaluates (seeds from 1000), the same
trials for all, judged by the validation IC as in `learner_tuning`. `market`: the walk of a loss with the settings of
its best trial, scored in the order in which endpoints decide. `minimiser`: networks where the answer is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lib.evaluation.arms import (
    SENSES,
    arm_dataset,
    compared,
    optimised,
    raw_labels,
    scored_arm,
    signal_to_noise,
    signs_and_spread,
)
from lib.evaluation.simulated import level_differences, market, market_settings, truth_series
from lib.models.dataset import Dataset
from lib.models.fits import Fit
from lib.models.neural import neural
from lib.models.splits import Split, walk_forward
from lib.models.validation import Validation
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.studies.learner_tuning.measure import FIRST_MARKET, tuning_split
from lib.studies.learner_tuning.trials import trial_settings
from lib.studies.losses.minimiser import trained_minimiser
from lib.studies.losses.variants import (
    AT_ONCE,
    DIFFERENCE,
    EVERY,
    GAMMAS,
    MINIMISER,
    TRIAL,
    Trained,
    chosen_settings,
    differences,
)

#: differences of single numbers of one market
LEVELS = ("sign_accuracy", "sign_accuracy_centred",
          *(f"mean_variance_{sense}.{end}" for sense in SENSES
            for end in ("active_sharpe_gross", "active_sharpe")))  # fmt: skip


def grid(settings: Settings) -> Iterator[Config]:
    """The search, then the markets, then the minimisers; `parts` chooses among them."""
    trained = [{"loss": item.loss, "gamma": item.gamma, "labels": item.labels} for item in EVERY
               if item.name in (settings["variants"] or [item.name])]  # fmt: skip
    if "search" in settings["parts"]:
        for seed in range(settings["search_markets"]):
            for item in trained:
                for trial in range(settings["trials"]):
                    name = TRIAL.name(loss=Trained.of(item).loss_name, labels=item["labels"], trial=trial)
                    own = {"part": "search", "trial": trial, "chosen_trial": "no variant"}
                    yield {"variant": name, "seed": seed} | own | item
    if "market" in settings["parts"]:
        for seed in settings["seeds"]:
            for item in trained:
                name = Trained.of(item).name
                yield {"variant": name, "seed": seed, "part": "market", "chosen_trial": name} | item
    if "minimiser" in settings["parts"]:
        for seed in range(settings["minimiser_seeds"]):
            for gamma in GAMMAS:
                own = {"part": "minimiser", "gamma": gamma, "chosen_trial": "no variant"}
                yield {"variant": MINIMISER.name(gamma=f"{gamma:g}"), "seed": seed, "loss": "adj_mse"} | own


def compute(row: Config, settings: Settings) -> RowResult:
    if row["part"] == "minimiser":
        return _records(trained_minimiser(row["gamma"], row["seed"], settings["minimiser_epochs"]))
    return _search(row, settings) if row["part"] == "search" else _market(row, settings)


def _records(found: dict[str, float], **arrays: np.ndarray) -> RowResult:
    return RowResult([{"metric": name, "value": value} for name, value in found.items()], arrays)


def _search(row: Config, settings: Settings) -> RowResult:
    """A trial on one split of its market; what happens on test days chooses nothing."""
    world, data = _sample(row, settings, FIRST_MARKET + row["seed"])
    split = tuning_split(world.panel.dates, settings["first_test_year"])
    validation, chosen = Validation.of(data, split), trial_settings("mlp", row["trial"])
    predict = _fit(row, settings, data, chosen)(split)
    prediction = _predicted(data, [split], lambda _: predict)
    found = {
        "validation_ic": validation.ic(predict(validation.features)),
        "truth_ic": float(np.nanmean(truth_series(world, prediction)["truth_ic"])),
    }
    return _records(found | {f"setting {name}": float(value) for name, value in chosen.items()})


def _market(row: Config, settings: Settings) -> RowResult:
    """The walk of a loss on one market."""
    world, data = _sample(row, settings, row["seed"])
    fit = _fit(row, settings, data, chosen_settings(row["chosen_trial"]))

    def in_returns(split: Split) -> Any:
        predict, unit = fit(split), float(np.std(data.training(split.fit_start, split.fit_stop)[1]))
        return lambda rows: unit * predict(rows)  # a network predicts in deviations of its labels

    splits = list(walk_forward(world.panel.dates, first_test_year=settings["first_test_year"]))
    prediction = _predicted(data, splits, in_returns)
    found = scored_arm(world, prediction, name=row["variant"], seed=row["seed"])
    more = signs_and_spread(world.panel, prediction) | optimised(world, prediction)
    more["signal_to_noise"] = signal_to_noise(world, prediction)
    return RowResult([*found.records, *_records(more).records], found.arrays)


def _sample(row: Config, settings: Settings, seed: int) -> tuple[Any, Dataset]:
    """The market and its samples; raw labels are returns as they are, on the same cells."""
    world = _world(settings, seed)
    data = arm_dataset(world, settings["factors"])
    return world, raw_labels(data, world.panel) if row["labels"] == "raw" else data


def _world(settings: Settings, seed: int) -> Any:
    size = settings["n_stocks"], settings["n_days"]
    return market(*size, seed, settings["limit_rates"], **market_settings(settings))


def _fit(row: Config, settings: Settings, data: Dataset, chosen: dict[str, Any]) -> Fit:
    item = Trained.of(row)
    how = {"epochs": settings["epochs"], "at_once": AT_ONCE, **chosen}
    return neural(data, row["seed"], network="mlp", loss=item.loss, loss_settings=item.loss_settings, **how)


def _predicted(data: Dataset, splits: Sequence[Split], fit: Fit) -> np.ndarray:
    """Out-of-sample predictions [T, N]."""
    prediction = np.full(data.shape, np.nan)
    for split in splits:
        rows = data.to_predict(split.test_start, split.test_stop)
        data.grid(rows, fit(split)(data.features[rows]), prediction)
    return prediction


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Paired differences between losses on one market."""
    sides = {row["variant"]: result for row, result in rows if row["part"] == "market"}
    wanted = [(left, right) for left, right in differences() if left in sides and right in sides]
    if not wanted:
        return RowResult([])
    world, seed, records = _world(settings, rows[0][0]["seed"]), rows[0][0]["seed"], []
    for left, right in wanted:
        name = DIFFERENCE.name(left=left, right=right)
        levels = [{item["metric"]: item["value"] for item in sides[side].records} for side in (left, right)]
        records += compared(world, sides[left], sides[right], name=name, seed=seed)
        records += [{"variant": name, **item} for item in level_differences(levels[0], levels[1], LEVELS)]
    return RowResult(records)


def by_market(row: Config) -> str:
    return f"{row['part']} {row['seed']}"


def agreement(row: Config) -> Agreement:
    return TRAINED
