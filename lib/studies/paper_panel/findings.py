"""What the papers' own panel can and cannot show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from lib.stats.estimates import signed
from lib.stats.over_seeds import OverSeeds

GBM, PLANTED, ARITHMETIC = "papers' panel", "planted market", "arithmetic"
#: what paper B reports: IC of the full system, and limit rates by regime in percent of cells
PAPER_IC: Final = 0.049
PAPER_RATES: Final = {"sideways": 1.2, "bull": 3.5, "bear": 4.8}
IC_PREFIX: Final = "ic: "
_LIMIT_SHARE: Final = "limit closes, share of traded cells"


@dataclass(frozen=True)
class PaperPanel:
    """The numbers of the study `paper_panel`."""

    numbers: OverSeeds

    @classmethod
    def of(cls, frame: pd.DataFrame) -> PaperPanel:
        return cls(OverSeeds(frame))

    def mean(self, variant: str, metric: str) -> float:
        """Mean over the seeds; NaN where there is none."""
        return self.numbers.find(variant, metric).value

    @property
    def factors(self) -> list[str]:
        """Names of what was tried alone, in the order of the study."""
        names = [metric for variant, metric in self.numbers if variant == GBM]
        found = [name.removeprefix(IC_PREFIX) for name in names if name.startswith(IC_PREFIX)]
        return [name for name in found if name != "ridge"]

    def count_message(self) -> str:
        """How many cells of the papers' panel are at a limit, against what the paper reports."""
        share = 100 * self.mean(GBM, _LIMIT_SHARE)
        expected = self.mean(ARITHMETIC, "expected clamped cells, up") + self.mean(
            ARITHMETIC, "expected clamped cells, down"
        )
        cells = self.mean(ARITHMETIC, "cells of the panel")
        sigmas = self.mean(ARITHMETIC, "sigmas to the clamp")
        return (
            f"The limit lies {sigmas:.1f} standard deviations away: of {cells / 1e6:.1f} million cells about "
            f"{expected:.0f} should meet it. Counted: {share:.5f} % of traded cells close at a limit; "
            f"the paper reports {min(PAPER_RATES.values())} to {max(PAPER_RATES.values())} %"
        )

    def tail_message(self) -> str:
        """How far away the limit is in the papers' panel, and how often it is met."""
        sigmas, share = self.mean(ARITHMETIC, "sigmas to a move of 10 %"), self.mean(GBM, _LIMIT_SHARE)
        planted = self.mean(PLANTED, _LIMIT_SHARE)
        return (
            f"In the papers' panel a move of 10 % is {sigmas:.1f} standard deviations: {100 * share:.4f} % of cells "
            f"close at a limit, against {100 * planted:.1f} % in the planted market"
        )

    def ic_message(self) -> str:
        """What the ridge finds in either market."""
        gbm, planted = (self.numbers.find(variant, "ic: ridge") for variant in (GBM, PLANTED))
        found = {
            1: "something above zero",
            -1: "something below zero",
            0: "nothing that can be told from zero",
        }[gbm.sign]
        control = {1: "finds it", -1: "finds the opposite", 0: "cannot tell it from zero"}[planted.sign]
        return (
            f"In the papers' panel the ridge finds {found} (IC {signed(gbm.value, 4)}); where alpha is planted the "
            f"same ridge {control} (IC {signed(planted.value, 4)})"
        )

    def path_message(self) -> str:
        """Whether the papers' IC lies where one path of the papers' panel would land."""
        path = self.numbers.one_path(GBM, "ic: ridge")
        if path.low != path.low:
            return "So few panels give no interval for a single path."
        inside = path.low <= PAPER_IC <= path.high
        return (
            f"One further panel of this size would land between {signed(path.low, 4)} and {signed(path.high, 4)}; "
            f"the paper's {PAPER_IC} lies {'inside' if inside else 'outside'}."
        )
