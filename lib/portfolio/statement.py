"""The daily record of an account in yuan, and its list of fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Matrix, Vector
from lib.portfolio.fees import ITEMS
from lib.portfolio.fills import FATES
from lib.portfolio.record import Backtest
from lib.portfolio.shares import Filled, ShareAccount

if TYPE_CHECKING:
    import pandas as pd

Counts = NDArray[np.int64]


@dataclass
class Day:
    """Yuan: equity at the last close and before trading, profit and ex-date cash so far; names without a price."""

    opened: float
    before: float = 0.0
    profit: float = 0.0
    fractions: float = 0.0
    stale: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Statement(Backtest):
    """A `Backtest` (equity and cash in units of the capital) with what a broker's statement has besides.

    capital: yuan. items: yuan a day by `ITEMS` [D]; their sum is costs x the equity of the day before. fractions: yuan
    from fractions of shares on ex-dates [D]. capped, unfit: orders a day as in `Filled` [D].
    fill_days, fill_names, fill_shares, fill_prices [F] and fill_items [F, 5]: every fill, signed shares; the place of
    the day in `dates`, of the name in the panel.
    shares [D, N]: at the close, with keep_paths=True.
    """

    capital: float
    items: dict[str, Vector]
    fractions: Vector
    capped: Counts
    unfit: Counts
    fill_days: NDArray[np.intp]
    fill_names: NDArray[np.intp]
    fill_shares: Vector
    fill_prices: Vector
    fill_items: Matrix
    shares: Matrix | None = None

    def fills(self, symbols: NDArray[np.str_]) -> pd.DataFrame:
        """Every fill with its costs: date, symbol, shares (negative: sold), price, value, the items, cash moved."""
        import pandas as pd

        value = self.fill_shares * self.fill_prices
        frame = pd.DataFrame({"date": self.dates[self.fill_days], "symbol": symbols[self.fill_names],
                              "shares": self.fill_shares, "price": self.fill_prices, "value": value})  # fmt: skip
        frame[[*ITEMS]] = self.fill_items
        return frame.assign(cash=-value - self.fill_items.sum(axis=1))


class Writer:
    """Collects the days of a `Statement`."""

    def __init__(self, dates: NDArray[np.datetime64], first_row: int, names: int, capital: float, keep: bool) -> None:
        self.daily = Backtest.blank(dates, first_row, names, keep)
        self.capital, days = capital, len(dates)
        self.items = {item: np.zeros(days) for item in ITEMS}
        self.fractions = np.zeros(days)
        self.capped, self.unfit = np.zeros(days, dtype=np.int64), np.zeros(days, dtype=np.int64)
        self.shares = np.zeros((days, names)) if keep else None
        self.fills: list[tuple[int, NDArray[np.intp], Vector, Vector, Matrix]] = []

    def write(self, row: int, account: ShareAccount, filled: Filled, day: Day) -> None:
        """Fills in the day `row` after its close."""
        daily, values, traded = self.daily, account.values, filled.shares * filled.price
        equity = account.cash + float(values.sum())
        daily.returns[row] = equity / day.opened - 1.0
        daily.gross[row], daily.costs[row] = day.profit / day.opened, filled.cost / day.opened
        daily.turnover[row] = np.abs(traded).sum() / day.before
        daily.equity[row], daily.cash[row] = equity / self.capital, account.cash / self.capital
        daily.held[row], daily.stale[row] = np.count_nonzero(account.shares > 0), day.stale
        for side, counts in (("buy", filled.refused_buys), ("sell", filled.refused_sells)):
            for fate, count in zip(FATES[1:], counts[1:], strict=True):
                daily.refused[f"{side}_{fate}"][row] = count
        for item, paid in zip(ITEMS, filled.items.sum(axis=1), strict=True):
            self.items[item][row] = paid
        self.fractions[row], self.capped[row], self.unfit[row] = day.fractions, filled.capped, filled.unfit
        if daily.weights is not None and daily.trades is not None and self.shares is not None:
            daily.weights[row], daily.trades[row] = values / equity, traded / day.before
            self.shares[row] = account.shares
        names = np.flatnonzero(filled.shares)
        if names.size:
            self.fills.append((row, names, filled.shares[names], filled.price[names], filled.items[:, names].T))

    def statement(self) -> Statement:
        """All that was written."""
        days, names, shares, prices, items = zip(*self.fills, strict=True) if self.fills else ((),) * 5
        counts = [len(name) for name in names]
        return Statement(
            **vars(self.daily), capital=self.capital, items=self.items, fractions=self.fractions,
            capped=self.capped, unfit=self.unfit, shares=self.shares,
            fill_days=np.repeat(np.array(days, dtype=np.intp), counts),
            fill_names=np.concatenate([np.zeros(0, np.intp), *names]),
            fill_shares=np.concatenate([np.zeros(0), *shares]), fill_prices=np.concatenate([np.zeros(0), *prices]),
            fill_items=np.concatenate([np.zeros((0, len(ITEMS))), *items]),
        )  # fmt: skip
