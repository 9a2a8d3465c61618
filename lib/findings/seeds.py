"""Estimates over market seeds: the mean of independent markets with Student's interval."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from lib.findings.estimates import Estimate, Numbers
from lib.stats import mean_interval, path_interval

ENDS = (".low", ".high")
#: with fewer seeds Student's interval is wide beyond use, and the intervals of single markets say more
ENOUGH_SEEDS = 5


class OverSeeds(Numbers):
    """(variant, metric) -> mean over seeds with its 95 % interval, from a study's tidy frame.

    With ENOUGH_SEEDS or more the interval is Student's t over seeds. With fewer, as for one real market, it is that
    of ONE market from resampled days, averaged over the seeds: it does not shrink with their number.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__(frame)
        self._seeds: dict[tuple[str, str], tuple[float, ...]] = {}
        plain = frame[~frame["metric"].str.endswith(ENDS)]
        for key, part in plain.groupby(["variant", "metric"], sort=False)["value"]:
            found = part.to_numpy(dtype=float)
            self._seeds[str(key[0]), str(key[1])] = tuple(found[np.isfinite(found)])
        for (variant, metric), sample in self._seeds.items():
            if len(sample) >= ENOUGH_SEEDS:
                mean, low, high = _student(sample)
                self._values |= {(variant, metric): mean, (variant, metric + ".low"): low}
                self._values[variant, metric + ".high"] = high

    def seeds(self, variant: str, metric: str) -> tuple[float, ...]:
        """The value of each seed."""
        return self._seeds.get((variant, metric), ())

    def one_path(self, variant: str, metric: str) -> Estimate:
        """The mean with the interval in which ONE further market would land: what a claim about one path is held to."""
        found = self.seeds(variant, metric)
        if len(found) < ENOUGH_SEEDS:
            return self.find(variant, metric)
        return Estimate(*path_interval(found)) if _vary(found) else Estimate(found[0], found[0], found[0])


def _student(found: tuple[float, ...]) -> Estimate:
    return Estimate(*mean_interval(found)) if _vary(found) else Estimate(found[0], found[0], found[0])


def _vary(found: tuple[float, ...]) -> bool:
    return max(found) - min(found) > 1e-12 * max(1.0, math.fabs(found[0]))
