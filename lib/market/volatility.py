"""Volatility: the market's moves slowly, each stock's follows it in part and has a life of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lib.arrays import FloatArray
from lib.market.processes import autoregression

if TYPE_CHECKING:
    from lib.market.config import MarketConfig
    from lib.market.regimes import DayStates
    from lib.market.stocks import Stocks



@dataclass(frozen=True, eq=False)
class Volatility:
    """market [T]: of the market factor. own [T,N]: idiosyncratic, before any news. state [T,N]: the stock's own log
    volatility in standard deviations. common [T]: what multiplies industry and idiosyncratic volatility."""

    market: FloatArray
    common: FloatArray
    own: FloatArray
    state: FloatArray


def draw_volatility(
    cfg: MarketConfig, states: DayStates, stocks: Stocks, market: np.random.Generator, own: np.random.Generator
) -> Volatility:
    """Slow autoregressions in logs. Exponentials are scaled to keep the mean square of what they multiply."""
    n_days = len(states.vol)
    log_market = cfg.market_swing * autoregression(market, cfg.market_memory, (n_days,))
    common = np.exp(cfg.vol_common * log_market - (cfg.vol_common * cfg.market_swing) ** 2) * states.vol
    state = autoregression(own, cfg.vol_memory, (n_days, len(stocks.vol)))
    scale = np.exp(cfg.vol_swing * state - cfg.vol_swing**2)
    scale *= common[:, None] * stocks.vol
    return Volatility(states.market_sd * np.exp(log_market - cfg.market_swing**2), common, scale, state)
