"""What a backtest is held against: the equal-weight index, and the same predictions filled naively."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Vector
from lib.days import Day
from lib.errors import ParameterError
from lib.panel import Panel
from lib.portfolio.backtest import simulate
from lib.portfolio.costs import flat
from lib.portfolio.fills import Fill
from lib.portfolio.policies import Policy
from lib.portfolio.record import Backtest


def equal_weight(panel: Panel) -> Vector:
    """Daily return [T] of the equal-weight index: the mean of r(t) over the members of the close of t-1.

    Members of t-1, with a price at t-1, because membership, halts and limits of day t are not known before
    it: averaging over the stocks that trade at t would drop a name for its own halt. A name without a
    return at t keeps its value (0), as in the simulator; halted names stay in, as they do for a holder of the
    index, and pay their move when they resume. 0 on the first day and on a day without members.
    """
    members = (panel.universe & panel.observed)[:-1]  # T-1 N
    moves = np.where(members & np.isfinite(panel.returns[1:]), panel.returns[1:], 0.0)
    count = members.sum(axis=1)
    return np.concatenate(([0.0], moves.sum(axis=1) / np.maximum(count, 1)))


def active_returns(backtest: Backtest, benchmark: ArrayLike, *, gross: bool = False) -> Vector:
    """Daily return over the benchmark, on the days of `backtest` [D]; net of costs, or gross.

    `benchmark` [T] covers the panel. On its first day the strategy is still in cash, so the benchmark counts
    0 there as well.
    """
    index = np.asarray(benchmark, dtype=np.float64)
    stop = backtest.first_row + len(backtest.dates)
    if index.ndim != 1 or index.size < stop:
        raise ParameterError(f"benchmark has shape {index.shape}, expected [T] over the panel, T >= {stop}")
    matched = index[backtest.first_row : stop].copy()
    matched[0] = 0.0
    return (backtest.gross if gross else backtest.returns) - matched


def phantom(naive: Backtest, executed: Backtest, *, periods: float = 252) -> float:
    """Phantom alpha: annualised mean of naive minus executed daily return, at zero cost.

    Raises: ParameterError when a backtest paid costs or the days differ.
    """
    return float(_excess(naive, executed).mean()) * periods


@dataclass(frozen=True, eq=False)
class Phantom:
    """Daily phantom alpha [D] of one set of predictions, and the part due to refused limit-up buys.

    `limit_up_buys`: naive minus a run that refuses limit-up buys only. The rest (halts, limit-down sells and
    how the three act together) is total - limit_up_buys.
    """

    total: Vector
    limit_up_buys: Vector
    naive: Backtest
    executed: Backtest

    def annual(self, periods: float = 252) -> dict[str, float]:
        """Annualised means: total, limit_up_buys, rest."""
        total, part = float(self.total.mean()) * periods, float(self.limit_up_buys.mean()) * periods
        return {"total": total, "limit_up_buys": part, "rest": total - part}


def phantom_alpha(
    panel: Panel,
    prediction: ArrayLike,
    *,
    policy: Policy,
    fill: Fill = "open",
    start: Day | None = None,
    stop: Day | None = None,
    orders_allowed: NDArray[np.bool_] | None = None,
) -> Phantom:
    """Three zero-cost runs of the same predictions: naive, refusing limit-up buys only, executed."""

    def run(*refuse: str) -> Backtest:
        return simulate(
            panel, prediction, policy=policy, fill=fill, refuse=refuse, costs=flat(0.0),
            start=start, stop=stop, orders_allowed=orders_allowed,
        )  # fmt: skip

    naive, partly = run(), run("limit_up_buy")
    executed = run("limit_up_buy", "limit_down_sell", "halt")
    return Phantom(_excess(naive, executed), _excess(naive, partly), naive, executed)


def _excess(naive: Backtest, executed: Backtest) -> Vector:
    if not np.array_equal(naive.dates, executed.dates):
        raise ParameterError(
            f"phantom: the backtests cover different days ({len(naive.dates)} and {len(executed.dates)})"
        )
    if naive.costs.any() or executed.costs.any():
        raise ParameterError("phantom: both backtests must run at zero cost; pass costs=flat(0)")
    return naive.returns - executed.returns
