"""What is known of a book's risk on the day before, which risks it takes, and what a rolling view of it shows.

Three books on ridge's predictions, refitted every year: the equal-weight index, which predicts nothing; the tenth of
the stocks with the highest predictions at equal weight, with a buffer; Ledoit and Wolf's optimiser that counts costs.
Both are executed at the next open at 8 basis points a side. Beside them stand the index's days in random order: the
same returns without their calm and wild spells, which a method that forgets the order of days should forecast rightly.

Forecasts read the days before them alone: a window of 250 days as it is, or rescaled, divided by each day's forecast
deviation (exponentially weighted, decay .94) and multiplied by that of the day that is forecast.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from lib.errors import StatisticsError
from lib.evaluation.arms import arm_dataset
from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.samples import samples_of
from lib.evaluation.scoring import COST_BPS, SESSIONS, annual_sharpe, resampled
from lib.evaluation.simulated import market, market_settings
from lib.models.walk import walk_predictions
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import Backtest, MeanVariance, active_returns, equal_weight, flat, optimised, simulate, top_k_buffer
from lib.portfolio.attribution import attribute
from lib.portfolio.risk import FIVE, exposures, style_returns, style_scores
from lib.stats import bootstrap_interval, max_drawdown
from lib.stats.inference import normal_interval
from lib.stats.keys import Key
from lib.stats.rolling import rolling_sharpe, rolling_volatility
from lib.stats.tail import METHODS, tail_forecasts
from lib.stats.tail_tests import christoffersen, conditional_coverage, exceedances, kupiec, shortfall_test, shortfall_z
from lib.store.rows import Record, records
from lib.studies.regimes.measure import regime_labels

LIMIT_RATES, SIMULATED_PLACE = "real", "simulated"
INDEX, TOP, OPTIMISED, SHUFFLED = "index", "best tenth", "optimised", "index in random order"
TRADED = (TOP, OPTIMISED)
BOOKS = (INDEX, *TRADED, SHUFFLED)
#: how a window is read -> decay of `tail_forecasts`
SCALINGS: Mapping[str, float | None] = {"plain": None, "rescaled": 0.94}
LEVELS: Mapping[str, float] = {"1 %": 0.01, "2.5 %": 0.025}
WINDOW = 250
#: level and method whose exceedances are counted by regime
COUNTED = ("historical", "2.5 %")
REGIMES = ("bear", "calm", "rally", "volatile", "quiet", "after a change of rules")
#: changes of the rules of trading on the mainland exchanges, and the sessions that count as after one
RULE_CHANGES = ("2016-01-04", "2020-08-24", "2023-08-28")
AFTER = 60
#: days behind the volatility of a day's regime
LOOK_BACK = 60
STYLE_NAMES = ("size", "value", "momentum", "volatility", "liquidity")
ROLLED = (60, 120, 250)
SHUFFLES = 20
#: p-value below which a test rejects
REJECTS = 0.05
#: rows of a block in which style scores are computed, and rows before it: the 560 of value, and room for a halt there
BLOCK, STYLE_DAYS = 600, 640

TAIL = Key("{book}, {method}, {scaling}, {level} | {place}", book=BOOKS, method=METHODS, scaling=SCALINGS, level=LEVELS)
REGIME = Key("{book}, days: {regime} | {place}", book=(INDEX, *TRADED), regime=REGIMES)
STYLE = Key("{book}, style: {style} | {place}", book=TRADED, style=("market", *STYLE_NAMES))
EXPLAINED = Key("{book}, explained | {place}", book=TRADED)
ROLLING = Key("{book}, {window} sessions | {place}", book=(INDEX, *TRADED))
COURSE = Key("{book}, course | {place}", book=(INDEX, *TRADED))


def grid(settings: Settings) -> Iterator[Config]:
    """A row per market, and one for the file."""
    yield from ({"variant": SIMULATED_PLACE, "seed": seed} for seed in settings["seeds"])
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0, "data": True}


def compute(row: Config, settings: Settings) -> RowResult:
    real, place = "data" in row, row["variant"]
    rng = np.random.default_rng([zlib.crc32(place.encode()), row["seed"]])
    panel, runs = books(row, settings)
    start, index = runs[TOP].first_row, equal_weight(panel)
    index_days = np.concatenate(([0.0], index[start:][1:]))
    net = {INDEX: index_days, **{name: run.returns for name, run in runs.items()}}
    hits, found = dict[str, np.ndarray](), list[Record]()
    for name, series in (net | {SHUFFLED: rng.permutation(index_days)}).items():
        part, own = tails(name, place, series, rng, settings["samples"] if real else 0)
        found += part
        hits |= own
    groups = regimes(panel, index, real)
    for name, series in net.items():
        found += by_regime(name, place, series, index_days, runs.get(name), groups, start, hits)
    found += styles(place, panel, runs, start, real)
    for name, series in {INDEX: index_days, **{n: active_returns(run, index) for n, run in runs.items()}}.items():
        found += rolling(name, place, series, panel.dates[start:] if real else None, rng)
    return RowResult(found)


def books(row: Config, settings: Settings) -> tuple[Panel, dict[str, Backtest]]:
    """The panel and the books on it, with weights day by day."""
    if "data" in row:
        panel, year = file_panel(settings), settings["first_file_year"]
        data = samples_of(panel, "factors", settings["factors"])
    else:
        size, year = (settings["n_stocks"], settings["n_days"]), settings["first_test_year"]
        world = market(*size, row["seed"], LIMIT_RATES, **market_settings(settings))
        panel, data = world.panel, arm_dataset(world, settings["factors"])
    prediction = walk_predictions(data, panel.dates, learner="ridge", first_test_year=year)
    optimiser = MeanVariance(cap=0.03 if panel.universe.sum(axis=1).max() > 60 else 0.1, cost=COST_BPS / 1e4)
    policies = {TOP: top_k_buffer(), OPTIMISED: optimised(panel, optimiser, ic=0.05, infeasible="hold")}
    how: dict[str, Any] = {"costs": flat(COST_BPS), "keep_paths": True}
    return panel, {name: simulate(panel, prediction, policy=policy, **how) for name, policy in policies.items()}


# ----------------------------------------------------------------------------------------- the tail


def tails(
    book: str, place: str, returns: np.ndarray, rng: np.random.Generator, samples: int
) -> tuple[list[Record], dict[str, np.ndarray]]:
    """Back-tests of every method's forecasts; and by scaling which days [D] went beyond them, NaN without a forecast.

    hits: share of days beyond VaR. reject *: 1 where a test rejects at 5 %. es_ratio: mean loss on days beyond VaR over
    the mean ES forecast for them. z: `shortfall_z`. width: mean VaR. defined: share of days with a forecast.
    """
    found, kept = list[Record](), dict[str, np.ndarray]()
    for scaling, decay in SCALINGS.items():
        for label, level in LEVELS.items():
            for method in METHODS:
                var, es = tail_forecasts(returns, level, method=method, rng=rng, decay=decay, window=WINDOW, every=5)
                known = np.isfinite(np.asarray(var))
                beyond = np.full(len(returns), np.nan)
                if known.any():
                    beyond[known] = exceedances(returns[known], np.asarray(var)[known])
                    name = TAIL.name(book=book, method=method, scaling=scaling, level=label, place=place)
                    numbers = _tested(returns[known], np.asarray(es)[known], beyond[known], level, rng)
                    numbers |= {"width": float(np.asarray(var)[known].mean()),
                                "defined": float(known[WINDOW:].mean())}  # fmt: skip
                    found += records(numbers | _share(beyond[known], rng, samples), int(known.sum()), name)
                if (method, label) == COUNTED:
                    kept[f"{book} {scaling}"] = beyond
    return found, kept


def _share(beyond: np.ndarray, rng: np.random.Generator, samples: int) -> dict[str, float]:
    """The share of days beyond VaR, with the interval of its mean where days are resampled in blocks."""
    if not (resampled(beyond, samples) and beyond.any()):
        return {"hits": float(beyond.mean())}
    return bootstrap_interval(beyond, np.mean, rng=rng, n_samples=samples).columns("hits")


def _tested(
    returns: np.ndarray, es: np.ndarray, beyond: np.ndarray, level: float, rng: np.random.Generator
) -> dict[str, float]:
    p = {"share": kupiec(beyond, level).p_value, "clusters": christoffersen(beyond).p_value,
         "both": conditional_coverage(beyond, level).p_value}  # fmt: skip
    found = {"z": shortfall_z(returns, es, beyond, level)}
    hit = beyond > 0
    if hit.any():
        found["es_ratio"] = float(-returns[hit].mean() / es[hit].mean())
    with suppress(StatisticsError):  # fewer than five days beyond VaR have no power
        p["depth"] = shortfall_test(returns, es, beyond, rng=rng).p_value
    return found | {f"p {name}": value for name, value in p.items()} | {
        f"reject {name}": float(value < REJECTS) for name, value in p.items()
    }  # fmt: skip


# --------------------------------------------------------------------------------------------- regimes


def regimes(panel: Panel, index: np.ndarray, real: bool) -> dict[str, np.ndarray]:
    """Regime -> its days [T], by what is known before the day: trend, volatility; of a file also dates of new rules.

    volatile: the index's deviation over the 60 days before the day is above the median of all such days up to then.
    """
    trend = regime_labels(panel)
    found = {name: trend == name for name in ("bear", "calm", "rally")}
    deviation = np.full(len(index), np.nan)
    deviation[LOOK_BACK:] = np.lib.stride_tricks.sliding_window_view(index, LOOK_BACK)[:-1].std(axis=1)
    usual = np.array([np.median(deviation[LOOK_BACK : t + 1]) if t >= LOOK_BACK else np.nan for t in range(len(index))])
    found |= {"volatile": deviation > usual, "quiet": deviation <= usual}
    if real:
        starts = np.searchsorted(panel.dates, np.array(RULE_CHANGES, dtype=panel.dates.dtype))
        days = np.arange(len(panel.dates))[:, None]
        found["after a change of rules"] = ((days >= starts) & (days < starts + AFTER)).any(axis=1)
    return found


def by_regime(
    book: str,
    place: str,
    net: np.ndarray,
    index: np.ndarray,
    run: Backtest | None,
    groups: Mapping[str, np.ndarray],
    start: int,
    hits: Mapping[str, np.ndarray],
) -> Iterator[Record]:
    """What a book earned on the days of each regime, gross and net, what it traded, how often it went beyond VaR.

    over_gross, over_net: sums of returns over the index per year of the regime's own days. share: of all days.
    """
    for regime, days in groups.items():
        inside = days[start : start + len(net)]
        if inside.sum() < AFTER:
            continue
        numbers = {"share": float(inside.mean()), "volatility": float(net[inside].std(ddof=1)) * SESSIONS**0.5}
        numbers["annual"] = float(net[inside].mean()) * SESSIONS
        if run is not None:
            numbers |= {"over_gross": float((run.gross - index)[inside].mean()) * SESSIONS,
                        "over_net": float((net - index)[inside].mean()) * SESSIONS,
                        "over_sharpe_gross": annual_sharpe((run.gross - index)[inside]),
                        "over_sharpe": annual_sharpe((net - index)[inside]),
                        "turnover": float(run.turnover[inside].mean())}  # fmt: skip
        for scaling in SCALINGS:
            known = hits[f"{book} {scaling}"][inside]
            known = known[np.isfinite(known)]
            if len(known) >= AFTER:
                numbers[f"hits {scaling}"] = float(known.mean())
        yield from records(numbers, int(inside.sum()), REGIME.name(book=book, regime=regime, place=place))


# ---------------------------------------------------------------------------------------------- styles


def scores_in_blocks(panel: Panel, block: int = BLOCK) -> dict[str, np.ndarray]:
    """`style_scores` [T, N], a block of days at a time with the days that it looks back to: memory is bounded.

    A stock halted through the first 80 of these days lacks the scores of closes before them.
    """
    parts: list[dict[str, np.ndarray]] = []
    for first in range(0, len(panel.dates), block):
        lead = max(first - STYLE_DAYS, 0)
        scores = style_scores(panel.rows(lead, min(first + block, len(panel.dates))))
        parts.append({name: values[first - lead :] for name, values in scores.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def styles(place: str, panel: Panel, runs: Mapping[str, Backtest], start: int, real: bool) -> Iterator[Record]:
    """Exposure of each book to each style, and the return over costs that market and four styles explain.

    Days count from the first on which every style has a portfolio. Intervals of a file: Newey-West.
    """
    scores = scores_in_blocks(panel)
    returns, cells = style_returns(panel, scores), panel.mask & panel.universe
    there = np.logical_and.reduce([returns[name] != 0 for name in FIVE])
    first = max(start + 1, int(there.argmax()))
    for book, run in runs.items():
        days, weights = slice(first, start + len(run.dates)), run.weights
        assert weights is not None and there.any()
        held = exposures(weights[first - start :], {name: z[days] for name, z in scores.items()}, cells[days])
        found = attribute(run.gross[first - start :], {name: returns[name][days] for name in FIVE}, periods=SESSIONS)
        for name in ("market", *(style for style in STYLE_NAMES if style in scores)):
            numbers = {"exposure": float(np.nanmean(held[name]))} if name in held else {}
            if name in found.betas:
                numbers |= _with_error("beta", *found.betas[name][:2], real) | {"earned": found.contributions[name]}
            yield from records(numbers, found.days, STYLE.name(book=book, style=name, place=place))
        costs = float(run.costs[first - start :].mean()) * SESSIONS
        numbers = _with_error("alpha", *found.alpha[:2], real) | {"explained": found.r_squared, "costs": costs}
        numbers["annual"] = found.alpha.value + sum(found.contributions.values())
        yield from records(numbers, found.days, EXPLAINED.name(book=book, place=place))


def _with_error(name: str, value: float, error: float, real: bool) -> dict[str, float]:
    """On a file with the normal interval of its error; over markets their spread replaces it."""
    return normal_interval(value, error).columns(name) if real else {name: value}


# --------------------------------------------------------------------------------------- rolling views


def rolling(
    book: str, place: str, returns: np.ndarray, dates: np.ndarray | None, rng: np.random.Generator
) -> Iterator[Record]:
    """How far rolling Sharpe ratio and volatility move over time, over how far they move when the days are shuffled.

    returns: over the index, after costs; of the index, its own. swing: deviation of the view over time;
    swing_by_chance: the same for days in random order, mean of 20. worst, best: of all windows. dates: of a file, for
    the course of the longest window.
    """
    for window in (size for size in ROLLED if size * 2 <= len(returns)):
        numbers: dict[str, float] = {}
        for what, view in (("sharpe", rolling_sharpe), ("volatility", rolling_volatility)):
            own = view(returns, window, periods=SESSIONS)
            drawn = [_swing(view(rng.permutation(returns), window, periods=SESSIONS), window) for _ in range(SHUFFLES)]
            numbers |= {f"{what} swing": _swing(own, window), f"{what} swing_by_chance": float(np.mean(drawn)),
                        f"{what} worst": float(np.nanmin(own)), f"{what} best": float(np.nanmax(own))}  # fmt: skip
            numbers[f"{what} ratio"] = numbers[f"{what} swing"] / numbers[f"{what} swing_by_chance"]
        yield from records(numbers, len(returns) // window, ROLLING.name(book=book, window=window, place=place))
    numbers = {"max_drawdown": max_drawdown(returns), "sharpe": annual_sharpe(returns)}
    if dates is not None and 2 * ROLLED[-1] <= len(returns):
        own = rolling_sharpe(returns, ROLLED[-1], periods=SESSIONS)
        numbers |= {f"sharpe {dates[t]}": float(own[t]) for t in range(ROLLED[-1], len(own), AFTER)}
    yield from records(numbers, len(returns), COURSE.name(book=book, place=place))


def _swing(values: np.ndarray, window: int) -> float:
    """Deviation of a rolling view over every day from its first full window on."""
    return float(np.nanstd(values[window - 1 :]))
