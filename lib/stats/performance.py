"""Performance of one daily return series: level, risk, drawdown, turnover.

Returns are simple returns per period. `periods` is the number of periods in a year: 252 for the
paper's and US figures, about 243 for A-shares.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from lib.errors import StatisticsError
from lib.stats.checks import Series, finite, numbers, positive, series, varying


@finite
def sharpe(returns: ArrayLike, *, periods: float = 252) -> float:
    """Annualised Sharpe ratio: mean / std(ddof=1) * sqrt(periods).

    `returns` [T] are excess returns (subtract the risk-free or the benchmark return first).
    Raises: StatisticsError for constant returns (undefined, neither 0 nor infinite).
    Source: Sharpe (1994).

    >>> round(sharpe([0.01, -0.01, 0.02], periods=1), 4)
    0.4364
    """
    r = varying(returns, "returns")
    return float(r.mean() / r.std(ddof=1) * np.sqrt(positive(periods, "periods")))


@finite
def sortino(returns: ArrayLike, *, target: float = 0.0, periods: float = 252) -> float:
    """Annualised Sortino ratio: (mean - target) / downside deviation * sqrt(periods).

    Downside deviation: sqrt(mean(min(r - target, 0)^2)) over ALL T days, not only the losing ones.
    Raises: StatisticsError when no return is below the target.
    Source: Sortino & Price (1994).

    >>> round(sortino([0.01, -0.01, 0.02], periods=1), 4)
    1.1547
    """
    excess = series(returns, "returns") - target
    downside = np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2))
    if downside == 0.0:
        raise StatisticsError(
            f"sortino: none of {excess.size} returns is below the target {target}, "
            "so the downside deviation is zero"
        )
    return float(excess.mean() / downside * np.sqrt(positive(periods, "periods")))


@finite
def equity(returns: ArrayLike) -> Series:
    """Equity [T + 1] of one unit: 1, then the running product of 1 + r.

    Raises: StatisticsError for a return below -1 (equity would turn negative).
    """
    r = series(returns, "returns", minimum=1)
    if r.min() < -1.0:
        raise StatisticsError(f"returns: {r.min():.6g} at position {r.argmin()} is below -1")
    return np.concatenate(([1.0], np.cumprod(1.0 + r)))


@finite
def annual_return(returns: ArrayLike, *, periods: float = 252) -> float:
    """Compound annual growth rate: (product of 1 + r)^(periods / T) - 1.

    >>> round(annual_return([0.1, 0.1], periods=1), 12)
    0.1
    """
    path = equity(returns)
    return float(path[-1] ** (positive(periods, "periods") / (path.size - 1)) - 1.0)


@finite
def annual_volatility(returns: ArrayLike, *, periods: float = 252) -> float:
    """Annualised standard deviation: std(ddof=1) * sqrt(periods)."""
    return float(series(returns, "returns").std(ddof=1) * np.sqrt(positive(periods, "periods")))


@finite
def max_drawdown(returns: ArrayLike) -> float:
    """Largest loss from a previous high of equity that starts at 1, as a positive share in [0, 1].

    max over t of 1 - equity(t) / max(equity(0..t)). The starting value counts as a high, so a loss on
    the first day is a drawdown. 0 when equity never falls.

    >>> round(max_drawdown([0.10, -0.20, 0.05]), 12)
    0.2
    """
    path = equity(returns)
    return float(np.max(1.0 - path / np.maximum.accumulate(path)))


@finite
def calmar(returns: ArrayLike, *, periods: float = 252) -> float:
    """Calmar ratio: compound annual growth rate / maximum drawdown.

    Raises: StatisticsError when equity never falls. Source: Young (1991).
    """
    drawdown = max_drawdown(returns)
    if drawdown == 0.0:
        raise StatisticsError("calmar: equity never falls, so the maximum drawdown is zero")
    return annual_return(returns, periods=periods) / drawdown


@finite
def turnover(weights: ArrayLike, before: ArrayLike | None = None) -> float:
    """Mean daily L1 turnover: mean over t of sum over i of |w(t, i) - b(t, i)|.

    `weights` [T, N] after trading; `before` [T, N] just before it (drifted weights). Without `before`
    the previous day's weights stand in for them, which is the paper's definition and ignores drift.
    The portfolio starts in cash, so the first purchase counts. 1.0 means the whole capital was bought
    (or sold) once a day; replacing the portfolio is 2.0.

    >>> turnover([[0.5, 0.5], [1.0, 0.0]])
    1.0
    """
    after = numbers(weights, "turnover: weights")
    if after.ndim != 2 or after.size == 0:
        raise StatisticsError(f"turnover: expected weights [T, N], T and N >= 1, got shape {after.shape}")
    lagged = np.vstack([np.zeros_like(after[:1]), after[:-1]])
    prior = lagged if before is None else numbers(before, "turnover: weights before")
    if prior.shape != after.shape:
        raise StatisticsError(f"turnover: weights are {after.shape}, those before trading are {prior.shape}")
    if not (np.isfinite(after).all() and np.isfinite(prior).all()):
        raise StatisticsError("turnover: weights must be finite; write 0 for a name that is not held")
    return float(np.abs(after - prior).sum(axis=1).mean())


def summary(returns: ArrayLike, *, periods: float = 252) -> dict[str, float]:
    """Every metric of this file that is defined for `returns`; an undefined one is LEFT OUT, never 0 or NaN.

    For tables, where one undefined cell must not stop the page: use `.get(name)`.

    >>> sorted(summary([0.01, 0.01]))
    ['annual_return', 'annual_volatility', 'max_drawdown']
    """
    metrics: dict[str, Callable[[], float]] = {
        "sharpe": lambda: sharpe(returns, periods=periods),
        "sortino": lambda: sortino(returns, periods=periods),
        "annual_return": lambda: annual_return(returns, periods=periods),
        "annual_volatility": lambda: annual_volatility(returns, periods=periods),
        "max_drawdown": lambda: max_drawdown(returns),
        "calmar": lambda: calmar(returns, periods=periods),
    }
    series(returns, "returns")  # a broken series is an error, not an empty table
    return {name: value for name, metric in metrics.items() if (value := _defined(metric)) is not None}


def _defined(metric: Callable[[], float]) -> float | None:
    try:
        return metric()
    except StatisticsError:
        return None
