"""The papers' ablation table (B s4.3) where there is something to predict, and where orders meet the exchange.

The systems are those of `lib.evaluation.ladder`, on the simulated market with a known alpha. The papers' mask is taken
as they describe it: strict windows, a cell only where all factors are valid, labels tradable on both days. Without it
every cell is learned from and predicted, and the exchange refuses what cannot be traded.

Every book is the papers' optimiser, every day, with predictions as the network gives them (literal) and standardised;
see `own_setting_ladder`. It trades at the next open. A held stock without a prediction keeps its weight. naive: the
papers' own idealisation, every order filled at the close, on literal predictions.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.evaluation.arms import raw_labels, signs_and_spread
from lib.evaluation.hedged import hedged, market_beta
from lib.evaluation.ladder import (
    AGAINST_CHANCE,
    CHANGE,
    COSTS_BPS,
    FITS,
    FULL,
    KIND,
    PAIRS,
    UNSHRUNK,
    contributions,
    equal_turnover,
    levels_of,
    trained,
    with_costs,
)
from lib.evaluation.lagged_optimiser import IC, OPTIMISERS, SENSES
from lib.evaluation.one_fit import one_split, predict_span
from lib.evaluation.scoring import COST_BPS, SESSIONS, annual_sharpe, daily_ics
from lib.evaluation.simulated import chosen_factors, market, market_settings, truth_series
from lib.evaluation.variants import VARIANTS, compute_features, variant_dataset
from lib.models.augmentation import synthetic_panel
from lib.models.dataset import Dataset
from lib.models.splits import Split
from lib.panel import Panel
from lib.paper.results.agreement import TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import Backtest, equal_weight, optimised, traded, validation_days
from lib.stats import max_drawdown
from lib.store.rows import Record, records
from lib.studies.own_setting_ladder.measure import (
    COVARIANCE,
    DEAREST,
    MATCHED,
    fits,
    network_settings,
)
from lib.studies.portfolio_method.measure import run_of

if TYPE_CHECKING:
    from lib.market import Market

LIMIT_RATES = "real"
#: mask of a row -> variant of `lib.evaluation.variants`, and the mask under which the optimiser reads returns
VARIANT = {"full": "mask_paper", "none": "none"}
SEEN = {"full": "full", "none": "observed"}
#: most of one stock, 3 % from this many stocks on; of fewer the same share of the names
CAP_STOCKS = 270
NAIVE = "naive"


def grid(settings: Settings) -> Iterator[Config]:
    """The fits of every market."""
    for place, seed in enumerate(settings["seeds"]):
        yield from fits(settings, place, seed)


def group(row: Config) -> str:
    """Rows of one market, whose samples they share."""
    return str(row["seed"])


def agreement(row: Config) -> Agreement:
    return TRAINED


# ------------------------------------------------------------------------------------------ one market


@dataclass(frozen=True, eq=False)
class Stage:
    """A market, its one split, and the returns of all its stocks at equal weight."""

    world: Market
    split: Split
    factors: str
    seed: int

    @property
    def panel(self) -> Panel:
        return self.world.panel

    @property
    def index(self) -> np.ndarray:
        return equal_weight(self.panel)

    def samples(self, panel: Panel, mask: str) -> Dataset:
        """Samples of a panel under a mask, with raw labels."""
        variant = VARIANTS[VARIANT[mask]]
        features = compute_features(panel, variant.features, chosen_factors(self.factors))
        return raw_labels(variant_dataset(panel, variant, features), panel)

    @lru_cache(maxsize=4)  # noqa: B019  # a stage lives as long as its market is worked on
    def real(self, mask: str) -> Dataset:
        return self.samples(self.panel, mask)

    @lru_cache(maxsize=4)  # noqa: B019
    def synthetic(self, mask: str) -> Dataset:
        """The samples of a panel made from the fit days alone."""
        rng = np.random.default_rng([zlib.crc32(KIND.encode()), self.seed])
        fit_days = self.panel.rows(self.split.fit_start, self.split.fit_stop)
        return self.samples(synthetic_panel(fit_days, rng, kind=KIND), mask)


@lru_cache(maxsize=1)  # the rows of one market run in one process, in order
def _staged(
    stocks: int, days: int, seed: int, first_test_year: int, factors: str, config: tuple[tuple[str, float], ...]
) -> Stage:
    world = market(stocks, days, seed, LIMIT_RATES, **dict(config))
    return Stage(world, one_split(world.panel.dates, first_test_year), factors, seed)


def stage(row: Config, settings: Settings) -> Stage:
    """The market of a row."""
    size = settings["n_stocks"], settings["n_days"], row["seed"]
    config = tuple(sorted(market_settings(settings).items()))
    return _staged(*size, settings["first_test_year"], settings["factors"], config)


def compute(row: Config, settings: Settings) -> RowResult:
    here, mask = stage(row, settings), row["mask"]
    predict = trained(
        here.real(mask), here.split, lambda: here.synthetic(mask), FITS[row["variant"]], row["seed"],
        **network_settings(row),
    )  # fmt: skip
    prediction = predict_span(here.real(mask), here.split, predict)
    known, found = _information(here, prediction), list[Record]()
    arrays = {"prediction": prediction[here.split.test_start :].astype(np.float32)}
    for system in (FULL, UNSHRUNK) if row["variant"] == FULL else (row["variant"],):
        numbers, days = Desk(here, prediction, mask, COVARIANCE[system]).numbers()
        found += records(known | numbers, variant=system)
        arrays |= {f"{system} {name}": series for name, series in vars(days).items()}
    return RowResult(found, arrays)


def _information(here: Stage, prediction: np.ndarray) -> dict[str, float]:
    """Mean ICs with returns and with what can be earned, signs and spread, and the share of cells with a prediction."""
    series = {**daily_ics(here.panel, prediction, metrics=("apparent_ic", "m1_ic")),
              **truth_series(here.world, prediction)}  # fmt: skip
    found = {name: float(np.nanmean(daily)) for name, daily in series.items() if np.isfinite(daily).any()}
    members = (here.panel.universe & here.panel.observed)[here.split.test_start :]
    found["coverage"] = float(np.isfinite(prediction[here.split.test_start :])[members].mean())
    return found | signs_and_spread(here.panel, prediction)


# ------------------------------------------------------------------------------------------------ books


@dataclass(frozen=True, eq=False)
class Days:
    """The daily series [D] of a back-test, from row `first` [1] of the panel on, at 8 basis points a side."""

    first: np.ndarray
    gross: np.ndarray
    costs: np.ndarray
    turnover: np.ndarray
    held: np.ndarray

    @classmethod
    def of(cls, run: Backtest) -> Days:
        return cls(np.array([run.first_row]), run.gross, run.costs, run.turnover, run.held)

    def after(self, days: int) -> Days:
        """The days after the first so many."""
        return Days(self.first + days, *(series[days:] for name, series in vars(self).items() if name != "first"))


@dataclass(frozen=True, eq=False)
class Desk:
    """The books of one system's predictions [T, N]."""

    here: Stage
    prediction: np.ndarray
    mask: str
    covariance: str

    def run(self, sense: str, cost: float = 0.0, **how: Any) -> tuple[Days, int]:
        """A back-test, and the days on which the optimiser warned.

        cost: of a unit of turnover, in the objective.
        """
        cap = 0.03 * max(1.0, CAP_STOCKS / self.prediction.shape[1])
        optimiser = replace(OPTIMISERS[self.covariance], cap=cap, cost=cost)
        seen = self.here.panel.with_mask(SEEN[self.mask])  # type: ignore[arg-type]
        ic = IC if sense == "standardised" else None
        policy = optimised(seen, optimiser, ic=ic, infeasible="hold")
        run, warned = run_of(self.here.panel, self.prediction, policy, **how)
        return Days.of(run), warned

    def numbers(self) -> tuple[dict[str, float], Days]:
        """Every number of its books, by sense, those of the papers' idealisation as NAIVE; the days of MATCHED."""
        found: dict[str, float] = {}
        runs = {sense: self.run(sense) for sense in SENSES}
        for sense, (days, warned) in runs.items():
            found |= prefixed(sense, measured(days, self.here.index) | {"warned": float(warned)})
        days, _ = self.run(MATCHED, fill="close", execution="naive")
        return found | prefixed(NAIVE, measured(days, self.here.index)), runs[MATCHED][0]


