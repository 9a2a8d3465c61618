"""What the study of interval coverage says: how often 95 % intervals over days cover, before and after."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds

PROCESSES = {
    "normal": "independent, normal",
    "student": "independent, Student t 4.5",
    "volatility": "persistent volatility",
    "regimes": "calm, bear and rally regimes",
}
STATISTICS = {
    "path_sharpe": "one further path: Sharpe ratio",
    "path_drawdown": "one further path: drawdown",
    "path_return": "one further path: return a year",
    "mean_short": "mean, short sample",
    "mean_long": "mean, whole history",
    "sharpe_difference_short": "Sharpe difference, short sample",
    "sharpe_difference_long": "Sharpe difference, whole history",
}
#: kind of block -> its name in tables
BLOCKS = {"automatic": "automatic block of a mean", "book": "block of the book"}
#: coverage from which on an interval is called one of 95 %
ENOUGH = 0.90


@dataclass(frozen=True)
class Intervals:
    """The numbers of the study `interval_coverage`."""

    numbers: OverSeeds

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Intervals:
        return cls(OverSeeds(frame))

    def covered(self, process: str, statistic: str, blocks: str) -> Estimate:
        """Share of intervals that cover, a number of [0, 1]; its interval is over batches of repetitions."""
        return self.numbers.find(f"{process} {statistic} {blocks}", "covered")

    def wider(self, process: str, statistic: str) -> float:
        """Mean half-width with the blocks of the book over that with the automatic ones."""
        book, automatic = (
            self.numbers.find(f"{process} {statistic} {blocks}", "half_width").value for blocks in ("book", "automatic")
        )
        return book / automatic

    def least(self, blocks: str) -> tuple[float, str, str]:
        """(coverage, process, statistic) where the fewest intervals cover."""
        shares = ((self.covered(p, s, blocks).value, p, s) for p in PROCESSES for s in STATISTICS)
        return min(item for item in shares if not math.isnan(item[0]))

    def message(self) -> str:
        """The worst case with either kind of block."""
        (before, _, _), (after, _, _) = self.least("automatic"), self.least("book")
        return (
            f"95 % intervals cover in at least {100 * before:.1f} % of cases with automatic blocks, "
            f"{100 * after:.1f} % with those of the book"
        )

    def enough_message(self) -> str:
        """Whether every interval of the book is worth its name, and which is not."""
        share, process, statistic = self.least("book")
        where = f"{STATISTICS[statistic]}, {PROCESSES[process]}: {100 * share:.1f} %"
        if share >= ENOUGH:
            return f"Every kind of interval covers in {100 * ENOUGH:.0f} % of cases or more; the fewest are of {where}"
        return f"Not every kind of interval covers in {100 * ENOUGH:.0f} % of cases; the fewest are of {where}"

    def cost_message(self) -> str:
        """What the longer blocks cost where days are independent."""
        wider = max(self.wider("normal", statistic) for statistic in STATISTICS)
        more = f"{100 * (wider - 1):.0f} % wider"
        return f"Where days are independent, the blocks of the book make intervals at most {more}"
