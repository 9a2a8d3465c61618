"""The latent efficient price: knows nothing of ticks, limits or halts.

e(t) = e(t-1) + beta mkt(t) + ind(t) - z size(t) + vol(t) eps(t) + J(t) + alpha(t-1) - half the variance
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from lib.arrays import FloatArray
from lib.market.news import draw_news
from lib.market.processes import student
from lib.market.volatility import Volatility, draw_volatility

if TYPE_CHECKING:
    from lib.market.config import MarketConfig
    from lib.market.regimes import DayStates
    from lib.market.stocks import Stocks

Streams = dict[str, np.random.Generator]

_SHOCK_CLIP: Final = 4.0  # standard deviations of the market factor


@dataclass(frozen=True, eq=False)
class Latent:
    """The efficient price without the planted alpha; all [T,N].

    move: daily change of the log price. spread: its volatility without jumps. own: the idiosyncratic part of that.
    excitation: what past and present jumps leave behind, 1 for a jump of today.
    """

    move: FloatArray
    spread: FloatArray
    own: FloatArray
    excitation: FloatArray


def draw_latent(cfg: MarketConfig, states: DayStates, stocks: Stocks, streams: Streams) -> Latent:
    """Add up market, industries, size, own shocks and jumps.

    Half the variance is taken off, else equal weight would drift up by convexity (25 % a year).
    """
    volatility = draw_volatility(cfg, states, stocks, streams["market volatility"], streams["own volatility"])
    news = draw_news(cfg, states, stocks, volatility.state, streams["jumps"])
    own = volatility.own * (1 + cfg.excitation_vol * news.before)
    move, variance = _common_part(cfg, states, stocks, volatility, streams)
    move += own * np.where(news.hit, cfg.jump_quiet, 1.0) * student(streams["own"], cfg.tail, own.shape)
    move += news.move
    variance += own**2 * (1 - news.rate * (1 - cfg.jump_quiet**2))
    move -= 0.5 * (variance + news.variance)
    return Latent(move, np.sqrt(variance, out=variance), own, news.excitation)


def _common_part(
    cfg: MarketConfig, states: DayStates, stocks: Stocks, volatility: Volatility, streams: Streams
) -> tuple[FloatArray, FloatArray]:
    """(market, industry and size moves, their variance), [T,N]."""
    industry_sd = cfg.industry_sd * volatility.common[:, None]
    market = _market_factor(states, volatility.market, cfg.tail, streams["market"])[:, None]
    industry = industry_sd * streams["industry"].standard_normal((len(market), cfg.n_industries))
    size = cfg.size_sd * streams["size"].standard_normal((len(market), 1))
    move = stocks.beta * market + industry[:, stocks.industry_code]
    move -= stocks.size * size
    variance = (stocks.beta * volatility.market[:, None]) ** 2 + industry_sd**2
    variance += (stocks.size * cfg.size_sd) ** 2
    return move, variance


def _market_factor(states: DayStates, sd: FloatArray, tail: float, rng: np.random.Generator) -> FloatArray:
    """The market factor [T]; an episode's total is met exactly."""
    shock = np.clip(student(rng, tail, sd.shape), -_SHOCK_CLIP, _SHOCK_CLIP)
    factor = states.market_mean + sd * shock
    if states.episode is not None and states.episode.total is not None:
        part = factor[states.span]
        factor[states.span] = part - part.mean() + states.episode.total / states.episode.days
    return np.asarray(factor)
