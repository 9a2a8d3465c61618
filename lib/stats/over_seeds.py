"""Estimates over market seeds: the mean of independent markets, what one further market may give, paired tests.

One rule for every study on simulated markets. From ENOUGH_SEEDS markets on, an interval is Student's of the mean over
markets, for levels and for differences (both sides of a difference saw the same market). With fewer, as for a price
file, it is that of ONE market, from its resampled days. A claim about the level of one back-test is held to
`OverSeeds.one_path`, a claim about a difference to the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from lib.stats.estimates import ENDS, Estimate, Numbers
from lib.stats.inference import holm, mean_interval, path_interval

#: the name of the simulated market in variants of studies that also take a price file
MARKET = "market"
#: with fewer seeds Student's interval is wide beyond use, and the intervals of single markets say more
ENOUGH_SEEDS = 5
#: end of a level's name -> scale on which its spread over markets is nearly even, and back: a drawdown stays between
#: 0 and 100 %, a return above -100 %, a turnover positive
SCALES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[float], float]]] = {
    "max_drawdown": (logit, lambda x: float(expit(x))),
    "annual_return": (np.log1p, math.expm1),
    "turnover": (np.log, math.exp),
}

Key = tuple[str, str]


class OverSeeds(Numbers):
    """(variant, metric) -> mean over seeds with its 95 % interval, from a study's tidy frame.

    With ENOUGH_SEEDS or more the interval is Student's t over seeds. With fewer, as for one real market, it is that
    of ONE market from resampled days, averaged over the seeds: it does not shrink with their number. Markets in which
    a number is not finite do not count; a number that is the same in all of them is its own interval.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._seeds = seed_values(frame)
        self._found: dict[Key, Estimate] = {}  # a page asks for few of very many

    def __getitem__(self, key: Key) -> Estimate:
        if key not in self._seeds:
            raise KeyError(key)
        if key not in self._found:
            self._found[key] = self._mean(*key)
        return self._found[key]

    def __iter__(self) -> Iterator[Key]:
        return (key for key in self._seeds if not key[1].endswith(ENDS))

    def _mean(self, variant: str, metric: str) -> Estimate:
        sample = self._seeds[variant, metric]
        if len(sample) >= ENOUGH_SEEDS:
            return interval(sample)
        value, low, high = (average(self.seeds(variant, metric + end)) for end in ("", *ENDS))
        return Estimate(value, low, high)

    def seeds(self, variant: str, metric: str) -> np.ndarray:
        """The finite values, one per seed."""
        return self._seeds.get((variant, metric), np.empty(0))

    def one_path(self, variant: str, metric: str) -> Estimate:
        """The mean with the interval in which ONE further market would land; of a price file, that of its days.

        Drawdowns, returns of a year and turnovers are spread on the scale of SCALES; the ends are then brought back.
        """
        sample = self.seeds(variant, metric)
        if len(sample) < ENOUGH_SEEDS:
            return self.find(variant, metric)
        there, back = SCALES.get(metric.rpartition(".")[2], (None, None))
        if there is None or back is None or " - " in variant or _constant(sample):
            return interval(sample, path_interval)
        with np.errstate(all="ignore"):
            spread = there(sample)
        if not np.isfinite(spread).all():  # such as of a market that never fell
            return interval(sample, path_interval)
        ends = interval(spread, path_interval)
        return Estimate(float(sample.mean()), back(ends.low), back(ends.high))

    def claimed(self, variant: str, metric: str, kind: str) -> Estimate:
        """What a claim of a kind is held to: one further market for a level or ratio, the mean for a difference."""
        return self.one_path(variant, metric) if kind in ("level", "ratio") else self.find(variant, metric)


@dataclass(frozen=True)
class OneMarket:
    """The numbers of a study for one market of its frame: the simulated one, or a price file."""

    numbers: OverSeeds
    source: str

    @classmethod
    def of(cls, frame: pd.DataFrame, source: str = "") -> Self:
        """By default for the first market of the frame."""
        return cls(OverSeeds(frame), source or sources_of(frame)[0])


