"""What the mask ablation in the papers' own setting says: what can be predicted, which step does what, what cost saves.

A sign counts only when the 95 % interval of the mean over markets excludes zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lib.market.gbm import YEAR
from lib.stats.estimates import Estimate, signed
from lib.stats.over_seeds import OverSeeds

ALL, EQUAL = "all factors", "equal weight"
#: the masks, from the papers' first row to the last
NAMES = ("none", "halt", "full")
#: what happens to a name without a prediction
POLICIES = {
    "zero": "ranked with prediction 0",
    "held": "held until it has one again",
    "sold": "sold at once",
}
#: the unmasked model with names taken away at random: drawn anew every day; where another stock has none
FROZEN = ("frozen daily", "frozen elsewhere")
#: (left, right): the papers' ladder step by step, and as a whole
STEPS = (("halt", "none"), ("full", "halt"), ("full", "none"))
#: the papers' cost in basis points, and how metrics name it
COST_BPS = 8
COST = f"{COST_BPS}bps"


@dataclass(frozen=True)
class OwnSetting:
    """The numbers of the study `own_setting_mask` for one learner in one condition.

    papers: (mask, column) -> the number in paper B's table. floor: annual volatility of the one factor in every stock.
    """

    numbers: OverSeeds
    learner: str
    condition: str
    papers: Mapping[tuple[str, str], float]
    floor: float

    def level(self, mask: str, metric: str) -> Estimate:
        return self.numbers.find(f"{mask} {self.learner} | {self.condition}", metric)

    def step(self, left: str, right: str, metric: str) -> Estimate:
        """A paired difference left - right."""
        return self.level(f"{left} - {right}", metric)

    def claimed_step(self, left: str, right: str) -> float:
        """The papers' difference in Sharpe ratio between two masks."""
        return round(self.papers[left, "sharpe"] - self.papers[right, "sharpe"], 10)

    @property
    def claimed(self) -> float:
        """The papers' full - none."""
        return self.claimed_step("full", "none")

    def ic_message(self) -> str:
        """What can be predicted, under no mask and under the full one, beside the papers' ICs."""
        none, full = (self.level(mask, "apparent_ic") for mask in ("none", "full"))
        found = {item.sign for item in (none, full)}
        what = "Nothing can be predicted" if found == {0} else "Something can be told from zero"
        theirs = " and ".join(signed(self.papers[mask, "apparent_ic"], 3) for mask in ("none", "full"))
        return (
            f"{what}. {self.learner}: apparent IC {none.text(4)} without a mask, {full.text(4)} with all of it; "
            f"the paper has {theirs}."
        )

    def coverage_message(self) -> str:
        """How many cells are left with a prediction, with and without a mask."""
        none, full = (self.level(mask, "coverage").times(100) for mask in ("none", "full"))
        return (
            f"Coverage. Of the test cells {none.value:.1f} % have a prediction without a mask and {full.value:.1f} % "
            f"under the full one: a halt takes its stock out for as long as the longest window reaches."
        )

    def needed_message(self) -> str:
        """The difference in turnover that would give the papers' step by costs alone, beside ours."""
        implied = self.papers["full", "annual_return"] / self.papers["full", "sharpe"] / 100
        ours = self.level("full", "zero.0bps.annual_volatility").value
        needed = [self.claimed * volatility / (YEAR * COST_BPS * 1e-4) for volatility in (implied, ours)]
        less = [f"{policy} {self.step('full', 'none', f'{policy}.turnover').against.text()}" for policy in POLICIES]
        return (
            f"By costs alone. At {COST_BPS} bps a turnover lower by {needed[0]:.2f} a day gives "
            f"{signed(self.claimed)} at the volatility in the paper's table, by {needed[1]:.2f} at that of our book. "
            f"The full mask lowers it by: {', '.join(less)}."
        )

    def last_step_message(self) -> str:
        """What the step from halts to the full mask has to work with."""
        cells = self.step("full", "halt", "cells masked by one only").value
        apart = self.step("full", "halt", "zero.weight apart").value
        net = self.step("full", "halt", f"zero.{COST}.sharpe")
        if math.isnan(net.value):
            return "The last step. Halts and the full mask were not both run."
        return (
            f"The last step. The full mask hides {cells:.1f} cells a market more than halts do, on average, and moves "
            f"{100 * apart:.2f} % of the book a day. It changes the Sharpe ratio by {net.text(3)}; in the paper by "
            f"{signed(self.claimed_step('full', 'halt'))}."
        )

    def saved_message(self, policy: str) -> str:
        """full - none under one policy: gross, saved cost, net, and whether the saved cost reaches the papers' step."""
        gross, net = (self.step("full", "none", f"{policy}.{bps}.sharpe") for bps in ("0bps", COST))
        saved, traded = (self.step("full", "none", f"{policy}.{what}") for what in (f"{COST}.saved_sharpe", "turnover"))
        if math.isnan(net.value):
            return f"{policy.capitalize()}. Both masks were not run."
        worth = {1: "the masked book earns more before costs", -1: "the masked book earns less before costs", 0: (
            "before costs the books cannot be told apart"
        )}[gross.sign]  # fmt: skip
        return (
            f"A name without a prediction is {POLICIES[policy]}. Gross Sharpe ratio {gross.text()}: {worth}. Turnover "
            f"{traded.text()} a day, worth {saved.text()} in Sharpe ratio at {COST_BPS} bps; net {net.text()}. "
            f"The paper's {signed(self.claimed)} {self._reached(policy, saved)}"
        )

    def _reached(self, policy: str, saved: Estimate) -> str:
        """The papers' step against the saved cost, and against where the net difference of one market would land."""
        if math.isnan(saved.low):
            return "cannot be held against so few markets."
        side = (self.claimed > saved.high) - (self.claimed < saved.low)
        word = {1: "is more than the saved cost", -1: "is less than the saved cost", 0: "is the saved cost"}[side]
        one = self.numbers.one_path(f"full - none {self.learner} | {self.condition}", f"{policy}.{COST}.sharpe")
        inside = "inside" if one.low <= self.claimed <= one.high else "outside"
        return f"{word}, and {inside} the {signed(one.low)} to {signed(one.high)} in which one market would land."

    def control_message(self, policy: str) -> str:
        """How much of full - none comes back when the unmasked model loses the same share of names at random."""
        whole, control = (
            self.level(f"{left} - none", f"{policy}.{COST}.sharpe") for left in ("full", "frozen elsewhere")
        )
        rest = self.step("full", "frozen elsewhere", f"{policy}.{COST}.sharpe")
        left = {1: "above", -1: "below", 0: "not told from"}[rest.sign]
        return (
            f"A mask without information. The unmasked model, {policy}, with another stock's gaps: {control.text()} of "
            f"the {whole.text()}; what is left, {rest.text()}, is {left} zero."
        )

    def volatility_message(self) -> str:
        """The volatility that the papers' numbers imply against what any fully invested book of this panel has."""
        implied = [self.papers[mask, "annual_return"] / self.papers[mask, "sharpe"] for mask in NAMES]
        ours = self.level("full", "zero.0bps.annual_volatility").times(100)
        verdict = "Some fully invested book" if max(implied) >= 100 * self.floor else "No fully invested book"
        return (
            f"Volatility. Return over Sharpe ratio gives {min(implied):.1f} to {max(implied):.1f} % a year in the "
            f"paper. {verdict} of this panel can have that: every stock carries the factor, "
            f"{100 * self.floor:.1f} % a year, and ours has {ours.value:.1f} %."
        )
