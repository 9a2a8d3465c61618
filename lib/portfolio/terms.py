"""The terms under which an account in yuan trades: what is paid, how much of a day's volume, what ends a position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.days import as_days_or_none
from lib.errors import ParameterError
from lib.limits.exchanges import dated
from lib.panel import Panel
from lib.portfolio.fees import Fees

Rows = NDArray[np.intp]

#: what becomes of the shares of a stock that is delisted
DELISTINGS: Final = {
    "last_price": "paid out at the last price",
    "loss": "paid out at the last price less a stated loss",
    "period": "sold in the exchange's delisting period; the rest paid out at the last price less a stated loss",
}
#: what becomes of a position whose stock leaves the universe
LEAVING: Final = {
    "sell": "sold under the fill rules, whatever the policy says",
    "hold": "kept, without an order, until it is a member again",
}


class DelistingPeriod(NamedTuple):
    """Sessions of the delisting period, for last sessions from a day on."""

    since: str
    sessions: int
    source: str


#: a delisting for a price or a market value too low has no such period since 2020-12-31: use "loss" there
DELISTING_PERIODS: Final = (
    DelistingPeriod("2012-07-07", 30, "public: listing rules of 2012"),
    DelistingPeriod("2020-12-31", 15, "public: listing rules of 2020-12-31"),
)


@dataclass(frozen=True)
class Terms:
    """Terms of an account in yuan.

    fees: `Fees`. participation: largest share of the day's volume that an order may be. sessions: on how many sessions
    an order is worked; 1: what is not filled is gone, as in `simulate`. A new order for the stock takes its place, and
    so does a day without leave to order.
    delisting: a key of `DELISTINGS`; loss: share of the last price. last_session: [N] days, NaT for a stock that stays.
    It is no look-ahead to know it: the period is announced before it begins, and nothing before it reads the day.
    leaving: a key of `LEAVING`.
    Raises ParameterError for anything else.
    """

    fees: Fees = field(default_factory=Fees)
    participation: float = 0.1
    sessions: int = 1
    delisting: Literal["last_price", "loss", "period"] = "last_price"
    loss: float = 0.0
    last_session: ArrayLike | None = None
    leaving: Literal["sell", "hold"] = "sell"

    def __post_init__(self) -> None:
        for name, value, known in (("delisting", self.delisting, DELISTINGS), ("leaving", self.leaving, LEAVING)):
            if value not in known:
                raise ParameterError(f"Terms: {name}={value!r}; expected one of {', '.join(known)}")
        if not 0 < self.participation <= 1:
            raise ParameterError(f"Terms: participation={self.participation}; expected a share of volume in (0, 1]")
        if self.sessions < 1:
            raise ParameterError(f"Terms: sessions={self.sessions}; expected at least 1")
        if not 0 <= self.loss <= 1 or (self.loss and self.delisting == "last_price"):
            raise ParameterError(
                f"Terms: loss={self.loss} with delisting={self.delisting!r}; expected a share in [0, 1], and 0 with "
                "'last_price'"
            )


class Ends(NamedTuple):
    """Rows of the panel [N]: from `forced` on a position is sold, on `paid` what is left is paid out; T: never."""

    forced: Rows
    paid: Rows


def ends(terms: Terms, panel: Panel) -> Ends:
    """Where each stock's listing ends. Raises ParameterError for days of another shape."""
    never = np.full(panel.shape[1], panel.shape[0], dtype=np.intp)
    if terms.last_session is None:
        if terms.delisting != "last_price":
            raise ParameterError(f"Terms: delisting={terms.delisting!r} needs last_session, [N] days")
        return Ends(never, never)
    days = as_days_or_none(terms.last_session, "Terms: last_session", ParameterError)
    if days.shape != never.shape:
        raise ParameterError(f"Terms: last_session has shape {days.shape}; expected [N] = {never.shape}")
    known = ~np.isnat(days)
    day = np.where(known, days, panel.dates[-1])
    beyond = np.busday_count(panel.dates[-1] + 1, np.maximum(day, panel.dates[-1]) + 1)  # weekdays after the panel
    paid = np.where(known, np.searchsorted(panel.dates, day, side="right") + beyond, never)
    if terms.delisting != "period":
        return Ends(never, paid)
    periods = dated([(row.since, row.sessions) for row in DELISTING_PERIODS], day).astype(np.intp)
    return Ends(np.where(known, np.maximum(paid - periods, 0), never), paid)
