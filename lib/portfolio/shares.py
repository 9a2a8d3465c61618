"""Shares and yuan: what one session does to an account that trades whole lots.

Equity is cash plus shares times the price they were last valued at. Trading changes it by the costs alone, an ex-date
not at all: shares are scaled by the adjustment factor, as if the dividend had bought shares at the ex-right price, and
the fraction of a share that is left over becomes cash at that price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Vector
from lib.portfolio.fees import DatedFees
from lib.portfolio.fills import FATES, FILLED
from lib.portfolio.lots import SLACK, LotSizes

Flags = NDArray[np.bool_]
Codes = NDArray[np.uint8]
Counts = NDArray[np.intp]

#: a factor nearer to 1 than this is no ex-date
NO_EX_DATE = 1e-9


class Session(NamedTuple):
    """What the exchange offers on a day [N]: a price, the volume, and the fate of a buy and of a sell (`FATES`)."""

    price: Vector
    volume: Vector
    buy: Codes
    sell: Codes


class Filled(NamedTuple):
    """Signed shares [N] traded, their value and the cost of each item [5, N] (`ITEMS`); refused orders by fate.

    capped: orders cut by the cap on participation. unfit: orders that came to no lot, were left without cash, or would
    have cost more than they bring.
    """

    shares: Vector
    price: Vector
    items: NDArray[np.float64]
    refused_buys: Counts
    refused_sells: Counts
    capped: int
    unfit: int

    @property
    def cost(self) -> float:
        return float(self.items.sum())


@dataclass
class ShareAccount:
    """Shares [N], those of them bought today, their last price (NaN before the first), cash in yuan, and open orders.

    working: signed shares still to trade [N]. age: sessions they were worked on [N]. factor: adjustment factor at which
    the shares are counted [N].
    """

    cash: float
    shares: Vector
    bought: Vector
    price: Vector
    working: Vector
    age: NDArray[np.intp]
    factor: Vector

    @classmethod
    def opened(cls, cash: float, names: int) -> ShareAccount:
        """An account of `cash` yuan and no shares."""
        zeros = [np.zeros(names) for _ in range(3)]
        return cls(cash, zeros[0], zeros[1], np.full(names, np.nan), zeros[2], np.zeros(names, np.intp), np.ones(names))

    @property
    def values(self) -> Vector:
        """Yuan in each stock [N]."""
        return np.where(self.shares > 0, self.shares * self.price, 0.0)

    @property
    def equity(self) -> float:
        """Cash plus shares, in yuan."""
        return self.cash + float(self.values.sum())

    def ex_dates(self, factor: Vector, known: Flags) -> float:
        """Scales shares, orders and prices where the adjustment factor [N] is known and new; returns the cash paid."""
        ratio = np.where(known, factor / self.factor, 1.0)
        moved = known & (np.abs(ratio - 1.0) > NO_EX_DATE)
        paid = 0.0
        if moved.any():
            ratio = np.where(moved, ratio, 1.0)
            self.price = self.price / ratio
            scaled = self.shares * ratio
            whole = np.floor(scaled + SLACK)
            paid = float(np.where(whole < scaled, (scaled - whole) * self.price, 0.0).sum())
            self.shares, self.working = whole, self.working * ratio
            self.cash += paid
        self.factor = np.where(moved, factor, self.factor)
        return paid

    def value_at(self, price: Vector, known: Flags) -> float:
        """Values shares at the prices [N] that are known; returns the profit."""
        change = np.where(known & (self.shares > 0), self.shares * (price - self.price), 0.0)
        self.price = np.where(known, price, self.price)
        return float(change.sum())

    def pay_out(self, ended: Flags, loss: float) -> float:
        """Turns the shares of delisted stocks into cash at the last price less `loss`; returns the profit (<= 0)."""
        value = float(self.values[ended].sum())
        self.shares = np.where(ended, 0.0, self.shares)
        self.working = np.where(ended, 0.0, self.working)
        self.cash += value * (1.0 - loss)
        return -loss * value

    def order(self, target: Vector, keep: Flags) -> None:
        """New orders towards `target` weights [N] at the last prices; without one (NaN) an order is kept where allowed.

        A target of 0 sells every share. A stock without any price yet gets no order: it has no size.
        """
        new = ~np.isnan(target)
        wanted = np.where(target == 0, 0.0, target * self.equity / self.price)
        change = np.where(np.isfinite(wanted), wanted - self.shares, 0.0)
        self.working = np.where(new, change, np.where(keep, self.working, 0.0))
        self.age = np.where(new, 0, self.age)

    def trade(
        self, t: int, session: Session, fees: DatedFees, lots: LotSizes, participation: float, days: int
    ) -> Filled:
        """Works the open orders for one session: sells first, then buys, cut to the cash that is then there.

        At most `participation` of the day's volume, in whole lots. Shares bought today are not sold (T+1). A sale that
        would cost more than it brings is left. Buys beyond the cash are scaled down together, so far that the
        minimum commissions are covered. An order is gone once it was worked on for `days` sessions, or what is left of
        it comes to no lot.
        """
        order, price = self.working, np.where(session.price > 0, session.price, 0.0)
        cap = np.floor(participation * session.volume)
        free = self.shares - self.bought
        asked = np.where((order < 0) & (session.sell == FILLED), np.minimum(-order, free), 0.0)
        sell = lots.sell(t, np.minimum(asked, cap), free)
        cost = fees.items(t, sell, price, session.volume, sell=True)
        sell = np.where(cost.sum(axis=0) < sell * price, sell, 0.0)
        cost = np.where(sell > 0, cost, 0.0)
        self.cash += float((sell * price).sum()) - float(cost.sum())

        wanted = np.where((order > 0) & (session.buy == FILLED), order, 0.0)
        buy, paid = self._affordable(t, lots.buy(t, np.minimum(wanted, cap)), price, session.volume, fees, lots)
        self.cash -= float((buy * price).sum()) + float(paid.sum())

        self.shares, self.bought = self.shares - sell + buy, self.bought + buy
        self.age = self.age + 1
        rest = order - buy + sell
        fits = np.where(rest > 0, lots.buy(t, rest), lots.sell(t, -rest, self.shares)) > 0
        self.working = np.where(fits & (self.age < days), rest, 0.0)
        tried = (asked > SLACK) | (wanted > SLACK)
        return Filled(
            buy - sell, price, cost + paid,
            _refused(session.buy, order > SLACK), _refused(session.sell, order < -SLACK),
            int(np.count_nonzero(tried & (asked + wanted > cap))), int(np.count_nonzero(tried & (buy + sell == 0))),
        )  # fmt: skip

    def _affordable(
        self, t: int, buy: Vector, price: Vector, volume: Vector, fees: DatedFees, lots: LotSizes
    ) -> tuple[Vector, NDArray[np.float64]]:
        """Buys [N] that the cash covers, and their costs [5, N]."""
        cost = fees.items(t, buy, price, volume, sell=False)
        need = float((buy * price).sum()) + float(cost.sum())
        if need <= self.cash:
            return buy, cost
        # a part of an order costs at most that part of its cost, and the reserve
        reserve = np.count_nonzero(buy) * fees.fees.reserve
        part = max(self.cash * (1.0 - 1e-12) - reserve, 0.0) / need
        buy = lots.buy(t, np.maximum(part * buy - SLACK, 0.0))
        return buy, fees.items(t, buy, price, volume, sell=False)


def _refused(fate: Codes, ordered: Flags) -> Counts:
    counts = np.bincount(fate[ordered], minlength=len(FATES))
    counts[FILLED] = 0
    return counts