def prefixed(name: str, numbers: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}.{metric}": value for metric, value in numbers.items()}


def measured(run: Days, index: np.ndarray) -> dict[str, float]:
    """Sharpe ratios of the book and of its part that is not the market's, by cost; risk; what it trades.

    The costs of 8 basis points are scaled to others; the book is that of 8.
    """
    first = int(run.first[0])
    moves = np.concatenate(([0.0], index[first + 1 : first + len(run.gross)]))
    found = {
        "turnover": traded(run.turnover), "beta": market_beta(run.gross, moves),
        "volatility": float(run.gross.std(ddof=1)) * SESSIONS**0.5, "max_drawdown": max_drawdown(run.gross - run.costs),
        "gross_return": float(run.gross.mean()) * SESSIONS, "held": float(run.held[2:].mean()),
    }  # fmt: skip
    for bps in COSTS_BPS:
        daily = run.gross - run.costs * (bps / COST_BPS)
        found |= {f"{bps}bps.sharpe": annual_sharpe(daily), f"{bps}bps.appraisal": annual_sharpe(hedged(daily, moves))}
    return found


# -------------------------------------------------------------------------------------------- contrasts


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """What each component contributes on one market: every number, what costs make of it, and at equal turnover."""
    here = stage(rows[0][0], settings)
    found = contributions(levels_of([result for _, result in rows]))
    sides: dict[str, tuple[Desk, Days]] = {}
    for row, result in rows:
        for system in (FULL, UNSHRUNK) if row["variant"] == FULL else (row["variant"],):
            desk = Desk(here, _whole(here, result), row["mask"], COVARIANCE[system])
            sides[system] = desk, Days(**{item.name: result.arrays[f"{system} {item.name}"] for item in fields(Days)})
    for left, right in PAIRS:
        if (name := CHANGE.name(left=left, right=right)) in found:
            found[name] |= prefixed("common", _on_common_cells(sides[left][0], sides[right][0]))
            if right != AGAINST_CHANCE:
                found[name] |= prefixed(f"{MATCHED}.matched", at_equal_turnover(sides[left], sides[right]))
    both = {name: with_costs(with_costs(numbers), "appraisal") for name, numbers in found.items()}
    return RowResult([item for name, numbers in both.items() for item in records(numbers, variant=name)])


