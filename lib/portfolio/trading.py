"""The simulator with an account in yuan: the same days, policies and refusals, and orders as a broker takes them.

Day by day, at raw prices, with shares and cash:
  morning       pay out stocks whose listing has ended -> scale shares on ex-dates
  close fills:  value at the close -> decide -> trade at the close
  open fills:   value at the open -> trade yesterday's orders -> value at the close -> decide
Orders are board lots within a share of the day's volume; what each rule says, and since when, stands in dated tables
(`lib.portfolio.fees`, `lots`, `terms`). A price that a halted, missing or unlisted cell carries is never used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Matrix, Vector
from lib.errors import ParameterError
from lib.panel import Panel
from lib.portfolio.backtest import _checked, _predictions, _span, simulate
from lib.portfolio.fees import DatedFees
from lib.portfolio.fills import NO_PRICE, Fill, FillRules, fill_rules, refusals
from lib.portfolio.lots import LotSizes
from lib.portfolio.policies import Past, Policy
from lib.portfolio.record import Backtest
from lib.portfolio.shares import Filled, Session, ShareAccount
from lib.portfolio.statement import Day, Statement, Writer
from lib.portfolio.terms import Ends, Terms, ends

Flags = NDArray[np.bool_]


@overload
def trade(
    panel: Panel, prediction: ArrayLike, *, policy: Policy, capital: None = None, terms: None = None, **options: Any
) -> Backtest: ...
@overload
def trade(
    panel: Panel, prediction: ArrayLike, *, policy: Policy, capital: float, terms: Terms | None = None, **options: Any
) -> Statement: ...
def trade(
    panel: Panel,
    prediction: ArrayLike,
    *,
    policy: Policy,
    capital: float | None = None,
    terms: Terms | None = None,
    **options: Any,
) -> Backtest | Statement:
    """`simulate`, with an account of `capital` yuan; None: `simulate` itself, with the same options.

    With a capital the options are fill, start, stop, orders_allowed and keep_paths, as in `simulate`; the exchange's
    refusals are always in force, and what is paid stands in `terms` (`Terms()` by default). Prices are yuan, volume is
    in shares. Returns a `Statement`: a `Backtest` with fills, fees by item and ex-date cash. Fills are at the printed
    open or close; half the spread and the impact are costs beside the price, so gross minus net is the costs.

    A decision at the close of t knows day t and nothing later. The volume of a day caps and prices the fills of that
    day, it decides nothing; sigma of the impact ends the day before.
    Raises: ParameterError as `simulate`, for a capital that is no positive number, and for an option that has no
    meaning with a capital (execution, refuse, costs) or without one (terms).
    """
    if capital is None:
        if terms is not None:
            raise ParameterError("trade: terms are of an account in yuan; pass capital too, or costs instead of terms")
        return simulate(panel, prediction, policy=policy, **options)
    if not (np.isfinite(capital) and capital > 0):
        raise ParameterError(f"trade: capital={capital}; expected yuan, a positive number")
    return _trade(panel, prediction, policy, float(capital), terms or Terms(), **_known(options))


def _known(options: dict[str, Any]) -> dict[str, Any]:
    unknown = [name for name in options if name not in ("fill", "start", "stop", "orders_allowed", "keep_paths")]
    if unknown:
        raise ParameterError(
            f"trade: {', '.join(unknown)} with a capital; expected fill, start, stop, orders_allowed or keep_paths: "
            "the exchange's refusals are in force, and costs are in terms"
        )
    return options


def _trade(
    panel: Panel, prediction: ArrayLike, policy: Policy, capital: float, terms: Terms, *, fill: Fill = "open",
    start: Any = None, stop: Any = None, orders_allowed: Flags | None = None, keep_paths: bool = False,
) -> Statement:  # fmt: skip
    if fill not in ("close", "open"):
        raise ParameterError(f"fill: expected 'close' or 'open', got {fill!r}")
    scores, (days, names) = _predictions(panel, prediction), panel.shape
    allowed = np.ones((days, names), dtype=bool) if orders_allowed is None else np.asarray(orders_allowed, bool)
    if allowed.shape != panel.shape:
        raise ParameterError(f"orders_allowed has shape {allowed.shape}, the panel {panel.shape}")
    first, last = _span(panel, scores, start, stop)
    volume = np.where(panel.traded & (panel.fields["volume"] > 0), panel.fields["volume"], 0.0)
    run = _Run(
        panel, scores, allowed, policy, terms, fill_rules(panel, fill, refusals("executed", None)),
        DatedFees.of(terms.fees, panel), LotSizes.of(panel), ends(terms, panel), _price(panel, "open"),
        _price(panel, "close"), volume, panel.adj_factor, panel.observed, ShareAccount.opened(capital, names),
    )  # fmt: skip
    record = Writer(panel.dates[first:last], first, names, capital, keep_paths)
    advance = run.close_day if fill == "close" else run.open_day
    for t in range(first, last):
        record.write(t - first, run.account, *advance(t))
    return record.statement()


def _price(panel: Panel, name: str) -> Matrix:
    """Prices at which the stock traded [T, N]; NaN elsewhere."""
    price = panel.fields[name]
    return np.where(panel.traded & np.isfinite(price) & (price > 0), price, np.nan)


@dataclass
class _Run:
    """One simulation; the account is all that moves."""

    panel: Panel
    scores: Matrix
    allowed: Flags
    policy: Policy
    terms: Terms
    rules: FillRules
    fees: DatedFees
    lots: LotSizes
    ends: Ends
    open: Matrix
    close: Matrix
    volume: Matrix
    factor: Matrix
    observed: Flags
    account: ShareAccount

    def close_day(self, t: int) -> tuple[Filled, Day]:
        """Value at the close, decide, trade there."""
        day = self._morning(t)
        day.profit += self._value(self.close[t])
        day.before = self.account.equity
        self._decide(t, t)
        return self._fill(t, self.close[t]), day

    def open_day(self, t: int) -> tuple[Filled, Day]:
        """Value at the open, trade what was decided at the last close, value at the close, decide."""
        day = self._morning(t)
        day.profit += self._value(self.open[t])
        day.before = self.account.equity
        filled = self._fill(t, self.open[t])
        day.profit += self._value(self.close[t])
        self._decide(t, t + 1)
        return filled, day

    def _morning(self, t: int) -> Day:
        account = self.account
        day = Day(account.equity)
        account.bought = np.zeros_like(account.bought)
        ended = self.ends.paid == t
        if ended.any():
            day.profit += account.pay_out(ended, self.terms.loss)
        day.fractions = account.ex_dates(self.factor[t], self.observed[t])
        # the size of a first order in a stock that has been halted since the first day
        account.price = np.where(np.isnan(account.price), self.panel.previous_close[t], account.price)
        day.stale = int(np.count_nonzero((account.shares > 0) & ~self.observed[t]))
        return day

    def _value(self, price: Vector) -> float:
        return self.account.value_at(price, np.isfinite(price))

    def _fill(self, t: int, price: Vector) -> Filled:
        none = np.isnan(price)
        buy, sell = (np.where(none & (fate == 0), NO_PRICE, fate) for fate in (self.rules.buy[t], self.rules.sell[t]))
        terms = self.terms
        return self.account.trade(
            t, Session(price, self.volume[t], buy, sell), self.fees, self.lots, terms.participation, terms.sessions
        )

    def _decide(self, t: int, filled_on: int) -> None:
        account, universe, allowed = self.account, self.panel.universe[t], self.allowed[t]
        values = account.values
        equity = account.cash + float(values.sum())
        past = Past(
            self.panel.dates[t], self.scores[t].copy(), universe.copy(), allowed.copy(), values / equity,
            account.cash / equity,
        )  # fmt: skip
        target = _checked(self.policy(past), past)
        target = np.where(universe, target, 0.0 if self.terms.leaving == "sell" else np.nan)
        forced = self.ends.forced <= filled_on
        target = np.where(forced, 0.0, np.where(allowed, target, np.nan))
        account.order(target, allowed & (universe | (account.working < 0)))
