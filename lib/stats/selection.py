"""How much of a Sharpe ratio is luck: its sampling error, and the best of many trials.

Everywhere here the Sharpe ratio is PER PERIOD (mean / std of the series itself, not annualised), the
number of observations counts periods, and kurtosis is raw (3 for the normal distribution).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lib.errors import StatisticsError
from lib.stats.checks import finite, numbers, positive, probability, varying
from lib.stats.inference import NORMAL

EULER_MASCHERONI = 0.5772156649015329
#: trials from which on the approximation of the expected maximum holds; towards one trial it falls below 0
FEWEST = 1.3
#: trials up to which 1 / (N e) is a number
MOST = 1e300


class Moments(NamedTuple):
    """What the Sharpe tests need of a return series; unpacks into `psr(*moments(returns))`."""

    sharpe: float
    n: int
    skew: float
    kurtosis: float


@finite
def moments(returns: ArrayLike) -> Moments:
    """Per-period Sharpe ratio (ddof=1), length, skewness and RAW kurtosis (both ddof=0) of `returns` [T].

    >>> [round(m, 6) for m in moments([1.0, -1.0, 1.0, -1.0])]
    [0.0, 4, 0.0, 1.0]
    """
    r = varying(returns, "returns")
    z = (r - r.mean()) / r.std()
    return Moments(float(r.mean() / r.std(ddof=1)), r.size, float(np.mean(z**3)), float(np.mean(z**4)))


@finite
def sharpe_variance(sharpe: float, n: float, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Sampling variance of a per-period Sharpe ratio: (1 - g3 SR + (g4 - 1)/4 SR^2) / (T - 1).

    Source: Mertens (2002). Raises: StatisticsError for n < 2 or moments that no distribution has.
    """
    if not 2 <= n < np.inf:
        raise StatisticsError(f"sharpe_variance: expected at least 2 observations, got {n}")
    return _spread(sharpe, skew, kurtosis) / (n - 1)


@finite
def psr(sharpe: float, n: float, skew: float = 0.0, kurtosis: float = 3.0, *, benchmark: float = 0.0) -> float:
    """Probabilistic Sharpe ratio: Phi[(SR - SR*) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2)], in [0, 1].

    Confidence that the true per-period Sharpe ratio exceeds `benchmark`.
    Source: Bailey & Lopez de Prado (2012).

    >>> round(psr(0.458, 24), 4), round(psr(0.458, 24, skew=-2.448, kurtosis=10.164), 4)
    (0.9817, 0.9134)
    """
    if not np.isfinite(benchmark):
        raise StatisticsError(f"psr: expected a finite benchmark, got {benchmark}")
    return NORMAL.cdf((sharpe - benchmark) / sharpe_variance(sharpe, n, skew, kurtosis) ** 0.5)


@finite
def expected_maximum(n_trials: float, variance: float = 1.0) -> float:
    """Expected best per-period Sharpe ratio of `n_trials` independent trials without skill.

    sqrt(V) [(1 - c) Phi^-1(1 - 1/N) + c Phi^-1(1 - 1/(N e))], c = Euler-Mascheroni. V is the variance of
    the per-period Sharpe ratios across trials. It increases with N, from 0 for one trial: the best of one is that one.
    The formula approximates large N and is below 0 under 1.28 trials, so that a straight line leads from 0 at N = 1 to
    its value at N = 1.3 (effective trials need not be whole). Raises: StatisticsError for N < 1, N > 1e300 or
    V < 0. Source: Bailey & Lopez de Prado (2014).

    >>> round(expected_maximum(10), 4), expected_maximum(1)
    (1.5746, 0.0)
    """
    if not 1 <= n_trials <= MOST or not 0 <= variance < np.inf:
        raise StatisticsError(
            f"expected_maximum: expected at least one trial, at most {MOST:.0e}, and a finite variance >= 0, "
            f"got {n_trials} and {variance}"
        )
    share = min((n_trials - 1) / (FEWEST - 1), 1.0)
    return float(variance**0.5 * share * _standard_maximum(max(n_trials, FEWEST)))


