"""The same predictions in every book: four covariances by two cost terms, and two rules of ranks, on simulated markets.

Predictions are ridge's. The optimiser reads their size, which the papers do not print, so every book is made twice:
standardised, as IC x the stock's volatility x its score of the day, and literally, in returns as ridge gives them; each
at four risk aversions. What a book of the top k holds depends on neither; it stands beside each.

Every book trades at the next open under the exchange's rules and pays 8 basis points a side, whatever its optimiser
counts. The sample covariance has a ridge of 1e-6 and is run at one aversion: it is slow (see `Ridged`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from lib.evaluation.arms import arm_dataset
from lib.evaluation.hedged import hedged, market_beta
from lib.evaluation.scoring import COST_BPS, SESSIONS, annual_sharpe
from lib.evaluation.simulated import market, market_settings
from lib.models.walk import walk_predictions
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import (
    Backtest,
    MeanVariance,
    OptimiserWarning,
    Policy,
    active_returns,
    equal_weight,
    flat,
    optimised,
    simulate,
    top_k_buffer,
    traded,
    validation_days,
)
from lib.portfolio.ridged import Ridged
from lib.portfolio.slowed import slowed
from lib.stats import max_drawdown
from lib.stats.keys import Key
from lib.store.rows import Record

LIMIT_RATES = "real"
#: size of standardised predictions: the papers report an IC of .049
IC = 0.05
CAP = 0.03
COVARIANCES = ("sample", "ledoit_wolf", "diagonal", "pca")
#: the one that the others are held against, and the one that is run at one aversion alone
HOME, SLOW = "ledoit_wolf", "sample"
COUNTED, FREE = "costs counted", "costs left out"
#: whether the optimiser counts the costs -> its cost of a unit of turnover
COSTS = {FREE: 0.0, COUNTED: COST_BPS / 1e4}
#: equal weight on the top k: name -> names are kept while their rank is at most so many times k
RULES = {"top k": 1.0, "top k, buffer 2k": 2.0}
SENSES = ("standardised", "literal")
#: the second has the value of the papers' code, and turnovers are matched there
AVERSIONS = (1, 10, 5, 50)
MATCHED_AT = ("standardised", 10)
#: the papers' own back-test, in which every order fills at the close: at which place, and of which books
CLAIMED_AT = ("literal", 10)
CLAIMED = ("top k", "sample, costs left out", "ledoit_wolf, costs left out")
#: highest cost a unit of turnover that an optimiser is slowed with
DEAREST = 0.02

PLACE = Key("{stocks} stocks, {sense}, aversion {aversion}", sense=SENSES)
BOOK = Key("{covariance}, {cost}", covariance=COVARIANCES, cost=COSTS)
OPTIMISED = tuple(BOOK.name(covariance=covariance, cost=cost) for covariance in COVARIANCES for cost in COSTS)
LEVEL = Key("{book} | {place}", book=(*RULES, *OPTIMISED))
PAIR = Key("{covariance} - {home}, {cost} | {place}", covariance=COVARIANCES, home=(HOME,), cost=COSTS)
TERM = Key("{counted} - left out, {covariance} | {place}", counted=(COUNTED,), covariance=COVARIANCES)
AGAINST = Key("{book} - {rule} | {place}", book=OPTIMISED, rule=RULES)
#: main effects: a covariance against HOME, over both costs; the cost term, over the covariances
COVARIANCE_EFFECT = Key("{covariance} - {home} on average | {place}", covariance=COVARIANCES, home=(HOME,))
COST_EFFECT = Key("{counted} - left out on average | {place}", counted=(COUNTED,))
#: of which differences are taken, gross before net
COMPARED = (
    "sharpe_gross", "sharpe", "appraisal_gross", "appraisal", "active_sharpe_gross", "active_sharpe", "beta",
    "volatility", "tracking_error", "max_drawdown", "turnover", "annual_gross", "annual_net",
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """How a book is made. policy: of a setting in [low, high] in which its turnover falls; low is the book itself."""

    policy: Callable[[float], Policy]
    low: float
    high: float


def grid(settings: Settings) -> Iterator[Config]:
    """The small markets, then the first few large ones; a row is a market at one size of predictions and aversion."""
    sizes = [(settings["n_stocks"], settings["seeds"])]
    sizes.append((settings["large_stocks"], settings["seeds"][: settings["large_seeds"]]))
    for stocks, seeds in sizes:
        for seed in seeds:
            for sense in SENSES:
                for aversion in settings["aversions"]:
                    place = PLACE.name(stocks=stocks, sense=sense, aversion=aversion)
                    yield {"variant": f"all books | {place}", "seed": seed, "stocks": stocks, "sense": sense,
                           "aversion": aversion, "place": place}  # fmt: skip


def by_market(row: Config) -> str:
    return f"{row['stocks']} {row['seed']}"


def compute(row: Config, settings: Settings) -> RowResult:
    config = tuple(sorted(market_settings(settings).items()))
    panel, prediction = predicted(
        row["stocks"], settings["n_days"], row["seed"], settings["factors"], settings["first_test_year"], config
    )
    index, ways = equal_weight(panel), ways_of(row, panel)
    runs, found = {}, {}
    for name, way in ways.items():
        runs[name], fallbacks = run_of(panel, prediction, way.policy(way.low))
        found[LEVEL.name(book=name, place=row["place"])] = {**measured(runs[name], index), "fallbacks": fallbacks}
        if name in CLAIMED and (row["sense"], row["aversion"]) == CLAIMED_AT:
            naive, _ = run_of(panel, prediction, way.policy(way.low), fill="close", execution="naive")
            found[LEVEL.name(book=name, place=row["place"])] |= {
                f"naive_close.{metric}": value for metric, value in measured(naive, index).items()
            }
    pairs = pairs_of(ways, row["place"])
    for name, (left, right) in pairs.items():
        a, b = (found[LEVEL.name(book=side, place=row["place"])] for side in (left, right))
        found[name] = {metric: a[metric] - b[metric] for metric in COMPARED}
        found[name] |= {"turnover.left": a["turnover"], "turnover.right": b["turnover"]}
        if (row["sense"], row["aversion"]) == MATCHED_AT and not TERM.parts(name):
            sides = ((ways[left], runs[left]), (ways[right], runs[right]))
            found[name] |= matched(panel, prediction, sides, index)
    found |= main_effects(found, row["place"])
    return RowResult(list(_records(found)))


@lru_cache(maxsize=1)  # the rows of one market run in one process, in order
def predicted(
    stocks: int, n_days: int, seed: int, factors: str, first_test_year: int, config: tuple[tuple[str, float], ...]
) -> tuple[Panel, np.ndarray]:
    """The panel of a market and ridge's predictions [T, N], refitted every year."""
    world = market(stocks, n_days, seed, LIMIT_RATES, **dict(config))
    data = arm_dataset(world, factors)
    prediction = walk_predictions(
        data, world.panel.dates, learner="ridge", first_test_year=first_test_year, seed=seed
    )  # fmt: skip
    return world.panel, prediction


