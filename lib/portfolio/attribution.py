"""Where a return came from: a regression on returns of factors, of styles or of families, and by regime.

The factors are portfolios, so that their coefficients times their returns are what the book would have earned by
holding them; alpha is the rest. It says what explains a return, not what caused it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Vector
from lib.errors import StatisticsError
from lib.stats.checks import is_constant, series


class Coefficient(NamedTuple):
    """A coefficient with its standard error and t-statistic."""

    value: float
    error: float
    t: float


class Attribution(NamedTuple):
    """Of a return series over factors.

    alpha: annualised, what no factor explains. betas: per factor. contributions: beta x annualised mean of the factor;
    with alpha they add up to the annualised mean return. r_squared: the share of variance explained. days: T.
    """

    alpha: Coefficient
    betas: dict[str, Coefficient]
    contributions: dict[str, float]
    r_squared: float
    days: int


def attribute(
    returns: ArrayLike, factors: Mapping[str, ArrayLike], *, periods: float = 252, lags: int = 5
) -> Attribution:
    """Least squares of `returns` [T] on a constant and the factors, each [T]; errors Newey-West with `lags`.

    Raises: StatisticsError for days that differ or are not finite, a constant factor, factors that are collinear, or
    T <= factors + 2. Source: Fama & French (1993, 2015); errors: statsmodels' HAC, corrected for a small sample.
    """
    from statsmodels.regression.linear_model import OLS

    y, names = series(returns, "returns"), list(factors)
    x = _design(y, factors)
    fit = OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    found = [Coefficient(float(b), float(e), float(b / e)) for b, e in zip(fit.params, fit.bse, strict=True)]
    alpha = Coefficient(found[0].value * periods, found[0].error * periods, found[0].t)
    means = x[:, 1:].mean(axis=0) * periods
    contributions = {n: float(c.value * m) for n, c, m in zip(names, found[1:], means, strict=True)}
    return Attribution(alpha, dict(zip(names, found[1:], strict=True)), contributions, float(fit.rsquared), y.size)


def by_regime(
    returns: ArrayLike, labels: Sequence[str] | NDArray[np.str_], *, periods: float = 252
) -> dict[str, float]:
    """Label -> sum of the returns [T] of its days, per year of all days: they add up to the annualised mean.

    Raises: StatisticsError when the labels [T] are not as many as the returns.

    >>> by_regime([0.01, -0.02, 0.03], ["calm", "bear", "calm"], periods=3)
    {'bear': -0.02, 'calm': 0.04}
    """
    r, names = series(returns, "returns", minimum=1), np.asarray(labels)
    if names.shape != r.shape:
        raise StatisticsError(f"by_regime: {r.size} returns and {names.shape} labels; expected one label a day")
    return {str(name): float(r[names == name].sum() / r.size * periods) for name in np.unique(names)}


def rolling_betas(
    returns: ArrayLike, factors: Mapping[str, ArrayLike], *, window: int = 250, every: int = 20
) -> tuple[NDArray[np.intp], dict[str, Vector]]:
    """Last days [K] of windows `every` days apart, and of each factor its coefficient [K] within the window."""
    y = series(returns, "returns")
    x = _design(y, factors)
    if not len(factors) + 2 < window <= y.size:
        raise StatisticsError(f"rolling_betas: window={window}; expected {len(factors) + 3} to {y.size} days")
    ends = np.arange(window, y.size + 1, every)
    found = np.array([np.linalg.lstsq(x[end - window : end], y[end - window : end], rcond=None)[0] for end in ends])
    return ends - 1, {name: found[:, place + 1] for place, name in enumerate(factors)}


def _design(y: Vector, factors: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
    columns = [np.ones(y.size)]
    for name, values in factors.items():
        column = series(values, f"factor {name}")
        if column.size != y.size or is_constant(column):
            raise StatisticsError(
                f"factor {name}: {column.size} days against {y.size} of the return; expected as many, and not constant"
            )
        columns.append(column)
    x = np.column_stack(columns)
    if y.size <= x.shape[1] + 1:
        raise StatisticsError(f"attribute: {y.size} days for {x.shape[1]} coefficients; expected more days")
    scaled = x / np.linalg.norm(x, axis=0)
    if np.linalg.cond(scaled) > 1e8:
        raise StatisticsError(f"attribute: the factors {', '.join(factors)} are collinear; leave one out")
    return x
