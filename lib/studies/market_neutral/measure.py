"""The papers' market-neutral book on simulated markets: its beta, its drawdown, and what each of its limits does.

Paper A, eq. 23-27, is solved exactly. Its leverage L, position limit, risk aversion and cost aversion are not printed;
the book in the middle has L = 2, 3 % a stock, aversion 10, and is rebalanced every 20 sessions (A, s6.C). Costs in the
objective are spread over these sessions, because a prediction is a return a day: 8 basis points over `hold`. One thing
at a time is changed. Predictions are ridge's. Beside it stands what can be had without selling short: the same
optimiser long only, less its beta times the market.

Predictions exist where a close can be traded, so no order is refused: a name at a limit or halted keeps its weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lib.evaluation.arms import arm_dataset
from lib.evaluation.hedged import hedged, market_beta
from lib.evaluation.scoring import COST_BPS, SESSIONS, annual_sharpe
from lib.evaluation.simulated import market, market_settings
from lib.models.walk import walk_predictions
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.portfolio import Backtest, MeanVariance, equal_weight, flat, optimised, simulate, traded, validation_days
from lib.portfolio.long_short import LongShort, long_short
from lib.portfolio.neutral import market_neutral
from lib.portfolio.slowed import slowed
from lib.stats import max_drawdown
from lib.stats.keys import Key
from lib.store.rows import Record

LIMIT_RATES = "real"
IC, CAP = 0.05, 0.03
#: highest cost a unit of turnover that the daily book is slowed with
DEAREST = 0.02


@dataclass(frozen=True)
class Book:
    """One book. ic: size of standardised predictions, None for literal ones; aversion: the lambda of eq. 23."""

    ic: float | None = IC
    aversion: float = 10.0
    hold: int = 20
    sectors: bool = True
    leverage: float = 2.0
    costs: bool = True

    @property
    def cost(self) -> float:
        """Of a unit of turnover, in the objective."""
        return COST_BPS / 1e4 / self.hold if self.costs else 0.0


MIDDLE, DAILY, LONG_ONLY = "the book", "rebalanced daily", "long only, hedged"
_MIDDLE = Book()
#: name -> book: the one in the middle, then each with one change
BOOKS: Mapping[str, Book] = {
    MIDDLE: _MIDDLE,
    DAILY: replace(_MIDDLE, hold=1),
    "rebalanced weekly": replace(_MIDDLE, hold=5),
    "no sector limits": replace(_MIDDLE, sectors=False),
    "leverage 1": replace(_MIDDLE, leverage=1.0),
    "costs left out": replace(_MIDDLE, costs=False),
    "aversion 1": replace(_MIDDLE, aversion=1.0),
    "aversion 5": replace(_MIDDLE, aversion=5.0),
    "aversion 50": replace(_MIDDLE, aversion=50.0),
    "literal, aversion 1": replace(_MIDDLE, ic=None, aversion=1.0),
    "literal, aversion 5": replace(_MIDDLE, ic=None, aversion=5.0),
    "literal, aversion 10": replace(_MIDDLE, ic=None),
    "literal, aversion 50": replace(_MIDDLE, ic=None, aversion=50.0),
}
LEVEL = Key("{book}", book=(*BOOKS, LONG_ONLY))
CHANGE = Key("{book} - {middle}", book=(*BOOKS, LONG_ONLY), middle=(MIDDLE,))
COMPARED = (
    "sharpe_gross", "sharpe", "appraisal_gross", "appraisal", "beta", "volatility", "max_drawdown", "turnover",
    "annual_gross", "annual_net",
)  # fmt: skip


def grid(settings: Settings) -> Iterator[Config]:
    yield from ({"variant": "simulated", "seed": seed} for seed in settings["seeds"])


def compute(row: Config, settings: Settings) -> RowResult:
    size = settings["n_stocks"], settings["n_days"]
    world = market(*size, row["seed"], LIMIT_RATES, **market_settings(settings))
    panel = world.panel
    prediction = walk_predictions(
        arm_dataset(world, settings["factors"]), panel.dates, learner="ridge",
        first_test_year=settings["first_test_year"], seed=row["seed"],
    )  # fmt: skip
    index = equal_weight(panel)
    runs = {name: run_of(panel, prediction, BOOKS[name]) for name in settings["books"]}
    found = {name: measured(run, index) for name, run in runs.items()}
    found[LONG_ONLY] = measured_long_only(_long_only(panel, prediction), index)
    changes = {
        CHANGE.name(book=name, middle=MIDDLE): {m: numbers[m] - found[MIDDLE][m] for m in COMPARED}
        | {"turnover.left": numbers["turnover"], "turnover.right": found[MIDDLE]["turnover"]}
        for name, numbers in found.items() if name != MIDDLE and MIDDLE in found
    }  # fmt: skip
    if DAILY in runs and MIDDLE in runs:
        name = CHANGE.name(book=DAILY, middle=MIDDLE)
        changes[name] |= matched(panel, prediction, runs[DAILY], runs[MIDDLE], index)
    return RowResult(list(_records(found | changes)))


def run_of(
    panel: Panel, prediction: np.ndarray, book: Book, *, cost: float | None = None, stop: int | None = None
) -> LongShort:
    """The back-test of a book, which pays 8 basis points a side. cost: in the objective, instead of its own."""
    optimiser = optimiser_of(book)
    if cost is not None:
        optimiser = replace(optimiser, cost=cost)
    policy = market_neutral(panel, optimiser, hold=book.hold, ic=book.ic, sectors=book.sectors)
    return long_short(panel, prediction, policy=policy, costs=flat(COST_BPS), stop=stop)


def optimiser_of(book: Book) -> MeanVariance:
    """Eq. 23 has half of its lambda before the risk, `MeanVariance` all of its own."""
    return MeanVariance(cap=CAP, risk_aversion=book.aversion / 2, cost=book.cost, market_neutral=True,
                        leverage=book.leverage)  # fmt: skip


def _long_only(panel: Panel, prediction: np.ndarray) -> Backtest:
    """The optimiser without short positions, at the same closes."""
    optimiser = MeanVariance(cap=CAP, risk_aversion=_MIDDLE.aversion / 2, cost=_MIDDLE.cost)
    policy = optimised(panel, optimiser, hold=_MIDDLE.hold, ic=IC, infeasible="hold")
    return simulate(panel, prediction, policy=policy, fill="close", costs=flat(COST_BPS))


def measured(run: LongShort, index: np.ndarray) -> dict[str, float]:
    """Gross before net; beta; risk; what it trades, how neutral it is, and what its two sides earn beyond their beta.

    alpha_long, alpha_short: mean a year of the part of the gross return of each side, less its own beta times the
    market. beta_down: of the days on which the market falls. net_exposure: mean |sum of w|.
    """
    moves = _moves(run.first_row, len(run.gross), index)
    down = moves < 0
    return {
        **_returns(run.gross, run.returns, moves),
        "beta_down": market_beta(run.gross[down], moves[down]),
        "turnover": traded(run.turnover),
        "leverage": float(run.leverage.mean()),
        "net_exposure": float(np.abs(run.net).mean()),
        "alpha_long": float(hedged(run.longs, moves).mean()) * SESSIONS,
        "alpha_short": float(hedged(run.shorts, moves).mean()) * SESSIONS,
        "held": float((run.weights != 0).sum(axis=1).mean()),
    }


def measured_long_only(run: Backtest, index: np.ndarray) -> dict[str, float]:
    """The same of a long-only book less its beta times the market; `beta` is what it had before."""
    moves = _moves(run.first_row, len(run.gross), index)
    return {
        **_returns(hedged(run.gross, moves), hedged(run.returns, moves), moves),
        "beta": market_beta(run.gross, moves),
        "turnover": traded(run.turnover),
        "leverage": float((1 - run.cash / run.equity).mean()),
        "held": float(run.held.mean()),
    }


def _moves(first: int, days: int, index: np.ndarray) -> np.ndarray:
    """The market's returns on the days of a book, 0 on the first: nothing is held yet."""
    return np.concatenate(([0.0], index[first + 1 : first + days]))


