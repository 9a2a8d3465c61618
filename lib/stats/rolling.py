"""Rolling views of a daily series: each statistic of the last `window` days, as of the day."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lib.errors import StatisticsError
from lib.stats.checks import Series, series


def rolling_sharpe(returns: ArrayLike, window: int, *, periods: float = 252) -> Series:
    """Annualised Sharpe ratio of days t - window + 1 .. t, [T]; NaN on the first window - 1 days and where constant."""
    parts = _windows(returns, window)
    deviation = parts.std(axis=1, ddof=1)
    ratio = np.divide(parts.mean(axis=1), deviation, out=np.full(len(parts), np.nan), where=deviation > 0)
    return _as_of(ratio * periods**0.5, window)


def rolling_volatility(returns: ArrayLike, window: int, *, periods: float = 252) -> Series:
    """Annualised deviation (ddof=1) of days t - window + 1 .. t, [T]; NaN on the first window - 1 days."""
    return _as_of(_windows(returns, window).std(axis=1, ddof=1) * periods**0.5, window)


def rolling_drawdown(returns: ArrayLike, window: int) -> Series:
    """Largest loss from a high within days t - window + 1 .. t, a share in [0, 1], [T]; equity starts at 1 in each."""
    path = np.cumprod(1 + _windows(returns, window), axis=1)
    path = np.concatenate([np.ones((len(path), 1)), path], axis=1)
    return _as_of((1 - path / np.maximum.accumulate(path, axis=1)).max(axis=1), window)


def _windows(returns: ArrayLike, window: int) -> Series:
    r = series(returns, "returns")
    if not 2 <= window <= r.size:
        raise StatisticsError(f"rolling: expected a window from 2 to {r.size} days, got {window}")
    return np.lib.stride_tricks.sliding_window_view(r, window)


def _as_of(values: Series, window: int) -> Series:
    return np.concatenate([np.full(window - 1, np.nan), values])
