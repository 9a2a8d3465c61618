"""Two books compared before a conclusion is drawn: gross of costs, net of costs, at equal turnover, at what cost.

A variant that trades less keeps more of what it earns. So the sign that counts is that of the gross difference; the net
one is shown with both turnovers, and with what is left of it once both trade the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lib.portfolio import break_even_bps, dominance
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
    tried: whether matching the turnovers was tried, `matched` being missing where no buffer does it.
    """

    gross: Estimate
    net: Estimate
    matched: Estimate
    annual_gross: float
    left: float
    right: float
    tried: bool = True

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
            tried=not math.isnan(find(f"{run}.matched.validation_ratio").value),
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
        return break_even_bps(*self._case)

    @property
    def _case(self) -> tuple[float, float, float]:
        return self.annual_gross / SESSIONS, self.left - self.right, max(self.left, self.right)

    def beside(self) -> str:
        """The net difference, both turnovers, the difference at matched turnover and the break-even cost."""
        turnovers = f"{100 * self.left:.0f} % and {100 * self.right:.0f} %"
        parts = [f"Net of {COST} bps a side it is {self.net.text()}, at turnovers of {turnovers} a day"]
        if not math.isnan(self.matched.value):
            parts.append(f"with turnovers matched, {self.matched.text()}")
        elif self.tried:
            parts.append("no buffer matches the turnovers")
        return "; ".join([*parts, self.at_which_cost()]) + "."

    def at_which_cost(self) -> str:
        """The break-even cost, or which of the two has the higher mean return whatever the cost."""
        if not math.isnan(self.break_even):
            return f"mean returns are equal at {self.break_even:.1f} bps a side"
        first = dominance(*self._case) > 0
        return f"at every cost the {'first' if first else 'second'} has the higher mean return"

    def warning(self) -> str:
        """What to say where a net difference is shown that is not there, or reversed, before costs; otherwise empty."""
        if not self.known or not self.net.sign or self.gross.sign == self.net.sign:
            return ""
        gross = "reversed" if self.gross.sign else "not shown"
        return f"Before costs the difference is {gross}: what is paid for trading decides the net one."
