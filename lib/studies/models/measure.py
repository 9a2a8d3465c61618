"""Every learner on the same cells, labels, splits and book.

A row is one learner on one simulated market of one of two worlds, or in one window of a price file. The default market
plants a linear alpha, so that no learner can beat ridge there; in the other, reversal pays only at low volatility.
Every learner is fitted equally often and stopped by the validation IC. What a learner reads is a part of its entry in
`lib.models.baselines`; cells that are labelled, predicted and ordered are the same for all.

CPU seconds of one fit and its predictions, 300 stocks, 1,400 days, 39 factors, one core (a run of 2026-11-30); scoring
a row takes 1.0 more, a contrast 0.3. Paper scale fits each year, three times a market:
    ridge 0.2, lasso 0.2, LightGBM 1.9 (one-hot 7.0), XGBoost 3.8, scikit-learn's boosting 47, extra trees 1.9,
    random forest 12, support vectors 15, ARIMA 2.2, MLP 9.1, residual network 15, GRU 16, LSTM 14,
    Transformer over days 47, over factors 74
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from lib.evaluation.accuracy import accuracy
from lib.evaluation.contrasts import Side, at_matched_turnover, gross_and_net, mean_difference
from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.predictions import kept, on_panel, row_rng
from lib.evaluation.samples import columns_of, samples_of
from lib.evaluation.scoring import daily_ics, score
from lib.evaluation.simulated import market, market_settings, truth_difference, with_truth
from lib.evaluation.training_seeds import arrays_of, averaged, over_training_seeds
from lib.market import Market
from lib.models.baselines import BASELINES, find_baseline
from lib.models.dataset import Dataset
from lib.models.fits import Predictor
from lib.models.fitted import Fitted
from lib.models.settings import TUNED, tuned
from lib.models.splits import Split, fixed_split, walk_forward
from lib.models.walk import walked
from lib.panel import Panel
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats.estimates import ENDS
from lib.store.rows import Record
from lib.studies.mask_ablation_real.measure import FIXED
from lib.studies.models.search import compute_trial, trials

#: world -> settings of its market
WORLDS: dict[str, dict[str, Any]] = {"linear": {}, "interaction": {"interaction": True}}
#: the headline: executed at the next open
BOOK = "executed_open"
#: what is kept of a book's scores
KEPT = ("m1_ic", "coverage", "naive_close.sharpe", "naive_close.annual_return", "naive_close.active_sharpe",
        f"{BOOK}.sharpe", f"{BOOK}.active_sharpe_gross", f"{BOOK}.active_sharpe", f"{BOOK}.turnover",
        f"{BOOK}.break_even_bps")  # fmt: skip
RECORDED = frozenset(metric + end for metric in KEPT for end in ("", *ENDS))


def grid(settings: Settings) -> Iterator[Config]:
    """The trials of the search; learners by market and world, the slow ones on the first markets only; a file's."""
    yield from trials(settings)
    for place, seed in enumerate(settings["seeds"]):
        for world in settings["worlds"]:
            for learner in settings["learners"]:
                if place < settings["slow_seeds"] or learner not in settings["slow"]:
                    yield _row(learner, world, seed, {"world": world}, settings)
    if settings["data_path"]:
        for window in settings["windows"]:
            name = f"{source_name(settings['data_path'])} {window}"
            for learner in settings["learners"]:
                count = settings["training_seeds"] if BASELINES[learner].seeded else 1
                yield _row(learner, name, 0, {"window": window, "training_seeds": count}, settings)


def _row(learner: str, place: str, seed: int, rest: Config, settings: Settings) -> Config:
    entry = BASELINES[learner]
    row = {"variant": f"{learner} | {place}", "seed": seed, "baseline": learner, "place": place} | rest
    row |= {"samples": entry.samples, "against": list(_against(learner, settings))}
    row |= {"tuned": learner if learner in TUNED else "none", "ranges": "none"}
    return row | ({"network": entry.network, "loss": "mse"} if entry.network else {})


def _against(learner: str, settings: Settings) -> Iterator[str]:
    """Whom a learner is compared with: the reference, and the right-hand sides of its own pairs."""
    pairs = [pair.split(" - ") for pair in settings["pairs"]]
    wanted = [settings["reference"], *(right for left, right in pairs if left == learner)]
    yield from (name for name in dict.fromkeys(wanted) if name != learner and name in settings["learners"])


def group(row: Config) -> str:
    return f"{row['place']} {'' if 'window' in row else row['seed']}"


# ------------------------------------------------------------------------------------------- one row


def _stage(row: Config, settings: Settings) -> tuple[Panel, Market | None, list[Split]]:
    """The panel of a row, its truth where it is simulated, and its splits."""
    if "world" in row:
        planted = market_settings(settings) | WORLDS[row["world"]]
        world = market(settings["n_stocks"], settings["n_days"], row["seed"], settings["limit_rates"], **planted)
        years = {"first_test_year": settings["first_test_year"], "refit_every": settings["refit_every"]}
        return world.panel, world, list(walk_forward(world.panel.dates, **years))
    train, validation, test = FIXED[row["window"]]
    panel = file_panel(settings)
    split = fixed_split(panel.dates, train=train, validation=validation, test=test)
    return _first_rows(panel, split.test_stop), None, [split]


