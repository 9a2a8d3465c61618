"""The systems of the papers' main table, each whole: a learner, its loss, its samples and its book.

All systems have the same factors, cells, labels, split, validation days and costs, and one fit predicts all test days.
The papers do not say whether their baselines have the mask; here every system has it, so that a difference is due to
the learner, the loss, the synthetic panel or the book. The Transformer is fitted on 20,000 samples, because it takes
minutes there; so a LightGBM and an MLP on as many stand beside those on all. Ridge, which the papers do not try, is put
into the same optimiser.

The optimiser reads the size of predictions. At the next open they are standardised (IC x the stock's volatility x its
score of the day), at risk aversion 10, and the optimiser counts its costs. `naive_close` is the papers' own back-test:
predictions as they are, risk aversion 10 and no costs in the objective (their eq. 4), every order filled at the close.
Both pay 8 basis points a side. Further sizes and aversions are run on simulated markets, at the next open.

A row is a system on one market, or one training seed of it in one window of a price file, whose training seeds are
averaged afterwards: they share the days and are no further markets.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.errors import StatisticsError
from lib.evaluation.contrasts import gross_and_net, mean_difference, sharpe_difference
from lib.evaluation.hedged import hedged
from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.one_fit import one_split
from lib.evaluation.predictions import kept, on_panel, row_rng
from lib.evaluation.samples import samples_of
from lib.evaluation.scoring import SESSIONS, annual_sharpe, daily_ics, resampled
from lib.evaluation.simulated import market, market_settings, truth_difference, truth_series
from lib.evaluation.training_seeds import averaged
from lib.models.augmentation import joined, labelled, synthetic_panel
from lib.models.baselines import BASELINES, find_baseline
from lib.models.settings import TUNED, tuned
from lib.models.splits import Split, fixed_split
from lib.models.walk import walked
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import (
    Backtest,
    MeanVariance,
    Past,
    active_returns,
    equal_weight,
    optimised,
    top_k_buffer,
    traded,
    validation_days,
)
from lib.stats import annual_return, prediction_interval, sortino
from lib.stats.keys import Key
from lib.store.rows import Record, records
from lib.studies.mask_ablation_real.measure import FIXED
from lib.studies.portfolio_method.measure import CAP, DEAREST, IC, SENSES, Way, matched, measured, run_of

if TYPE_CHECKING:
    from lib.market import Market
    from lib.models.dataset import Dataset
    from lib.models.fits import Predictor
    from lib.panel import Panel

LIMIT_RATES, SIMULATED_PLACE = "real", "simulated"
KIND = "stock_blocks"
PAPER_GAMMA, AVERSION = 0.1, 10


@dataclass(frozen=True)
class System:
    """baseline: of `lib.models.baselines`, "" for none. network: its name in `lib.models.architectures`, if it is one.

    book: hold | top | optimised. gamma: of AdjMSE; None: MSE. panels: synthetic ones beside the real sample. slow: of
    the first few markets only.
    """

    baseline: str = ""
    book: str = "optimised"
    network: str = ""
    gamma: float | None = None
    panels: int = 0
    slow: bool = False


HOLD, TREES, MLP, TRANSFORMER, FULL = (
    "buy and hold", "LightGBM, best tenth", "MLP, optimised", "Transformer, optimised", "full system",
)  # fmt: skip
FEW_TREES, FEW_MLP, RIDGE = "LightGBM on few samples, best tenth", "MLP on few samples, optimised", "ridge, optimised"
SYSTEMS: Mapping[str, System] = {
    HOLD: System(book="hold"),
    TREES: System("lightgbm", "top"),
    MLP: System("mlp", network="mlp"),
    TRANSFORMER: System("transformer", network="factor_transformer", slow=True),
    FULL: System("transformer", network="factor_transformer", gamma=PAPER_GAMMA, panels=1, slow=True),
    FEW_TREES: System("lightgbm_few", "top"),
    FEW_MLP: System("mlp_few", network="mlp"),
    RIDGE: System("ridge"),
}
#: the papers' baselines, which their full system beats
BASELINE_SYSTEMS = (HOLD, TREES, MLP, TRANSFORMER)
PAIRS = (*((FULL, name) for name in SYSTEMS if name != FULL), (TRANSFORMER, FEW_MLP), (TRANSFORMER, RIDGE),
         (MLP, RIDGE), (MLP, TREES), (MLP, HOLD), (RIDGE, HOLD))  # fmt: skip
LEVEL = Key("{system} | {place}", system=SYSTEMS)
FITTED = Key("{system} | {place}, training seed {number}", system=SYSTEMS)
PAIR = Key("{left} - {right} | {place}", left=SYSTEMS, right=SYSTEMS)
SCALE = Key("{system}, {sense}, aversion {aversion} | {place}", system=SYSTEMS, sense=SENSES)
#: run -> how its orders are filled: the headline, and the papers' own back-test
OPEN, CLOSE = "executed_open", "naive_close"
RUNS: Mapping[str, dict[str, Any]] = {
    OPEN: {"fill": "open", "execution": "executed"}, CLOSE: {"fill": "close", "execution": "naive"},
}  # fmt: skip
#: size of predictions and risk aversion of the headline
HEADLINE = (SENSES[0], AVERSION)
#: sessions between two points of a curve
STEP = 30
#: what is kept of a book day by day
SERIES = ("returns", "gross", "costs", "turnover", "equity", "cash", "held", "stale")


def grid(settings: Settings) -> Iterator[Config]:
    """Systems by market, the slow ones on the first few; systems and training seeds by window of the file."""
    for count, seed in enumerate(settings["seeds"]):
        for name, system in SYSTEMS.items():
            if count < settings["slow_seeds"] or not system.slow:
                variant = LEVEL.name(system=name, place=SIMULATED_PLACE)
                yield {"variant": variant, "seed": seed, **_row(name, SIMULATED_PLACE), "training_seed": seed}
    if settings["data_path"]:
        for window in settings["windows"]:
            place = f"{source_name(settings['data_path'])} {window}"
            for name, system in SYSTEMS.items():
                seeded = bool(system.baseline) and BASELINES[system.baseline].seeded
                for number in range(settings["training_seeds"] if seeded else 1):
                    variant = FITTED.name(system=name, place=place, number=number)
                    yield {"variant": variant, "seed": 0, **_row(name, place), "window": window,
                           "training_seed": number}  # fmt: skip


def _row(name: str, place: str) -> Config:
    """A system with the entries of registries that it uses."""
    system = SYSTEMS[name]
    row: Config = {"system": name, "place": place, "baseline": system.baseline or "ridge"}
    row["tuned"] = system.baseline if system.baseline in TUNED else "none"
    if system.network:
        row |= {"network": system.network, "losses": "mse" if system.gamma is None else "adj_mse"}
    return row


def group(row: Config) -> str:
    return f"{row['place']} {row['seed']}"


# ------------------------------------------------------------------------------------------- one row


def stage(row: Config, settings: Settings) -> tuple[Panel, Market | None, Split]:
    """The panel of a row up to its last test day, its truth where it is simulated, and its one split."""
    if "window" not in row:
        size = settings["n_stocks"], settings["n_days"]
        world = market(*size, row["seed"], LIMIT_RATES, **market_settings(settings))
        return world.panel, world, one_split(world.panel.dates, settings["first_test_year"])
    panel, split = file_window(settings, row["window"])
    return panel, None, split


def file_window(settings: Settings, window: str) -> tuple[Panel, Split]:
    """The panel of the price file up to the last test day of a window of the papers, and the window's split."""
    train, validation, test = FIXED[window]
    panel = file_panel(settings)
    split = fixed_split(panel.dates, train=train, validation=validation, test=test)
    return _first_rows(panel, split.test_stop), split


