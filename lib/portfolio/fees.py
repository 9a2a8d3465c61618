"""What one order of an account in yuan costs, item by item: dated fees, half the spread, market impact.

    commission   by agreement, with a minimum an order          transfer fee   of value, or of the number of shares
    stamp duty   sells only since 2008-09-19 (`STAMP_DUTY`)     half spread    a share of the value
    impact       value x (linear q + square_root sigma q^(1/2)),   q = shares / the day's volume

Sources that are cited in short:
  rules    the rule itself, as its office published it
  public   several public sources that agree, none of them the rule itself
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Matrix, Vector
from lib.errors import ParameterError
from lib.limits.exchanges import ALWAYS, dated
from lib.panel import Panel
from lib.portfolio.costs import BP, STAMP_DUTY, CostSchedule


class TransferFee(NamedTuple):
    """Fee of the registrar on either side, from a day on: bp of the value, and yuan a share (of a face value of 1)."""

    exchange: str
    since: str
    bp: float
    yuan_a_share: float
    source: str


#: oldest first within an exchange; Shanghai before 2015 had several rates, of which only the last stands here
TRANSFER_FEES: Final = (
    TransferFee("SH", ALWAYS, 0.0, 0.0003, "public: 0.3 per mille of the face value"),
    TransferFee("SH", "2015-08-01", 0.2, 0.0, "public: 0.02 per mille of the value in both cities"),
    TransferFee("SH", "2022-04-29", 0.1, 0.0, "public: halved"),
    TransferFee("SZ", ALWAYS, 0.255, 0.0, "public: within the exchange's own fee"),
    TransferFee("SZ", "2015-08-01", 0.2, 0.0, "public"),
    TransferFee("SZ", "2022-04-29", 0.1, 0.0, "public: halved"),
    TransferFee("BJ", ALWAYS, 0.25, 0.0, "public"),
)
EXCHANGES: Final = ("SH", "SZ", "BJ")


class CommissionRule(NamedTuple):
    """The frame of what a broker may agree on, from a day on: at most so many bp, at least so many yuan an order."""

    since: str
    most_bp: float
    least_yuan: float
    source: str


COMMISSIONS: Final = (
    CommissionRule("2002-05-01", 30.0, 5.0, "public: notice of 2002, at most 3 per mille and at least 5 yuan"),
)
#: the parts of what an order costs, in the order of `Fees.items`
ITEMS: Final = ("commission", "transfer", "duty", "spread", "impact")
BILLED: Final = ITEMS[:3]  # on a broker's statement; the others are in the price
#: sessions of the deviation in the impact, the least of them with a return, and the deviation without them
SIGMA_DAYS, SIGMA_LEAST, SIGMA_UNKNOWN = 20, 5, 0.02
FEN: Final = 100.0


@dataclass(frozen=True)
class Fees:
    """Terms of an account.

    commission: bp of the value, by agreement, the exchange's own fees within it. minimum: yuan an order.
    half_spread: bp of the value. linear, square_root: coefficients of the impact; the square-root law has one of order
    1 (Almgren et al. 2005, Toth et al. 2011). fen: each billed item is rounded to 0.01 yuan, half up, as statements
    show it (in no rule that we have seen).
    The defaults are assumptions, as in `realistic`. Raises ParameterError for a negative number, and for a commission
    beyond what the rule allows (`COMMISSIONS`).
    """

    commission: float = 2.5
    minimum: float = 5.0
    half_spread: float = 5.0
    linear: float = 0.0
    square_root: float = 1.0
    transfer: bool = True
    duty: bool = True
    fen: bool = True

    def __post_init__(self) -> None:
        numbers = (self.commission, self.minimum, self.half_spread, self.linear, self.square_root)
        if not (np.isfinite(numbers).all() and min(numbers) >= 0):
            raise ParameterError(f"Fees: expected finite numbers >= 0, got {self}")
        if self.commission > COMMISSIONS[-1].most_bp:
            raise ParameterError(f"Fees: commission {self.commission} bp; the rule allows {COMMISSIONS[-1].most_bp:g}")

    @property
    def reserve(self) -> float:
        """Yuan that an order may cost beyond the same share of what a larger one costs: the minimum, and rounding."""
        return self.minimum + (0.03 if self.fen else 0.0)


#: every item at 0: an account of whole lots and nothing else
NO_FEES: Final = Fees(0.0, 0.0, 0.0, 0.0, 0.0, transfer=False, duty=False, fen=False)


@dataclass(frozen=True, eq=False)
class DatedFees:
    """`Fees` on a panel: rates by day [T] and exchange [T, 3], each stock's exchange [N], sigma [T, N]."""

    fees: Fees
    buy_duty: Vector
    sell_duty: Vector
    per_value: Matrix
    per_share: Matrix
    exchange: NDArray[np.intp]
    sigma: Matrix | None

    @classmethod
    def of(cls, fees: Fees, panel: Panel) -> DatedFees:
        """Raises ParameterError for a panel that begins before the stamp duty's table."""
        duty = CostSchedule("stamp duty", 0.0, STAMP_DUTY if fees.duty else ()).rates(panel.dates)
        rows = [[row for row in TRANSFER_FEES if row.exchange == name] for name in EXCHANGES]
        value = [dated([(row.since, row.bp * BP) for row in own], panel.dates) for own in rows]
        share = [dated([(row.since, row.yuan_a_share) for row in own], panel.dates) for own in rows]
        on = float(fees.transfer)
        sigma = trailing_sigma(panel.returns) if fees.square_root else None
        per_value, per_share = on * np.stack(value, axis=1), on * np.stack(share, axis=1)
        return cls(fees, duty.buy, duty.sell, per_value, per_share, exchanges_of(panel.symbols), sigma)

    def items(self, t: int, shares: Vector, price: Vector, volume: Vector, *, sell: bool) -> Matrix:
        """Cost in yuan [5, N], by `ITEMS`, of orders of `shares` [N] at `price` on day t; 0 where there is none.

        volume [N]: shares traded that day. An order in a cell without volume has no impact here; none fills there.
        """
        fees, value = self.fees, shares * price
        out = np.zeros((len(ITEMS), len(value)))
        out[0] = np.maximum(fees.commission * BP * value, fees.minimum)
        out[1] = self.per_value[t][self.exchange] * value + self.per_share[t][self.exchange] * shares
        out[2] = (self.sell_duty if sell else self.buy_duty)[t] * value
        if fees.fen:
            out[:3] = np.floor(out[:3] * FEN + 0.5 + 1e-7) / FEN  # half up, though 0.145 has no exact double
        out[3] = fees.half_spread * BP * value
        if fees.linear or self.sigma is not None:
            part = shares / np.maximum(volume, 1.0)
            root = 0.0 if self.sigma is None else fees.square_root * self.sigma[t] * np.sqrt(part)
            out[4] = value * (fees.linear * part + root)
        return np.where(shares > 0, out, 0.0)


