"""One network, many losses: the search for the settings of each, its scores on further markets, and its minimiser.

Three kinds of rows. `search`: trials of every loss on markets that nothing else evaluates (seeds from 1000), the same
trials for all, judged by the validation IC as in `learner_tuning`. `market`: the walk of a loss with the settings of
its best trial, scored in the order in which endpoints decide. `minimiser`: networks where the answer is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lib.evaluation.contrasts import at_matched_turnover, gross_and_net, mean_difference
from lib.evaluation.endpoints import SENSES, scores
from lib.evaluation.predictions import kept, on_panel, row_rng
from lib.evaluation.scoring import daily_ics
from lib.evaluation.simulated import (
    features,
    level_differences,
    market,
    market_settings,
    truth_difference,
    truth_series,
)
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.models.dataset import Dataset, next_return
from lib.models.fits import Fit
from lib.models.neural import neural
from lib.models.splits import Split, walk_forward
from lib.models.validation import Validation
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.studies.learner_tuning.measure import FIRST_MARKET, VARIANT, tuning_split
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
LEVELS = ("sign_accuracy", "sign_accuracy_centred", "naive_close.sharpe", "naive_close.active_sharpe",
          *(f"mean_variance_{sense}.{end}" for sense in SENSES
            for end in ("active_sharpe_gross", "active_sharpe")))  # fmt: skip
BOOK = "executed_open"


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
    found, series = scores(world, prediction)
    return _records(found, **series, **kept(world.panel, prediction))


def _sample(row: Config, settings: Settings, seed: int) -> tuple[Any, Dataset]:
    """The market and its samples; raw labels are returns as they are, on the same cells."""
    world = _world(settings, seed)
    mask = VARIANTS[VARIANT]
    data = variant_dataset(world.panel, mask, features(world.panel, mask.features, settings["factors"]))
    if row["labels"] == "raw":
        own = next_return(world.panel)[data.day, data.stock]
        data = replace(data, label=np.where(np.isfinite(data.label), own, np.nan))
    return world, data


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
        records += [{"variant": name, **item} for item in _difference(world, sides[left], sides[right], name, seed)]
    return RowResult(records)


def _difference(world: Any, left: RowResult, right: RowResult, name: str, seed: int) -> list[dict[str, Any]]:
    """Left minus right: ICs on the cells of both, books before and after costs and at matched turnover."""
    panel, rng = world.panel, row_rng(name, seed)
    a, b = on_panel(panel, left.arrays), on_panel(panel, right.arrays)
    levels = [{item["metric"]: item["value"] for item in side.records} for side in (left, right)]
    ours, theirs = (daily_ics(panel, side, metrics=("m1_ic",))["m1_ic"] for side in (a, b))
    truth = [item for item in truth_difference(world, a, b, rng, 0) if item["metric"] == "truth_ic"]
    return [
        *truth,
        *mean_difference("m1_ic", ours, theirs, rng, 0),
        *gross_and_net(BOOK, left.arrays, right.arrays, rng, 0),
        *at_matched_turnover(panel, BOOK, (a, left.arrays), (b, right.arrays), rng, 0),
        *level_differences(levels[0], levels[1], LEVELS),
    ]


def by_market(row: Config) -> str:
    return f"{row['part']} {row['seed']}"


def agreement(row: Config) -> Agreement:
    return TRAINED
