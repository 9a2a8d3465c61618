"""The papers' own generator: one-factor geometric Brownian motion, clamped.

Paper B, section 4.1: "single-factor GBM", drift 7 %, volatility 32 % a year, halts 1 %, limits 10 %. The log
return is beta m + e with beta = .55 and e scaled to keep 32 %, clamped at log 1.1 on either side (so a fall stops
at -9.1 % and never reaches the published lower limit). No price path inside the day is described: the one of
`make_market` is used, without footprints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lib.arrays import FloatArray
from lib.limits.ticks import from_ticks
from lib.market.build import make_panel, named_streams, session_dates
from lib.market.config import MarketConfig, check_size
from lib.market.exchange import trade, trade_freely
from lib.market.intraday import walk
from lib.market.signals import HALF_LIVES
from lib.market.stocks import list_stocks
from lib.market.truth import Market, Truth
from lib.market.volume import draw_volume

YEAR: Final = 252


@dataclass(frozen=True)
class GBMConfig:
    """What the paper states of its synthetic panel; yearly figures over 252 sessions."""

    start: str = "2010-01-04"
    drift: float = 0.07
    volatility: float = 0.32
    beta: float = 0.55
    halt_probability: float = 0.01
    limit: float = 0.10

    @property
    def daily_volatility(self) -> float:
        """Standard deviation of a day's log return, 2.02 %."""
        return float(self.volatility / np.sqrt(YEAR))

    @property
    def clamp(self) -> float:
        """Largest log return of a day, up or down."""
        return float(np.log1p(self.limit))


def paper_gbm(n_stocks: int = 3000, n_days: int = 3500, seed: int = 42) -> Market:
    """The synthetic panel of the papers: no alpha, no regimes, no spill-over, hardly a limit close.

    Log return: beta m(t) + sqrt(1 - beta^2) sigma eps(t), m with drift mu - sigma^2/2, clamped at log 1.1; a
    halted cell (independent, 1 %) does not move. Raises ParameterError for a bad size or seed.

    >>> market = paper_gbm(20, 50, seed=1)
    >>> market.panel.shape, bool(market.truth.alpha.any())
    ((50, 20), False)
    """
    check_size(n_stocks, n_days, seed)
    return _build(GBMConfig(), (n_days, n_stocks), seed, exchange=True)


def _build(cfg: GBMConfig, shape: tuple[int, int], seed: int, *, exchange: bool) -> Market:
    streams = named_streams(("stocks", "market", "own", "halts", "path", "volume"), seed)
    # dear enough that a tick is never a large part of the band: these stocks do not merge their shares
    plain = MarketConfig(
        start=cfg.start, first_price=100.0, wide_share=0.0, volume_print=0.0, path_print=0.0, open_print=0.0
    )
    dates = session_dates(cfg.start, shape[0])
    stocks = list_stocks(plain, shape[1], dates, streams["stocks"])
    stocks = replace(stocks, vol=np.full(shape[1], cfg.daily_volatility))
    move = _log_returns(cfg, shape, streams)
    halted = streams["halts"].random(shape) < cfg.halt_probability
    if exchange:
        move = np.where(halted, 0.0, np.clip(move, -cfg.clamp, cfg.clamp))
    np.cumsum(move, axis=0, out=move)
    move += np.log(from_ticks(stocks.first_ticks))
    first = stocks.first_ticks
    session = trade(move, stocks.percent, first, halted) if exchange else trade_freely(move, first)
    scale = np.broadcast_to(cfg.daily_volatility, shape)
    silent = np.broadcast_to(np.float32(0), (len(HALF_LIVES), *shape))
    days = walk(plain, session, scale, silent, streams["path"])
    columns = draw_volume(plain, stocks, session, days, np.zeros(shape), streams["volume"])
    panel = make_panel(dates, stocks, session, days, columns, exchange=exchange)
    panel.notes["synthetic"] = f"paper_gbm(n_stocks={shape[1]}, n_days={shape[0]}, seed={seed})"
    nothing = np.broadcast_to(0.0, shape)
    truth = Truth(
        alpha=nothing,
        mu_trad=nothing,
        unfilled=session.desired - np.log(panel.fields["close"]),
        desired=session.desired,
        regime=np.full(shape[0], "calm"),
        signals=silent,
        theme=np.ones(shape[1], dtype=bool),
    )
    return Market(panel, truth, cfg, seed, slice(0, 0), lambda: _build(cfg, shape, seed, exchange=False))


def _log_returns(cfg: GBMConfig, shape: tuple[int, int], streams: dict[str, np.random.Generator]) -> FloatArray:
    drift = (cfg.drift - 0.5 * cfg.volatility**2) / YEAR
    market = drift + cfg.daily_volatility * streams["market"].standard_normal((shape[0], 1))
    own = np.sqrt(1 - cfg.beta**2) * cfg.daily_volatility * streams["own"].standard_normal(shape)
    return np.asarray(cfg.beta * market + own)