def seed_values(frame: pd.DataFrame) -> dict[Key, np.ndarray]:
    """(variant, metric) -> its finite values, one per seed, in the order of the frame."""
    if frame.empty:
        return {}
    groups = frame.groupby(["variant", "metric"], sort=False)
    number, values = groups.ngroup().to_numpy(), frame["value"].to_numpy(dtype=float)
    order = np.argsort(number, kind="stable")
    first = frame.iloc[order[np.searchsorted(number[order], np.arange(groups.ngroups))]]
    samples = np.split(values[order], np.flatnonzero(np.diff(number[order])) + 1)
    keys = zip(first["variant"].astype(str), first["metric"].astype(str), strict=True)
    return {key: sample[np.isfinite(sample)] for key, sample in zip(keys, samples, strict=True)}


def over_seeds(frame: pd.DataFrame) -> pd.DataFrame:
    """The estimates as a tidy frame of one line per number, for what reads frames; n counts the markets.

    Done twice it changes nothing.
    """
    numbers = OverSeeds(frame)
    lines = [
        (variant, metric + end, number, len(numbers.seeds(variant, metric)))
        for (variant, metric), found in numbers.items()
        for end, number in found.columns("").items()
        if not (end and math.isnan(number))
    ]
    rest = {name: frame[name].iloc[0] for name in ("study", "setting") if name in frame and len(frame)}
    found = pd.DataFrame(lines, columns=["variant", "metric", "value", "n"]).assign(seed=0, **rest)
    return found.reindex(columns=list(frame.columns))


def mean_over_seeds(sample: Sequence[float] | np.ndarray) -> Estimate:
    """The mean of one number per market, with its interval from ENOUGH_SEEDS markets on; NaN where there is none.

    >>> mean_over_seeds([2.0] * 5), mean_over_seeds([1.0, 3.0]).value
    (Estimate(value=2.0, low=2.0, high=2.0), 2.0)
    """
    values = np.asarray(sample, dtype=float)
    return interval(values) if len(values) >= ENOUGH_SEEDS else Estimate(average(values))


def adjusted_p(frame: pd.DataFrame, tests: Sequence[Key]) -> dict[Key, float]:
    """(variant, metric) -> two-sided p of a mean difference of zero over markets, after Holm over all these tests.

    Tests with fewer than ENOUGH_SEEDS markets, or whose difference is the same in all, are left out.
    """
    from scipy.stats import ttest_1samp

    samples = seed_values(frame)
    tested = [key for key in tests if len(samples.get(key, ())) >= ENOUGH_SEEDS and not _constant(samples[key])]
    raw = [float(ttest_1samp(samples[key], 0.0).pvalue) for key in tested]
    return dict(zip(tested, holm(raw).tolist(), strict=True)) if tested else {}


def sources_of(frame: pd.DataFrame) -> list[str]:
    """The markets of a frame, the first word of every variant: in its order, but the simulated market first."""
    found = dict.fromkeys(str(variant).partition(" ")[0] for variant in frame["variant"].unique())
    return sorted(found, key=lambda name: not name.startswith(MARKET))


def interval_table(
    numbers: Numbers,
    rows: Mapping[str, str] | Mapping[tuple[str, str], str],
    metrics: Sequence[str],
    index: str | Sequence[str],
) -> pd.DataFrame:
    """Label -> variant down, metrics across as metric, metric.low, metric.high; rows without any number are left out.

    index: the name of the labels, or one name for each part of them.
    """
    lines, labels = [], []
    for label, variant in rows.items():
        found = {metric: numbers.find(variant, metric) for metric in metrics}
        if not all(math.isnan(item.value) for item in found.values()):
            labels.append(label)
            lines.append({name: number for metric in metrics for name, number in found[metric].columns(metric).items()})
    names = [index] if isinstance(index, str) else list(index)
    parts = [(label,) if isinstance(label, str) else label for label in labels]
    table = pd.DataFrame(lines, columns=[metric + end for metric in metrics for end in ("", *ENDS)])
    for place, name in enumerate(names):
        table.insert(place, name, [part[place] for part in parts])
    return table.set_index(names)


def interval(sample: np.ndarray, of: Callable[[np.ndarray], Estimate] = mean_interval) -> Estimate:
    """Student's interval of two values or more; values that are the same in all markets are their own."""
    return Estimate(*[float(sample[0])] * 3) if _constant(sample) else of(sample)


def _constant(sample: np.ndarray) -> bool:
    return float(np.ptp(sample)) <= 1e-12 * max(1.0, abs(float(sample[0])))


def average(sample: np.ndarray) -> float:
    """The mean; NaN of nothing."""
    return float(sample.mean()) if len(sample) else math.nan
