"""Ten days, three stocks and 100,000 yuan: an account small enough to check by hand.

The prices are made up so that each rule is met once: an open locked at limit-up and one at limit-down, a halt, an
ex-date, a thin day, the day on which the stamp duty was halved, the minimum commission, an odd remainder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lib.panel import Panel
from lib.parameters import Parameter
from lib.portfolio import direct
from lib.portfolio.costs import STAMP_DUTY
from lib.portfolio.fees import BILLED, COMMISSIONS, ITEMS, TRANSFER_FEES, Fees
from lib.portfolio.lots import LOTS
from lib.portfolio.statement import Statement
from lib.portfolio.terms import DELISTING_PERIODS, Terms
from lib.portfolio.trading import trade

Values = NDArray[np.float64]

PARAMETERS = {
    "capital": Parameter(float, 100_000.0, low=10_000, high=1e9, help="yuan on the first day"),
    "commission": Parameter(float, 2.5, low=0, high=30, help="basis points of the value"),
    "minimum": Parameter(float, 5.0, low=0, high=100, help="yuan an order"),
    "half_spread": Parameter(float, 5.0, low=0, high=100, help="basis points of the value"),
}
SYMBOLS: Final = ("SH600000", "SH688001", "SZ000001")
DAYS: Final = np.busday_offset(np.datetime64("2023-08-21"), np.arange(10))
#: per day and stock: yuan, shares
OPEN: Final = (
    (10.00, 47.50, 4.00), (10.02, 47.50, 4.40), (10.05, 48.20, 4.50), (9.90, 48.50, 4.48), (10.00, 48.00, 4.50),
    (9.80, 47.20, 4.55), (9.85, 46.80, 4.50), (9.80, 45.00, 4.62), (8.78, 45.50, 4.60), (8.70, 46.00, 4.58),
)  # fmt: skip
CLOSE: Final = (
    (10.00, 47.50, 4.00), (10.05, 48.00, 4.40), (10.10, 48.60, 4.48), (9.95, 48.00, 4.52), (9.90, 47.00, 4.55),
    (9.85, 46.80, 4.50), (9.80, 46.80, 4.60), (9.75, 45.50, 4.60), (8.80, 46.00, 4.58), (8.75, 46.20, 4.60),
)  # fmt: skip
EX_DAY, EX_STOCK, EX_PRE_CLOSE = 3, 0, 9.87  # a dividend of 0.23 yuan a share after a close of 10.10
VOLUME: Final = (
    (2e5, 63_100, 1e5), (2e5, 63_100, 5e3), (2e5, 63_100, 1e5), (2e5, 63_100, 1e5), (1e4, 63_100, 1e5),
    (4e4, 63_100, 1e5), (2e5, 0, 1e5), (2e5, 63_100, 1e5), (2e5, 63_100, 2e4), (166_900, 63_100, 1e5),
)  # fmt: skip
#: decision at a close -> weights wanted, by stock; no entry: no order
DECISIONS: Final = {0: {0: 0.30, 1: 0.30, 2: 0.10}, 3: {0: 0.16}, 5: {1: 0.0}, 7: {0: 0.0, 2: 0.1276}}
LINEAR: Final = 0.1


def example_panel() -> Panel:
    """The three stocks over the ten days; limits follow from the previous close and the board."""
    opened, close, volume = (np.array(rows, dtype=np.float64) for rows in (OPEN, CLOSE, VOLUME))
    before = np.vstack([close[:1], close[:-1]])
    before[EX_DAY, EX_STOCK] = EX_PRE_CLOSE
    fields = {"open": opened, "close": close, "high": np.maximum(opened, close), "low": np.minimum(opened, close),
              "pre_close": before, "volume": volume}  # fmt: skip
    return Panel.from_arrays(DAYS, SYMBOLS, fields, market="cn")


def wanted_weights() -> Values:
    """The decisions [10, 3]; NaN: no order."""
    weights = np.full((len(DAYS), len(SYMBOLS)), np.nan)
    for day, targets in DECISIONS.items():
        for stock, weight in targets.items():
            weights[day, stock] = weight
    return weights


@dataclass(frozen=True)
class Account:
    """The ten days of an account: decided at the close, filled at the next open, worked on for two sessions."""

    capital: float = 100_000.0
    commission: float = 2.5
    minimum: float = 5.0
    half_spread: float = 5.0

    @cached_property
    def panel(self) -> Panel:
        return example_panel()

    @cached_property
    def statement(self) -> Statement:
        fees = Fees(self.commission, self.minimum, self.half_spread, linear=LINEAR, square_root=0.0)
        return trade(
            self.panel, wanted_weights(), policy=direct, capital=self.capital, terms=Terms(fees=fees, sessions=2),
            start=0, keep_paths=True,
        )  # fmt: skip

    @property
    def fills(self) -> pd.DataFrame:
        """Every fill: what was traded, at what price, and what it cost."""
        return self.statement.fills(self.panel.symbols)

    @property
    def days(self) -> pd.DataFrame:
        """Per day in yuan: shares of each stock at the close, cash, equity, costs; orders refused by the exchange."""
        found = self.statement
        assert found.shares is not None
        frame = pd.DataFrame(found.shares, columns=pd.Index(SYMBOLS)).assign(date=found.dates)
        refused = sum(found.refused[f"{side}_{why}"] for side in ("buy", "sell") for why in ("limit", "halt"))
        return frame.assign(
            fractions=found.fractions, cash=found.cash * self.capital, equity=found.equity * self.capital,
            costs=sum(found.items[item] for item in ITEMS), refused=refused,
        )  # fmt: skip


def rules() -> pd.DataFrame:
    """The dated tables that the account reads, a line each: rule, of what, since when, what, known from where."""
    lines = [("order size", lot.board, lot.since, f"from {lot.least}, by {lot.step}", lot.source) for lot in LOTS]
    for fee in TRANSFER_FEES:
        rate = f"{fee.bp:g} bp" if fee.bp else f"{fee.yuan_a_share:g} yuan a share"
        lines.append(("transfer fee", fee.exchange, fee.since, rate, fee.source))
    for rule in COMMISSIONS:
        rate = f"at most {rule.most_bp:g} bp, at least {rule.least_yuan:g} yuan"
        lines.append(("commission", "all", rule.since, rate, rule.source))
    for since, buy, sell in STAMP_DUTY:
        lines.append(("stamp duty", "all", since, f"buys {buy:g} bp, sells {sell:g} bp", "Ministry of Finance"))
    for period in DELISTING_PERIODS:
        lines.append(("delisting period", "all", period.since, f"{period.sessions} sessions", period.source))
    return pd.DataFrame(lines, columns=["rule", "of", "since", "what", "source"])


def billed(fills: pd.DataFrame) -> pd.Series:
    """Yuan of each fill that a statement names as fees; spread and impact are in the price there."""
    return fills[[*BILLED]].sum(axis=1)
