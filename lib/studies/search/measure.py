"""Three settings of LightGBM by grid, random search and Gaussian process, as many trials for each.

A trial is fitted on one split of its market and gives its validation IC, the Sharpe ratio over equal weight of its book
on the validation days, and what happens on test days, which chooses nothing. The Gaussian process makes large the IC,
the Sharpe ratio, or the IC while it makes the number of trees small. Market `seed` is drawn with seed 1500 + `seed`:
no other study evaluates it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lib.errors import StatisticsError
from lib.evaluation.scoring import COST_BPS, annual_sharpe, daily_ics
from lib.evaluation.simulated import features, market, market_settings, truth_series
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.models.dataset import Dataset
from lib.models.fits import Predictor, boosted_trees
from lib.models.learners import TREES
from lib.models.search import SETTING, Range, Trial, deflated, search
from lib.models.splits import Split
from lib.models.validation import Validation
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import active_returns, equal_weight, flat, simulate, top_k_buffer
from lib.stats.keys import Key
from lib.studies.learner_tuning.measure import VARIANT, tuning_split

FIRST_MARKET = 1500
IC, SHARPE, ROUNDS = "validation_ic", "validation_sharpe", "rounds"
#: name of a search -> method and goals
SEARCHES: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "grid": ("grid", {IC: 1}),
    "random": ("random", {IC: 1}),
    "gp ic": ("gp", {IC: 1}),
    "gp sharpe": ("gp", {SHARPE: 1}),
    "gp front": ("gp", {IC: 1, ROUNDS: -1}),
}
TRIAL = Key("{search} trial {trial}", search=SEARCHES)
FEWEST_ROUNDS = 5


def space(settings: Settings) -> dict[str, Range]:
    """What is searched; all ranges are even on a scale of logarithms. rounds: trees at most."""
    return {
        "learning_rate": Range(0.01, 0.3, log=True),
        "num_leaves": Range(4, 64, log=True, whole=True),
        ROUNDS: Range(FEWEST_ROUNDS, settings["most_rounds"], log=True, whole=True),
    }


def grid(settings: Settings) -> Iterator[Config]:
    """Every search on every market."""
    for seed in settings["seeds"]:
        yield from ({"variant": name, "seed": seed} for name in settings["searches"])


def compute(row: Config, settings: Settings) -> RowResult:
    """Every trial of one search on one market, and how much of its best Sharpe ratio is luck."""
    size, planted = (settings["n_stocks"], settings["n_days"]), market_settings(settings)
    world = market(*size, FIRST_MARKET + row["seed"], settings["limit_rates"], **planted)
    mask = VARIANTS[VARIANT]
    data = variant_dataset(world.panel, mask, features(world.panel, mask.features, settings["factors"]))
    split = tuning_split(world.panel.dates, settings["first_test_year"])
    books: list[np.ndarray] = []

    def objective(chosen: dict[str, float]) -> dict[str, float]:
        given = {**TREES, **chosen}
        predict = boosted_trees(data, row["seed"], **given)(split)
        found, active = _scores(world, data, split, predict)
        books.append(active)
        return found | {ROUNDS: chosen[ROUNDS]}

    method, goals = SEARCHES[row["variant"]]
    trials = search(
        objective, space(settings), method=method, count=settings["trials"], seed=row["seed"], goals=goals
    )  # fmt: skip
    return RowResult([*_trials(row["variant"], trials), *_luck(books)])


def _scores(world: Any, data: Dataset, split: Split, predict: Predictor) -> tuple[dict[str, float], np.ndarray]:
    """Numbers of a fit, and the daily returns over equal weight, after costs, of its book on the validation days."""
    panel, validation = world.panel, Validation.of(data, split)
    held_out = _predicted(data, split.validation_start, split.validation_stop, predict)
    tested = _predicted(data, split.test_start, split.test_stop, predict)
    books = [_active(panel, held_out, split.validation_stop), _active(panel, tested, split.test_stop)]
    return {
        IC: validation.ic(predict(validation.features)),
        SHARPE: annual_sharpe(books[0]),
        "test_ic": float(np.nanmean(daily_ics(panel, tested, metrics=("m1_ic",))["m1_ic"])),
        "truth_ic": float(np.nanmean(truth_series(world, tested)["truth_ic"])),
        "test_sharpe": annual_sharpe(books[1]),
    }, books[0]


def _predicted(data: Dataset, start: int, stop: int, predict: Predictor) -> np.ndarray:
    prediction = np.full(data.shape, np.nan)
    rows = data.to_predict(start, stop)
    data.grid(rows, predict(data.features[rows]), prediction)
    return prediction


def _active(panel: Any, prediction: np.ndarray, stop: int) -> np.ndarray:
    run = simulate(panel, prediction, policy=top_k_buffer(), costs=flat(COST_BPS), stop=stop)
    return active_returns(run, equal_weight(panel))


def _trials(name: str, trials: list[Trial]) -> Iterator[dict[str, Any]]:
    for trial in trials:
        numbers = trial.values | {f"{SETTING}{what}": value for what, value in trial.settings.items()}
        variant = TRIAL.name(search=name, trial=trial.number)
        yield from ({"variant": variant, "metric": what, "value": value} for what, value in numbers.items())


def _luck(books: list[np.ndarray]) -> Iterator[dict[str, Any]]:
    """Effective trials and deflated Sharpe ratio of the best book on the validation days; nothing where undefined."""
    try:
        found = deflated(np.column_stack(books))
    except StatisticsError:
        return
    numbers = {"trials": found.trials, "effective_trials": found.effective, "deflated_sharpe": found.dsr}
    yield from ({"metric": what, "value": float(value)} for what, value in numbers.items())


def agreement(row: Config) -> Agreement:
    return TRAINED