@lru_cache(maxsize=1)
def _first_rows(panel: Panel, stop: int) -> Panel:
    return panel if stop == len(panel.dates) else panel.rows(0, stop)


@lru_cache(maxsize=1)  # rows of one group share them
def _samples(panel: Panel, factors: str) -> Dataset:
    return samples_of(panel, "factors", factors)


def compute(row: Config, settings: Settings) -> RowResult:
    panel, world, split = stage(row, settings)
    system = SYSTEMS[row["system"]]
    prediction = learned(row, panel, split, settings) if system.baseline else _of_members(panel, split)
    samples, rng = (0 if world else settings["samples"]), row_rng(row["variant"], row["training_seed"])
    index = equal_weight(panel)
    numbers = _information(panel, world, prediction) if system.baseline else {}
    found, arrays = records(numbers), kept(panel, prediction)
    for name, how in RUNS.items():
        way = way_of(row["system"], panel, name)
        run, fallbacks = run_of(panel, prediction, way.policy(way.low), **how)
        found += [*_levels(name, run, index, rng, samples), *records({f"{name}.fallbacks": float(fallbacks)})]
        arrays |= {f"{name}.{what}": getattr(run, what) for what in SERIES}
        if name == OPEN:
            points = range(STEP, len(run.equity), STEP)
            found += records({f"growth.{day}": float(run.equity[day]) for day in points})
    if world and system.book == "optimised":
        found += _sizes(row["system"], panel, prediction, settings["aversions"], index)
    return RowResult(found, arrays)


