"""ARMA of each stock's own returns. statsmodels fits some stocks one by one; all are predicted with the pooled result.

A fit a stock and refit would take hours and adds noise: with a thousand days one coefficient has a deviation of .03. So
`stocks` of them are drawn, and the coefficients are the medians over these.
"""

from __future__ import annotations

import warnings
from typing import cast

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.fits import Fit
from lib.models.fitted import Fitted
from lib.models.splits import Split
from lib.models.windows import Windows

#: days that a stock needs to be fitted
ENOUGH = 50


def arima(data: Dataset, seed: int, *, stocks: int = 12) -> Fit:
    """r_t = phi r_{t-1} + e_t + theta e_{t-1}, that is ARIMA(1, 0, 1) of returns or (1, 1, 1) of log prices.

    data: windows (`lib.models.windows.windowed`) whose one factor is the stock's return of the day. A prediction runs
    the recursion over its window from r = e = 0; a masked session is expected, not seen: e = 0. stocks: drawn with the
    seed among those with at least ENOUGH fit days. The validation days are not used. Raises ParameterError for other
    features and when no stock has enough days.
    """
    windows = data.features
    if not isinstance(windows, Windows) or windows.shape[-1] != 1:
        raise ParameterError(f"arima reads windows of one factor, the return of the day: got {type(windows).__name__}")

    def fit(split: Split) -> Fitted:
        series = _series(windows, split.fit_start, split.fit_stop)  # D N
        able = np.flatnonzero(np.isfinite(series).sum(axis=0) >= ENOUGH)
        if not len(able):
            raise ParameterError(f"arima needs a stock with {ENOUGH} fit days: got none; take more days")
        chosen = np.random.default_rng(seed).permutation(able)[:stocks]
        phi, theta = np.median([coefficients(series[:, stock]) for stock in chosen], axis=0)
        return Fitted(lambda rows: forecast(rows, float(phi), float(theta)), np.ones(1))

    return fit


def _series(windows: Windows, start: int, stop: int) -> np.ndarray:
    position = windows.position[start:stop]
    return np.where(position >= 0, windows.features[np.maximum(position, 0), 0].astype(np.float64), np.nan)


def coefficients(series: np.ndarray) -> tuple[float, float]:
    """(phi, theta) of one stock's returns [D] by maximum likelihood; the Kalman filter leaves out NaN: masked."""
    from statsmodels.tsa.arima.model import ARIMA

    scaled = series / np.nanstd(series)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # white noise has no unique (phi, theta), which is what it complains of
        found = ARIMA(scaled, order=(1, 0, 1), trend="n").fit(method_kwargs={"maxiter": 30})
    return float(found.params[0]), float(found.params[1])


def forecast(rows: np.ndarray | Windows, phi: float, theta: float) -> np.ndarray:
    """Expected return of the session after each window [R]."""
    windows = cast(Windows, rows)  # a dataset of windows is indexed as an array is
    expected = np.zeros(len(windows))
    for back in range(windows.length - 1, -1, -1):
        day = windows.day - back
        position = np.where(day >= 0, windows.position[np.maximum(day, 0), windows.stock], -1)
        seen = np.where(position >= 0, windows.features[np.maximum(position, 0), 0], expected)
        expected = phi * seen + theta * (seen - expected)
    return expected
