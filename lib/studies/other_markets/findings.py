"""What other rules and another market say: which rule makes phantom alpha, what a mask does with nothing to hide."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lib.stats.estimates import Estimate, signed
from lib.stats.over_seeds import OverSeeds

#: the headline of a comparison of books, and what stands beside it: over equal weight, executed at the next open
GROSS, NET = "executed_open.active_sharpe_gross", "executed_open.active_sharpe"
#: rule of the study -> a short name for figures, and for sentences
RULES = {
    "cn": ("limits and halts", "limits and halts"),
    "limits": ("limits", "limits alone"),
    "halts": ("halts", "halts alone"),
    "breaker_5": ("breaker, 5 %", "a market-wide breaker at 5 %"),
    "breaker_7": ("breaker, 7 %", "a market-wide breaker at 7 %"),
    "free": ("no rule", "no rule at all"),
}


@dataclass(frozen=True)
class OtherMarkets:
    """The numbers of the study `other_markets`."""

    numbers: OverSeeds

    @classmethod
    def of(cls, frame: pd.DataFrame) -> OtherMarkets:
        return cls(OverSeeds(frame))

    @property
    def rules(self) -> list[str]:
        return [rule for rule in RULES if f"exchange {rule} facts" in self.numbers.variants]

    @property
    def has_control(self) -> bool:
        return "us facts" in self.numbers.variants

    def level(self, rule: str, pipeline: str, metric: str) -> Estimate:
        return self.numbers.find(f"exchange {rule} {pipeline} test", metric)

    def benefit(self, rule: str, metric: str = GROSS) -> Estimate:
        """Mask minus no mask under one rule, paired; gross of costs, because the mask changes the turnover too."""
        return self.numbers.find(f"exchange {rule} mask_skip - {rule} none test", metric)

    def phantom(self, rule: str) -> Estimate:
        """What filling every order at the close invents without a mask, % a year."""
        return self.level(rule, "none", "phantom_close").times(100)

    def remaining(self, rule: str) -> float:
        """Mean phantom under a rule over that under limits and halts, in per cent."""
        return 100 * self.phantom(rule).value / self.phantom("cn").value

    def phantom_message(self) -> str:
        """Which rule the phantom hangs on."""
        left = {rule: self.remaining(rule) for rule in ("limits", "halts", "breaker_7") if rule in self.rules}
        shown = ", ".join(f"{round(value)} % with {RULES[rule][1]}" for rule, value in left.items())
        total = signed(self.phantom("cn").value, 0)
        return f"Filling every order invents {total} % a year under limits and halts; share that remains: {shown}"

    @property
    def has_benefit(self) -> bool:
        """Whether the rows compare books at all: older ones do not."""
        return any(self.benefit(rule).value == self.benefit(rule).value for rule in self.rules)

    def benefit_message(self) -> str:
        """Under which rules masking changes what can be earned, before costs."""
        if not self.has_benefit:
            return "These rows do not compare books before costs"
        helps = [RULES[rule][1] for rule in self.rules if self.benefit(rule).sign > 0]
        hurts = [RULES[rule][1] for rule in self.rules if self.benefit(rule).sign < 0]
        first = f"Before costs the mask raises the active Sharpe ratio under {_and(helps)}" if helps else (
            "Before costs the mask raises the active Sharpe ratio under no rule beyond chance"
        )  # fmt: skip
        return f"{first}, and lowers it under {_and(hurts)}" if hurts else first

    def control_message(self) -> str:
        """The mask where there is nothing to mask."""
        if not self.has_control:
            return "No file of a market without limits was given"
        hidden = self.numbers.find("us facts", "masked_share").value
        same = [
            self.numbers.find(f"us {pair} test", "identical").value
            for pair in ("mask_strict - none", "row_deletion - none", "mask_skip - halt_only")
        ]
        ending = (
            "the masked pipelines predict the very same numbers" if min(same) == 1
            else f"yet only {100 * min(same):.2f} % of the predictions are the same"
        )  # fmt: skip
        return f"US stocks: the mask hides {100 * hidden:.2f} % of the cells, and {ending}"

    def implications(self) -> list[str]:
        """What follows for someone who runs such a pipeline elsewhere."""
        texts = [self._rule(), self._breaker(), self._exit(), self._control()]
        return [text for text in texts if text]

    def _rule(self) -> str:
        halts = self.phantom("halts")
        return (
            f"Ask first which rule the market has. {self.phantom_message()}. Halts alone invent "
            f"{halts.text(1, ' %')} a year here; {self.benefit_message()[0].lower()}{self.benefit_message()[1:]}."
        )

    def _breaker(self) -> str:
        found = []
        for rule in ("breaker_5", "breaker_7"):
            trips, invented = self.numbers.find(f"exchange {rule} facts", "tripped").value, self.phantom(rule)
            found.append(f"{invented.text(1, ' %')} a year with {RULES[rule][1]} ({trips:.1f} trips)")
        return (
            "A breaker stops everybody at once. It holds back the same share of every move, which tells a ranking of "
            f"stocks little. Filling every order invents {found[0]} and {found[1]}."
        )

    def _exit(self) -> str:
        night = self.numbers.find("exchange mask_skip exits", "overnight").times(1e4)
        soon = 100 * self.numbers.find("exchange mask_skip exits", "next_day_sales").value
        return (
            "T+1. With one session of orders a day nothing is ever sold on the day of its purchase, so the rule "
            f"changes no number above; {soon:.0f} % of the sales come in the session after the purchase. Who buys at "
            f"the open and would sell at the close has to hold overnight instead: {night.text(0, ' bps')} a purchase."
        )

    def _control(self) -> str:
        return f"Where nothing is masked. {self.control_message()}." if self.has_control else ""


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else "no rule"
