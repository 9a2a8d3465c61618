"""How many candidates would pass if nothing were predictable, and how sure the count is.

Null market: from every candidate's daily IC its mean is taken, and what is left is multiplied by +1 or -1 at random,
quarter by quarter and with one sign for all candidates. The ICs keep their size and their dependence on each other
and lose their direction, so a candidate that passes then is a false discovery. Permuting the labels over stocks
instead would also destroy what makes the ICs of related candidates large and alike, and would understate luck.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lib.factors.quality.measures import Bound, Periods
from lib.factors.quality.verdict import passes


def null_estimates(
    periods: Periods, measures: Mapping[str, Bound], rng: np.random.Generator, draws: int
) -> list[dict[str, np.ndarray]]:
    """The measures [F] in each draw of the null market."""
    centred = periods.centred()
    signs = rng.choice([-1.0, 1.0], (draws, len(periods.days)))
    return [_again(centred.flipped(s), measures) for s in signs]


def count_interval(
    periods: Periods, measures: Mapping[str, Bound], limits: Mapping[str, float], rng: np.random.Generator, draws: int
) -> tuple[float, float]:
    """95 % interval of the number that pass every test, from quarters drawn with replacement.

    A drawn history carries its own noise on top of the real one's, which lets too many pass; so the deviations of
    the draws are turned round the count itself (the basic bootstrap) and cut off at none and all.
    """
    size = len(periods.days)
    orders = rng.integers(0, size, (draws, size))
    counts = [passes(_again(periods.drawn(order), measures), limits).all(axis=1).sum() for order in orders]
    here = passes(measures, limits).all(axis=1).sum()
    low, high = np.quantile(counts, [0.025, 0.975])
    most = periods.days.shape[1]
    return float(np.clip(2 * here - high, 0, most)), float(np.clip(2 * here - low, 0, most))


def _again(periods: Periods, measures: Mapping[str, Bound]) -> dict[str, np.ndarray]:
    """The measures with those of information taken from other periods."""
    found = periods.estimates()
    found["sensitivity"] = np.where(np.isinf(measures["sensitivity"].value), np.inf, found["sensitivity"])
    return {name: bound.value for name, bound in measures.items()} | found
