"""What the study of limit closes says: who can have the move that follows, how often limits bind."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lib.stats.estimates import Estimate, Numbers

#: outcome -> what it is, for a reader
OUTCOMES = {
    "gap": "overnight,\nto the next open",
    "next close": "to the next close",
    "five days from close": "five days,\nfrom the limit close",
    "five days from next open": "five days,\nfrom the next open",
}
#: columns of the tables of the page: what follows an event, and the state of a span
EVENT_COLUMNS = (
    "n", "gap", "gap.low", "gap.high", "gap positive", "next close", "next close.low", "next close.high",
    "next close, excess", "next intraday",
    "five days from close", "five days from close.low", "five days from close.high",
    "five days from next open", "five days from next open.low", "five days from next open.high", "next day close up",
    "next day close down", "next day halted",
)  # fmt: skip
SPAN_COLUMNS = (
    "sessions", "cells", "limit_up", "limit_down", "halted", "limit-up close: n", "limit-up close: gap",
    "limit-up close: gap.low", "limit-up close: gap.high", "limit-up close: five days from next open",
    "limit-up close: five days from next open.low", "limit-up close: five days from next open.high",
    "limit-down close: n", "limit-down close: gap", "limit-down close: gap.low", "limit-down close: gap.high",
)  # fmt: skip
SOURCES = {
    "csi300": "CSI 300",
    "csi300_2025": "CSI 300 list of 2025",
    "us": "US, no limits",
    "overlay": "overlay market",
}


def source_title(name: str) -> str:
    """The name of a source of prices as readers know it."""
    return SOURCES.get(name, name)


@dataclass(frozen=True)
class LimitEvents:
    """The numbers of the study `limit_events`: `home` is the market with limits, `control` the one without."""

    numbers: Numbers
    home: str
    control: str | None

    @classmethod
    def of(cls, frame: pd.DataFrame) -> LimitEvents:
        sources = [name.removesuffix(" all") for name in frame["variant"].unique() if name.endswith(" all")]
        home = next((name for name in sources if name != "us"), sources[0])
        return cls(Numbers(frame), home, "us" if "us" in sources and home != "us" else None)

    @property
    def sources(self) -> list[str]:
        return [self.home] + ([self.control] if self.control else [])

    @property
    def years(self) -> list[str]:
        spans = (name.removeprefix(f"{self.home} ") for name in self.numbers.variants if name.startswith(self.home))
        return [span for span in spans if span.isdigit()]

    def after(self, side: str, outcome: str, span: str = "all", source: str | None = None) -> Estimate:
        """Mean outcome after a limit-up or limit-down close, in per cent."""
        return self.numbers.find(f"{source or self.home} {span}", f"{side} close: {outcome}").times(100)

    def rate(self, state: str, span: str = "all") -> float:
        """Share of cells in a state ("limit_up", "limit_down", "halted"), in per cent."""
        return 100 * self.numbers.find(f"{self.home} {span}", state).value

    def message(self) -> str:
        """Who earns the move after a limit-up close."""
        gap, later = self.after("limit-up", "gap"), self.after("limit-up", "five days from next open")
        first = {
            1: f"After a limit-up close the next open is {gap.value:.1f} % higher on average",
            -1: f"After a limit-up close the next open is {-gap.value:.1f} % lower on average",
            0: "After a limit-up close no overnight move can be told from zero",
        }[gap.sign]
        second = {
            1: f"whoever buys there still gains {later.value:.1f} % in five days",
            -1: f"whoever buys there loses {-later.value:.1f} % in five days",
            0: "for whoever buys there, five days bring nothing that can be told from zero",
        }[later.sign]
        return f"{first}; {second}"

    def control_message(self) -> str:
        """The same event where nothing stops trading."""
        if self.control is None:
            return "No control market was given, so what limits do cannot be separated from what large moves do."
        gap = self.after("limit-up", "gap", source=self.control)
        shown = f"({gap.text(2, ' %')})"
        return {
            1: f"The control has an overnight gain as well {shown}: limits alone do not explain it.",
            -1: f"In the control, after a rise of 10 % or more, the next open is lower {shown}.",
            0: f"In the control, after a rise of 10 % or more, no gap can be told from zero {shown}.",
        }[gap.sign]

    def yearly_message(self, side: str = "limit-up") -> str:
        """In how many years the gap, and what follows the next open, can be told from zero."""
        gaps = [self.after(side, "gap", year).sign for year in self.years]
        later = [self.after(side, "five days from next open", year).sign for year in self.years]
        towards, word = (1, "higher") if side == "limit-up" else (-1, "lower")
        return (
            f"Beyond chance, the next open after a {side} close is {word} in {gaps.count(towards)} of {len(gaps)} "
            f"years; five days from that open are above zero in {later.count(1)} and below in {later.count(-1)}"
        )

    def rate_message(self) -> str:
        """How often limits bind, and when most."""
        up, down = self.rate("limit_up"), self.rate("limit_down")
        most = max(self.years, key=lambda year: self.rate("limit_up", year) + self.rate("limit_down", year))
        peak = self.rate("limit_up", most) + self.rate("limit_down", most)
        return (
            f"{up:.2f} % of closes are at limit-up and {down:.2f} % at limit-down; "
            f"most in {most}, {peak:.2f} % together"
        )
