"""What the papers' own panel can and cannot show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from lib.errors import StatisticsError
from lib.findings.estimates import Estimate, signed
from lib.stats import mean_interval, path_interval

GBM, PLANTED, ARITHMETIC = "papers' panel", "planted market", "arithmetic"
#: what paper B reports: IC of the full system, and limit rates by regime in percent of cells
PAPER_IC: Final = 0.049
PAPER_RATES: Final = {"sideways": 1.2, "bull": 3.5, "bear": 4.8}
IC_PREFIX: Final = "ic: "
_LIMIT_SHARE: Final = "limit closes, share of traded cells"


@dataclass(frozen=True)
class PaperPanel:
    """The numbers of the study `paper_panel`."""

    frame: pd.DataFrame

    def values(self, variant: str, metric: str) -> list[float]:
        """One value per seed."""
        rows = self.frame[(self.frame["variant"] == variant) & (self.frame["metric"] == metric)]
        return [float(value) for value in rows["value"]]

    def mean(self, variant: str, metric: str) -> float:
        """Mean over the seeds; NaN where there is none."""
        found = self.values(variant, metric)
        return float(np.mean(found)) if found else float("nan")

    def over_seeds(self, variant: str, metric: str) -> Estimate:
        """Mean over the seeds with the 95 % interval of that mean, without ends below two seeds."""
        return self._interval(mean_interval, variant, metric)

    def one_path(self, variant: str, metric: str) -> Estimate:
        """Mean over the seeds with the 95 % interval for one further market."""
        return self._interval(path_interval, variant, metric)

    def _interval(self, how: object, variant: str, metric: str) -> Estimate:
        found = self.values(variant, metric)
        try:
            estimate = how(found)  # type: ignore[operator]
        except StatisticsError:  # one seed, or the same value in all
            return Estimate(self.mean(variant, metric))
        return Estimate(estimate.value, estimate.low, estimate.high)

    @property
    def factors(self) -> list[str]:
        """Names of what was tried alone, in the order of the study."""
        names = self.frame.loc[self.frame["variant"] == GBM, "metric"].drop_duplicates()
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
        gbm, planted = self.over_seeds(GBM, "ic: ridge"), self.over_seeds(PLANTED, "ic: ridge")
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
        path = self.one_path(GBM, "ic: ridge")
        if path.low != path.low:
            return "One seed gives no interval for a single path."
        inside = path.low <= PAPER_IC <= path.high
        return (
            f"One further panel of this size would land between {signed(path.low, 4)} and {signed(path.high, 4)}; "
            f"the paper's {PAPER_IC} lies {'inside' if inside else 'outside'}."
        )
