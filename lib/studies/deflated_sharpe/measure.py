"""A ledger of trials, the best of them, what the deflation says of it, and what it earned afterwards.

A trial is a back-test of a configuration: which factors ridge reads, its penalty, the number of names, the buffer. All
are of one market and the same days, so their returns are alike. Returns are over equal weight, at the next open; before
costs nothing can be earned in the null market, so that a Sharpe ratio above zero there is luck. Trials differ in costs
too, which is no luck, hence after costs as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from lib.arrays import Matrix
from lib.evaluation.arms import arm_dataset
from lib.evaluation.core import CORE
from lib.evaluation.scoring import COST_BPS, SESSIONS
from lib.evaluation.simulated import market
from lib.market import Market
from lib.models.walk import walk_predictions
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import active_returns, equal_weight, flat, simulate, top_k_buffer
from lib.stats import Moments, effective_trials, expected_maximum, min_track_record, moments, psr
from lib.stats.keys import Key

#: name -> what the market plants, as settings of `make_market`; strong is its default
WORLDS: Mapping[str, Mapping[str, object]] = {
    "null": {"null": True},
    "weak": {"alpha": 0.03, "reversal": 0.1},
    "strong": {},
}
BASES = ("gross", "net")
#: the ledger: factors x ridge penalties x shares of the stocks held x buffers, as multiples of the names held
FACTORS = {"curated": CORE[:9], "others": CORE[9:], "all": CORE}
PENALTIES = (0.01, 1.0)
SHARES, BUFFERS = (0.05, 0.1), (1.0, 2.0, 4.0)
#: which N and V deflate: of the trials as counted, of the effective number, or N effective with V = 1 / (T - 1), what
#: luck alone gives a trial
RULES = ("all", "effective", "sampling")
PASS = 0.95
CHOSEN = Key("{world}, {basis}", world=WORLDS, basis=BASES)


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        for world in settings["worlds"]:
            yield {"variant": world, "seed": seed}


def compute(row: Config, settings: Settings) -> RowResult:
    size = (settings["n_stocks"], settings["n_days"])
    world = market(*size, row["seed"], settings["limit_rates"], **WORLDS[row["variant"]])
    trials = ledger(world, settings["first_test_year"])
    records, arrays = [], {}
    for basis, returns in trials.items():
        half = len(returns) // 2
        found = chosen(returns[:half], returns[half:])
        name = CHOSEN.name(world=row["variant"], basis=basis)
        records += [{"variant": name, "metric": metric, "value": value} for metric, value in found.items()]
        arrays[basis] = np.array([_annual(column) for column in returns[:half].T])
    return RowResult(records, arrays)


def ledger(world: Market, first_test_year: int) -> dict[str, Matrix]:
    """Basis -> daily returns over equal weight of every trial, [D, 36]; without the first day, which only buys."""
    panel, index = world.panel, equal_weight(world.panel)
    runs: dict[str, list[np.ndarray]] = {basis: [] for basis in BASES}
    for names in FACTORS.values():
        data = arm_dataset(world, names)
        for penalty in PENALTIES:
            prediction = walk_predictions(
                data, panel.dates, learner="ridge", first_test_year=first_test_year, penalties=(penalty,)
            )
            for share, multiple in product(SHARES, BUFFERS):
                policy = top_k_buffer(k := max(int(share * panel.shape[1]), 2), int(multiple * k))
                run = simulate(panel, prediction, policy=policy, fill="open", costs=flat(COST_BPS))
                for basis in BASES:
                    runs[basis].append(active_returns(run, index, gross=basis == "gross")[1:])
    return {basis: np.column_stack(columns) for basis, columns in runs.items()}


def chosen(before: Matrix, after: Matrix) -> dict[str, float]:
    """The best trial of `before` [D, K] by its Sharpe ratio: each way to deflate it, and its Sharpe ratio `after`.

    Sharpe ratios and thresholds are annual. dsr.RULE: the PSR against the threshold of the rule. zero: whether the
    interval of `psr` excludes zero, at one side and PASS.
    """
    ratios = np.array([moments(column).sharpe for column in before.T])
    best = int(ratios.argmax())
    of_best, later = moments(before[:, best]), _annual(after[:, best])
    trials, effective = len(ratios), effective_trials(before)
    spread = float(ratios.var(ddof=1))
    rules = {
        "all": (trials, spread), "effective": (effective, spread), "sampling": (effective, 1 / (len(before) - 1)),
    }  # fmt: skip
    found = {
        "trials": float(trials), "effective": effective, "correlation": _correlation(before),
        "spread": float(spread**0.5 * SESSIONS**0.5), "mean": float(ratios.mean() * SESSIONS**0.5),
        "best": float(of_best.sharpe * SESSIONS**0.5), "later": later, "lost": _annual(before[:, best]) - later,
        "later_mean": float(np.mean([_annual(column) for column in after.T])), "years": len(before) / SESSIONS,
        "skew": of_best.skew, "kurtosis": of_best.kurtosis, "psr": psr(*of_best), "pass.psr": _passes(of_best, 0.0),
    }  # fmt: skip
    for rule, (count, variance) in rules.items():
        threshold = expected_maximum(count, variance)
        found |= {
            f"threshold.{rule}": threshold * SESSIONS**0.5,
            f"dsr.{rule}": psr(*of_best, benchmark=threshold),
            f"pass.{rule}": _passes(of_best, threshold),
        }
    if of_best.sharpe > 0:
        found["record_years"] = min_track_record(of_best.sharpe, of_best.skew, of_best.kurtosis) / SESSIONS
    return found


def _passes(best: Moments, threshold: float) -> float:
    return float(psr(*best, benchmark=threshold) >= PASS)


def _annual(returns: np.ndarray) -> float:
    return float(moments(returns).sharpe * SESSIONS**0.5)


def _correlation(returns: Matrix) -> float:
    """Mean correlation of pairs."""
    count, found = returns.shape[1], np.corrcoef(returns, rowvar=False)
    return float((found.sum() - count) / (count * (count - 1)))