def learned(row: Config, panel: Panel, split: Split, settings: Settings) -> np.ndarray:
    """Predictions [T, N] of the test days in returns, in the precision that is kept; NaN elsewhere."""
    data = _samples(panel, settings["factors"])
    predict = _fitted(row, data, panel, split, settings)
    return walked(data, lambda _: predict, [split]).astype(np.float32).astype(np.float64)


def _fitted(row: Config, data: Dataset, panel: Panel, split: Split, settings: Settings) -> Predictor:
    system, sample, own = SYSTEMS[row["system"]], data, split
    if system.panels:
        sample, own = extended(data, panel, split, system.panels, row["training_seed"], settings["factors"])
    how: dict[str, Any] = dict(tuned(row["tuned"]))
    if system.network:
        how["epochs"] = settings["slow_epochs" if system.slow else "epochs"]
    if system.baseline.startswith("lightgbm"):
        how["rounds"] = settings["rounds"]
    if system.slow or system.baseline.endswith("_few"):
        how["rows"] = settings["few"] * (1 + system.panels)
    if system.gamma is not None:
        how |= {"loss": row["losses"], "loss_settings": {"gamma": system.gamma}}
    predict = find_baseline(system.baseline).fit(sample, row["training_seed"], **how)(own)
    # a network predicts in deviations of its labels
    unit = float(np.nanstd(sample.label[sample.rows(own.fit_start, own.fit_stop)])) if system.network else 1.0
    return lambda rows: unit * predict(rows)


def extended(
    data: Dataset, panel: Panel, split: Split, panels: int, seed: int, factors: str
) -> tuple[Dataset, Split]:
    """The real sample and as many rows of each synthetic panel, all from the days of the fit alone."""
    fitted = labelled(data, split.fit_start, split.fit_stop)
    fit_days, parts = panel.rows(split.fit_start, split.fit_stop), [fitted]
    for number in range(panels):
        rng = np.random.default_rng([zlib.crc32(KIND.encode()), seed, number])
        made = samples_of(synthetic_panel(fit_days, rng, kind=KIND), "factors", factors)
        parts.append(labelled(made, 0, made.shape[0], len(fitted.label), rng))
    return joined(parts, labelled(data, split.validation_start, split.validation_stop))


def _of_members(panel: Panel, split: Split) -> np.ndarray:
    """0 on the members of the test days: what a book that predicts nothing is started with."""
    found = np.full(panel.shape, np.nan)
    test = slice(split.test_start, split.test_stop)
    found[test] = np.where(panel.universe[test], 0.0, np.nan)
    return found


def _information(panel: Panel, world: Market | None, prediction: np.ndarray) -> dict[str, float]:
    """IC on cells that can be bought, and with the truth; the deviation of predictions over stocks, in basis points."""
    daily = daily_ics(panel, prediction, metrics=("m1_ic",))
    daily |= {"truth_ic": truth_series(world, prediction)["truth_ic"]} if world else {}
    days = np.isfinite(prediction).any(axis=1)
    found = {name: float(np.nanmean(values)) for name, values in daily.items() if np.isfinite(values).any()}
    return found | {"spread_bps": 1e4 * float(np.nanstd(prediction[days], axis=1).mean())}


