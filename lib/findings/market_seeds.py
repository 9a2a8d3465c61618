"""Numbers of a study on made-up markets: means over market seeds with the interval that the seeds give.

A real file is one market: its interval is the one that its rows bring, from the bootstrap over days.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pandas as pd

from lib.findings.estimates import Estimate, Numbers
from lib.stats import student_quantile

#: the name of the made-up market in variants
MARKET = "market"


class SeedNumbers(Numbers):
    """(variant, metric) -> Estimate. Over two seeds or more: the mean and its Student 95 % interval over seeds.

    With one seed, the ends that the row itself reports, or none. Values that are not finite are left out.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__(frame)
        finite = frame[np.isfinite(frame["value"])]
        self._seeds = {
            (str(v), str(m)): part.to_numpy(float) for (v, m), part in finite.groupby(["variant", "metric"])["value"]
        }

    def __getitem__(self, key: tuple[str, str]) -> Estimate:
        sample = self._seeds.get(key, np.empty(0))
        return over_seeds(sample) if len(sample) > 1 else super().__getitem__(key)

    def values_of(self, variant: str, metric: str) -> np.ndarray:
        """The value of every seed."""
        return self._seeds.get((variant, metric), np.empty(0))


def over_seeds(sample: np.ndarray) -> Estimate:
    """Mean of independent values with its Student interval; equal values have one of no width.

    >>> over_seeds(np.array([2.0, 2.0]))
    Estimate(value=2.0, low=2.0, high=2.0)
    """
    values = np.asarray(sample, dtype=float)
    if len(values) == 0:
        return Estimate(math.nan)
    mean = float(values.mean())
    if len(values) == 1:
        return Estimate(mean)
    half = _student(len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
    return Estimate(mean, mean - half, mean + half)


@lru_cache(maxsize=256)  # a page asks for thousands of intervals over the same number of seeds
def _student(freedom: int) -> float:
    return student_quantile(0.975, freedom)


def sources_of(frame: pd.DataFrame) -> list[str]:
    """The markets of a frame, made-up ones first: the first word of every variant."""
    found = dict.fromkeys(str(variant).partition(" ")[0] for variant in frame["variant"])
    return sorted(found, key=lambda name: (not name.startswith(MARKET), name))


def interval_table(numbers: Numbers, rows: Iterable[tuple[str, str]], metrics: Iterable[str]) -> pd.DataFrame:
    """(label, variant) rows down; each metric across as value, .low and .high."""
    metrics = list(metrics)
    table = {}
    for label, variant in rows:
        found = {metric: numbers.find(variant, metric) for metric in metrics}
        table[label] = {
            f"{m}{end}": x for m, e in found.items() for end, x in zip(("", ".low", ".high"), e, strict=True)
        }
    return pd.DataFrame.from_dict(table, orient="index")
