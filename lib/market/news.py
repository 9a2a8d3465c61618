"""News: self-exciting jumps of the latent price (Hawkes-like): a jump raises the intensity of further ones.

A jump makes a further one more likely for some days, mostly in the same direction (news comes in instalments),
widens the stock's volatility and draws volume. Each jump is compensated by its expectation given everything before
it, so that neither skew nor clusters carry any alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray

if TYPE_CHECKING:
    from lib.market.config import MarketConfig
    from lib.market.regimes import DayStates
    from lib.market.stocks import Stocks


_MOST: Final = 0.9  # a jump is never certain


@dataclass(frozen=True, eq=False)
class News:
    """Jumps less their expectation, and what they do to everything else; all [T,N]."""

    move: FloatArray
    rate: FloatArray  # probability of a jump
    variance: FloatArray  # of the move
    hit: NDArray[np.bool_]
    before: FloatArray  # excess intensity when the day begins
    excitation: FloatArray  # excess intensity at its end


def draw_news(
    cfg: MarketConfig, states: DayStates, stocks: Stocks, state: FloatArray, rng: np.random.Generator
) -> News:
    """Draw the jumps. state: the stock's own log volatility in standard deviations [T,N].

    Probability: the regime's rate, in proportion to the stock's volatility and moving with its state, plus
    `jump_echo` times the excess intensity, which is 1 after a jump and fades by `excitation_memory` a day. Direction:
    up with the regime's `jump_up`; an echo has that of the last jump with probability `echo_same`. Size: jump_base +
    Exp(jump_mean), a share `jump_far_share` + Exp(jump_far_mean). In the null market every stock has the regime's
    rate, and there is no echo.
    """
    shape = state.shape
    # every cell has its draws, used or not: what happens on one day shifts no other day's
    arrival, direction, far, beyond = rng.random((4, *shape), dtype=np.float32)
    length = cfg.jump_base - np.where(far < cfg.jump_far_share, cfg.jump_far_mean, cfg.jump_mean) * np.log1p(-beyond)
    length *= np.where(stocks.wide, cfg.wide_scale, 1.0)
    first, second = _moments(cfg, stocks)
    own = np.ones(shape[1]) if cfg.null else stocks.vol / cfg.vol_median
    swing, echo = (0.0, 0.0) if cfg.null else (cfg.jump_swing, cfg.jump_echo)
    usual = (states.jump_rate[:, None] * own) * np.exp(swing * state - 0.5 * swing**2)
    move, rate, variance, before, excitation = (np.empty(shape) for _ in range(5))
    hit = np.empty(shape, dtype=bool)
    excess, last = np.zeros(shape[1]), np.ones(shape[1])
    for t in range(shape[0]):
        before[t] = excess
        again = echo * excess
        rate[t] = np.minimum(usual[t] + again, _MOST)
        up = usual[t] * states.jump_up[t] + again * np.where(last > 0, cfg.echo_same, 1 - cfg.echo_same)
        up /= np.maximum(usual[t] + again, 1e-300)
        hit[t] = arrival[t] < rate[t]
        sign = np.where(direction[t] < up, 1.0, -1.0)
        mean = rate[t] * first * (2 * up - 1)
        move[t] = np.where(hit[t], sign * length[t], 0.0) - mean
        variance[t] = rate[t] * second - mean**2
        last = np.where(hit[t], sign, last)
        excess = cfg.excitation_memory * excess + hit[t]
        excitation[t] = excess
    return News(move, rate, variance, hit, before, excitation)


def _moments(cfg: MarketConfig, stocks: Stocks) -> tuple[FloatArray, FloatArray]:
    """First and second moment of a jump's size [N]."""
    near, far = 1 - cfg.jump_far_share, cfg.jump_far_share
    beyond = near * cfg.jump_mean + far * cfg.jump_far_mean
    beyond_squared = 2 * (near * cfg.jump_mean**2 + far * cfg.jump_far_mean**2)
    scale = np.where(stocks.wide, cfg.wide_scale, 1.0)
    return scale * (cfg.jump_base + beyond), scale**2 * (cfg.jump_base**2 + 2 * cfg.jump_base * beyond + beyond_squared)
