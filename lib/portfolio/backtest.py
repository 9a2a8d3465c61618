"""The executable simulator: predictions in, daily returns out, every order subject to what the market allows.

Day by day, at raw prices (`Growth`), with holdings and cash:
  close fills:  grow close/pre_close -> decide -> trade at the close
  open fills:   grow open/pre_close -> trade yesterday's decision -> grow close/open -> decide
A decision at the close of t knows day t and nothing later, and earns returns after its fill only. Orders are
sized at the close of t; at the next open they are numbers of shares, so their value has moved with the gap.
An unfilled order is gone: the next close decides anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Matrix, Vector
from lib.days import Day as Date
from lib.errors import ParameterError
from lib.panel import Panel, row_at
from lib.portfolio.account import Account, Trade
from lib.portfolio.costs import CostSchedule, Rates, flat
from lib.portfolio.fills import Fill, FillRules, Growth, fill_rules, growth, refusals
from lib.portfolio.policies import Past, Policy
from lib.portfolio.record import Backtest, Day


def simulate(
    panel: Panel,
    prediction: ArrayLike,
    *,
    policy: Policy,
    fill: Fill = "open",
    execution: str = "executed",
    refuse: Collection[str] | None = None,
    costs: CostSchedule | None = None,
    start: Date | None = None,
    stop: Date | None = None,
    orders_allowed: NDArray[np.bool_] | None = None,
    keep_paths: bool = False,
) -> Backtest:
    """Runs `policy` on `prediction` [T, N] (NaN: none) from row or day `start` up to, not including, `stop`.

    fill: trade at the close of the decision day (the paper's idealisation) or at the next open.
    execution: "executed" (limits and halts refuse orders) or "naive" (every order with a price fills);
    `refuse`, a set out of lib.portfolio.fills.REFUSALS, names the refusals one by one instead.
    costs: a schedule, flat(8.0) by default. start: by default the first day with a prediction.
    orders_allowed [T, N]: False on the decision day means no order. Names outside the universe are never
    bought and, when held, are sold under the fill rules, whatever the policy says.
    Raises: ParameterError for shapes, dates or target weights that make no sense.
    """
    if fill not in ("close", "open"):
        raise ParameterError(f"fill: expected 'close' or 'open', got {fill!r}")
    scores = _predictions(panel, prediction)
    allowed = np.ones(panel.shape, dtype=bool) if orders_allowed is None else np.asarray(orders_allowed, bool)
    if allowed.shape != panel.shape:
        raise ParameterError(f"orders_allowed has shape {allowed.shape}, the panel {panel.shape}")
    first, last = _span(panel, scores, start, stop)
    names = panel.shape[1]
    run = _Run(
        panel, scores, allowed, policy, growth(panel, fill),
        fill_rules(panel, fill, refusals(execution, refuse)),
        (flat() if costs is None else costs).rates(panel.dates), Account(np.zeros(names)), np.zeros(names),
    )  # fmt: skip
    record = Backtest.blank(panel.dates[first:last], first, names, keep_paths)
    advance = run.close_day if fill == "close" else run.open_day
    for t in range(first, last):
        record.write(t - first, run.account, *advance(t))
    return record


@dataclass
class _Run:
    """The state of one simulation; the account and the orders of the last close are all that moves."""

    panel: Panel
    scores: Matrix
    allowed: NDArray[np.bool_]
    policy: Policy
    growth: Growth
    rules: FillRules
    rates: Rates
    account: Account
    pending: Vector

    def close_day(self, t: int) -> tuple[Trade, Day]:
        """Grow, decide, trade at the close."""
        day = self._morning(t)
        return self._trade(t, self._decide(t)), day

    def open_day(self, t: int) -> tuple[Trade, Day]:
        """Grow to the open, trade what was decided at the last close, grow to the close, decide."""
        day = self._morning(t)
        trade = self._trade(t, self.pending * self.growth.before[t])
        day.profit += self.account.grow(self.growth.after[t])
        self.pending = self._decide(t)
        return trade, day

    def _morning(self, t: int) -> Day:
        opened = self.account.equity
        stale = int(np.count_nonzero(self.growth.stale[t] & (self.account.holdings > 0)))
        profit = self.account.grow(self.growth.before[t])
        return Day(opened, self.account.equity, profit, stale)

    def _trade(self, t: int, order: Vector) -> Trade:
        return self.account.trade(
            order, self.rules.buy[t], self.rules.sell[t], float(self.rates.buy[t]), float(self.rates.sell[t])
        )

    def _decide(self, t: int) -> Vector:
        # copies: a view would hand the policy the whole array through its base
        account, universe, allowed = self.account, self.panel.universe[t], self.allowed[t]
        past = Past(
            self.panel.dates[t], self.scores[t].copy(), universe.copy(), allowed.copy(),
            account.weights, account.cash / account.equity,
        )  # fmt: skip
        target = np.where(universe, _checked(self.policy(past), past), 0.0)
        return account.orders(np.where(allowed, target, np.nan))


def _predictions(panel: Panel, prediction: ArrayLike) -> Matrix:
    scores = np.asarray(prediction, dtype=np.float64)
    if scores.shape != panel.shape:
        raise ParameterError(f"prediction has shape {scores.shape}, the panel {panel.shape}")
    if np.isinf(scores).any():
        t, n = np.argwhere(np.isinf(scores))[0]
        raise ParameterError(
            f"prediction is infinite at {panel.dates[t]} {panel.symbols[n]}; expected a number or NaN"
        )
    return scores


def _span(panel: Panel, scores: Matrix, start: Date | None, stop: Date | None) -> tuple[int, int]:
    predicted = np.flatnonzero(np.isfinite(scores).any(axis=1))
    if start is None and not predicted.size:
        raise ParameterError("there is no prediction on any day; pass start to trade without one")
    first = int(predicted[0]) if start is None else row_at(panel.dates, start, "start", ParameterError)
    last = panel.shape[0] if stop is None else row_at(panel.dates, stop, "stop", ParameterError)
    if not 0 <= first < last <= panel.shape[0]:
        raise ParameterError(
            f"expected 0 <= start < stop <= {panel.shape[0]}, got rows {first} and {last} (start {start}, stop {stop}; "
            f"the panel has {panel.dates[0]} to {panel.dates[-1]})"
        )
    return first, last


def _checked(target: Vector, past: Past) -> Vector:
    target = np.asarray(target, dtype=np.float64)
    if target.shape != past.universe.shape:
        raise ParameterError(
            f"policy returned shape {target.shape} on {past.date}, expected {past.universe.shape}"
        )
    wrong = np.isinf(target) | (target < 0)
    if wrong.any():
        n = int(wrong.argmax())
        raise ParameterError(
            f"policy returned weight {target[n]} for column {n} on {past.date}; expected >= 0 or NaN"
        )
    return target
