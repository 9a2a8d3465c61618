"""Holdings and cash: how they grow, and what one trading session does to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Vector
from lib.portfolio.fills import FATES, FILLED

Row = NDArray[np.uint8]

#: Values below this share of equity are rounding: no order and no purchase of that size.
DUST = 1e-12


class Trade(NamedTuple):
    """One session: signed value traded [N], its cost, and the orders refused, by fate (`FATES`)."""

    value: Vector
    cost: float
    refused_buys: NDArray[np.intp]
    refused_sells: NDArray[np.intp]


@dataclass
class Account:
    """Values held [N] and cash, in units of the initial equity."""

    holdings: Vector
    cash: float = 1.0

    @property
    def equity(self) -> float:
        """Cash plus holdings."""
        return self.cash + float(self.holdings.sum())

    @property
    def weights(self) -> Vector:
        """Holdings as shares of equity [N]."""
        return self.holdings / self.equity

    def grow(self, factor: Vector) -> float:
        """Multiplies each holding by its factor [N]; returns the profit."""
        profit = float(self.holdings @ (factor - 1.0))
        self.holdings = self.holdings * factor
        return profit

    def orders(self, target: Vector) -> Vector:
        """Signed order values [N] that lead to `target` weights at today's values; 0 where target is NaN."""
        equity = self.equity
        order = np.where(np.isnan(target), 0.0, target * equity - self.holdings)
        rounding = (np.abs(order) <= DUST * equity) & (target != 0)
        return np.where(rounding, 0.0, order)

    def trade(self, order: Vector, may_buy: Row, may_sell: Row, buy_rate: float, sell_rate: float) -> Trade:
        """Fills what may fill: sells first, then buys scaled to the cash there is, costs included.

        A refused buy leaves its money in cash, a refused sell stays in the holdings. Each stock has one
        order in a session and there is one session a day, so nothing is sold on its purchase day (T+1).
        """
        sell = np.minimum(np.where((order < 0) & (may_sell == FILLED), -order, 0.0), self.holdings)
        buy = np.where((order > 0) & (may_buy == FILLED), order, 0.0)
        sold, wanted = float(sell.sum()), float(buy.sum()) * (1.0 + buy_rate)
        available = self.cash + sold * (1.0 - sell_rate)
        if available <= DUST * self.equity:
            buy = np.zeros_like(buy)
        elif wanted > available:
            buy = buy * (available / wanted)
        cost = sold * sell_rate + float(buy.sum()) * buy_rate
        value = buy - sell
        self.holdings = self.holdings + value
        self.cash -= float(value.sum()) + cost
        return Trade(value, cost, _refused(may_buy, order > 0), _refused(may_sell, order < 0))


def _refused(fate: Row, ordered: NDArray[np.bool_]) -> NDArray[np.intp]:
    counts = np.bincount(fate[ordered], minlength=len(FATES))
    counts[FILLED] = 0
    return counts
