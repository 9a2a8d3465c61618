"""Ridge, an MLP and a Transformer over factors in a scripted theme rotation, and in the regimes after it.

All three are fitted once, to the same few samples of the years before. The test span is scripted: 60 calm sessions, the
theme rotation of `lib.market.episodes` (60 sessions), 60 calm ones, a bear market and a rally of 60 each. Nothing is
fitted again, so that what a model adapts to is what it can read off the factors of the day.

A model's factor weights on some days are the slopes of its predictions on the factors, by least squares over the cells
of those days. Those of ridge cannot change. Whether weights ought to change, and which way, is asked of the truth in
the same manner: the slopes of what could be earned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lib.evaluation.arms import arm_dataset
from lib.evaluation.one_fit import few_samples, one_split, predict_span
from lib.evaluation.scripted import FIRST_TEST_YEAR, TRAINING
from lib.evaluation.simulated import market_settings
from lib.evaluation.slices import Days, Kept, Measure, Series, daily_series, group_records, measure
from lib.market import EPISODES, make_market
from lib.models.architectures import SETTINGS
from lib.models.fits import Predictor, ridge
from lib.models.learners import RIDGE_PENALTIES
from lib.models.neural import neural
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats.keys import Key
from lib.store.rows import Record
from lib.studies.cases.measure import theme_tilt

if TYPE_CHECKING:
    from lib.models.dataset import Dataset
    from lib.models.splits import Split

FACTORS, LIMIT_RATES, EPISODE = "core", "real", "theme_rotation"
#: learner -> its network
LEARNERS = {"ridge": "", "mlp": "mlp", "transformer": "factor_transformer"}
PAIRS = (("transformer", "mlp"), ("transformer", "ridge"), ("mlp", "ridge"))
AROUND = 60  # sessions before and after the rotation, and of each regime after that
EARLY = 20  # first sessions of the rotation
LENGTH = EPISODES[EPISODE].days
TEST = (("calm", 2 * AROUND + LENGTH), ("bear", AROUND), ("rally", AROUND))
GROUPS = ("before", "early", "rotation", "after", "bear", "rally")
#: groups whose factor weights are held against those before the rotation
CHANGED = ("rotation", "bear", "rally")
LEVEL = Key("market {learner} {group}", learner=LEARNERS, group=GROUPS)
STEP = Key("market {left} - {right} {group}", left=LEARNERS, right=LEARNERS, group=GROUPS)
WEIGHTS = Key("weights {learner} {group}", learner=(*LEARNERS, "truth"), group=CHANGED)
MEASURES = (
    Measure("truth_ic", "mean"), Measure("m1_ic", "mean"), Measure("theme_tilt", "mean"),
    Measure("executed_open.active_gross", "sharpe"), Measure("executed_open.active", "sharpe"),
    Measure("executed_open.turnover", "mean"), Measure("naive_close", "sharpe"),
)  # fmt: skip
METRICS = tuple(item.name for item in MEASURES)
#: relative change of weights below which they count as unchanged
STILL = 1e-3


def grid(settings: Settings) -> Iterator[Config]:
    for place, seed in enumerate(settings["seeds"]):
        learners = [name for name in LEARNERS if name != "transformer" or place < settings["transformer_seeds"]]
        yield {"variant": "market", "seed": seed, "learners": learners}


def compute(row: Config, settings: Settings) -> RowResult:
    start, seed = sum(days for _, days in TRAINING), row["seed"]
    world = make_market(
        settings["n_stocks"], start + sum(days for _, days in TEST), seed, regimes=(*TRAINING, *TEST), episode=EPISODE,
        episode_start=start + AROUND, limit_rates=LIMIT_RATES, **market_settings(settings),
    )  # fmt: skip
    split = one_split(world.panel.dates, FIRST_TEST_YEAR)
    data = few_samples(arm_dataset(world, FACTORS), split, settings["rows"], seed)
    predictions = {
        name: predict_span(data, split, fitted(name, data, split, seed, settings["epochs"])) for name in row["learners"]
    }
    series: dict[str, Series] = {}
    for name, values in predictions.items():
        series[name] = daily_series(world.panel, values, split.test_start, world.truth.mu_trad)
        series[name]["theme_tilt"] = theme_tilt(values, world.truth.theme)
    groups = spans(len(world.panel.dates), start)
    pairs = [pair for pair in PAIRS if set(pair) <= set(predictions)]
    records: list[Record] = []
    for group, days in groups.items():
        found = measure(series, days, np.random.default_rng(seed), MEASURES, samples=0)
        records += group_records("market", group, found, pairs, Kept(METRICS, METRICS))
    return RowResult([*records, *_weights(data, {**predictions, "truth": world.truth.mu_trad}, groups)])


def fitted(learner: str, data: Dataset, split: Split, seed: int, epochs: int) -> Predictor:
    """A learner on the fit days of the split, with the settings that a search found for it."""
    if learner == "ridge":
        return ridge(data, seed, penalties=RIDGE_PENALTIES)(split)
    network = LEARNERS[learner]
    return neural(data, seed, network=network, epochs=epochs, **SETTINGS[network])(split)


def spans(n_days: int, start: int) -> dict[str, Days]:
    """The sessions [T] of each of GROUPS; start: the first session of the test span."""
    rows, begin = np.arange(n_days), start + AROUND
    ends = {
        "before": (start, begin), "early": (begin, begin + EARLY), "rotation": (begin, begin + LENGTH),
        "after": (begin + LENGTH, begin + LENGTH + AROUND),
        "bear": (begin + LENGTH + AROUND, begin + LENGTH + 2 * AROUND), "rally": (begin + LENGTH + 2 * AROUND, n_days),
    }  # fmt: skip
    return {name: (rows >= first) & (rows < last) for name, (first, last) in ends.items()}


# ------------------------------------------------------------------------------------- factor weights


def factor_weights(data: Dataset, values: NDArray[np.float64], days: Days) -> NDArray[np.float64]:
    """Slopes [F] of values [T, N] on the factors, by least squares over the samples of some days that have a value."""
    rows = np.flatnonzero(days[data.day])
    y = values[data.day[rows], data.stock[rows]]
    known = np.isfinite(y)
    x = data.features[rows[known]].astype(np.float64)
    return np.linalg.lstsq(x - x.mean(axis=0), y[known] - y[known].mean(), rcond=None)[0]


def _weights(data: Dataset, values: Mapping[str, NDArray[np.float64]], groups: Mapping[str, Days]) -> Iterator[Record]:
    """How far weights move from those before the rotation, relative to them, and whether as the truth's do.

    follows: correlation over factors of a model's change with the truth's; none where the model's do not change.
    """
    slopes = {
        name: {group: factor_weights(data, found, groups[group]) for group in ("before", *CHANGED)}
        for name, found in values.items()
    }
    for group in CHANGED:
        change = {name: found[group] - found["before"] for name, found in slopes.items()}
        for name, moved in change.items():
            variant = WEIGHTS.name(learner=name, group=group)
            relative = float(np.linalg.norm(moved) / np.linalg.norm(slopes[name]["before"]))
            yield {"variant": variant, "metric": "change", "value": relative}
            if name != "truth" and relative > STILL:
                alike = float(np.corrcoef(moved, change["truth"])[0, 1])
                yield {"variant": variant, "metric": "follows", "value": alike}


def agreement(row: Config) -> Agreement:
    return TRAINED