# --------------------------------------------------------------------------------------------- books


def way_of(name: str, panel: Panel, run: str) -> Way:
    """The book of a system in a run; at the next open with the setting that slows it down, for matched turnover."""
    if SYSTEMS[name].book == "hold":
        return Way(lambda _: hold_members, 1.0, 1.0)
    if SYSTEMS[name].book == "top":
        return Way(lambda multiple: top_k_buffer(multiple=multiple), 1.0, 10.0)
    ic, counted = (IC, 8e-4) if run == OPEN else (None, 0.0)
    return Way(_optimiser(panel, ic, AVERSION), counted, DEAREST)


def _optimiser(panel: Panel, ic: float | None, aversion: int) -> Callable[[float], Any]:
    members = int(panel.universe.sum(axis=1).max())  # a small market cannot be held at 3 % a stock
    optimiser = MeanVariance(cap=max(CAP, 4 / members), risk_aversion=float(aversion))
    return lambda cost: optimised(panel, replace(optimiser, cost=cost), ic=ic, infeasible="hold")


def hold_members(past: Past) -> np.ndarray:
    """Every member at equal weight on the first day, then no order but for a member that is not held yet."""
    wanted = past.universe & past.orderable & ~(past.weights > 0)
    return np.where(wanted, 1.0 / max(int(past.universe.sum()), 1), np.nan)


def _sizes(
    name: str, panel: Panel, prediction: np.ndarray, aversions: Sequence[int], index: np.ndarray
) -> Iterator[Record]:
    """The optimised book at the next open for each size of predictions and risk aversion but that of the headline."""
    for sense in SENSES:
        for aversion in aversions:
            if (sense, aversion) == HEADLINE:
                continue
            policy = _optimiser(panel, IC if sense == SENSES[0] else None, aversion)(8e-4)
            run, _ = run_of(panel, prediction, policy, **RUNS[OPEN])
            numbers = {f"{OPEN}.{what}": value for what, value in measured(run, index).items()}
            place = SCALE.name(system=name, sense=sense, aversion=aversion, place=SIMULATED_PLACE)
            yield from records(numbers, len(run.returns), place)


def _levels(
    name: str, run: Backtest, index: np.ndarray, rng: np.random.Generator, samples: int
) -> Iterator[Record]:
    """Of a book: `measured`, with the interval in which one further path would land where its days are resampled."""
    found = measured(run, index)
    gross = active_returns(run, index, gross=True)
    if run.turnover[1:].any():
        found["break_even_bps"] = float(1e4 * gross.mean() / run.turnover.mean())
    with_ends = {
        "sharpe_gross": (run.gross, annual_sharpe), "sharpe": (run.returns, annual_sharpe),
        "active_sharpe_gross": (gross, annual_sharpe), "active_sharpe": (active_returns(run, index), annual_sharpe),
        "annual_return": (run.returns, lambda r: annual_return(r, periods=SESSIONS)),
        "sortino": (run.returns, lambda r: sortino(r, periods=SESSIONS)),
        "turnover": (run.turnover[1:], lambda r: float(r.mean())),
    }  # fmt: skip
    yield from records({f"{name}.{what}": value for what, value in found.items() if what not in with_ends})
    for what, (daily, statistic) in with_ends.items():
        try:
            if not resampled(daily, samples) or not daily.any():
                yield from records({f"{name}.{what}": statistic(daily)}, len(daily))
                continue
            item = prediction_interval(daily, statistic, length=len(daily), rng=rng, n_samples=samples)
            yield from records(item.columns(f"{name}.{what}"), len(daily))
        except StatisticsError:
            continue


def agreement(row: Config) -> Agreement:
    return TRAINED if "network" in row or "lightgbm" in row["baseline"] else SIMULATED