def _returns(gross: np.ndarray, net: np.ndarray, moves: np.ndarray) -> dict[str, float]:
    return {
        "sharpe_gross": annual_sharpe(gross),
        "sharpe": annual_sharpe(net),
        "appraisal_gross": annual_sharpe(hedged(gross, moves)),
        "appraisal": annual_sharpe(hedged(net, moves)),
        "annual_gross": float(gross.mean()) * SESSIONS,
        "annual_net": float(net.mean()) * SESSIONS,
        "beta": market_beta(gross, moves),
        "volatility": float(gross.std(ddof=1)) * SESSIONS**0.5,
        "max_drawdown": max_drawdown(net),
    }


def matched(
    panel: Panel, prediction: np.ndarray, fast: LongShort, slow: LongShort, index: np.ndarray
) -> dict[str, float]:
    """The daily book less the one in the middle after costs, once a higher cost in its objective makes it trade as
    little: chosen on the first days, measured on the days after them."""
    days, first = len(slow.gross), slow.first_row
    trial, book = validation_days(days), BOOKS[DAILY]
    target = traded(slow.turnover[:trial])
    if traded(fast.turnover[:trial]) <= target:
        return {}
    found = slowed(
        lambda cost: run_of(panel, prediction, book, cost=cost, stop=first + trial).turnover, book.cost, DEAREST, target
    )
    if not found.reached:
        return {"matched.validation_ratio": found.ratio} if np.isfinite(found.ratio) else {}
    run = run_of(panel, prediction, book, cost=found.multiple)
    moves = _moves(first, days, index)[trial:]
    sides = [annual_sharpe(hedged(item.returns[trial:], moves)) for item in (run, slow)]
    return {"matched.validation_ratio": found.ratio, "matched.cost_bps": 1e4 * found.multiple,
            "matched.appraisal": sides[0] - sides[1]}  # fmt: skip


def _records(found: Mapping[str, Mapping[str, Any]]) -> Iterator[Record]:
    for name, numbers in found.items():
        for metric, value in numbers.items():
            yield {"variant": name, "metric": metric, "value": float(value)}
