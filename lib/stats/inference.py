"""Tests and intervals for means and Sharpe ratios of dependent series, and for seeds that are independent."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lib.arrays import FloatArray, Matrix
from lib.errors import StatisticsError
from lib.stats.checks import Series, finite, paired, probability, series, varying
from lib.stats.estimates import Estimate

NORMAL = NormalDist()
#: half the width of a 95 % normal interval, in standard errors
Z95 = NORMAL.inv_cdf(0.975)


class SharpeDifference(NamedTuple):
    """Difference of two annualised Sharpe ratios, its standard error, z and two-sided p-value."""

    difference: float
    standard_error: float
    z: float
    p_value: float


@finite
def autocorrelation(values: ArrayLike, lags: int) -> Series:
    """Sample autocorrelations rho(1..lags), each autocovariance divided by T. Returns [lags].

    >>> autocorrelation([1.0, -1.0, 1.0, -1.0], 2).tolist()
    [-0.75, 0.5]
    """
    x = varying(values)
    if not 0 <= lags < x.size:
        raise StatisticsError(f"autocorrelation: expected 0 <= lags < {x.size}, got {lags}")
    gamma = autocovariance(x, lags)
    return gamma[1:] / gamma[0]


def autocovariance(x: Series, lags: int) -> Series:
    """gamma(0..lags) = sum (x(t) - mean)(x(t - k) - mean) / T. Returns [lags + 1]."""
    d = x - x.mean()
    return np.array([d[k:] @ d[: d.size - k] for k in range(lags + 1)]) / d.size


@finite
def newey_west_error(values: ArrayLike, lags: int | None = None, *, horizon: int = 1) -> float:
    """Newey-West standard error of a mean: sqrt[(gamma(0) + 2 sum_k (1 - k/(L+1)) gamma(k)) / T].

    Bartlett weights, no small-sample correction. `lags` L: given, or floor(4 (T/100)^(2/9)) but at least
    horizon - 1, because labels that span `horizon` days overlap that far.
    Source: Newey & West (1987, 1994).
    """
    x = varying(values)
    if lags is None:
        lags = _lags(x.size, horizon, x.size - 1)
    if not 0 <= lags < x.size:
        raise StatisticsError(f"newey_west: expected 0 <= lags < {x.size}, got {lags}")
    if lags < horizon - 1:
        raise StatisticsError(f"newey_west: {horizon}-day labels overlap over {horizon - 1} lags, got lags={lags}")
    return float(np.sqrt(_long_run(x - x.mean(), lags)) / x.size)


@finite
def newey_west_errors(columns: Matrix, *, horizon: int = 1) -> FloatArray:
    """`newey_west_error` of each column of [T, F] whose undefined days are NaN; 0 for a constant column. Returns [F].

    Undefined days count as days at the mean: they carry no information and do not shorten the lags between others.
    """
    known = np.isfinite(columns)
    count = known.sum(axis=0)
    days = np.maximum(count, 1)
    mean = np.where(known, columns, 0.0).sum(axis=0, dtype=np.float64) / days
    lags = _lags(max(int(count.max(initial=0)), 2), horizon, len(columns) - 1)
    return np.asarray(np.sqrt(np.maximum(_long_run(np.where(known, columns - mean, 0.0), lags), 0)) / days)


def _lags(days: int, horizon: int, most: int) -> int:
    return min(max(int(4 * (days / 100) ** (2 / 9)), horizon - 1), most)


def _long_run(deviations: FloatArray, lags: int) -> FloatArray:
    """sum_t d(t)^2 + 2 sum_k (1 - k/(L+1)) sum_t d(t) d(t-k) of [T] or of each column of [T, F]."""
    total = np.einsum("t...,t...->...", deviations, deviations)
    for k in range(1, lags + 1):
        weight = 2 * (1 - k / (lags + 1))
        total = total + weight * np.einsum("t...,t...->...", deviations[k:], deviations[:-k])
    return np.asarray(total)


@finite
def newey_west_t(values: ArrayLike, lags: int | None = None, *, horizon: int = 1) -> float:
    """t-statistic of a mean with the `newey_west_error`, e.g. of a daily information coefficient [T].

    Raises: StatisticsError for a constant series, lags outside 0..T-1, or fewer lags than horizon - 1.

    >>> x = [.02, .04, -.01, .03, .05, .01, -.02, .04, .06, .02]
    >>> round(newey_west_t(x, lags=3), 6)
    6.368939
    """
    return float(np.mean(series(values)) / newey_west_error(values, lags, horizon=horizon))


@finite
def sharpe_difference(a: ArrayLike, b: ArrayLike, *, periods: float = 252) -> SharpeDifference:
    """Annualised Sharpe(a) - Sharpe(b) of two series on the same days, with Memmel's standard error.

    V = (1/T) [2 - 2 rho + (SR1^2 + SR2^2 - 2 SR1 SR2 rho^2) / 2] per period; assumes normal, serially
    independent returns (for others: `bootstrap.sharpe_difference_interval`).
    Raises: StatisticsError for constant series or for two series that are the same up to scale (V = 0).
    Source: Jobson & Korkie (1981) as corrected by Memmel (2003).
    """
    x, y = paired(a, b)
    varying(x, "first series"), varying(y, "second series")
    first, second = x.mean() / x.std(ddof=1), y.mean() / y.std(ddof=1)
    rho = float(np.corrcoef(x, y)[0, 1])
    variance = (2 - 2 * rho + (first**2 + second**2 - 2 * first * second * rho**2) / 2) / x.size
    if variance < 1e-14:
        raise StatisticsError("sharpe_difference: the series are perfectly correlated, so the error is zero")
    difference, error = (first - second) * periods**0.5, variance**0.5 * periods**0.5
    z = float(difference / error)
    return SharpeDifference(float(difference), float(error), z, 2 * NORMAL.cdf(-abs(z)))


@finite
def lo_factor(autocorrelations: ArrayLike, q: int) -> float:
    """Lo's factor from a per-period to a q-period Sharpe ratio: q / sqrt(q + 2 sum_{k<q} (q - k) rho(k)).

    `autocorrelations` holds rho(1), rho(2), ...; those not given are taken as 0. sqrt(q) without any.
    Raises: StatisticsError when the autocorrelations imply a variance that is not positive.
    Source: Lo (2002), eq. 20.

    >>> round(lo_factor(0.1 ** np.arange(1, 252), 252), 3)
    14.365
    """
    if q < 1:
        raise StatisticsError(f"lo_factor: expected q >= 1 periods, got {q}")
    rho = series(autocorrelations, "autocorrelations", minimum=0)[: q - 1]
    variance = q + 2 * float((q - np.arange(1, rho.size + 1)) @ rho)
    if not variance > 0:
        raise StatisticsError(f"lo_factor: autocorrelations imply a {q}-period variance of {variance:.4g}")
    return float(q / variance**0.5)


@finite
def lo_sharpe(returns: ArrayLike, *, periods: int = 252, lags: int = 5) -> float:
    """Annual Sharpe ratio corrected for autocorrelation: mean/std(ddof=1) * lo_factor(rho(1..lags), q)."""
    r = varying(returns, "returns")
    return float(r.mean() / r.std(ddof=1)) * lo_factor(autocorrelation(r, lags), periods)


@finite
def holm(p_values: ArrayLike) -> Series:
    """Holm's adjusted p-values in the order given: running max over sorted p of (m - rank) p, at most 1.

    Source: Holm (1979).

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    from statsmodels.stats.multitest import multipletests

    p = series(p_values, "p-values", minimum=1)
    if p.min() < 0 or p.max() > 1:
        raise StatisticsError(f"holm: p-values lie in [0, 1], got {p.min()} to {p.max()}")
    return np.asarray(multipletests(p, method="holm")[1])


