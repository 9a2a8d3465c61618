"""The prototype of paper B (s5.1, phase 1) on simulated markets: factors, LightGBM, the top k with equal weight.

The paper lists neither the 50 factors nor the market. `unmasked` reads the first 50 in the papers' order through
windows that know no mask, learns from all cells and predicts all: the mask was found in phase 2. `masked` differs from
it in the mask alone; `random` reads 50 of the 213 drawn for each market instead, `all` reads all.

The book is the papers': weights of one close times the next returns, every order filled, 8 basis points a side, 252
sessions a year. Beside it the same predictions are executed at the next open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lib.evaluation.arms import MASK, compared, scored_arm
from lib.evaluation.scoring import COST_BPS, SESSIONS
from lib.evaluation.simulated import features, level_differences, market, market_settings
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.factors import factor_names
from lib.market import Market
from lib.models.dataset import next_return
from lib.models.walk import walk_predictions
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import active_returns, equal_weight, flat, simulate, top_k_buffer
from lib.portfolio.lagged import lagged_book, top_k_weights
from lib.stats import sharpe
from lib.store.rows import Record

COUNT = 50
#: arm -> (which factors, which mask)
ARMS = {"unmasked": ("first", "none"), "masked": ("first", MASK), "random": ("random", MASK), "all": ("all", MASK)}
#: left minus right: what the mask changes, what the choice of factors, what their number
PAIRS = (("masked", "unmasked"), ("random", "masked"), ("all", "masked"))
LIMIT_RATES = "real"
#: sessions of a year in the papers' figures
PAPER_YEAR = 252
#: metrics of the top k: the papers' book net and gross, all stocks alike, executed, over equal weight
TOP = ("top.sharpe", "top.sharpe_gross", "top.turnover", "equal_weight.sharpe", "top.executed_open.sharpe",
       "top.executed_open.active_sharpe_gross", "top.executed_open.active_sharpe",
       "top.executed_open.turnover")  # fmt: skip


def factor_set(which: str, seed: int) -> tuple[str, ...]:
    """Names in the papers' order: the first COUNT, as many drawn for a market, or all.

    >>> len(factor_set("first", 0)), len(factor_set("random", 0)), len(factor_set("all", 0))
    (50, 50, 213)
    """
    names = factor_names()
    if which == "all":
        return tuple(names)
    if which == "first":
        return tuple(names[:COUNT])
    chosen = np.random.default_rng([COUNT, seed]).permutation(len(names))[:COUNT]
    return tuple(names[place] for place in sorted(chosen.tolist()))


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        for arm in settings["arms"]:
            if arm != "all" or seed in settings["seeds"][: settings["all_seeds"]]:
                yield {"variant": arm, "seed": seed, "arm": arm, "learner": "lightgbm"}


def _market(row: Config, settings: Settings) -> Market:
    size = (settings["n_stocks"], settings["n_days"], row["seed"], LIMIT_RATES)
    return market(*size, **market_settings(settings))


def compute(row: Config, settings: Settings) -> RowResult:
    world = _market(row, settings)
    which, mask = ARMS[row["arm"]]
    variant = VARIANTS[mask]
    known = features(world.panel, variant.features, factor_set(which, row["seed"]))
    prediction = walk_predictions(
        variant_dataset(world.panel, variant, known), world.panel.dates, learner=row["learner"], seed=row["seed"],
        first_test_year=settings["first_test_year"], rounds=settings["rounds"],
    )  # fmt: skip
    found = scored_arm(world, prediction, name=row["variant"], seed=row["seed"])
    top = [{"metric": name, "value": value} for name, value in top_k(world, prediction, settings["k"]).items()]
    return RowResult([*found.records, *top], found.arrays)


def top_k(world: Market, prediction: np.ndarray, k: int) -> dict[str, float]:
    """TOP for predictions [T, N], from their first day to their last.

    equal_weight: the papers' book of every stock that is predicted, 1 / n each, at the same cost.
    """
    panel, days = world.panel, np.flatnonzero(np.isfinite(prediction).any(axis=1))
    span = slice(int(days[0]), min(int(days[-1]) + 1, panel.shape[0] - 1))
    scores, outcome = prediction[span], np.nan_to_num(next_return(panel)[span])
    book = lagged_book(top_k_weights(scores, k), outcome)
    predicted = np.isfinite(scores)
    every = lagged_book(predicted / np.maximum(predicted.sum(axis=1, keepdims=True), 1), outcome)
    run = simulate(
        panel, prediction, policy=top_k_buffer(k=k), fill="open", execution="executed", costs=flat(COST_BPS)
    )  # fmt: skip
    benchmark = equal_weight(panel)
    over = {gross: active_returns(run, benchmark, gross=gross) for gross in (True, False)}
    values = (
        sharpe(book.net(COST_BPS), periods=PAPER_YEAR), sharpe(book.gross, periods=PAPER_YEAR),
        float(book.turnover[1:].mean()), sharpe(every.net(COST_BPS), periods=PAPER_YEAR),
        sharpe(run.returns, periods=SESSIONS), sharpe(over[True], periods=SESSIONS),
        sharpe(over[False], periods=SESSIONS), float(run.turnover[1:].mean()),
    )  # fmt: skip
    return dict(zip(TOP, values, strict=True))


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """PAIRS on one market: information and books as everywhere, and the levels of the top k."""
    found, seed = {row["arm"]: result for row, result in rows}, rows[0][0]["seed"]
    world, records = _market(rows[0][0], settings), list[Record]()
    for left, right in PAIRS:
        if left in found and right in found:
            name = f"{left} - {right}"
            records += compared(world, found[left], found[right], name=name, seed=seed)
            gaps = level_differences(_values(found[left]), _values(found[right]), TOP)
            records += [{"variant": name, **item} for item in gaps]
    return RowResult(records)


def _values(result: RowResult) -> Mapping[str, float]:
    return {item["metric"]: item["value"] for item in result.records}


def agreement(row: Config) -> Agreement:
    return TRAINED
