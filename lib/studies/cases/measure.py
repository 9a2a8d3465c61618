"""Three episodes of paper B, s6.2: a crash, a policy rally, a theme rotation.

On the simulated market each episode is scripted into a calm test span, 60 sessions after it begins and 60 before it
ends, so that every pipeline comes into it with a portfolio. With a price file, windows of real history are shown beside
it, by dates that are stated here; those of the papers' own cases are among them. A window is one path: under
`MINIMUM_SESSIONS` it has no interval.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.scripted import FIRST_TEST_YEAR, PIPELINES, TRAINING
from lib.evaluation.simulated import market_settings
from lib.evaluation.slices import (
    MEASURES,
    Days,
    Kept,
    Measure,
    Series,
    daily_series,
    first_test_row,
    group_records,
    interaction_records,
    market_records,
    measure,
    predictions,
)
from lib.market import EPISODES, make_market
from lib.panel import Panel
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import equal_weight
from lib.stats import percentile_ranks
from lib.store.rows import Record

PAIRS = (
    ("mask_paper", "none"), ("mask_skip", "none"), ("mask_skip", "row_deletion"), ("mask_paper", "market"),
    ("mask_skip", "market"), ("none", "market"), ("mlp", "mask_skip"),
)  # fmt: skip
#: windows of real history, first and last day. The second, fourth and fifth are the papers' cases
REAL = {
    "June to August 2015": ("2015-06-15", "2015-08-26"),
    "April 2022": ("2022-04-01", "2022-04-26"),
    "January 2016": ("2016-01-04", "2016-01-28"),
    "24 September to 11 October 2024": ("2024-09-24", "2024-10-11"),
    "2023 Q1": ("2023-01-03", "2023-03-31"),
}
LEVELS = (
    "naive_close.total_return", "executed_open.total_return", "executed_open.annual_gross", "executed_open.turnover",
    "naive_close.max_drawdown", "executed_open.max_drawdown", "refused_buys", "refused_sells", "truth_ic",
    "theme_tilt", "coverage",
)  # fmt: skip
DIFFERENCES = (
    "executed_open.annual_gross", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.turnover", "naive_close.total_return", "executed_open.total_return", "executed_open.max_drawdown",
    "executed_open.sharpe", "theme_tilt",
)  # fmt: skip

AROUND = 60  # calm sessions before and after an episode
CASE_MEASURES = (
    *MEASURES,
    Measure("naive_close", "total"),
    Measure("executed_open", "total"),
    Measure("theme_tilt", "mean"),
)
KEPT = Kept(LEVELS, DIFFERENCES)  # the numbers that a page reads


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        for episode in settings["episodes"]:
            row = {"variant": episode, "seed": seed, "source": "exchange"}
            yield row | ({"epochs": settings["mlp_epochs"]} if episode == "theme_rotation" else {})
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0, "source": "data"}


def compute(row: Config, settings: Settings) -> RowResult:
    return _on_prices(row, settings) if row["source"] == "data" else _scripted(row, settings)


def _scripted(row: Config, settings: Settings) -> RowResult:
    """One episode on one market: the calm days before it, the episode, the calm days after it."""
    episode = row["variant"]
    start = sum(days for _, days in TRAINING)
    test = ("calm", 2 * AROUND + EPISODES[episode].days)
    n_days = start + test[1]
    market = make_market(
        settings["n_stocks"], n_days, row["seed"], regimes=(*TRAINING, test), episode=episode,
        episode_start=start + AROUND, limit_rates=settings["limit_rates"], **market_settings(settings),
    )  # fmt: skip
    theme = market.truth.theme if episode == "theme_rotation" else None
    series = _series(market.panel, FIRST_TEST_YEAR, market.truth.mu_trad, theme)
    if "epochs" in row:
        found = predictions(
            market.panel, ["mask_skip"], first_test_year=FIRST_TEST_YEAR, learner="mlp", seed=row["seed"],
            epochs=row["epochs"],
        )["mask_skip"]  # fmt: skip
        series["mlp"] = _daily(market.panel, found, start, market.truth.mu_trad, theme)
    rows, span = np.arange(n_days), market.episode_days
    groups = {
        "before": (rows >= start) & (rows < span.start),
        "episode": (rows >= span.start) & (rows < span.stop),
        "after": rows >= span.stop,
    }
    # a trained learner is verified on the scale of its own intervals
    records = _records(row, market.panel, series, groups, None if "epochs" in row else settings["samples"])
    return RowResult(records, _arrays(market.panel, series, slice(start, n_days)))


def _on_prices(row: Config, settings: Settings) -> RowResult:
    """The windows of real history, each with the 60 sessions before it."""
    year = settings["first_test_year"]
    panel = file_panel(settings)
    series, start = _series(panel, year, None, None), first_test_row(panel, year)
    groups: dict[str, Days] = {}
    for name, (first, last) in REAL.items():
        days = (panel.dates >= np.datetime64(first)) & (panel.dates <= np.datetime64(last))
        begin = int(np.searchsorted(panel.dates, np.datetime64(first)))
        if not days.any() or begin - AROUND < start:
            continue  # not in the file, or before the test years
        rows = np.arange(len(days))
        groups |= {name: days, f"before {name}": (rows >= begin - AROUND) & (rows < begin)}
    return RowResult(_records(row, panel, series, groups))


def _series(
    panel: Panel, year: int, truth: NDArray[np.float64] | None, theme: NDArray[np.bool_] | None
) -> dict[str, Series]:
    """Daily series of the pipelines, and of the market itself: an equal-weight holder who never trades."""
    start = first_test_row(panel, year)
    found = predictions(panel, PIPELINES, first_test_year=year)
    index = np.where(np.arange(len(panel.dates)) < start, np.nan, equal_weight(panel))
    holder = dict.fromkeys(("naive_close", "executed_open"), index)
    return {name: _daily(panel, x, start, truth, theme) for name, x in found.items()} | {"market": holder}


def _daily(
    panel: Panel,
    prediction: NDArray[np.float64],
    start: int,
    truth: NDArray[np.float64] | None,
    theme: NDArray[np.bool_] | None,
) -> Series:
    series = daily_series(panel, prediction, start, truth)
    return series if theme is None else series | {"theme_tilt": theme_tilt(prediction, theme)}


def theme_tilt(prediction: NDArray[np.float64], theme: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How much higher a theme's stocks are ranked than the others, by day [T]; NaN where either side has none.

    Mean percentile (0 to 1 among the predicted stocks of the day) of the theme minus that of the others, in [-1, 1].
    """
    known = np.isfinite(prediction)
    place = percentile_ranks(prediction, known)
    both = (known & theme).any(axis=1) & (known & ~theme).any(axis=1)
    tilt = np.full(len(prediction), np.nan)
    tilt[both] = np.nanmean(place[both][:, theme], axis=1) - np.nanmean(place[both][:, ~theme], axis=1)
    return tilt


