"""Two books compared before a conclusion is drawn: gross of costs, net of costs, at equal turnover, at what cost.

A variant that trades less keeps more of what it earns. So the sign that counts is that of the gross difference; the net
one is shown with both turnovers, and with what is left of it once both trade the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lib.portfolio import break_even_bps
from lib.stats.estimates import Estimate

Find = Callable[[str], Estimate]
#: run -> how its orders are filled, in words
FILLS = {"executed_open": "as executed at the next open", "naive_close": "with every order filled at the close"}
#: sessions of a year, and the cost of a side in basis points, of the recorded numbers
SESSIONS, COST = 243, 8


@dataclass(frozen=True)
class Books:
    """Left minus right on one run: active Sharpe ratios gross, net, and net at matched turnover.

    annual_gross: difference of mean gross returns a year. left, right: value bought plus sold a day over equity.
    """

    gross: Estimate
    net: Estimate
    matched: Estimate
    annual_gross: float
    left: float
    right: float

    @classmethod
    def of(cls, find: Find, run: str = "executed_open") -> Books:
        """From a function that looks up a metric of the contrast."""
        return cls(
            gross=find(f"{run}.active_sharpe_gross"),
            net=find(f"{run}.active_sharpe"),
            matched=find(f"{run}.matched.active_sharpe"),
            annual_gross=find(f"{run}.annual_gross").value,
            left=find(f"{run}.turnover.left").value,
            right=find(f"{run}.turnover.right").value,
        )

    @property
    def known(self) -> bool:
        """Whether the two books were compared before costs."""
        return not math.isnan(self.gross.value)

    @property
    def break_even(self) -> float:
        """Cost a side, in basis points, at which both earn the same; NaN where one earns more at every cost.

        Over markets a ratio of means, not a mean of ratios.
        """
        return break_even_bps(self.annual_gross / SESSIONS, self.left - self.right, max(self.left, self.right))