# ----------------------------------------------------------------------------------------- contrasts


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """Systems less systems on one market; of a file also each system over its training seeds, which meet in pairs."""
    first = rows[0][0]
    panel, world, _ = stage(first, settings)
    place, sides, found = first["place"], dict[str, list[RowResult]](), list[Record]()
    for row, result in rows:
        sides.setdefault(row["system"], []).append(result)
    if world is None:
        for name, parts in sides.items():
            level = averaged([part.records for part in parts])
            found += [{**item, "variant": LEVEL.name(system=name, place=place)} for item in level]
    for left, right in PAIRS:
        if left in sides and right in sides:
            name, ours, theirs = PAIR.name(left=left, right=right, place=place), sides[left], sides[right]
            gaps = [
                _difference(panel, world, (left, ours[k % len(ours)]), (right, theirs[k % len(theirs)]),
                            row_rng(name, first["seed"]), 0 if world else settings["samples"])
                for k in range(max(len(ours), len(theirs)))
            ]  # fmt: skip
            found += [{**item, "variant": name} for item in averaged(gaps)]
    return RowResult(found)


def _difference(
    panel: Panel, world: Market | None, left: tuple[str, RowResult], right: tuple[str, RowResult],
    rng: np.random.Generator, samples: int,
) -> list[Record]:  # fmt: skip
    """Left less right: information on the cells that both predict, then both books of both runs, gross before net."""
    index, found = equal_weight(panel), list[Record]()
    sides = [(name, result, on_panel(panel, result.arrays)) for name, result in (left, right)]
    if all(SYSTEMS[name].baseline for name, *_ in sides):
        a, b = (prediction for *_, prediction in sides)
        common = np.isfinite(a) & np.isfinite(b)
        ours, theirs = (daily_ics(panel, side, common, ("m1_ic",))["m1_ic"] for side in (a, b))
        found += mean_difference("m1_ic", ours, theirs, rng, samples)
        found += truth_difference(world, a, b, rng, samples) if world else []
    for run in RUNS:
        books = [backtest(panel, result.arrays, run) for _, result, _ in sides]
        found += _books(run, books, index, rng, samples)
        if run == OPEN and left[0] == FULL and right[0] != HOLD:
            found += records({f"{run}.{name}": value for name, value in _matched(panel, sides, books, index).items()})
    return found


def backtest(panel: Panel, arrays: Mapping[str, np.ndarray], run: str) -> Backtest:
    """The daily record of a run, from the arrays of its row."""
    start, series = int(arrays["first_row"]), {what: arrays[f"{run}.{what}"] for what in SERIES}
    return Backtest(dates=panel.dates[start:], first_row=start, refused={}, **series)


def _books(
    run: str, books: Sequence[Backtest], index: np.ndarray, rng: np.random.Generator, samples: int
) -> Iterator[Record]:
    """Sharpe ratios of the whole book, hedged, and over equal weight, gross before net; both turnovers, break-even."""
    moves = np.concatenate(([0.0], index[books[0].first_row :][1:]))
    for end, of in (("_gross", "gross"), ("", "returns")):
        a, b = (np.asarray(getattr(book, of)) for book in books)
        yield from sharpe_difference(f"{run}.sharpe{end}", a, b, rng, samples)
        yield from sharpe_difference(f"{run}.appraisal{end}", hedged(a, moves), hedged(b, moves), rng, samples)
    left, right = (
        {f"{run}.active": active_returns(book, index), f"{run}.active_gross": active_returns(book, index, gross=True),
         f"{run}.turnover": book.turnover}
        for book in books
    )  # fmt: skip
    yield from gross_and_net(run, left, right, rng, samples)


def _matched(
    panel: Panel, sides: Sequence[tuple[str, RowResult, np.ndarray]], books: Sequence[Backtest], index: np.ndarray
) -> dict[str, float]:
    """Both books at one turnover: the one that trades more on the validation days is slowed, and so read again."""
    trial = validation_days(len(books[0].dates))
    rates = [traded(book.turnover[:trial]) for book in books]
    ways = [way_of(name, panel, OPEN) for name, *_ in sides]
    prediction = sides[int(rates[1] > rates[0])][2]
    return matched(panel, prediction, ((ways[0], books[0]), (ways[1], books[1])), index)
