"""Back-tests of forecast value-at-risk and expected shortfall [T]: too many exceedances, in clusters, too deep?

Forecasts are losses, as in `lib.stats.tail`; a day is an exceedance when the loss is above the VaR of the day. Days
without a forecast (NaN) are left out by the caller.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy
from scipy.stats import chi2

from lib.errors import StatisticsError
from lib.stats.checks import Series, finite, paired, probability, series


class TailTest(NamedTuple):
    """A test statistic and its p-value."""

    statistic: float
    p_value: float


@finite
def exceedances(returns: ArrayLike, var: ArrayLike) -> Series:
    """1.0 on days whose loss is above the VaR forecast for them, else 0.0, [T]."""
    r, forecast = paired(returns, var)
    return (-r > forecast).astype(float)


@finite
def kupiec(hits: ArrayLike, level: float) -> TailTest:
    """Unconditional coverage: likelihood ratio of the share of exceedances against `level`, chi-squared with 1 df.

    LR = -2 log[(1-p)^(T-x) p^x / ((1-x/T)^(T-x) (x/T)^x)]. Source: Kupiec (1995).

    >>> round(kupiec([1.0] * 12 + [0.0] * 988, 0.01).statistic, 3)
    0.38
    """
    x = _hits(hits)
    n, count = x.size, x.sum()
    expected = _likelihood(n - count, count, probability(level, "level"))
    statistic = max(2 * (_likelihood(n - count, count, count / n) - expected), 0.0)
    return TailTest(float(statistic), float(chi2.sf(statistic, 1)))


@finite
def christoffersen(hits: ArrayLike) -> TailTest:
    """Independence: is an exceedance as likely after one as after none? Chi-squared with 1 degree of freedom.

    Likelihood ratio of one probability against two of a Markov chain, over T - 1 transitions. 0 and 1 where no day, or
    every day, is an exceedance. Source: Christoffersen (1998).
    """
    x = _hits(hits)
    before, after = x[:-1], x[1:]
    pairs = [[float(((before == i) & (after == j)).sum()) for j in (0, 1)] for i in (0, 1)]
    (n00, n01), (n10, n11) = pairs
    two = sum(_likelihood(stay, hit, hit / (stay + hit)) for stay, hit in ((n00, n01), (n10, n11)) if stay + hit)
    statistic = max(2 * (two - _likelihood(n00 + n10, n01 + n11, (n01 + n11) / (x.size - 1))), 0.0)
    return TailTest(float(statistic), float(chi2.sf(statistic, 1)))


@finite
def conditional_coverage(hits: ArrayLike, level: float) -> TailTest:
    """Both at once: the sum of the two likelihood ratios, chi-squared with 2 df. Source: Christoffersen (1998)."""
    statistic = kupiec(hits, level).statistic + christoffersen(hits).statistic
    return TailTest(statistic, float(chi2.sf(statistic, 2)))


@finite
def shortfall_z(returns: ArrayLike, es: ArrayLike, hits: ArrayLike, level: float) -> float:
    """Z2 = 1 - sum over exceedances of loss / ES / (T level): 0 expected, negative when the tail is too heavy for ES.

    At level .025 and T = 250 it falls below -0.70 with probability 5 % under nearly every distribution of returns; it
    tests VaR and ES together. Source: Acerbi & Szekely (2014), eq. 6.
    """
    r, forecast = paired(returns, es)
    if forecast.min() <= 0:
        raise StatisticsError(f"shortfall_z: expected forecasts of ES above 0, got {forecast.min():.4g}")
    return float(1 - (_hits(hits) * -r / forecast).sum() / (r.size * probability(level, "level")))


@finite
def shortfall_test(
    returns: ArrayLike, es: ArrayLike, hits: ArrayLike, *, rng: np.random.Generator, samples: int = 2000
) -> TailTest:
    """Are losses beyond VaR larger than ES on average? t of loss / ES - 1 over exceedances, one-sided by a bootstrap.

    The residuals of McNeil & Frey (2000), here over ES; resampled around their mean. Few exceedances have no power, and
    fewer than 5 raise StatisticsError.
    """
    r, forecast = paired(returns, es)
    beyond = _hits(hits) > 0
    if beyond.sum() < 5 or np.any(forecast[beyond] <= 0):
        raise StatisticsError(
            f"shortfall_test: got {int(beyond.sum())} exceedances; expected at least 5, each with an ES above 0"
        )
    rest = -r[beyond] / forecast[beyond] - 1
    statistic = _t(rest[None])[0]
    drawn = rng.choice(rest - rest.mean(), size=(samples, rest.size))
    return TailTest(float(statistic), float((1 + (_t(drawn) >= statistic).sum()) / (1 + samples)))


def _t(x: Series) -> Series:
    deviation = x.std(axis=1, ddof=1)
    return x.mean(axis=1) * np.sqrt(x.shape[1]) / np.where(deviation > 0, deviation, np.inf)


def _hits(hits: ArrayLike) -> Series:
    x = series(hits, "hits")
    if not np.isin(x, (0.0, 1.0)).all():
        raise StatisticsError("hits: expected 1 on days of an exceedance and 0 on others")
    return x


def _likelihood(no: float, yes: float, p: float) -> float:
    return float(xlogy(no, 1 - p) + xlogy(yes, p))
