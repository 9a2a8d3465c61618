"""Every learner on the same cells, labels, splits and book.

A row is one learner on one simulated market of one of two worlds, or in one window of a price file. The default market
plants a linear alpha, so that no learner can beat ridge there; in the other, reversal pays only at low volatility.
Every learner is fitted equally often and stopped by the validation IC. What a learner reads is a part of its entry in
`lib.models.baselines`; cells that are labelled, predicted and ordered are the same for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from lib.evaluation.contrasts import at_matched_turnover, gross_and_net, mean_difference
from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.predictions import kept, on_panel, row_rng
from lib.evaluation.samples import samples_of
from lib.evaluation.scoring import MINIMUM_CELLS, daily_ics, score, scored_cells
from lib.evaluation.simulated import market, market_settings, truth_difference, with_truth
from lib.market import Market
from lib.models.baselines import BASELINES, find_baseline
from lib.models.dataset import Dataset, next_return
from lib.models.splits import Split, fixed_split, walk_forward
from lib.models.walk import walked
from lib.panel import Panel
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.store.rows import Record
from lib.studies.mask_ablation_real.measure import FIXED

#: world -> settings of its market
WORLDS: dict[str, dict[str, Any]] = {"linear": {}, "interaction": {"interaction": True}}
#: the headline: executed at the next open
BOOK = "executed_open"
#: what is kept of a book's scores
KEPT = ("m1_ic", "coverage", "naive_close.sharpe", "naive_close.annual_return", "naive_close.active_sharpe",
        f"{BOOK}.sharpe", f"{BOOK}.active_sharpe_gross", f"{BOOK}.active_sharpe", f"{BOOK}.turnover",
        f"{BOOK}.break_even_bps")  # fmt: skip


def grid(settings: Settings) -> Iterator[Config]:
    """Learners by market and world, the slow ones on the first markets only; then by window of a file."""
    for place, seed in enumerate(settings["seeds"]):
        for world in settings["worlds"]:
            for learner in settings["learners"]:
                if place < settings["slow_seeds"] or learner not in settings["slow"]:
                    yield _row(learner, world, seed, {"world": world}, settings)
    if settings["data_path"]:
        for window in settings["windows"]:
            name = f"{source_name(settings['data_path'])} {window}"
            for seed in range(settings["file_seeds"]):
                for learner in settings["learners"]:
                    yield _row(learner, name, seed, {"window": window}, settings)


def _row(learner: str, place: str, seed: int, rest: Config, settings: Settings) -> Config:
    entry = BASELINES[learner]
    row = {"variant": f"{learner} | {place}", "seed": seed, "baseline": learner, "place": place} | rest
    row |= {"samples": entry.samples, "against": list(_against(learner, settings))}
    return row | ({"network": entry.network, "loss": "mse"} if entry.network else {})


def _against(learner: str, settings: Settings) -> Iterator[str]:
    """Whom a learner is compared with: the reference, and the right-hand sides of its own pairs."""
    pairs = [pair.split(" - ") for pair in settings["pairs"]]
    wanted = [settings["reference"], *(right for left, right in pairs if left == learner)]
    yield from (name for name in dict.fromkeys(wanted) if name != learner and name in settings["learners"])


def group(row: Config) -> str:
    return f"{row['place']} {row['seed'] if 'world' in row else ''}"


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
    panel, world, splits = _stage(row, settings)
    data = _samples(panel, row["samples"], settings["factors"])
    prediction = walked(data, find_baseline(row["baseline"]).fit(data, row["seed"]), splits)
    samples, rng = _paths(row, settings), row_rng(row["variant"], row["seed"])
    records, series = score(panel, prediction, orders_allowed=None, rng=rng, samples=samples)
    names = {metric + end for metric in KEPT for end in ("", ".low", ".high")}
    records = [item for item in records if item["metric"] in names]
    records += [{"metric": name, "value": value} for name, value in accuracy(panel, prediction).items()]
    found = RowResult(records, {**series, **kept(panel, prediction)})
    return found if world is None else with_truth(world, prediction, found, rng, samples)


def _paths(row: Config, settings: Settings) -> int:
    """Resampled paths: of a file its days are all there is, of markets there are many."""
    return 0 if "world" in row else int(settings["samples"])


def accuracy(panel: Panel, prediction: np.ndarray) -> dict[str, float]:
    """The papers' measures on the cells that can be bought (M1), against the next return less the day's mean.

    spearman, kendall: mean over days. mse, mae: over those of predicting 0 for every stock, so 1 is worth nothing; of
    the predictions as they are. sign_accuracy beside sign_base_rate, the share of the more frequent sign.
    """
    from scipy.stats import kendalltau

    label, where = next_return(panel), scored_cells(panel)["m1"] & np.isfinite(prediction)
    days = [day for day in range(len(where)) if where[day].sum() >= MINIMUM_CELLS]
    pairs = [(prediction[day, where[day]], label[day, where[day]]) for day in days]
    pairs = [(p, y - y.mean()) for p, y in pairs]
    taus = np.array([kendalltau(p, y).statistic for p, y in pairs if np.ptp(p) > 0])
    predicted, outcome = (np.concatenate(side) for side in zip(*pairs, strict=True))
    error, up = outcome - predicted, outcome > 0
    return {
        "spearman": float(np.nanmean(daily_ics(panel, prediction, metrics=("m1_rank_ic",))["m1_rank_ic"])),
        "kendall": float(taus.mean()) if len(taus) else float("nan"),
        "mse": float((error**2).mean() / (outcome**2).mean()),
        "mae": float(np.abs(error).mean() / np.abs(outcome).mean()),
        "sign_accuracy": float(((predicted > 0) == up).mean()),
        "sign_base_rate": float(max(up.mean(), 1 - up.mean())),
        "dispersion": float(predicted.std() / outcome.std()),
    }


def agreement(row: Config) -> Agreement:
    return SIMULATED if row["samples"] in ("rules", "betas") or row["baseline"] == "ridge" else TRAINED


# ----------------------------------------------------------------------------------------- contrasts


def by_market(row: Config) -> str:
    return f"{row['place']} {row['seed']}"


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Learner minus learner on one market: information, the book before and after costs, and at one turnover."""
    first = rows[0][0]
    panel, world, _ = _stage(first, settings)
    sides = {row["baseline"]: (on_panel(panel, result.arrays), result.arrays) for row, result in rows}
    samples = _paths(first, settings)
    records: list[Record] = []
    for row, _ in rows:
        for right in row["against"]:
            if right in sides:
                name = f"{row['baseline']} - {right} | {row['place']}"
                rng, pair = row_rng(name, row["seed"]), (sides[row["baseline"]], sides[right])
                common = np.isfinite(pair[0][0]) & np.isfinite(pair[1][0])
                a, b = (daily_ics(panel, side[0], common, ("m1_ic",))["m1_ic"] for side in pair)
                found = mean_difference("m1_ic", a, b, rng, samples)
                found += truth_difference(world, pair[0][0], pair[1][0], rng, samples) if world else []
                found += gross_and_net(BOOK, pair[0][1], pair[1][1], rng, samples)
                found += at_matched_turnover(panel, BOOK, *pair, rng, samples)
                records += [{**item, "variant": name} for item in found]
    return RowResult(records)
