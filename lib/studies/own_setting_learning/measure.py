"""Losses, factor counts, synthetic panels and models on the papers' own panel, with their split and their back-test.

Nothing can be predicted in that panel, so no arm can know more than another one. What can differ is what a book trades:
how persistent its predictions are, and how many names have one. Cells, mask (everything masked, intersected), split
and back-test are those of the study `own_setting_mask`; labels are raw, as the papers' are.

A rank does not read the level of predictions, but a name without a prediction that is ranked with prediction 0 does:
books are made from predictions less their day's mean, and, as `literal`, from predictions as they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from lib.evaluation.arms import raw_labels, signs_and_spread
from lib.evaluation.simulated import level_differences
from lib.market import Market, paper_gbm
from lib.models.augmentation import joined, labelled, synthetic_panel
from lib.models.baselines import BASELINES, ROWS, find_baseline
from lib.models.dataset import Dataset
from lib.models.fits import Predictor
from lib.models.neural import neural
from lib.models.splits import Split
from lib.models.walk import walked
from lib.models.windows import windowed
from lib.panel import Panel
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio.lagged import OUTSIDE
from lib.stats import ic
from lib.store.rows import Record, records
from lib.studies.factor_count.measure import factor_set
from lib.studies.losses.variants import AT_ONCE, chosen_settings
from lib.studies.own_setting_learning.variants import ARMS, DIFFERENCE, EQUAL, EVERY_PAIR, SYSTEM, Arm
from lib.studies.own_setting_mask.measure import equal_weight, matched, whole
from lib.studies.own_setting_mask.scores import (
    Books,
    Desk,
    book_differences,
    book_numbers,
    mask_samples,
    mean_ics,
    papers_split,
)

MASK = "full"
#: what happens to a name without a prediction, in the book that answers claims
POLICY = "zero"
KIND = "stock_blocks"
#: sessions that the Transformer over days reads
DAYS = 20
#: a network that is an entry of `lib.models.baselines` without saying so
MLPS = {"mlp_few": "mlp"}
#: of the training seed of a system that is trained once more
AGAIN = 1000
#: levels of one market of which differences are taken
LEVELS = ("sign_accuracy", "sign_accuracy_centred", "persistence", "coverage", "spread")


# ------------------------------------------------------------------------------------------ what is run


def chosen(settings: Settings) -> dict[str, Arm]:
    """The arms of a run, those with equally many factors side by side."""
    wanted = settings["arms"] or list(ARMS)
    return dict(sorted(((name, ARMS[name]) for name in ARMS if name in wanted), key=lambda item: item[1].count))


def grid(settings: Settings) -> Iterator[Config]:
    """Of every market equal weight and the arms, the slow ones of the first few markets only."""
    for place, seed in enumerate(settings["seeds"]):
        yield {"variant": EQUAL, "seed": seed, "count": 0, "chosen_trial": "no variant"}
        for name, arm in chosen(settings).items():
            if not arm.slow or place < settings["slow_seeds"]:
                yield {"variant": name, "seed": seed, "count": arm.count, **_learner(arm, settings)}


def _learner(arm: Arm, settings: Settings) -> Config:
    """What the row says of its learner: entries of registries, and how long it learns at most."""
    row: Config = {"chosen_trial": arm.chosen_trial}
    if not arm.baseline:
        return row | {"network": "mlp", "loss": arm.loss, "gamma": arm.gamma, "epochs": settings["epochs"]}
    network, row["baseline"] = BASELINES[arm.baseline].network or MLPS.get(arm.baseline, ""), arm.baseline
    if network:
        row |= {"network": network, "loss": "mse", "epochs": settings["slow_epochs" if arm.slow else "epochs"]}
    return row | ({"rounds": settings["rounds"]} if arm.baseline in ("lightgbm", "xgboost") else {})


def group(row: Config) -> str:
    """Rows on the same samples."""
    return f"{row['seed']} {row['count']}"


def by_market(row: Config) -> str:
    return str(row["seed"])


@lru_cache(maxsize=1)
def _market(n_stocks: int, n_days: int, seed: int) -> Market:
    return paper_gbm(n_stocks, n_days, seed)


def _stage(row: Config, settings: Settings) -> tuple[Panel, Desk]:
    panel = _market(settings["n_stocks"], settings["n_days"], row["seed"]).panel
    split = papers_split(settings["n_days"], settings["validation_days"], settings["test_days"])
    return panel, Desk.of(panel, split, settings["k"])


#: the samples used last: an older one goes before the next is made, unlike in an lru_cache
_samples: dict[tuple[Any, ...], Dataset] = {}


def _samples_of(panel: Panel, row: Config, settings: Settings) -> Dataset:
    key = (settings["n_stocks"], settings["n_days"], row["seed"], row["count"])
    if key not in _samples:
        _samples.clear()
        _samples[key] = _masked(panel, row["count"])
    return _samples[key]


def _masked(panel: Panel, count: int) -> Dataset:
    """The samples of a panel under the full mask, with raw labels."""
    return raw_labels(mask_samples(panel, MASK, factor_set("families", count, 0)), panel)


# ---------------------------------------------------------------------------------------------- one arm


def compute(row: Config, settings: Settings) -> RowResult:
    panel, desk = _stage(row, settings)
    if row["variant"] == EQUAL:
        return RowResult(records(book_numbers({EQUAL: equal_weight(panel, desk)}), variant=EQUAL))
    data, arm = _samples_of(panel, row, settings), ARMS[row["variant"]]
    predict = _fitted(data, panel, desk.split, arm, row)
    shown = replace(desk.split, test_start=desk.split.validation_start)  # a buffer is set on the validation days
    prediction = walked(_read(data, panel, arm), lambda _: predict, [shown]).astype(np.float32)
    numbers = _information(panel, desk, prediction) | book_numbers(books(desk, prediction))
    found = records(numbers, variant=row["variant"])
    return RowResult(found, {"prediction": prediction[desk.split.validation_start :]})


def _read(data: Dataset, panel: Panel, arm: Arm) -> Dataset:
    """What the learner of an arm reads: factors of a day, or of the last sessions."""
    days = bool(arm.baseline) and BASELINES[arm.baseline].samples == "days"
    return windowed(data, DAYS, panel.dates) if days else data


def _fitted(data: Dataset, panel: Panel, split: Split, arm: Arm, row: Config) -> Predictor:
    """The fitted learner of an arm, in units of returns."""
    sample, own = _read(data, panel, arm), split
    if arm.panels or arm.real > 1:
        sample, own = _extended(data, panel, split, arm, row)
    seed = row["seed"] + AGAIN * arm.again
    how: dict[str, Any] = {name: row[name] for name in ("epochs", "rounds") if name in row}
    if arm.baseline == "transformer":
        how["rows"] = ROWS * (1 + arm.panels)
    if arm.baseline:
        predict = find_baseline(arm.baseline).fit(sample, seed, **how)(own)
    else:
        gamma = {} if arm.gamma is None else {"gamma": arm.gamma}
        how |= {"at_once": AT_ONCE, **chosen_settings(row["chosen_trial"])}
        predict = neural(sample, seed, network="mlp", loss=arm.loss, loss_settings=gamma, **how)(own)
    # a network predicts in deviations of its labels
    unit = float(np.nanstd(sample.label[sample.rows(own.fit_start, own.fit_stop)])) if "network" in row else 1.0
    return lambda rows: unit * predict(rows)


def _extended(data: Dataset, panel: Panel, split: Split, arm: Arm, row: Config) -> tuple[Dataset, Split]:
    """The real sample so many times and as many rows of each synthetic panel, made from the days of the fit alone."""
    fitted = labelled(data, split.fit_start, split.fit_stop)
    fit_days, parts = panel.rows(split.fit_start, split.fit_stop), [fitted] * arm.real
    for number in range(arm.panels):
        rng = np.random.default_rng([zlib.crc32(KIND.encode()), row["seed"], number])
        made = _masked(synthetic_panel(fit_days, rng, kind=KIND), row["count"])
        parts.append(labelled(made, 0, made.shape[0], len(fitted.label), rng))
    return joined(parts, labelled(data, split.validation_start, split.validation_stop))


def _information(panel: Panel, desk: Desk, prediction: np.ndarray) -> dict[str, float]:
    """What predictions know, how often they have the right sign, how persistent they are; on the test days.

    persistence: mean correlation over stocks of a day's predictions with those of the day before. coverage: share of
    the universe that is predicted.
    """
    tested = np.full(panel.shape, np.nan)
    tested[desk.test] = prediction[desk.test]
    today, before = tested[desk.test][1:], tested[desk.test][:-1]
    kept = ic(today, before, np.isfinite(today) & np.isfinite(before))
    found = mean_ics(panel, prediction, desk.test) | signs_and_spread(panel, tested)
    found["coverage"] = float(np.isfinite(prediction[desk.test])[panel.universe[desk.test]].mean())
    return found | ({"persistence": float(np.nanmean(kept))} if np.isfinite(kept).any() else {})


def books(desk: Desk, prediction: np.ndarray) -> Books:
    """A book for each answer to what happens to a name without a prediction; `literal`: see the head of this file."""
    return {**desk.books(less_mean(prediction)), "literal": desk.book(prediction, POLICY)}


def less_mean(prediction: np.ndarray) -> np.ndarray:
    """Predictions [T, N] less the mean of their day; NaN where there is none."""
    known = np.isfinite(prediction)
    mean = np.where(known, prediction, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, prediction - mean[:, None], np.nan)


# -------------------------------------------------------------------------------------------- contrasts


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """The pairs of arms of one market, and the system against equal weight."""
    panel, desk = _stage(rows[0][0], settings)
    sides = {row["variant"]: result for row, result in rows if row["variant"] != EQUAL}
    predicted = {name: whole(panel, desk.split, result.arrays["prediction"]) for name, result in sides.items()}
    levels = {name: {item["metric"]: item["value"] for item in side.records} for name, side in sides.items()}
    found: list[Record] = []
    for left, right in EVERY_PAIR:
        if left in sides and right in sides:
            numbers = _differences(panel, desk, predicted[left], predicted[right])
            name = DIFFERENCE.name(left=left, right=right)
            found += records(numbers, variant=name)
            found += [{"variant": name, **item} for item in level_differences(levels[left], levels[right], LEVELS)]
    if SYSTEM in sides:
        ours, market = desk.books(less_mean(predicted[SYSTEM])), dict.fromkeys(OUTSIDE, equal_weight(panel, desk))
        found += records(book_differences(ours, market), variant=DIFFERENCE.name(left=SYSTEM, right=EQUAL))
    return RowResult(found)


def _differences(panel: Panel, desk: Desk, left: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Books of the two sides, `common` on the cells that both predict; ICs there; books at one turnover."""
    both = np.isfinite(left) & np.isfinite(right)
    sides = [
        {**books(desk, side), "common": desk.book(less_mean(np.where(both, side, np.nan)), POLICY)}
        for side in (left, right)
    ]
    found = book_differences(*sides)
    ours, theirs = (mean_ics(panel, side, desk.test, both) for side in (left, right))
    found |= {name: ours[name] - theirs[name] for name in ours if name in theirs}
    a, b = less_mean(left), less_mean(right)
    found["weight apart"] = float(np.abs(desk.weights(a, POLICY) - desk.weights(b, POLICY)).sum(axis=1).mean()) / 2
    return found | {f"{POLICY}.matched.{name}": value for name, value in matched(desk, a, b, POLICY).items()}


def agreement(row: Config) -> Agreement:
    return SIMULATED if row["variant"] in (EQUAL, "ridge") else TRAINED
