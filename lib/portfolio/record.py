"""The daily record of a simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Matrix, Vector
from lib.portfolio.account import Account, Trade
from lib.portfolio.fills import FATES

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Backtest:
    """Daily record over `dates` [D], rows first_row..first_row + D - 1 of the panel.

    returns = gross - costs, all as shares of the equity of the day before; equity starts at 1 before the
    first day, on which there is no return but (close fills) the cost of the first purchase.
    turnover: value bought plus sold / equity before trading. held: names held at the close.
    stale: held names without a price that day; they keep their last value.
    refused: orders that did not fill, by kind: "buy_limit", "buy_halt", "buy_no_price", "sell_limit", ...
    weights, trades [D, N]: weights at the close; signed value traded / equity before trading. Only with
    keep_paths=True.
    """

    dates: NDArray[np.datetime64]
    first_row: int
    returns: Vector
    gross: Vector
    costs: Vector
    turnover: Vector
    equity: Vector
    cash: Vector
    held: Counts
    stale: Counts
    refused: dict[str, Counts]
    weights: Matrix | None = None
    trades: Matrix | None = None

    @classmethod
    def blank(cls, dates: NDArray[np.datetime64], first_row: int, names: int, keep_paths: bool) -> Backtest:
        """A record of zeros, to be filled by `write`."""
        money, days = np.zeros((6, len(dates))), len(dates)
        held, stale = np.zeros((2, days), dtype=np.int64)
        refused = {
            f"{side}_{fate}": np.zeros(days, dtype=np.int64) for side in ("buy", "sell") for fate in FATES[1:]
        }
        paths: tuple[Matrix | None, Matrix | None] = (None, None)
        if keep_paths:
            paths = np.zeros((days, names)), np.zeros((days, names))
        returns, gross, costs, turnover, equity, cash = money
        return cls(
            dates, first_row, returns, gross, costs, turnover, equity, cash, held, stale, refused, *paths
        )  # fmt: skip

    def write(self, row: int, account: Account, trade: Trade, day: Day) -> None:
        """Fills in the day `row` after its close."""
        equity = account.equity
        self.returns[row] = equity / day.opened - 1.0
        self.gross[row] = day.profit / day.opened
        self.costs[row] = trade.cost / day.opened
        self.turnover[row] = np.abs(trade.value).sum() / day.before
        self.equity[row], self.cash[row] = equity, account.cash
        self.held[row], self.stale[row] = np.count_nonzero(account.holdings > 0), day.stale
        for side, counts in (("buy", trade.refused_buys), ("sell", trade.refused_sells)):
            for fate, count in zip(FATES[1:], counts[1:], strict=True):
                self.refused[f"{side}_{fate}"][row] = count
        if self.weights is not None and self.trades is not None:
            self.weights[row], self.trades[row] = account.holdings / equity, trade.value / day.before


@dataclass
class Day:
    """Equity at the last close (`opened`) and just `before` trading, profit so far, names without a price."""

    opened: float
    before: float
    profit: float
    stale: int
