"""Volume: persistent, rising with the size of the move, drying up when the price is locked, high after a limit-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lib.arrays import FloatArray
from lib.market.processes import autoregression

if TYPE_CHECKING:
    from lib.market.config import MarketConfig
    from lib.market.exchange import Session
    from lib.market.intraday import Days
    from lib.market.stocks import Stocks


_MOVE: Final = 0.28  # log volume per standard deviation of the move
_MOVE_CAP: Final = 5.0
_MOVE_USUAL: Final = 0.7  # median of |move| / vol
_MEMORY: Final = 0.92
_SLOW_SD: Final = 0.38
_NOISE_SD: Final = 0.25
_LOT: Final = 100


def draw_volume(
    cfg: MarketConfig,
    stocks: Stocks,
    session: Session,
    days: Days,
    footprint: FloatArray,
    rng: np.random.Generator,
) -> dict[str, FloatArray]:
    """Turnover in percent of the float, volume in shares, amount in yuan [T,N]; 0 when halted.

    log turnover = base + .28 min(|move| / vol, 5) + footprint + attention + AR(.92) + noise, times the day's
    liquidity. footprint: what signals and episodes add to log volume [T,N]. attention: `limit_volume` on the day after
    a limit-up close, fading by `limit_memory` a day; it starts with what the exchange printed, so the twin has none.
    """
    log_share = _SLOW_SD * autoregression(rng, _MEMORY, session.close.shape)
    log_share += _NOISE_SD * rng.standard_normal(session.close.shape)
    log_share += footprint
    log_share += cfg.limit_volume * _attention(session, cfg.limit_memory)
    move = np.abs(np.log(session.close / session.pre_close)) / stocks.vol
    log_share += _MOVE * (np.minimum(move, _MOVE_CAP) - _MOVE_USUAL)
    share = np.minimum(cfg.turnover * np.exp(log_share), 0.8) * days.liquidity
    shares = stocks.shares / session.merged
    volume = np.where(session.halted, 0.0, np.maximum(np.rint(share * shares / _LOT), 1) * _LOT)
    return {"volume": volume, "amount": volume * days.vwap, "turnover": 100 * volume / shares}


def _attention(session: Session, memory: float) -> FloatArray:
    """1 on the day after a limit-up close, then fading [T,N]."""
    limit_up = (session.close == session.up) & ~session.halted
    attention = np.zeros(session.close.shape)
    for t in range(1, len(attention)):
        attention[t] = np.where(limit_up[t - 1], 1.0, memory * attention[t - 1])
    return attention