@lru_cache(maxsize=1)
def _first_rows(panel: Panel, stop: int) -> Panel:
    return panel if stop == len(panel.dates) else panel.rows(0, stop)


@lru_cache(maxsize=1)  # rows of one group share them
def _samples(panel: Panel, kind: str, factors: str) -> Dataset:
    return samples_of(panel, kind, factors)


def compute(row: Config, settings: Settings) -> RowResult:
    """One fit on a market; of a file, one a training seed, which the row averages."""
    if "trial" in row:
        return compute_trial(row, settings)
    panel, world, splits = _stage(row, settings)
    data = _samples(panel, row["samples"], settings["factors"])
    found = []
    for seed in range(row["training_seeds"]) if "window" in row else (row["seed"],):
        prediction, importance = _learned(row, data, seed, splits, settings)
        samples, rng = _paths(row, settings), row_rng(row["variant"], seed)
        records, series = score(panel, prediction, orders_allowed=None, rng=rng, samples=samples)
        records = [item for item in records if item["metric"] in RECORDED]
        for values in (accuracy(panel, prediction), importance):
            records += [{"metric": name, "value": value} for name, value in values.items()]
        result = RowResult(records, {**series, **kept(panel, prediction)})
        found.append(result if world is None else with_truth(world, prediction, result, rng, samples))
    return over_training_seeds(found)


def _learned(
    row: Config, data: Dataset, seed: int, splits: list[Split], settings: Settings
) -> tuple[np.ndarray, dict[str, float]]:
    """Predictions [T, N], and what the fits used: mean over them of the shares of families of factors."""
    fit = find_baseline(row["baseline"]).fit(data, seed, **tuned(row["tuned"]))
    models: list[Predictor] = []

    def keeping(split: Split) -> Predictor:
        models.append(fit(split))
        return models[-1]

    prediction = walked(data, keeping, splits)
    shares = [model.importance for model in models if isinstance(model, Fitted) and model.importance.any()]
    if not shares:
        return prediction, {}
    mean = np.mean(shares, axis=0)
    return prediction, by_family(mean, columns_of(row["samples"], len(mean), settings["factors"]))


def by_family(importance: np.ndarray, columns: Sequence[str]) -> dict[str, float]:
    """Shares of families, "importance FAMILY" -> sum over its columns, and that of the ten largest columns.

    >>> by_family(np.array([0.5, 0.2, 0.3]), ["alpha_001", "alpha_002", "old_029"])
    {'importance alpha': 0.7, 'importance old': 0.3, 'importance of ten': 1.0}
    """
    found: dict[str, float] = {}
    for share, column in zip(importance.tolist(), columns, strict=True):
        name = f"importance {column.rpartition('_')[0] or column}"
        found[name] = found.get(name, 0.0) + share
    return found | {"importance of ten": float(np.sort(importance)[-10:].sum())}


def _paths(row: Config, settings: Settings) -> int:
    """Resampled paths: of a file its days are all there is, of markets there are many."""
    return 0 if "world" in row else int(settings["samples"])


def agreement(row: Config) -> Agreement:
    return SIMULATED if row["samples"] in ("rules", "betas") or row["baseline"] == "ridge" else TRAINED


# ----------------------------------------------------------------------------------------- contrasts


def by_market(row: Config) -> str:
    return f"{row['place']} {row['seed']}"


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Learner minus learner on one market: information, the book before and after costs, and at one turnover.

    Of a file the training seeds of two learners meet in pairs, and the row averages the pairs.
    """
    first = rows[0][0]
    if "trial" in first:
        return RowResult([])
    panel, world, _ = _stage(first, settings)
    sides = {
        row["baseline"]: [(on_panel(panel, item), item) for item in arrays_of(found, row.get("training_seeds", 1))]
        for row, found in rows
    }
    samples, records = _paths(first, settings), list[Record]()
    for row, _ in rows:
        for right in row["against"]:
            if right in sides:
                name = f"{row['baseline']} - {right} | {row['place']}"
                ours, theirs = sides[row["baseline"]], sides[right]
                count = max(len(ours), len(theirs))
                pairs = [(ours[k % len(ours)], theirs[k % len(theirs)]) for k in range(count)]
                parts = [_difference(panel, world, pair, row_rng(name, row["seed"]), samples) for pair in pairs]
                records += [{**item, "variant": name} for item in averaged(parts)]
    return RowResult(records)


def _difference(
    panel: Panel, world: Market | None, pair: tuple[Side, Side], rng: np.random.Generator, samples: int
) -> list[Record]:
    """Left minus right, on the cells that both predict."""
    common = np.isfinite(pair[0][0]) & np.isfinite(pair[1][0])
    a, b = (daily_ics(panel, side[0], common, ("m1_ic",))["m1_ic"] for side in pair)
    found = mean_difference("m1_ic", a, b, rng, samples)
    found += truth_difference(world, pair[0][0], pair[1][0], rng, samples) if world else []
    found += gross_and_net(BOOK, pair[0][1], pair[1][1], rng, samples)
    return found + list(at_matched_turnover(panel, BOOK, *pair, rng, samples))
