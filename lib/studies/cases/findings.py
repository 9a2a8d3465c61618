"""What the episodes say: how far each pipeline fell or rose, how many stocks were masked, who saw the rotation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lib.evaluation.books import COST
from lib.stats import MINIMUM_SESSIONS
from lib.stats.estimates import Estimate, signed
from lib.stats.over_seeds import OverSeeds

#: scripted episode -> its name for readers
EPISODES = {"crash": "crash", "policy_rally": "policy rally", "theme_rotation": "theme rotation"}
#: paired differences that are shown: left, right, metric, what it is
SHOWN = (
    ("mask_paper", "none", "executed_open.total_return", "return"),
    ("mask_skip", "none", "executed_open.total_return", "return"),
    ("mask_skip", "none", "executed_open.max_drawdown", "drawdown"),
    ("mask_skip", "none", "naive_close.total_return", "return, all filled"),
    ("mask_skip", "market", "executed_open.total_return", "return"),
    ("none", "market", "executed_open.total_return", "return"),
    ("none", "market", "naive_close.total_return", "return, all filled"),
    ("mlp", "mask_skip", "executed_open.total_return", "return"),
)


@dataclass(frozen=True)
class Cases:
    """The numbers of the study `cases`: `source` is a scripted episode or a price file, `window` its days."""

    numbers: OverSeeds
    source: str
    window: str

    @classmethod
    def scripted(cls, frame: pd.DataFrame) -> list[Cases]:
        """The scripted episodes of a frame."""
        numbers = OverSeeds(frame)
        there = {variant.split()[0] for variant in numbers.variants}
        return [cls(numbers, name, "episode") for name in EPISODES if name in there]

    @classmethod
    def real(cls, frame: pd.DataFrame) -> list[Cases]:
        """The windows of real history, if a price file was given."""
        numbers, mark = OverSeeds(frame), " market facts "
        found = [name.split(mark) for name in numbers.variants if mark in name]
        return [
            cls(numbers, source, window)
            for source, window in found
            if source not in EPISODES and not window.startswith("before")
        ]

    @property
    def title(self) -> str:
        return f"Scripted {EPISODES[self.source]}" if self.source in EPISODES else self.window

    def fact(self, metric: str) -> Estimate:
        """What the market did."""
        return self.numbers.find(f"{self.source} market facts {self.window}", metric)

    def level(self, pipeline: str, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} {pipeline} {self.window}", metric)

    def difference(self, left: str, right: str, metric: str) -> Estimate:
        return self.level(f"{left} - {right}", metric)

    def shown(self) -> list[tuple[str, Estimate]]:
        """The paired differences that the study has, in percentage points."""
        items = ((f"{a} - {b}\n{what}", self.difference(a, b, metric)) for a, b, metric, what in SHOWN)
        return [(name, item.times(100)) for name, item in items if not math.isnan(item.value)]

    def message(self) -> str:
        """The sentence over the episode's figure: each asks its own question."""
        ask = {"policy_rally": self.rally_message, "theme_rotation": self.rotation_message}
        return ask.get(self.source, self.crash_message)()

    def crash_message(self) -> str:
        """Does the mask make the fall smaller?"""
        found = self.difference("mask_skip", "none", "executed_open.max_drawdown").times(100)
        verb = {1: "deeper", -1: "smaller", 0: "neither smaller nor deeper beyond chance"}[found.sign]
        fall = 100 * self.fact("market.max_drawdown").value
        return f"Market {fall:.0f} % down. With the mask the executed drawdown is {verb}: {found.text(1, ' points')}"

    def rally_message(self) -> str:
        """Does the system lag the market, and what would filling every order have shown?"""
        found = self.difference("mask_skip", "market", "executed_open.total_return").times(100)
        naive = self.difference("none", "market", "naive_close.total_return").times(100)
        verb = {1: "beats the market", -1: "lags the market", 0: "neither lags nor beats the market beyond chance"}
        return (
            f"The masked system {verb[found.sign]} ({found.text(1, ' points')}); without a mask and with every order "
            f"filled it would show {naive.text(1)}"
        )

    def rotation_message(self) -> str:
        """Which of ridge and MLP ranks the theme higher?"""
        found, money = (self.difference("mlp", "mask_skip", m) for m in ("theme_tilt", "executed_open.sharpe"))
        if math.isnan(found.value):
            return "Ridge and MLP were not compared"
        verb = {1: "higher than", -1: "lower than", 0: "no differently, beyond chance, from"}[found.sign]
        return f"The MLP ranks the theme {verb} ridge does ({found.text()}); Sharpe ratio {money.text()}"

    def implications(self) -> list[str]:
        """What follows for someone who runs such a pipeline."""
        ask = {"crash": self._crash, "policy_rally": self._rally, "theme_rotation": self._rotation}
        return ask[self.source]() if self.source in ask else []

    def _crash(self) -> list[str]:
        ratio, refused = self.fact("excluded_ratio").value, self.level("none", "refused_sells").value
        naive, real = (
            self.difference("mask_skip", "none", f"{fill}.total_return").times(100)
            for fill in ("naive_close", "executed_open")
        )
        lagging = self.difference("mask_skip", "market", "executed_open.total_return").times(100)
        return [
            f"Crash. {ratio:.1f} times as many stocks are masked a day as before it. A system without a mask has "
            f"{refused:.1f} sales a day refused at limit-down. A back-test that fills them all puts the mask's effect "
            f"on the return at {naive.text(1, ' points')}; with fills as on the exchange it is {real.text(1)}"
            f"{self._saved('mask_skip', 'none')}.",
            f"Shelter. A mask does not take a portfolio out of the market: against an equal-weight holder the masked "
            f"system makes {lagging.text(1, ' points')} in the episode.",
        ]

    def _saved(self, left: str, right: str) -> str:
        """How much of a difference in return is costs that one side does not pay; nothing where it is not known."""
        paid = self.difference(left, right, "executed_open.turnover").times(COST / 100 * self.fact("sessions").value)
        saved = Estimate(-paid.value, -paid.high, -paid.low)
        return "" if math.isnan(saved.value) else f", of which {saved.text(2)} is the difference in costs"

    def _rally(self) -> list[str]:
        refused, up = self.level("none", "refused_buys").value, 100 * self.fact("limit_up").value
        phantom = self.difference("none", "market", "naive_close.total_return").times(100)
        real = self.difference("none", "market", "executed_open.total_return").times(100)
        gone = phantom.sign > 0 and real.sign <= 0
        return [
            f"Rally. With {up:.1f} % of closes at limit-up, a system without a mask has {refused:.1f} purchases a day "
            f"refused. Against the market it makes {phantom.text(1, ' points')} with every order filled and "
            f"{real.text(1, ' points')} as executed"
            + (": what a mask seems to leave on the table was never there." if gone else ".")
        ]

    def _rotation(self) -> list[str]:
        tilt = self.level("mask_skip", "theme_tilt")
        before = self.numbers.find(f"{self.source} mask_skip before", "theme_tilt")
        return [
            f"Rotation. Ridge ranks the theme's stocks {signed(100 * tilt.value, 0)} percentiles above the others "
            f"during the episode, {signed(100 * before.value, 0)} before it, without being told that there is a theme. "
            f"{self.rotation_message()}."
        ]


def told_message(cases: Sequence[Cases]) -> str:
    """How many of the differences can be told from luck; those of windows too short for an interval do not count."""
    items = [item for case in cases for _, item in case.shown()]
    known = [item for item in items if not math.isnan(item.low)]
    if not known:
        why = f"one path of under {MINIMUM_SESSIONS} sessions says nothing"
        return f"{len(items)} differences without an interval: {why}"
    told = sum(item.sign != 0 for item in known)
    return (
        f"{told} of {len(known)} differences can be told from zero over {len(cases)} episodes; "
        f"chance alone would give {0.05 * len(known):.1f}"
    )
