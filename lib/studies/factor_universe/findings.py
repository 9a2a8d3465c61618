"""What the factor universe says: who is left, how many luck alone would leave, what 742 would take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.stats.estimates import Estimate, Numbers, signed

#: the count that paper A reports (s5.A)
PAPER_COUNT = 742


@dataclass(frozen=True)
class Universe:
    """The numbers of the study `factor_universe` for one market."""

    numbers: Numbers
    source: str

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Universe:
        whole = frame.loc[frame["metric"] == "candidates", "variant"]
        return cls(Numbers(frame[~frame["variant"].str.contains(": ", regex=False)]), str(whole.iloc[0]))

    def count(self, metric: str) -> Estimate:
        """A count of the funnel, such as "left" or "null after ic"."""
        return self.numbers.find(self.source, metric)

    @property
    def tests(self) -> list[str]:
        """The tests in their order, twins last."""
        named = (metric for variant, metric in self.numbers if variant == self.source)
        return [metric.removeprefix("left after ") for metric in named if metric.startswith("left after ")]

    @property
    def luck(self) -> Estimate:
        """Who passes every test in the null market."""
        return self.count(f"null after {self.tests[-2]}")

    def curve(self, test: str = "all tests") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(threshold, left, left in the null market), in the order of the thresholds."""
        variant = f"{self.source} at {test}"
        steps = sorted({float(m.partition(":")[0]) for v, m in self.numbers if v == variant})
        left, null = (
            np.array([self.numbers.find(variant, f"{step:g}: {name}").value for step in steps])
            for name in ("left", "null")
        )
        return np.array(steps), left, null

    def message(self) -> str:
        """Who is left, and how many luck alone would leave."""
        total, left, kept = (self.count(name).value for name in ("candidates", "left", "left after redundant"))
        luck = self.luck
        beyond = "more than" if left > luck.high else "fewer than" if left < luck.low else "no more or fewer than"
        twins = f"; {kept:,.0f} of them are left without twins" if left else ""
        passed = f"Of {total:,.0f} candidates {left:,.0f} pass every test"
        return f"{passed}, {beyond} luck alone leaves ({_range(luck)}){twins}"

    def paper_message(self) -> str:
        """At which strictness the papers' count is left, and how many luck leaves there."""
        steps, left, null = self.curve()
        enough = np.flatnonzero(left >= PAPER_COUNT)
        if not len(enough):
            total = self.count("candidates").value
            return f"No strictness leaves {PAPER_COUNT}: the laxest leaves {left.max():,.0f} of {total:,.0f} candidates"
        k = int(enough[-1])
        where = "as declared" if steps[k] == 1 else f"at {100 * steps[k]:.0f} % of the declared strictness"
        return f"{PAPER_COUNT} or more are left {where} and below; there luck alone leaves {null[k]:,.0f}"

    def standards_message(self) -> str:
        """How many pass by estimate, beyond doubt, and not refuted."""
        left, shown, possible = (self.count(name).value for name in ("left", "left, shown", "left, not refuted"))
        return f"By estimate {left:,.0f} pass, beyond doubt {shown:,.0f}, and {possible:,.0f} are not refuted"

    def holdout_message(self) -> str:
        """What becomes of the survivors' IC in the test period."""
        train, test = (self.numbers.find(f"{self.source} kept", metric) for metric in ("train_ic", "test_ic"))
        if np.isnan(train.value) or np.isnan(test.value):
            return "No candidate is left, so there is nothing to follow into the test period"
        holds = {1: "keeps its direction", -1: "turns round", 0: "cannot be told from zero"}[test.sign]
        return (
            f"The survivors' mean IC of {signed(train.value, 4)}, measured on the days they were chosen by, {holds} "
            f"afterwards: {test.text(4)}"
        )


def _range(luck: Estimate) -> str:
    return f"{luck.value:,.1f} on average, {luck.low:,.0f} to {luck.high:,.0f} in 95 % of draws"
