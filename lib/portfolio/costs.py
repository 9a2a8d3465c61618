"""What a trade costs, per side and by date.

Rates are shares of the traded value; the schedules are written in basis points (1 bp = 1e-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.days import as_days
from lib.errors import ParameterError

BP: Final = 1e-4

#: A-share stamp duty (valid from, on buys, on sells) in bp. Ministry of Finance notices of 2008-04-24,
#: 2008-09-19 (buyers exempt) and 2023-08-28 (halved)
STAMP_DUTY: Final = (
    ("2007-05-30", 30.0, 30.0),
    ("2008-04-24", 10.0, 10.0),
    ("2008-09-19", 0.0, 10.0),
    ("2023-08-28", 0.0, 5.0),
)


class Rates(NamedTuple):
    """Cost per unit of value bought and sold, one number per day: two arrays [T]."""

    buy: NDArray[np.float64]
    sell: NDArray[np.float64]


@dataclass(frozen=True)
class CostSchedule:
    """Costs in bp: `per_side` on every trade, and a dated duty (from, on buys, on sells).

    Raises: ParameterError for a negative cost or duty dates that do not increase.
    """

    name: str
    per_side: float
    duty: tuple[tuple[str, float, float], ...] = ()

    def __post_init__(self) -> None:
        if not min([self.per_side, *(cost for row in self.duty for cost in row[1:])]) >= 0:
            raise ParameterError(f"cost schedule {self.name!r}: costs are basis points >= 0, got {self}")
        starts = self._starts().tolist()
        if starts != sorted(set(starts)):
            raise ParameterError(f"cost schedule {self.name!r}: duty dates must increase, got {starts}")

    def _starts(self) -> NDArray[np.datetime64]:
        return as_days([row[0] for row in self.duty], f"cost schedule {self.name!r}: duty", ParameterError)

    def rates(self, dates: NDArray[np.datetime64]) -> Rates:
        """Rates [T] on `dates` [T]. Raises: ParameterError for a date before the first dated duty."""
        if not self.duty:
            return Rates(*(np.full(len(dates), self.per_side * BP) for _ in range(2)))
        starts, dates = self._starts(), as_days(dates, "dates", ParameterError)
        row = np.searchsorted(starts, dates, side="right") - 1
        if len(row) and row.min() < 0:
            raise ParameterError(
                f"cost schedule {self.name!r} begins {starts[0]}, got {dates.min()}; use flat(bps) before it"
            )
        buy, sell = np.array([cost for _, *cost in self.duty]).T
        return Rates((self.per_side + buy[row]) * BP, (self.per_side + sell[row]) * BP)


def flat(bps: float = 8.0) -> CostSchedule:
    """The paper's linear cost: `bps` basis points of the traded value on either side (paper B, section 3.7).

    >>> flat(8).rates(np.array(["2020-01-02"], dtype="datetime64[D]")).sell.round(12).tolist()
    [0.0008]
    """
    return CostSchedule(f"flat {bps:g} bp", bps)


def realistic(commission: float = 2.5, half_spread: float = 5.0) -> CostSchedule:
    """A-share costs: commission and half the spread on either side, stamp duty by date (`STAMP_DUTY`).

    The defaults (bp) are assumptions: 2.5 for an institutional commission with transfer fees, 5 for half
    a spread of one 0.01-yuan tick on a 10-yuan stock. No market impact.

    >>> days = np.array(["2023-08-25", "2023-08-28"], dtype="datetime64[D]")
    >>> realistic().rates(days).sell.round(12).tolist()
    [0.00175, 0.00125]
    """
    return CostSchedule("realistic A-share", commission + half_spread, STAMP_DUTY)
