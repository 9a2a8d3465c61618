"""Drift and volatility of each stock from its valid days, by maximum likelihood (A eq. 21-22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray

if TYPE_CHECKING:
    from lib.panel import Panel

#: what a day's shape is read from
_PRICES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class History:
    """What the valid days of N stocks say of their returns.

    valid: bool [T, N], days that count. count: of them, int [N]. drift: mu [N], of the price, a day. volatility:
    sigma [N], of the log return, a day. innovation: [T, N], (log return - mean) / sigma on valid days, NaN elsewhere.
    drift and volatility are NaN with fewer than two valid days, innovation also where sigma is 0.
    """

    valid: NDArray[np.bool_]
    count: NDArray[np.int64]
    drift: FloatArray
    volatility: FloatArray
    innovation: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Mean log return [N]: mu - sigma^2 / 2."""
        return np.asarray(self.drift - self.volatility**2 / 2)


def estimate(panel: Panel) -> History:
    """Estimates from the days of a panel on which, and on the day before, prices are valid.

        r_t = log(close_t / pre_close_t),   mean = sum r_t / n
        sigma^2 = sum (r_t - mean)^2 / (n - 1),   mu = mean + sigma^2 / 2           (A eq. 21-22, a session as unit)

    A prints n - 1, where maximum likelihood has n, and centres eq. 22 by mu instead of the mean: by mu the two
    equations have no common solution but an approximate one, so the mean is meant. Mask rule: a halted, missing or
    unlisted day and a close at a limit count nowhere (`Panel.price_valid`), nor does the day after one, whose return
    begins there.

    >>> from lib.market import make_market
    >>> found = estimate(make_market(5, 300, seed=1, vol_median=0.02).panel)
    >>> found.drift.shape, bool((found.count < 300).all())
    ((5,), True)
    """
    valid = _usable(panel)
    log_return = np.full(valid.shape, np.nan)
    log_return[valid] = np.log(panel.fields["close"][valid] / panel.previous_close[valid])
    count = valid.sum(axis=0)
    enough = count >= 2
    mean = np.where(enough, np.where(valid, log_return, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    squares = np.where(valid, (log_return - mean) ** 2, 0.0).sum(axis=0)
    sigma = np.sqrt(np.where(enough, squares / np.maximum(count - 1, 1), np.nan))
    innovation = (log_return - mean) / np.where(sigma > 0, sigma, np.nan)
    return History(valid, count, mean + sigma**2 / 2, sigma, innovation)


def _usable(panel: Panel) -> NDArray[np.bool_]:
    """Cells [T, N] whose prices, and those of the day before, are valid, with everything that is read of them."""
    whole = panel.price_valid & (panel.previous_close > 0)
    for name in _PRICES:
        whole &= np.isfinite(panel.fields[name]) & (panel.fields[name] > 0)
    usable = np.zeros_like(whole)
    usable[1:] = whole[1:] & panel.price_valid[:-1]
    return usable
