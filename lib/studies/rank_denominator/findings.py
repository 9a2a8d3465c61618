"""What the study of the rank denominator says: who can notice, by how much, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.stats.estimates import Estimate
from lib.stats.over_seeds import MARKET, OverSeeds, sources_of

#: the scenario whose factors are shown one by one: made-up market, file
SHOWN = ("waves", "as it is")
#: rank above which a rule picks a stock, in the picture
PICK = 0.9


@dataclass(frozen=True)
class Denominator:
    """The numbers of the study `rank_denominator` for one market; `cannot`: factors that a proof exempts."""

    numbers: OverSeeds
    source: str
    cannot: frozenset[str]

    @classmethod
    def of(cls, frame: pd.DataFrame, cannot: frozenset[str], source: str = "") -> Denominator:
        return cls(OverSeeds(frame), source or sources_of(frame)[0], cannot)

    @property
    def shown(self) -> str:
        """The scenario whose factors are shown one by one."""
        return SHOWN[0] if self.source == MARKET else SHOWN[1]

    @property
    def factors(self) -> list[str]:
        prefix = f"{self.source} {self.shown} "
        return [v.removeprefix(prefix) for v, m in self.numbers if v.startswith(prefix) and m == "ic"]

    def change(self, factor: str) -> float:
        """The largest change of a day's rank IC by the wrong denominator."""
        return float(self.numbers.seeds(f"{self.source} {self.shown} {factor}", "change last").max())

    def gain(self, scenario: str, metric: str) -> Estimate:
        """Gain by the right denominator, such as "gain all last", "pooled gain first"."""
        return self.numbers.find(f"{self.source} {scenario}", metric)

    def shares(self, scenario: str) -> np.ndarray:
        """Share of stocks that are valid, by day of the picture."""
        names = [m for v, m in self.numbers if v == f"{self.source} {scenario}" and m.startswith("share day ")]
        return np.array([self.numbers.find(f"{self.source} {scenario}", name).value for name in names])

    @property
    def pictured(self) -> bool:
        """Whether the halts of the picture were imposed on this market."""
        return len(self.shares("waves")) > 0

    def ceiling_message(self) -> str:
        """What the wrong denominator does to the top of the ranking."""
        share = self.shares("storm").min()
        picked = max(0.0, share - PICK)
        return (
            f"Divided by all stocks, the best rank of a day with {100 * (1 - share):.0f} % halted is {share:.2f}: a "
            f"rule that buys above {PICK:g} buys {100 * picked / (1 - PICK):.0f} % of what it buys on other days"
        )

    def who_message(self) -> str:
        """How far the proof and the measurement agree."""
        exempt = [self.change(name) for name in self.factors if name in self.cannot]
        others = [self.change(name) for name in self.factors if name not in self.cannot]
        held = "does not change on a single day" if max(exempt) == 0 else f"changes by up to {max(exempt):.0g} a day"
        return (
            f"{len(exempt)} of {len(self.factors)} factors that rank cannot notice the denominator, and their rank IC "
            f"{held}; of the other {len(others)}, {sum(change > 0 for change in others)} do notice"
        )

    def gain_message(self) -> str:
        """The mean gain of rank IC for both places of masked stocks."""
        last, first = (self.gain(self.shown, f"gain all {masked}").text(4) for masked in ("last", "first"))
        return (
            f"The valid count changes the mean rank IC of factors that rank by {last} with masked stocks sorted last, "
            f"by {first} with them sorted first"
        )
