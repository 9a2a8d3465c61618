"""The mask by regime of the market: does it matter most where limits bind most?

On the simulated market the regimes of the test span are scripted, one spell each, as long as the periods of paper B,
s6.1; the model never sees their names. On a price file two sets of labels are used, and both only sort days that have
been predicted already: the papers' own calendar periods, which were chosen with hindsight, and a rule that labels a
day from earlier closes only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.scripted import FIRST_TEST_YEAR, N_DAYS, PIPELINES, TEST, TRAINING
from lib.evaluation.simulated import market_settings
from lib.evaluation.slices import (
    Days,
    Kept,
    Series,
    daily_series,
    first_test_row,
    group_records,
    interaction_records,
    market_records,
    measure,
    predictions,
)
from lib.market import make_market
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import equal_weight
from lib.store.rows import Record

RATES = ("real_rates", "paper_rates")
#: (left, right): everything at once, windows alone, rows alone
PAIRS = (
    ("mask_paper", "none"), ("mask_skip", "none"), ("mask_skip", "row_deletion"), ("row_deletion", "none"),
)  # fmt: skip
AGAINST = (("bear", "calm"), ("bear", "rally"))
LEVELS = (
    "coverage", "truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.turnover", "naive_close.active_sharpe_gross", "naive_close.active_sharpe", "naive_close.turnover",
    "naive_close.sharpe", "executed_close.sharpe", "executed_open.sharpe",
    "naive_close.max_drawdown", "executed_open.max_drawdown", "phantom_close", "phantom_close.limit_up_buys",
    "refused_buys", "refused_sells",
)  # fmt: skip
#: in the order in which a difference is judged: books gross of costs before net ones
DIFFERENCES = (
    "truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.annual_gross", "executed_open.turnover", "naive_close.active_sharpe_gross",
    "naive_close.active_sharpe", "naive_close.turnover", "naive_close.sharpe", "executed_open.sharpe",
    "executed_open.annual_mean", "executed_open.max_drawdown",
)  # fmt: skip
KEPT = Kept(LEVELS, DIFFERENCES, tested=("phantom_close", "refused_buys", "refused_sells"))  # what a page reads

#: paper B, s6.1
PERIODS = {
    "2022 Q1-Q3": ("2022-01-01", "2022-10-01"),
    "2023": ("2023-01-01", "2024-01-01"),
    "2024 H1": ("2024-01-01", "2024-07-01"),
}
#: the rule of `regime_labels`
LOOK_BACK = 60
THRESHOLD = 0.10


def regime_labels(panel: Panel, look_back: int = LOOK_BACK, threshold: float = THRESHOLD) -> NDArray[np.str_]:
    """Regime of each day [T] from earlier closes alone: "bear", "calm", "rally", "" in the first `look_back` days.

    bear: the equal-weight index of the members lost `threshold` or more over the `look_back` sessions that end with
    the close BEFORE the day; rally: it gained as much; calm otherwise.
    """
    level = np.concatenate(([0.0], np.cumsum(np.log1p(equal_weight(panel)))))  # level[t]: after the close of t - 1
    labels = np.full(len(panel.dates), "", dtype="<U5")
    change = np.expm1(level[look_back:-1] - level[: -1 - look_back])
    labels[look_back:] = np.where(change <= -threshold, "bear", np.where(change >= threshold, "rally", "calm"))
    return labels


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        yield from ({"variant": rates, "seed": seed, "source": rates} for rates in settings["limit_rates"])
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0, "source": "data"}


def compute(row: Config, settings: Settings) -> RowResult:
    if row["source"] == "data":
        return _on_prices(row, settings)
    rates = {"limit_rates": row["source"].removesuffix("_rates"), **market_settings(settings)}
    market = make_market(settings["n_stocks"], N_DAYS, row["seed"], regimes=TRAINING + TEST, **rates)
    start = first_test_row(market.panel, FIRST_TEST_YEAR)
    series = _series(market.panel, FIRST_TEST_YEAR, market.truth.mu_trad)
    groups = {name: _from(start, market.truth.regime == name) for name, _ in TEST}
    records = _records(row, market.panel, series, groups, AGAINST, settings["samples"])
    return RowResult(records, _arrays(market.panel, series, start, market.truth.regime))


def _on_prices(row: Config, settings: Settings) -> RowResult:
    """The papers' periods, and the regimes of the rule over all test years."""
    year = settings["first_test_year"]
    panel = file_panel(settings)
    series, start = _series(panel, year, None), first_test_row(panel, year)
    labels = regime_labels(panel)
    groups = {name: _from(start, labels == name) for name, _ in TEST}
    for name, (first, stop) in PERIODS.items():
        groups[name] = _from(start, (panel.dates >= np.datetime64(first)) & (panel.dates < np.datetime64(stop)))
    against = (*AGAINST, ("2022 Q1-Q3", "2023"), ("2022 Q1-Q3", "2024 H1"))
    return RowResult(_records(row, panel, series, groups, against))


def _series(panel: Panel, year: int, truth: NDArray[np.float64] | None) -> dict[str, Series]:
    start, found = first_test_row(panel, year), predictions(panel, PIPELINES, first_test_year=year)
    return {name: daily_series(panel, prediction, start, truth) for name, prediction in found.items()}


def _from(start: int, days: Days) -> Days:
    return np.asarray(days & (np.arange(len(days)) >= start))


def _records(
    row: Config,
    panel: Panel,
    series: dict[str, Series],
    groups: dict[str, Days],
    against: tuple[tuple[str, str], ...],
    samples: int | None = None,
) -> list[Record]:
    records: list[Record] = []
    measured = {}
    for name, days in groups.items():
        if days.sum() < 20:
            continue  # a file that does not hold the period
        rng = np.random.default_rng([zlib.crc32(f"{row['variant']} {name}".encode()), row["seed"]])
        measured[name] = measure(series, days, rng, samples=samples)
        records += market_records(panel, f"{row['variant']} market {name}", days)
        records += group_records(row["variant"], name, measured[name], PAIRS, KEPT)
    return records + list(interaction_records(row["variant"], measured, against, PAIRS, KEPT))


def _arrays(panel: Panel, series: dict[str, Series], start: int, regime: NDArray[np.str_]) -> dict[str, np.ndarray]:
    """The test span of one market, for the picture at the head of the page."""
    limit = panel.universe & panel.traded & ~panel.price_valid
    none = series["none"]
    return {
        "regime": regime[start:].astype("<U5"),
        "index": np.cumprod(1 + equal_weight(panel)[start:]),
        "limit_rate": limit[start:].sum(axis=1) / np.maximum(panel.traded[start:].sum(axis=1), 1),
        "phantom": np.cumsum(none["phantom_close"][start:]),
        "limit_up_buys": np.cumsum(none["phantom_close.limit_up_buys"][start:]),
    }