def _records(
    row: Config, panel: Panel, series: dict[str, Series], groups: dict[str, Days], samples: int | None = None
) -> list[Record]:
    records: list[Record] = []
    pairs = [p for p in PAIRS if set(p) <= set(series)]
    measured = {}
    for name, days in groups.items():
        rng = np.random.default_rng([zlib.crc32(f"{row['variant']} {name}".encode()), row["seed"]])
        measured[name] = measure(series, days, rng, CASE_MEASURES, samples)
        records += market_records(panel, f"{row['variant']} market facts {name}", days)
        records += group_records(row["variant"], name, measured[name], pairs, KEPT)
    against = [(name, f"before {name}" if f"before {name}" in groups else "before") for name in groups]
    records += interaction_records(row["variant"], measured, against, PAIRS[:2], KEPT)
    return records + list(_excluded(records, row["variant"], groups))


def _excluded(records: list[Record], source: str, groups: dict[str, Days]) -> Iterator[Record]:
    """Masked stocks a day in an episode over those in the days before it."""
    masked = {r["variant"]: r for r in records if r["metric"] == "masked_per_session"}
    for name in groups:
        before = masked.get(f"{source} market facts " + ("before" if name == "episode" else f"before {name}"))
        inside = masked[f"{source} market facts {name}"]
        if before and before["value"] > 0:
            ratio = inside["value"] / before["value"]
            yield {"variant": inside["variant"], "metric": "excluded_ratio", "value": ratio, "n": inside["n"]}


def _arrays(panel: Panel, series: dict[str, Series], span: slice) -> dict[str, np.ndarray]:
    """The test span of one market, for the picture at the head of the page."""
    listed = np.maximum((panel.universe & panel.observed)[span].sum(axis=1), 1)
    masked = (panel.universe & panel.observed & ~panel.price_valid)[span].sum(axis=1) / listed
    found = {"masked": masked, "around": np.array(AROUND), "market": series["market"]["naive_close"][span]}
    found |= {f"{p} naive": series[p]["naive_close"][span] for p in ("none", "mask_skip")}
    found |= {f"{p} executed": series[p]["executed_open"][span] for p in ("none", "mask_skip")}
    return found | {f"{p} tilt": x["theme_tilt"][span] for p, x in series.items() if "theme_tilt" in x}


def agreement(row: Config) -> Agreement:
    return TRAINED if "epochs" in row else SIMULATED