def ways_of(row: Config, panel: Panel) -> dict[str, Way]:
    """Name -> book, of a row: the rules of ranks first."""
    k = row["stocks"] // 10
    found = {
        name: Way(lambda multiple: top_k_buffer(k, int(multiple * k)), multiple, row["stocks"] / k)
        for name, multiple in RULES.items()
    }
    for covariance in COVARIANCES:
        if covariance == SLOW and row["aversion"] != CLAIMED_AT[1]:
            continue
        kind: type[MeanVariance] = Ridged if covariance == SLOW else MeanVariance
        optimiser = kind(cap=CAP, risk_aversion=float(row["aversion"]), estimator=covariance)
        ic = IC if row["sense"] == "standardised" else None
        for name, cost in COSTS.items():
            found[BOOK.name(covariance=covariance, cost=name)] = Way(_optimised(panel, optimiser, ic), cost, DEAREST)
    return found


def _optimised(panel: Panel, optimiser: MeanVariance, ic: float | None) -> Callable[[float], Policy]:
    return lambda cost: optimised(panel, replace(optimiser, cost=cost), ic=ic, infeasible="hold")


def run_of(panel: Panel, prediction: np.ndarray, policy: Policy, **how: Any) -> tuple[Backtest, int]:
    """The back-test at 8 basis points a side, and the days on which the optimiser's fast form gave no certificate."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OptimiserWarning)
        run = simulate(panel, prediction, policy=policy, costs=flat(COST_BPS), **how)
    return run, sum(issubclass(item.category, OptimiserWarning) for item in caught)


def measured(run: Backtest, index: np.ndarray) -> dict[str, float]:
    """Whole book, hedged book and book over equal weight, gross before net; risk; what it trades and holds."""
    held = slice(run.first_row, run.first_row + len(run.dates))
    moves = np.concatenate(([0.0], index[held][1:]))
    active, active_gross = active_returns(run, index), active_returns(run, index, gross=True)
    return {
        "sharpe_gross": annual_sharpe(run.gross),
        "sharpe": annual_sharpe(run.returns),
        "appraisal_gross": annual_sharpe(hedged(run.gross, moves)),
        "appraisal": annual_sharpe(hedged(run.returns, moves)),
        "active_sharpe_gross": annual_sharpe(active_gross),
        "active_sharpe": annual_sharpe(active),
        "beta": market_beta(run.gross, moves),
        "volatility": float(run.gross.std(ddof=1)) * SESSIONS**0.5,
        "tracking_error": float(active_gross.std(ddof=1)) * SESSIONS**0.5,
        "max_drawdown": max_drawdown(run.returns),
        "turnover": traded(run.turnover),
        "annual_gross": float(active_gross.mean()) * SESSIONS,
        "annual_net": float(active.mean()) * SESSIONS,
        "held": float(run.held[2:].mean()),
    }


def pairs_of(ways: Mapping[str, Way], place: str) -> dict[str, tuple[str, str]]:
    """Name of a difference -> its two books: covariances, the cost term, and optimisers against rules of ranks."""
    found = {}
    present = [name for name in COVARIANCES if BOOK.name(covariance=name, cost=FREE) in ways]
    for covariance in present:
        own = {cost: BOOK.name(covariance=covariance, cost=cost) for cost in COSTS}
        found[TERM.name(counted=COUNTED, covariance=covariance, place=place)] = (own[COUNTED], own[FREE])
        for cost, book in own.items():
            if covariance != HOME:
                name = PAIR.name(covariance=covariance, home=HOME, cost=cost, place=place)
                found[name] = (book, BOOK.name(covariance=HOME, cost=cost))
    for cost in COSTS:
        book = BOOK.name(covariance=HOME, cost=cost)
        found |= {AGAINST.name(book=book, rule=rule, place=place): (book, rule) for rule in RULES}
    return found


def main_effects(found: Mapping[str, Mapping[str, float]], place: str) -> dict[str, dict[str, float]]:
    """Each covariance less HOME, the mean over both costs; the cost term, the mean over the covariances of the row."""
    names: dict[str, list[str]] = {}
    for covariance in COVARIANCES:
        if covariance != HOME:
            effect = COVARIANCE_EFFECT.name(covariance=covariance, home=HOME, place=place)
            names[effect] = [PAIR.name(covariance=covariance, home=HOME, cost=cost, place=place) for cost in COSTS]
    effect = COST_EFFECT.name(counted=COUNTED, place=place)
    names[effect] = [TERM.name(counted=COUNTED, covariance=covariance, place=place) for covariance in COVARIANCES]
    present = {effect: [found[name] for name in parts if name in found] for effect, parts in names.items()}
    return {
        effect: {metric: float(np.mean([part[metric] for part in parts])) for metric in COMPARED}
        for effect, parts in present.items() if parts
    }  # fmt: skip


def matched(
    panel: Panel, prediction: np.ndarray, sides: tuple[tuple[Way, Backtest], tuple[Way, Backtest]], index: np.ndarray
) -> dict[str, float]:
    """Left less right once both trade the same: the one that trades more is slowed down on the first days, the
    validation days, and both are measured on the days after them. Without a setting within 5 % the ratio alone."""
    days = len(sides[0][1].dates)
    trial, start = validation_days(days), sides[0][1].first_row
    rates = [traded(run.turnover[:trial]) for _, run in sides]
    fast = int(rates[1] > rates[0])
    way = sides[fast][0]

    def tried(setting: float, stop: int | None) -> Backtest:
        return run_of(panel, prediction, way.policy(setting), start=start, stop=stop)[0]

    found = slowed(lambda setting: tried(setting, start + trial).turnover, way.low, way.high, rates[1 - fast])
    ratio = 1 / found.ratio if fast and found.ratio > 0 else found.ratio
    if not found.reached:
        return {"matched.validation_ratio": ratio} if np.isfinite(ratio) else {}
    runs = [run for _, run in sides]
    runs[fast] = runs[fast] if found.multiple == way.low else tried(found.multiple, None)
    later = [_after(run, trial) for run in runs]
    a, b = (measured(run, index) for run in later)
    after = {f"matched.{metric}": a[metric] - b[metric] for metric in ("sharpe", "appraisal", "active_sharpe")}
    turnovers = {"matched.turnover_ratio": a["turnover"] / b["turnover"]} if b["turnover"] > 0 else {}
    return {"matched.validation_ratio": ratio, **turnovers, **after}


def _after(run: Backtest, days: int) -> Backtest:
    """The days after the first so many."""
    series = ("dates", "returns", "gross", "costs", "turnover", "equity", "cash", "held", "stale")
    return replace(run, first_row=run.first_row + days, **{name: getattr(run, name)[days:] for name in series})


def _records(found: Mapping[str, Mapping[str, float]]) -> Iterator[Record]:
    for name, numbers in found.items():
        for metric, value in numbers.items():
            yield {"variant": name, "metric": metric, "value": float(value)}