def trailing_sigma(returns: Matrix) -> Matrix:
    """Root mean square [T, N] of the known returns of the `SIGMA_DAYS` days before each; `SIGMA_UNKNOWN` without."""
    known = np.isfinite(returns)
    squares, counts = (_before(x) for x in (np.where(known, returns, 0.0) ** 2, known.astype(np.float64)))
    return np.where(counts >= SIGMA_LEAST, np.sqrt(squares / np.maximum(counts, 1.0)), SIGMA_UNKNOWN)


def _before(x: Matrix) -> Matrix:
    """Sums over the `SIGMA_DAYS` rows before each row, the row itself left out."""
    total = np.vstack([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)])
    rows = np.arange(len(x))
    return np.maximum(total[rows] - total[np.maximum(rows - SIGMA_DAYS, 0)], 0.0)


def exchanges_of(symbols: NDArray[np.str_]) -> NDArray[np.intp]:
    """Place in `EXCHANGES` of each symbol [N], by its letters or its code; Shanghai where neither says.

    >>> exchanges_of(np.array(["SH600000", "000001", "430047.BJ", "920001"])).tolist()
    [0, 1, 2, 2]
    """
    return np.array([EXCHANGES.index(_exchange(str(symbol))) for symbol in symbols], dtype=np.intp)


def _exchange(symbol: str) -> str:
    named = [name for name in EXCHANGES if symbol.startswith(name) or symbol.endswith(name)]
    if named:
        return named[0]
    return "SZ" if symbol[:1] in "0123" else "BJ" if symbol[:1] in "48" or symbol[:2] == "92" else "SH"