@finite
def mean_interval(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Student interval of the mean of INDEPENDENT values, e.g. paired differences over market seeds.

    mean +- t(n - 1) s / sqrt(n). Raises: StatisticsError for fewer than 2 values or equal ones.
    """
    x = varying(values, "values")
    return _student(x, level, np.sqrt(1 / x.size))


@finite
def path_interval(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Student PREDICTION interval for one further independent value: mean +- t(n - 1) s sqrt(1 + 1/n).

    For a level: where would one more path (one more market seed of the same length) fall?
    """
    x = varying(values, "values")
    return _student(x, level, np.sqrt(1 + 1 / x.size))


@finite
def normal_interval(value: float, error: float) -> Estimate:
    """value +- Z95 standard errors.

    >>> normal_interval(0.0, 1.0).high
    1.9599639845400536
    """
    return Estimate(value, value - Z95 * error, value + Z95 * error)


@finite
def student_quantile(p: float, freedom: int) -> float:
    """Quantile of Student's t with `freedom` >= 1 degrees of freedom.

    >>> round(student_quantile(0.975, 19), 6)
    2.093024
    """
    from scipy.special import stdtrit

    if freedom < 1:
        raise StatisticsError(f"student_quantile: expected at least 1 degree of freedom, got {freedom}")
    return float(stdtrit(freedom, probability(p, "p")))


def _student(x: Series, level: float, scale: float) -> Estimate:
    reach = student_quantile((1 + probability(level, "level")) / 2, x.size - 1) * x.std(ddof=1) * scale
    return Estimate(float(x.mean()), float(x.mean() - reach), float(x.mean() + reach))
