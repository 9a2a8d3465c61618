"""What the study of upstream contamination says: how much comes in, and which treatment is nearest the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.stats.estimates import Estimate, signed
from lib.stats.over_seeds import MARKET, OneMarket

#: treatments that are compared on the same cells
TREATMENTS = ("raw", "halts skipped", "all skipped", "skipped, bridged", "twin, thinned")
HOLDS = ("limit close", "halt", "neither")
MARKETS = {MARKET: "real limit rates", f"{MARKET}_paper": "the paper's limit rates"}


@dataclass(frozen=True)
class Contamination(OneMarket):
    """The numbers of the study `contamination` for one market with a twin."""

    def find(self, what: str, side: str, metric: str = "distance", family: str = "all") -> Estimate:
        return self.numbers.find(f"{self.source} {family}: {what}: {side}", metric)

    def less_raw(self, what: str, side: str) -> Estimate:
        """Distance from the truth less that of the raw factor on the same cells."""
        return self.find(what, f"{side} - raw")

    @property
    def families(self) -> list[str]:
        names = (v.removeprefix(f"{self.source} ").partition(":")[0] for v in self.numbers.variants if ": raw" in v)
        return [name for name in dict.fromkeys(names) if name not in ("all", "changed")]

    def ages(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """(days since a lone limit close, mean distance or price gap)."""
        found = [(int(m.split()[1]), self.numbers[v, m].value) for v, m in self.numbers
                 if v == f"{self.source} {side}" and m.startswith("age ")]  # fmt: skip
        days, values = np.array(sorted(found)).T if found else (np.empty(0), np.empty(0))
        return days, values

    def message(self) -> str:
        """Which treatment is nearer the truth where a window holds a limit close."""
        found = self.less_raw("limit close", "all skipped")
        raw, skipped = (self.find("limit close", side).value for side in ("raw", "all skipped"))
        verb = {
            1: "takes factors farther from the truth", -1: "brings factors nearer the truth",
            0: "does not bring factors nearer the truth, nor take them farther, beyond chance",
        }[found.sign]  # fmt: skip
        return f"Leaving limit closes out of windows {verb}: {skipped:.2f} of a factor's spread instead of {raw:.2f}"

    def halts_message(self) -> str:
        """The same for halts."""
        found = self.less_raw("halt", "halts skipped")
        raw, skipped = (self.find("halt", side).value for side in ("raw", "halts skipped"))
        verb = {1: "farther from", -1: "nearer to", 0: "neither nearer to nor, beyond chance, farther from"}[found.sign]
        return f"Leaving halts out takes factors {verb} the truth: {skipped:.2f} of the spread instead of {raw:.2f}"

    def thinning_message(self) -> str:
        """How much of the distance of the skipping windows is there on clean prices too."""
        skipped, thinned = (self.find("limit close", side).value for side in ("all skipped", "twin, thinned"))
        why = (
            "what is wrong with them is what leaving out costs, not contamination"
            if thinned > 0.8 * skipped
            else "the rest of their distance came in from elsewhere"
        )
        return (
            f"Where a window holds a limit close, clean prices with the same cells left out are {thinned:.2f} of the "
            f"spread from the truth, the skipping windows {skipped:.2f}: {why}."
        )

    def deletion_message(self) -> str:
        """What is left after rows are deleted."""
        differs, clearly = (self.find("any", "rows deleted", metric).times(100) for metric in
                            ("differs", "differs clearly"))  # fmt: skip
        return (
            f"After rows at limits and in halts are deleted, {_plain(differs)} of the surviving values still differ "
            f"from the truth by more than 1 % of the factor's spread, {_plain(clearly)} by more than 10 %"
        )

    def implications(self) -> list[str]:
        """What follows for a pipeline, from the signs of the paired differences."""
        limits, halts = self.less_raw("limit close", "all skipped"), self.less_raw("halt", "halts skipped")
        first = {
            1: "keep them in the windows",
            -1: "leave them out of the windows",
            0: "it makes no difference that can be told from chance whether windows hold them",
        }[limits.sign]
        second = {
            -1: "mask them: a repeated price and a volume of zero are no information",
            1: "masking them costs more than it saves",
            0: "masking them is not shown to matter",
        }[halts.sign]
        bridged, strict = self.less_raw("limit close", "skipped, bridged"), self.find("any", "strict", "coverage")
        return [
            f"Limit closes. Skipping them moves factors {limits.text(3)} spreads away from the truth: {first}.",
            f"Bridges. Changes measured from the last valid close: {bridged.text(3)} spreads away, against raw.",
            f"Halts. Skipping them moves factors {halts.text(3)} spreads away from the truth: {second}.",
            f"Strict windows. They have a value for {100 * strict.value:.0f} % of the surviving cells.",
            "Orders. None of this is about orders: a purchase at limit-up is refused whatever the factor says.",
        ]

    def price_message(self) -> str:
        """Whether today's price can be the reason."""
        gaps = self.ages("price")[1]
        after = self.numbers.find(f"{self.source} price", "surviving").value
        return (
            f"On the limit day the close is {100 * gaps[0]:.1f} % from the twin's on average, a day later "
            f"{100 * gaps[1]:.1f} %; on all surviving cells {100 * after:.3g} %."
        )


def _plain(found: Estimate) -> str:
    ends = "" if np.isnan(found.low) else f" [{signed(found.low, 1)}, {signed(found.high, 1)}]".replace("+", "")
    return f"{found.value:.1f} %{ends}"