def _whole(here: Stage, result: RowResult) -> np.ndarray:
    """The predictions that a row kept, as [T, N] again."""
    prediction = np.full(here.panel.shape, np.nan)
    prediction[here.split.test_start :] = result.arrays["prediction"]
    return prediction


def _on_common_cells(left: Desk, right: Desk) -> dict[str, float]:
    """Differences of ICs on the cells that both predict."""
    both = np.isfinite(left.prediction) & np.isfinite(right.prediction)
    a, b = (truth_series(desk.here.world, desk.prediction, both)["truth_ic"] for desk in (left, right))
    known = np.isfinite(a) & np.isfinite(b)
    return {"truth_ic": float((a - b)[known].mean())} if known.any() else {}


def at_equal_turnover(left: tuple[Desk, Days], right: tuple[Desk, Days]) -> dict[str, float]:
    """Left less right after the first days, the validation days, once a cost in the objective of the faster one has
    brought their turnovers together on those; the ratio alone where it cannot. Each with the days of its own book."""
    start, trial = int(left[1].first[0]), validation_days(len(left[1].gross))

    def tried(desk: Desk, own: Days) -> Callable[[float], np.ndarray]:
        def turnover(cost: float) -> np.ndarray:
            run = desk.run(MATCHED, cost, start=start, stop=start + trial)[0] if cost else own
            return run.turnover[:trial]

        return turnover

    match = equal_turnover(tried(*left), tried(*right), DEAREST)
    found = {"validation_ratio": match.ratio} if np.isfinite(match.ratio) else {}
    if not match.reached:
        return found
    runs = [desk.run(MATCHED, cost, start=start)[0] if cost else own
            for (desk, own), cost in zip((left, right), match.costs, strict=True)]  # fmt: skip
    a, b = (measured(run.after(trial), left[0].here.index) for run in runs)
    found |= {name: a[name] - b[name] for name in a if name.endswith(("bps.sharpe", "bps.appraisal"))}
    return found | ({"turnover_ratio": a["turnover"] / b["turnover"]} if b["turnover"] > 0 else {})
