"""What is planted: three signals, the alpha made of them, and a transitory component that reverts.

Nobody sees the signals. They leave footprints in observables (volume, path, open), and the alpha they make
is earned from the next close on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray
from lib.market.processes import memory_of, standardise

if TYPE_CHECKING:
    from lib.market.config import MarketConfig
    from lib.market.regimes import DayStates
    from lib.market.stocks import Stocks


HALF_LIVES: Final = (5.0, 12.0, 30.0)
WEIGHTS: Final = (0.60, 0.60, 0.53)


@dataclass(frozen=True, eq=False)
class Planted:
    """The truth before any exchange: signals [3,T,N], alpha, transitory component [T,N], theme [N]."""

    signals: NDArray[np.float32]
    alpha: FloatArray  # formed at the close of t, earned from t to t+1
    transitory: FloatArray
    theme: NDArray[np.bool_]


def plant(
    cfg: MarketConfig, states: DayStates, stocks: Stocks, scale: FloatArray, rng: np.random.Generator
) -> Planted:
    """Draw signals, alpha and reversal.

    alpha(t) = kappa vol (.6 s1 + .6 s2 + .53 s3) / norm, plus what an episode plants in its theme.
    m(t) = memory m(t-1) + reversal vol eps(t): genuine short-term reversal. scale: volatility of the day [T,N].
    """
    signals = draw_signals(scale.shape, rng)
    norm = np.sqrt(np.square(WEIGHTS).sum())
    alpha = sum(np.float64(w) * s for w, s in zip(WEIGHTS, signals, strict=True)) * (cfg.alpha * stocks.vol / norm)
    theme = _theme(states, stocks)
    if states.episode is not None and states.episode.theme_industries:
        each_day = np.where(theme, states.episode.theme_total, states.episode.rest_total) / states.episode.days
        # alpha of t is earned at t+1: it must be in place the day before the episode begins
        alpha[states.span.start - 1 : states.span.stop - 1] += each_day
    transitory = rng.standard_normal(scale.shape)
    transitory *= cfg.reversal * stocks.vol
    if cfg.interaction:
        transitory *= 2**0.5 * (scale < np.median(scale, axis=1, keepdims=True))
    for t in range(1, len(transitory)):
        transitory[t] += cfg.reversal_memory * transitory[t - 1]
    return Planted(signals, alpha, transitory, theme)


def draw_signals(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Three autoregressions [3,T,N], z-scored over the stocks of each day."""
    signals = np.empty((len(HALF_LIVES), *shape), dtype=np.float32)
    for k, half_life in enumerate(HALF_LIVES):
        memory = memory_of(half_life)
        noise = rng.standard_normal(shape)
        for t in range(1, len(noise)):
            noise[t] = memory * noise[t - 1] + np.sqrt(1 - memory**2) * noise[t]
        signals[k] = standardise(noise)
    return signals


def _theme(states: DayStates, stocks: Stocks) -> NDArray[np.bool_]:
    """Stocks of the episode's theme: the industries next to the largest. All stocks where there is no theme."""
    if states.episode is None or not states.episode.theme_industries:
        return np.ones(len(stocks.vol), dtype=bool)
    chosen = 1 + np.arange(states.episode.theme_industries)
    return np.isin(stocks.industry_code, chosen)
