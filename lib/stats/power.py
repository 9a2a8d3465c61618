"""How many markets would decide a difference: the size of a paired test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from lib.errors import StatisticsError

#: chance of finding a difference that is there
POWER = 0.8


def markets_to_decide(differences: Sequence[float] | np.ndarray, effect: float, power: float = POWER) -> int:
    """Paired markets after which a two-sided test at 5 % finds a true difference of `effect` with chance `power`.

    n = ((z(.975) + z(power)) s / effect)^2, rounded up, at least 2; s: deviation of the differences over markets.
    Normal quantiles: a little too few where the answer is below ten. Raises StatisticsError for fewer than two
    differences, one that is not finite, an effect of 0, or a power outside (0.05, 1).

    >>> markets_to_decide([0.35, -0.35, 0.35, -0.35, 0.0], effect=0.2)
    25
    """
    values = _checked("markets_to_decide", differences)
    if not (math.isfinite(effect) and effect != 0 and 0.05 < power < 1):
        raise StatisticsError(
            f"markets_to_decide: got effect {effect}, power {power}; expected an effect other than 0, power in (.05, 1)"
        )
    return max(2, math.ceil((_quantiles(power) * float(values.std(ddof=1)) / effect) ** 2))


def markets_needed(differences: Sequence[float] | np.ndarray, effect: float) -> float:
    """`markets_to_decide` for tables and sentences: NaN where fewer than two markets say nothing of their spread."""
    return float(markets_to_decide(differences, effect)) if len(differences) > 1 else math.nan


def smallest_decided(differences: Sequence[float] | np.ndarray, power: float = POWER) -> float:
    """The true difference that so many markets find with chance `power`: (z(.975) + z(power)) s / sqrt(n).

    Raises StatisticsError for fewer than two differences or one that is not finite.

    >>> round(smallest_decided([0.35, -0.35, 0.35, -0.35, 0.0]), 2)
    0.44
    """
    values = _checked("smallest_decided", differences)
    return _quantiles(power) * float(values.std(ddof=1)) / math.sqrt(len(values))


def _quantiles(power: float) -> float:
    return NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(power)


def _checked(name: str, differences: Sequence[float] | np.ndarray) -> np.ndarray:
    values = np.asarray(differences, dtype=float)
    if len(values) < 2 or not np.isfinite(values).all():
        raise StatisticsError(f"{name}: got {len(values)} differences; expected two or more finite numbers")
    return values
