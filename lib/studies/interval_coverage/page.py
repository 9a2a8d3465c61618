"""The page "interval_coverage": how often 95 % intervals cover a known truth, by the rule for the length of blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening
from lib.paper.pages.picker import picker
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies.interval_coverage.measure import COVERED

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "A 95 % interval should cover the truth in 95 of 100 histories. Back-tests take theirs from resampled blocks of "
    "days. Which length of block gives intervals that do?"
)
ADVICE = (
    "Choose the block by the statistic, not by the mean of the series: a drawdown depends on clusters of volatility, "
    "which the mean does not show.",
    "Distrust an interval that is narrower than Student's over the few regimes of its sample: three years hold about "
    "seven.",
    "Do not expect resampling to cover a market that changes: every process on this page stays the same.",
)
#: the processes; the one with regimes first, because it carries the message
PROCESSES = {
    "regimes": "calm, bear and rally regimes",
    "volatility": "persistent volatility",
    "student": "independent, heavy tails",
    "normal": "independent, normal",
}
STATISTICS = {
    "path_sharpe": "Sharpe ratio, further path",
    "path_drawdown": "drawdown, further path",
    "path_return": "return a year, further path",
    "mean_short": "mean return, short sample",
    "mean_long": "mean return, whole history",
    "sharpe_difference_short": "Sharpe difference, short sample",
    "sharpe_difference_long": "Sharpe difference, whole history",
}
#: kind of block -> its name
BLOCKS = {"automatic": "automatic block of a mean", "book": "block of this book"}
#: coverage from which on an interval is called one of 95 %; where the axes of coverage begin, in per cent
ENOUGH, LOWEST = 0.90, 70


@dataclass(frozen=True)
class Intervals:
    """The shares of intervals that cover, and their widths."""

    numbers: OverSeeds

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Intervals:
        return cls(OverSeeds(frame))

    def covered(self, process: str, statistic: str, blocks: str) -> Estimate:
        """Share of intervals that cover, a number of [0, 1]; its interval is over batches of histories."""
        return self.numbers.find(COVERED.name(process=process, statistic=statistic, blocks=blocks), "covered")

    def wider(self, process: str, statistic: str) -> float:
        """Mean half-width with the blocks of the book over that with the automatic ones."""
        book, automatic = (
            self.numbers.find(COVERED.name(process=process, statistic=statistic, blocks=blocks), "half_width").value
            for blocks in ("book", "automatic")
        )
        return book / automatic

    def shares(self, blocks: str, process: str) -> list[float]:
        """Coverage of every statistic in one process."""
        return [self.covered(process, statistic, blocks).value for statistic in STATISTICS]

    def least(self, blocks: str) -> tuple[Estimate, str, str]:
        """(coverage, process, statistic) where the fewest intervals cover."""
        shares = ((self.covered(p, s, blocks), p, s) for p in PROCESSES for s in STATISTICS)
        return min((item for item in shares if not math.isnan(item[0].value)), key=lambda item: item[0].value)


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    found = Intervals.of(frame)
    automatic, book = (found.shares(blocks, "regimes") for blocks in BLOCKS)
    worst, process, statistic = found.least("book")
    named: dict[str, Any] = {"worst": worst, "statistic": STATISTICS[statistic], "process": PROCESSES[process]}
    dearest = max(found.wider(process, statistic) for process in ("normal", "student") for statistic in STATISTICS)
    return [
        Finding(
            "Where the market has regimes, the usual automatic length of block gives intervals that are too narrow: "
            "those of 95 % cover the truth in only {least:.1%} to {most:.1%} of histories, by kind of interval.",
            least=min(automatic), most=max(automatic), holds=max(automatic) < ENOUGH,
        ),
        Finding(
            "The longer blocks of this book bring this to {least:.1%} to {most:.1%} (the same market with regimes).",
            least=min(book), most=max(book),
            holds=min(book) > max(automatic) and min(book) > ENOUGH - 0.02,
        ),
        first([
            Finding(
                "With the blocks of this book every kind of interval covers in at least 90 % of histories; the "
                "lowest coverage is {worst:.1%} ({statistic}; {process}).",
                **named, holds=worst.value >= ENOUGH,
            ),
            Finding(
                "The lowest coverage with the blocks of this book is {worst:.1%} ({statistic}; {process}). So some of "
                "its intervals are a little too narrow; that any covers in fewer than 90 % is not shown.",
                **named, holds=worst.value < ENOUGH <= worst.high,
            ),
            Finding(
                "With the blocks of this book some 95 % intervals still cover too seldom: {worst:.1%} ({statistic}; "
                "{process}).",
                **named, holds=worst.high < ENOUGH,
            ),
        ]),
        Finding(
            "Where days are independent, the longer blocks cost little: intervals are at most {wider:.0%} wider than "
            "with the automatic ones.",
            wider=dearest - 1, holds=0 < dearest - 1 < 0.2,
        ),
    ]  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE, basis=_basis(shown))


def _basis(shown: PageResult) -> str:
    which = "The recorded result" if shown.name == "recorded" else "This build"
    return f"{which}: {_histories(shown)}; simulated returns, no market and no prices."


def _histories(shown: PageResult) -> str:
    each = int(shown.rows["n"].max())
    return f"{shown.count} batches of {each} histories of each process, 95 % intervals over batches"


def coverage(shown: PageResult) -> HTML:
    """Share of intervals that cover, a dot for each kind of block; one for each process."""
    from lib.paper.pages.forms import forest, one_axis
    from lib.paper.pages.style import BLUE, VERMILLION

    found, said = Intervals.of(shown.rows), findings(shown.rows)[0]
    neutral = "How often 95 % intervals cover"

    def picture(process: str) -> HTML:
        rows = {
            name: [_per_cent(found.covered(process, statistic, blocks)) for blocks in BLOCKS]
            for statistic, name in STATISTICS.items()
        }
        title = said.title(neutral) if process == "regimes" else f"{neutral}: {PROCESSES[process]}"
        figure = forest(rows, title, "histories whose interval covers the truth, %", series=list(BLOCKS.values()),
                        colors=(VERMILLION, BLUE), reference=95, note=_histories(shown))  # fmt: skip
        axes = one_axis(figure)
        axes.set_xlim(min(LOWEST, axes.get_xlim()[0]), 101)
        return plot(figure)

    return picker("process", {name: picture(process) for process, name in PROCESSES.items()})


def _per_cent(item: Estimate) -> Estimate:
    """A share in per cent; no share is above 100."""
    return Estimate(100 * item.value, 100 * item.low, min(100 * item.high, 100.0))


def coverage_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Processes and statistics down; the share of intervals that cover by kind of block, and their widths."""
    found, rows = Intervals.of(frame), []
    for process, process_name in PROCESSES.items():
        for statistic, name in STATISTICS.items():
            row: dict[str, object] = {"process": process_name, "interval of": name}
            for blocks, kind in BLOCKS.items():
                row |= found.covered(process, statistic, blocks).columns(kind)
            row["width, book / automatic"] = found.wider(process, statistic)
            rows.append(row)
    return pd.DataFrame(rows).dropna(subset=list(BLOCKS.values())).set_index(["process", "interval of"])


def coverage_rows(shown: PageResult) -> HTML:
    """Coverage and width of every kind of interval, one for each process."""
    heads = {
        "interval of": "interval of",
        BLOCKS["automatic"]: "covers, automatic block",
        BLOCKS["book"]: "covers, block of this book",
        "width, book / automatic": "width: book / automatic",
    }
    formats = {**dict.fromkeys(BLOCKS.values(), ".1%"), "width, book / automatic": ".2f"}
    rows = coverage_table(shown.rows)
    return picker("process", {
        name: table(rows.loc[[name]], f"interval_coverage_{process}", columns=heads, formats=formats,
                    caption=_histories(shown))
        for process, name in PROCESSES.items() if name in rows.index.get_level_values("process")
    })  # fmt: skip
