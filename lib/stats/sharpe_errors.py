"""The sampling error of one Sharpe ratio: under independent normal, independent and dependent returns."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lib.errors import StatisticsError
from lib.stats.checks import Series, finite, positive, probability, varying
from lib.stats.inference import NORMAL, newey_west_error
from lib.stats.selection import moments, sharpe_variance

KINDS = ("normal", "mertens", "hac")


class SharpeEstimate(NamedTuple):
    """A Sharpe ratio, its standard error and its interval, all annualised."""

    value: float
    error: float
    low: float
    high: float


@finite
def sharpe_interval(
    returns: ArrayLike,
    *,
    kind: Literal["normal", "mertens", "hac"] = "mertens",
    periods: float = 252,
    lags: int | None = None,
    level: float = 0.95,
) -> SharpeEstimate:
    """Annualised Sharpe ratio of `returns` [T] with its standard error and normal interval, value +- z error.

    normal: (1 + SR^2 / 2) / T, independent normal (Lo 2002, eq. 9). mertens: independent returns of any skewness
    and kurtosis (Mertens 2002). hac: dependent too (Lo 2002, GMM): Newey-West variance of the mean of the
    influence function (r - m) / s - SR ((r - m)^2 - s^2) / (2 s^2), with `lags`, or as many as newey_west_error takes.
    The error scales with sqrt(periods): what autocorrelation does to the ratio of a year is `lo_sharpe`.
    Raises: StatisticsError for constant returns, an unknown kind, a level outside (0, 1).

    >>> x = [0.02, -0.01, 0.03, 0.01, -0.02, 0.02]
    >>> [round(number, 3) for number in sharpe_interval(x, kind="normal", periods=1)]
    [0.429, 0.427, -0.407, 1.266]
    """
    r = varying(returns, "returns")
    ratio = r.mean() / r.std(ddof=1)
    error = _error(r, float(ratio), kind, lags)
    scale = positive(periods, "periods") ** 0.5
    reach = NORMAL.inv_cdf((1 + probability(level, "level")) / 2) * error
    return SharpeEstimate(*(float(scale * x) for x in (ratio, error, ratio - reach, ratio + reach)))


@finite
def lo_variance(sharpe: float, n: float) -> float:
    """Sampling variance of a per-period Sharpe ratio under independent normal returns: (1 + SR^2 / 2) / T.

    Source: Lo (2002), eq. 9 and Table 1. Raises: StatisticsError for n < 2.

    >>> round(lo_variance(0.5, 12) ** 0.5, 3)
    0.306
    """
    if not (2 <= n < np.inf and np.isfinite(sharpe)):
        raise StatisticsError(f"lo_variance: got Sharpe {sharpe}, {n} observations; expected finite, at least 2")
    return (1 + sharpe**2 / 2) / n


def _error(r: Series, ratio: float, kind: str, lags: int | None) -> float:
    if kind == "normal":
        return lo_variance(ratio, r.size) ** 0.5
    if kind == "mertens":
        return sharpe_variance(*moments(r)) ** 0.5
    if kind == "hac":
        z = (r - r.mean()) / r.std()
        return newey_west_error(z - ratio * (z**2 - 1) / 2, lags)
    raise StatisticsError(f"sharpe_interval: unknown kind {kind!r}; expected one of {', '.join(KINDS)}")
