"""What the regimes say: where limits bind, what refused orders would have earned, and where the mask helps most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from lib.evaluation.books import Books
from lib.stats.estimates import Estimate, signed
from lib.stats.over_seeds import OverSeeds

#: source of a row -> what readers call it
MARKETS = {
    "real_rates": "exchange calibrated to CSI 300",
    "paper_rates": "exchange calibrated to the papers' limit rates",
    "csi300": "CSI 300",
}
WORDS = {"bear": "in the bear regime", "calm": "in calm days", "rally": "in the rally"}
#: the units in which a benefit can be counted: before costs first, and a net one beside it
GROSS, NET = "executed_open.active_sharpe_gross", "executed_open.active_sharpe"
UNITS = {
    GROSS: ("active Sharpe ratio gross of costs", 1.0, 2, ""),
    "executed_open.annual_gross": ("active return a year gross of costs", 100.0, 0, " %"),
    NET: ("active Sharpe ratio net of costs", 1.0, 2, ""),
}


@dataclass(frozen=True)
class Regimes:
    """The numbers of the study `regimes` on one market."""

    numbers: OverSeeds
    source: str

    @classmethod
    def each(cls, frame: pd.DataFrame) -> list[Regimes]:
        """One per market of the frame, in its order."""
        numbers = OverSeeds(frame)
        names = dict.fromkeys(variant.split()[0] for variant in numbers.variants)
        return [cls(numbers, name) for name in names]

    @property
    def title(self) -> str:
        return MARKETS.get(self.source, self.source)

    @property
    def groups(self) -> list[str]:
        """Regimes, and periods of a price file."""
        head = f"{self.source} market "
        return [name.removeprefix(head) for name in self.numbers.variants if name.startswith(head)]

    @property
    def regimes(self) -> list[str]:
        return [name for name in WORDS if name in self.groups]

    def market(self, group: str, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} market {group}", metric)

    def level(self, pipeline: str, group: str, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} {pipeline} {group}", metric)

    def difference(self, left: str, right: str, group: str, metric: str) -> Estimate:
        """left minus right on the days of one regime; with "bear - calm", how that differs between two."""
        return self.level(f"{left} - {right}", group, metric)

    def rate_message(self) -> str:
        """How often limits bind, by regime."""
        rates = [f"{100 * self.market(name, 'limit_rate').value:.1f} % {WORDS[name]}" for name in self.regimes]
        return f"Closes at a limit: {', '.join(rates)}"

    def phantom_message(self) -> str:
        """What a back-test without refusals invents, by regime."""
        parts = [
            f"{signed(100 * self.level('none', name, 'phantom_close').value, 0)} % {WORDS[name]}"
            for name in self.regimes
        ]
        return f"Without a mask, filling every order at the close invents {', '.join(parts)} (a year)"

    def compared(self, metric: str = GROSS) -> bool:
        """Whether the benefit of the mask was compared between regimes in this unit."""
        return not math.isnan(self.difference("mask_paper", "none", "bear - calm", metric).value)

    def books(self, left: str, right: str, group: str, run: str = "executed_open") -> Books:
        """left against right as books on the days of a regime; their turnovers are not matched there."""

        def find(metric: str) -> Estimate:
            name, _, side = metric.rpartition(".")
            if side in ("left", "right"):
                return self.level(left if side == "left" else right, group, name)
            return self.difference(left, right, group, metric)

        return Books.of(find, run)

    def turnover_message(self, left: str = "mask_paper") -> str:
        """What the mask does before costs and after them in each regime, with both turnovers; empty where not known."""
        books = {name: self.books(left, "none", name) for name in self.regimes}
        lines = [
            f"{WORDS[name][:1].upper()}{WORDS[name][1:]} {left} against none is {found.gross.text()} gross of costs. "
            + " ".join(filter(None, [found.beside(), found.warning()]))
            for name, found in books.items()
            if found.known
        ]
        return " ".join(lines)

    def volatile_message(self, metric: str = GROSS, left: str = "mask_paper") -> str:
        """Whether the mask helps most in the bear regime, in one unit."""
        what, factor, digits, unit = UNITS[metric]
        parts = [self.difference(left, "none", f"bear - {other}", metric) for other in ("calm", "rally")]
        if any(math.isnan(part.value) for part in parts):
            return "The regimes were not compared"
        signs = [part.sign for part in parts]
        verdict = (
            "largest in the bear regime" if all(sign > 0 for sign in signs)
            else "not largest in the bear regime" if any(sign < 0 for sign in signs)
            else "not shown to be largest in the bear regime"
        )  # fmt: skip
        shown = [part.times(factor).text(digits, unit) for part in parts]
        beside = f"bear minus calm {shown[0]}, bear minus rally {shown[1]}"
        return f"In {what}, the benefit of the mask is {verdict}: {beside}"

    def implications(self) -> list[str]:
        """What follows for someone who runs such a pipeline."""
        return [text for text in (self._phantom(), self._refused(), self._benefit(), self._windows()) if text]

    def _phantom(self) -> str:
        worst = max(self.regimes, key=lambda name: self.level("none", name, "phantom_close").value, default="")
        if not worst:
            return ""
        share = self.level("none", worst, "phantom_close.limit_up_buys").times(100)
        total = self.numbers.tested(f"{self.source} none {worst}", "phantom_close").times(100)
        return (
            f"Fills. Filling every order invents most {WORDS[worst]}: {total.text(0, ' %')} a year, of which "
            f"{signed(share.value, 0)} % from purchases at limit-up. Look at a back-test there first."
        )

    def _refused(self) -> str:
        """The papers' mechanism is a sale refused at limit-down; the other one is a purchase refused at limit-up."""
        variant = f"{self.source} none bear"
        sells, buys = (self.numbers.tested(variant, f"refused_{side}") for side in ("sells", "buys"))
        if math.isnan(sells.value) or math.isnan(buys.value):
            return ""
        ending = (
            "the second matters more, even when the market falls" if buys.low > sells.high
            else "the first matters more, as the papers have it" if sells.low > buys.high
            else "neither clearly more than the other"
        )  # fmt: skip
        return (
            f"Refusals. In the bear regime a system without a mask has {sells.value:.2f} sales a day refused at "
            f"limit-down and {buys.value:.2f} purchases at limit-up: {ending}."
        )

    def _benefit(self) -> str:
        pair = ("mask_skip", "none")
        found = {name: self.difference(*pair, name, GROSS) for name in self.regimes}
        if not found or any(math.isnan(item.value) for item in found.values()):
            return ""
        helps = [name for name, item in found.items() if item.sign > 0]
        ending = {0: "nowhere beyond chance", len(found): "in every regime, not only the volatile one"}.get(
            len(helps), "beyond chance " + " and ".join(WORDS[name] for name in helps)
        )
        return (
            f"Mask. Masking changes the active Sharpe ratio gross of costs by {_by_regime(found)}: it helps {ending}. "
            f"{self._net(pair)}"
        )

    def _windows(self) -> str:
        pair = ("mask_skip", "row_deletion")
        found = {name: self.difference(*pair, name, GROSS) for name in self.regimes}
        if not found or any(math.isnan(item.value) for item in found.values()):
            return ""
        known = [WORDS[name] for name, item in found.items() if item.sign]
        ending = "it can be told from zero " + " and ".join(known) if known else "none of these can be told from zero"
        return (
            f"Windows. Rows deleted in both, masking the windows as well changes it by {_by_regime(found)}: {ending}. "
            f"{self._net(pair)}"
        )

    def _net(self, pair: tuple[str, str]) -> str:
        return f"Net of costs: {_by_regime({name: self.difference(*pair, name, NET) for name in self.regimes})}."


def _by_regime(found: Mapping[str, Estimate]) -> str:
    return ", ".join(f"{item.text()} {WORDS[name]}" for name, item in found.items())
