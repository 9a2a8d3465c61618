"""How much of the fit is removed, day by day (paper A, eq. 8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.errors import ParameterError


@dataclass(frozen=True)
class AdaptiveStrength:
    """alpha_t = base x (1 + sensitivity x (s_short - s_long) / s_long), clipped to [0, 1].

    s_short and s_long: standard deviation of the market's return over the last `short` and `long` days up to and
    including t; both windows grow from the first day, so alpha is `base` until they differ. More volatile than
    usual means more removed. The paper gives the formula but no values; the defaults are ours.
    """

    base: float = 0.8
    sensitivity: float = 0.5
    short: int = 20
    long: int = 250

    def __post_init__(self) -> None:
        if not 0 <= self.base <= 1 or not self.sensitivity >= 0 or not 2 <= self.short <= self.long:
            raise ParameterError(f"got {self}; expected base in [0, 1], sensitivity >= 0 and 2 <= short <= long (days)")

    def at(self, market: NDArray[np.float64]) -> NDArray[np.float64]:
        """Strength [T] in [0, 1] from the market's returns [T]; days with NaN are left out of the windows.

        >>> market = np.array([0.01, -0.01] * 4 + [0.05, -0.05])
        >>> AdaptiveStrength(short=2, long=8).at(market)[-4:].round(2).tolist()
        [0.8, 0.8, 1.0, 1.0]
        """
        short, long = (_trailing_deviation(market, days) for days in (self.short, self.long))
        excess = np.divide(short - long, long, out=np.zeros(len(market)), where=long > 0)
        return np.clip(self.base * (1 + self.sensitivity * excess), 0.0, 1.0)


def _trailing_deviation(x: NDArray[np.float64], days: int) -> NDArray[np.float64]:
    """Population deviation of the known values of the last `days` days, [T]; 0 where there are none."""
    padded = np.concatenate([np.full(days - 1, np.nan), x])
    window = np.lib.stride_tricks.sliding_window_view(padded, days)  # T days
    known = np.isfinite(window)
    n = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, window, 0.0).sum(axis=1, keepdims=True) / n
    return np.sqrt((np.where(known, window - mean, 0.0) ** 2).sum(axis=1) / n[:, 0])