@finite
def dsr(
    sharpe: float,
    n: float,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    *,
    n_trials: float,
    trial_variance: float,
) -> float:
    """Deflated Sharpe ratio: PSR against the expected maximum of `n_trials` trials, in [0, 1].

    The confidence that the true Sharpe ratio beats what luck among N trials gives; PSR against 0 for one trial, and
    never above it. It is NOT the probability that the true Sharpe ratio exceeds zero. N counts effective trials
    (`effective_trials`); `trial_variance` is the variance of per-period Sharpe ratios across trials.
    Source: Bailey & Lopez de Prado (2014).

    >>> round(dsr(2.5 / 250**0.5, 1250, -3, 10, n_trials=100, trial_variance=0.5 / 250), 4)
    0.9004
    """
    return psr(sharpe, n, skew, kurtosis, benchmark=expected_maximum(n_trials, trial_variance))


@finite
def effective_trials(trials: ArrayLike) -> float:
    """Implied number of independent trials of K correlated ones: rho + (1 - rho) K, within [1, K].

    `trials` [T, K] holds the return series of everything that was tried; rho is their mean pairwise
    correlation. Source: Bailey & Lopez de Prado (2014), appendix 3.

    >>> effective_trials([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    1.0
    """
    returns = numbers(trials, "trials")
    if returns.ndim != 2 or returns.shape[1] < 2:
        raise StatisticsError(f"effective_trials: expected [T, K], K >= 2, got shape {returns.shape}")
    for k in range(returns.shape[1]):
        varying(returns[:, k], f"trial {k}")
    count = returns.shape[1]
    correlation = np.corrcoef(returns, rowvar=False)
    rho = (correlation.sum() - count) / (count * (count - 1))
    return float(np.clip(rho + (1 - rho) * count, 1.0, count))


@finite
def min_track_record(
    sharpe: float, skew: float = 0.0, kurtosis: float = 3.0, *, benchmark: float = 0.0, alpha: float = 0.05
) -> float:
    """Periods needed before PSR(benchmark) reaches 1 - alpha.

    1 + (1 - g3 SR + (g4 - 1)/4 SR^2) (Phi^-1(1 - alpha) / (SR - SR*))^2, per-period Sharpe ratios.
    Raises: StatisticsError when the Sharpe ratio does not exceed the benchmark: no length suffices.
    Source: Bailey & Lopez de Prado (2012).

    >>> round(min_track_record(2 / 252**0.5, benchmark=1 / 252**0.5) / 252, 2)
    2.73
    """
    if not sharpe > benchmark > -np.inf:
        raise StatisticsError(f"min_track_record: Sharpe ratio {sharpe} does not exceed the benchmark {benchmark}")
    z = NORMAL.inv_cdf(1 - probability(alpha, "alpha"))
    return 1 + _spread(sharpe, skew, kurtosis) * (z / (sharpe - benchmark)) ** 2


@finite
def min_backtest_length(n_trials: float, target: float = 1.0) -> float:
    """Years below which the best of N skill-less trials is expected to show an annual Sharpe of `target`.

    (E[max of N] / target)^2; it increases with N, from 0 for one trial.
    Source: Bailey, Borwein, Lopez de Prado & Zhu (2014).

    >>> round(min_backtest_length(45), 1)
    5.0
    """
    return (expected_maximum(n_trials) / positive(target, "min_backtest_length: target Sharpe ratio")) ** 2


def _standard_maximum(n: float) -> float:
    """The approximation for trials of variance 1; Phi^-1(1 - p) as -Phi^-1(p), which holds for any number of them."""
    best = (1 - EULER_MASCHERONI) * -NORMAL.inv_cdf(1 / n)
    return best + EULER_MASCHERONI * -NORMAL.inv_cdf(1 / (n * np.e))


def _spread(sharpe: float, skew: float, kurtosis: float) -> float:
    if not np.isfinite([sharpe, skew, kurtosis]).all():
        raise StatisticsError(f"expected finite moments, got Sharpe {sharpe}, skewness {skew}, kurtosis {kurtosis}")
    spread = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    # kurtosis >= 1 + skew^2 for every distribution, and then the quadratic is never negative
    if not spread > 0:
        raise StatisticsError(
            f"no distribution has skewness {skew}, raw kurtosis {kurtosis} and Sharpe ratio "
            f"{sharpe}; was excess kurtosis passed?"
        )
    return spread
