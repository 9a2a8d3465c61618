"""Many markets, one estimate: a tidy frame over market seeds becomes one line per number, with the right interval.

Five markets or more: Student's interval over markets, of the mean for a difference (paired: both sides saw the same
market), and for one further market for a level, which is what a single back-test is. Fewer markets say nothing about
their spread; then the mean of each market's own interval stands in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from lib.findings.estimates import Estimate
from lib.stats import holm, mean_interval, path_interval

#: markets from which the spread between them is used
ENOUGH = 5
ENDS = (".low", ".high")
#: end of a level's name -> scale on which its spread over markets is nearly even, and back: a drawdown stays positive,
#: a return above -100 %
SCALES: dict[str, tuple[Callable, Callable]] = {
    "max_drawdown": (np.log, np.exp),
    "annual_return": (np.log1p, np.expm1),
}


def across_markets(frame: pd.DataFrame) -> pd.DataFrame:
    """One line per variant and metric, and its interval as metric.low and metric.high; n counts the markets.

    A variant with " - " in its name is a difference. Markets in which a number is not defined do not count.
    """
    known = frame[np.isfinite(frame["value"])]
    groups = known.groupby(["variant", "metric"], sort=False)["value"]
    samples = {key: part.to_numpy(dtype=float) for key, part in groups}
    lines = [line for key in samples if not key[1].endswith(ENDS) for line in _lines(samples, *key)]
    found = pd.DataFrame(lines, columns=["variant", "metric", "value", "n"])
    rest = {"study": frame["study"].iloc[0], "seed": 0, "setting": frame["setting"].iloc[0]} if len(frame) else {}
    return found.assign(**rest).reindex(columns=list(frame.columns))


def _lines(
    samples: dict[tuple[str, str], np.ndarray], variant: str, metric: str
) -> Iterator[tuple[str, str, float, int]]:
    values = samples[variant, metric]
    found = _estimate(values, variant, metric)
    if len(values) < ENOUGH:
        own = (samples.get((variant, metric + end), np.array([math.nan])).mean() for end in ENDS)
        found = Estimate(found.value, *map(float, own))
    for suffix, number in zip(("", *ENDS), found, strict=True):
        if not math.isnan(number):
            yield variant, metric + suffix, number, len(values)


def _estimate(values: np.ndarray, variant: str, metric: str) -> Estimate:
    difference, scale = " - " in variant, SCALES.get(metric.rpartition(".")[2])
    if difference or scale is None or len(values) < 2:
        return estimate(values, difference)
    there, back = scale
    ends = estimate(there(values), difference)
    return Estimate(float(values.mean()), float(back(ends.low)), float(back(ends.high)))


def estimate(values: np.ndarray, difference: bool) -> Estimate:
    """Mean over markets: with the interval of the mean (difference), or of one further market (level).

    A number that is the same in every market is its own interval; one market has none.
    """
    if len(values) < 2:
        return Estimate(float(values[0]))
    if np.ptp(values) == 0:
        return Estimate(*[float(values[0])] * 3)
    found = mean_interval(values) if difference else path_interval(values)
    return Estimate(found.value, found.low, found.high)


def adjusted_p(frame: pd.DataFrame, tests: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """(variant, metric) -> two-sided p of a mean difference of zero over markets, after Holm over all these tests.

    Tests with fewer than `ENOUGH` markets, or whose difference is the same in all, are left out.
    """
    samples = {key: part.dropna().to_numpy(dtype=float) for key, part in frame.groupby(["variant", "metric"])["value"]}
    raw = {key: _p_value(samples[key]) for key in tests if key in samples and len(samples[key]) >= ENOUGH}
    tested = {key: p for key, p in raw.items() if not math.isnan(p)}
    return dict(zip(tested, holm(list(tested.values())).tolist(), strict=True)) if tested else {}


def _p_value(sample: np.ndarray) -> float:
    from scipy.stats import ttest_1samp

    return float(ttest_1samp(sample, 0.0).pvalue) if np.ptp(sample) else math.nan
