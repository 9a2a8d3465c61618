"""The latent efficient price: knows nothing of ticks, limits or halts.

e(t) = e(t-1) + beta mkt(t) + ind(t) - z size(t) + vol(t) eps(t) + J(t) + alpha(t-1) - half the variance
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lib.market.processes import autoregression, student

if TYPE_CHECKING:
    from lib.market.config import MarketConfig
    from lib.market.regimes import Weather
    from lib.market.stocks import Stocks

FloatArray = NDArray[np.float64]

_SHOCK_CLIP: Final = 4.0  # standard deviations of the market factor


def own_volatility(
    cfg: MarketConfig, weather: Weather, stocks: Stocks, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(idiosyncratic volatility of the day [T,N], state of the stock's own log volatility [T,N]).

    The state is a slow autoregression of unit variance; the exponential is scaled to keep the mean square.
    """
    state = autoregression(rng, cfg.vol_memory, (len(weather.vol), len(stocks.vol)))
    scale = np.exp(cfg.vol_swing * state - cfg.vol_swing**2)
    scale *= weather.vol[:, None] * stocks.vol
    return scale, state


def latent_moves(
    cfg: MarketConfig, weather: Weather, stocks: Stocks, scale: FloatArray, state: FloatArray,
    streams: dict[str, np.random.Generator],
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """(daily change of the efficient log price without the planted alpha, its volatility without jumps), [T,N].

    Half the variance is taken off, else equal weight would drift up by convexity (25 % a year).
    """
    market, market_sd = _market_factor(cfg, weather, streams["market"])
    industry_sd = cfg.industry_sd * weather.vol[:, None]
    move = stocks.beta * market[:, None]
    industry = industry_sd * streams["industry"].standard_normal((len(market), cfg.n_industries))
    move += industry[:, stocks.industry_code]
    move -= stocks.size * (cfg.size_sd * streams["size"].standard_normal((len(market), 1)))
    move += scale * student(streams["own"], cfg.tail, scale.shape)
    variance = stocks.beta**2 * market_sd[:, None] ** 2 + industry_sd**2 + (stocks.size * cfg.size_sd) ** 2
    variance += scale**2
    move -= 0.5 * variance
    move -= 0.5 * _add_jumps(move, cfg, weather, stocks, state, streams["jumps"])
    return move, np.sqrt(variance, out=variance)


def _market_factor(cfg: MarketConfig, weather: Weather, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """(market factor [T], its volatility [T]); an episode's total is met exactly."""
    n_days = len(weather.regime)
    log_vol = autoregression(rng, cfg.market_memory, (n_days,)) * cfg.market_shock / np.sqrt(1 - cfg.market_memory**2)
    sd = weather.market_sd * np.exp(log_vol)
    shock = sd * np.clip(student(rng, cfg.tail, (n_days,)), -_SHOCK_CLIP, _SHOCK_CLIP)
    factor = weather.market_mean + shock
    if weather.episode is not None and weather.episode.total is not None:
        part = factor[weather.span]
        factor[weather.span] = part - part.mean() + weather.episode.total / weather.episode.days
    return factor, sd


def _add_jumps(
    move: FloatArray, cfg: MarketConfig, weather: Weather, stocks: Stocks, state: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Add jumps, compensated to mean zero so that they carry no alpha; returns their variance [T,N].

    They come in spells: a stock's jump rate rises and falls with its own volatility. In the null market every
    stock has the same rate.
    """
    shape = move.shape
    rate = np.broadcast_to(weather.jump_rate[:, None], shape)
    if not cfg.null:
        rate = rate * (stocks.vol / cfg.vol_median) * np.exp(cfg.jump_swing * state - 0.5 * cfg.jump_swing**2)
    rate = np.minimum(rate, 1.0)
    size = np.where(stocks.wide, cfg.wide_scale, 1.0)
    up = weather.jump_up[:, None]
    day, stock = np.nonzero(rng.random(shape) < rate)
    beyond = rng.exponential(1.0, len(day))
    beyond *= np.where(rng.random(len(day)) < cfg.jump_far_share, cfg.jump_far_mean, cfg.jump_mean)
    sign = np.where(rng.random(len(day)) < weather.jump_up[day], 1.0, -1.0)
    move[day, stock] += sign * size[stock] * (cfg.jump_base + beyond)
    first, second = _jump_moments(cfg)
    mean = rate * (size * first) * (2 * up - 1)
    move -= mean
    return rate * (size**2 * second) - mean**2


def _jump_moments(cfg: MarketConfig) -> tuple[float, float]:
    """First and second moment of a jump's size on a 10 % board."""
    near, far = 1 - cfg.jump_far_share, cfg.jump_far_share
    beyond = near * cfg.jump_mean + far * cfg.jump_far_mean
    beyond_squared = 2 * (near * cfg.jump_mean**2 + far * cfg.jump_far_mean**2)
    return cfg.jump_base + beyond, cfg.jump_base**2 + 2 * cfg.jump_base * beyond + beyond_squared
