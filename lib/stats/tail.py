"""Value-at-risk and expected shortfall of one return series, and their forecasts day by day from the past.

Both are losses, positive numbers for a series that can lose: the (1 - level) quantile of minus the return, and the mean
loss beyond it. `level` is the probability of the tail, .01 to .05.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lib.errors import StatisticsError
from lib.stats.checks import Series, finite, positive, probability, varying
from lib.stats.inference import NORMAL
from lib.stats.selection import moments

METHODS = ("historical", "cornish_fisher", "monte_carlo")
DRAWS = 20_000
#: standard deviations below the mean down to which Cornish-Fisher quantiles must increase
DEEPEST = -4.0


class Tail(NamedTuple):
    """Value-at-risk and expected shortfall, as losses; numbers, or one of each a day [T]."""

    var: float | Series
    es: float | Series


@finite
def historical_tail(returns: ArrayLike, level: float = 0.025) -> Tail:
    """VaR: the k-th largest of T losses, k = ceil(level T); ES: the mean of the largest level T, the k-th in part.

    ES is the coherent estimator of Acerbi & Tasche (2002). Raises: StatisticsError for constant returns or a level
    outside (0, 1).

    >>> [round(float(x), 3) for x in historical_tail([-0.05, -0.03, -0.01, 0.0, 0.01, 0.02], 0.4)]
    [0.01, 0.035]
    """
    losses = -np.sort(varying(returns, "returns"))  # largest first
    count = probability(level, "level") * losses.size
    k = int(np.ceil(count - 1e-9))
    beyond = losses[: k - 1].sum() + (count - (k - 1)) * losses[k - 1]
    return Tail(float(losses[k - 1]), float(beyond / count))


@finite
def cornish_fisher_tail(returns: ArrayLike, level: float = 0.025) -> Tail:
    """VaR and ES of the Cornish-Fisher quantiles m + s z*, from skewness S and excess kurtosis K of the sample.

    z* = z + (z^2 - 1) S/6 + (z^3 - 3z) K/24 - (2 z^3 - 5z) S^2/36; its mean below z = Phi^-1(level) is
    -phi(z)/level [1 + z S/6 + (z^2 - 1) K/24 - (2 z^2 - 1) S^2/36] (Boudt, Peterson & Croux 2008).
    Raises: StatisticsError where z* does not increase with z, so that it is no quantile (Maillard 2012), for constant
    returns, or for a level outside (0, 1).
    """
    r = varying(returns, "returns")
    _, _, skew, kurtosis = moments(r)
    excess, z = kurtosis - 3, NORMAL.inv_cdf(probability(level, "level"))
    if not is_quantile(skew, excess):
        raise StatisticsError(
            f"cornish_fisher_tail: skewness {skew:.3g} and excess kurtosis {excess:.3g} give quantiles that do not "
            "increase; expected skewness near 0 and excess kurtosis of at most 8: take the historical tail"
        )
    quantile = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * excess / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    shape = 1 + z * skew / 6 + (z**2 - 1) * excess / 24 - (2 * z**2 - 1) * skew**2 / 36
    mean, deviation = r.mean(), r.std(ddof=1)
    return Tail(float(-mean - deviation * quantile), float(-mean + deviation * NORMAL.pdf(z) / level * shape))



def is_quantile(skew: float, excess: float) -> bool:
    """Whether Cornish-Fisher quantiles of this skewness and excess kurtosis increase from z = -4 to the median.

    There the derivative a z^2 + b z + c, a = K/8 - S^2/6, b = S/3, c = 1 - K/8 + 5 S^2/36, is not negative; what is
    below z = -4 has probability 3e-5.
    """
    a, b, c = excess / 8 - skew**2 / 6, skew / 3, 1 - excess / 8 + 5 * skew**2 / 36
    lowest = -b / (2 * a) if a > 0 else 0.0
    places = (DEEPEST, 0.0, min(max(lowest, DEEPEST), 0.0))
    return all(a * z**2 + b * z + c >= 0 for z in places)


@finite
def monte_carlo_tail(
    returns: ArrayLike, level: float = 0.025, *, rng: np.random.Generator, draws: int = DRAWS
) -> Tail:
    """`historical_tail` of draws from Student's t with the mean, deviation and kurtosis of the sample.

    Degrees of freedom 4 + 6 / excess kurtosis, so the tails are those of a t whose fourth moment agrees; the normal
    distribution where the excess is not positive. Symmetric: skewness is not fitted. Raises: StatisticsError for
    constant returns, a level outside (0, 1), fewer than 100 draws.
    """
    r = varying(returns, "returns")
    if draws < 100:
        raise StatisticsError(f"monte_carlo_tail: expected at least 100 draws, got {draws}")
    excess = moments(r).kurtosis - 3
    freedom = 4 + 6 / excess if excess > 1e-6 else np.inf
    heavy = bool(np.isfinite(freedom))
    drawn = rng.standard_t(freedom, draws) * np.sqrt(1 - 2 / freedom) if heavy else rng.normal(size=draws)
    return historical_tail(r.mean() + r.std(ddof=1) * drawn, level)


def tail_of(returns: ArrayLike, level: float, method: str, rng: np.random.Generator) -> Tail:
    """By the name of the method, one of METHODS; only monte_carlo draws."""
    if method == "historical":
        return historical_tail(returns, level)
    if method == "cornish_fisher":
        return cornish_fisher_tail(returns, level)
    if method == "monte_carlo":
        return monte_carlo_tail(returns, level, rng=rng)
    raise StatisticsError(f"tail: unknown method {method!r}; expected one of {', '.join(METHODS)}")


def tail_forecasts(
    returns: ArrayLike,
    level: float = 0.025,
    *,
    method: str,
    rng: np.random.Generator,
    window: int = 250,
    decay: float | None = None,
    every: int = 1,
) -> Tail:
    """VaR and ES [T] for each day from the `window` days BEFORE it; NaN on the first `window` days.

    decay: None, or that of an exponentially weighted variance, .94 for daily returns: the tail is then that of the
    returns over their forecast deviations, times the deviation forecast for the day (Barone-Adesi and others 1999;
    Hull & White 1998). every: days between two estimates of the tail; the deviation is new every day. A day on which
    Cornish-Fisher has no quantile stays NaN. Raises: StatisticsError for constant returns, a window outside 20..T-1.
    """
    r = varying(returns, "returns")
    if not 20 <= window < r.size or every < 1:
        raise StatisticsError(f"tail_forecasts: got window {window}, every {every}; expected 20 to {r.size - 1}, >= 1")
    scale = np.ones(r.size) if decay is None else weighted_deviation(r, probability(decay, "decay"))
    found = np.full((2, r.size), np.nan)
    for start in range(window, r.size, every):
        past = slice(start - window, start)
        try:
            tail = tail_of(r[past] / scale[past], level, method, rng)
        except StatisticsError:
            if method != "cornish_fisher":
                raise
            continue
        days = slice(start, start + every)
        found[:, days] = np.array(tail)[:, None] * scale[days]
    return Tail(*found)


def weighted_deviation(returns: ArrayLike, decay: float = 0.94) -> Series:
    """Deviation [T] forecast for each day: v(t) = decay v(t-1) + (1 - decay) r(t-1)^2, v(0) the mean of r^2 of the
    first 20 days (J.P. Morgan 1996, RiskMetrics). The return of the day itself is not read after those 20."""
    r = varying(returns, "returns")
    variance = np.empty(r.size)
    variance[0] = positive(float(np.mean(r[:20] ** 2)), "weighted_deviation: mean square of the first 20 returns")
    for t in range(1, r.size):
        variance[t] = decay * variance[t - 1] + (1 - decay) * r[t - 1] ** 2
    return np.sqrt(variance)
