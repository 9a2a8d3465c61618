"""What the study of coverage says: what strict windows cost, and what joining factors costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OneMarket

#: windows that sentences name, in days
NAMED = (20, 60)


@dataclass(frozen=True)
class Coverage(OneMarket):
    """The numbers of the study `coverage` for one market."""

    def kept(self, policy: str, window: int, how: str = "counted") -> Estimate:
        """Share of tradable cells that keep their window: counted, independent, spells, spells by stock."""
        return self.numbers.find(f"{self.source} {policy} {window}", how)

    @property
    def windows(self) -> list[int]:
        """Windows that were counted."""
        prefix = f"{self.source} strict "
        return [int(v.removeprefix(prefix)) for v, m in self.numbers if v.startswith(prefix) and m == "counted"]

    def factors(self, policy: str, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} factors {policy}", metric)

    def each(self) -> list[tuple[str, float, float, float]]:
        """(factor, days it reads, coverage strict, coverage skip)."""
        prefix = f"{self.source} factor "
        names = [v for v, m in self.numbers if v.startswith(prefix) and m == "days"]
        return [
            (v.removeprefix(prefix), self.numbers[v, "days"].value, self.numbers[v, "strict"].value,
             self.numbers[v, "skip"].value)
            for v in names
        ]  # fmt: skip

    def imposed(self, kind: str, metric: str) -> list[tuple[float, Estimate]]:
        """(masked share, coverage) of masks laid over a clean market."""
        prefix = f"{self.source} imposed {kind} "
        found = [(v.removeprefix(prefix), v) for v, m in self.numbers if v.startswith(prefix) and m == metric]
        return [(float(share), self.numbers[v, metric]) for share, v in found]

    @property
    def has_imposed(self) -> bool:
        """Whether masks were laid over this market."""
        return bool(self.imposed("coins", "formula"))

    def message(self) -> str:
        """What strict windows cost, and what independent cells would have cost."""
        lost = [100 * (1 - self.kept("strict", window).value) for window in NAMED]
        coin = 100 * (1 - self.kept("strict", NAMED[1], "independent").value)
        masked = 100 * self.numbers.find(self.source, "masked share").value
        return (
            f"With {masked:.1f} % of cells masked, strict windows lose {lost[0]:.0f} % of the tradable cells at "
            f"{NAMED[0]} days and {lost[1]:.0f} % at {NAMED[1]}; coins would have cost {coin:.0f} %"
        )

    def skip_message(self) -> str:
        """What windows cost that skip."""
        worst = min(self.kept("skip", window).value for window in self.windows)
        return f"Windows that need half of their cells keep {100 * worst:.1f} % or more at every length."

    def joined_message(self) -> str:
        """What joining costs, by masks and by values that are not defined."""
        each, joined, masks = (self.factors("strict", m).value for m in
                               ("each its own", "all at once", "all at once, masks alone"))  # fmt: skip
        return (
            f"A strict factor covers {100 * each:.0f} % of the tradable cells on average; all of them at once "
            f"{100 * joined:.0f} %, and {100 * masks:.0f} % if only masks counted"
        )

    def undefined_message(self) -> str:
        """What is lost without any mask."""
        clean = self.numbers.find(f"{self.source} imposed clean", "all at once").value
        if math.isnan(clean):
            return ""
        return (
            f"Without a single masked cell all factors at once have a value on {100 * clean:.0f} % of the cells: the "
            "rest is lost to denominators of zero and the like, in whichever factor has one."
        )
