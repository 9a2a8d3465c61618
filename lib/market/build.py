"""From parameters to a market: the order in which things are drawn, and the fields that come out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray
from lib.days import as_day
from lib.errors import ParameterError
from lib.limits.ticks import from_ticks
from lib.market.config import MarketConfig, check_config
from lib.market.exchange import Session, draw_halts, trade, trade_freely
from lib.market.intraday import Days, walk
from lib.market.latent import draw_latent
from lib.market.regimes import DayStates, draw_day_states
from lib.market.signals import Planted, plant
from lib.market.stocks import Stocks, list_stocks
from lib.market.truth import Market, Truth
from lib.market.volume import draw_volume
from lib.panel import Panel

#: one stream of random numbers per idea: what one draws never shifts what another draws
_STREAMS = (
    "states", "stocks", "market volatility", "own volatility", "market", "industry", "size", "own", "jumps",
    "planted", "halts", "path", "volume",
)  # fmt: skip


def make_market(n_stocks: int = 300, n_days: int = 1400, seed: int = 0, **config: Any) -> Market:
    """Synthetic market with limits, spill-over and halts, and a known truth; the same arguments give the same market.

    A latent log price with regimes, 29 industries, a size factor, heavy tails and compensated jumps; a planted
    alpha of three signals that leave footprints in volume, path and open; a transitory component that reverts;
    and the exchange laid over it. Close: exp(desired) rounded to the tick and clipped to the limits of the last
    close; what was cut off stays in the latent price (`spill`) and comes out at the next open, where nobody who
    was refused the day before can earn it. Phantom alpha is nowhere coded in. A stock that falls below `least_price`
    merges ten shares into one overnight: raw prices, volume and `pre_close` are those of the new shares, `adj_factor`
    tells, and no long market ends where a tick is a large part of the band.

    config: the parameters of `MarketConfig`, among them `alpha` (0: off), `spill` (0: the clamp of the paper),
    `null`, `interaction`, `limit_rates` ("real" or "paper"), `regimes` (a script), `episode`. The panel has
    market="cn" and published limits. Raises ParameterError for an unknown name or a bad value.

    >>> market = make_market(20, 50, seed=1, halt_rate=0.0)
    >>> market.panel.shape, bool(market.panel.traded.all()), market.truth.alpha.shape
    ((50, 20), True, (50, 20))
    """
    return _build(check_config(n_stocks, n_days, seed, config), (n_days, n_stocks), seed, exchange=True)


def _build(cfg: MarketConfig, shape: tuple[int, int], seed: int, *, exchange: bool) -> Market:
    streams = named_streams(_STREAMS, seed)
    dates = session_dates(cfg.start, shape[0])
    stocks = list_stocks(cfg, shape[1], dates, streams["stocks"])
    states = draw_day_states(cfg, shape[0], streams["states"])
    latent = draw_latent(cfg, states, stocks, streams)
    planted = plant(cfg, states, stocks, latent.own, streams["planted"])
    desired = _desired(latent.move, planted, stocks)
    if exchange:
        halted = draw_halts(cfg, states.halting, shape[1], streams["halts"])
        session = trade(desired, stocks.percent, stocks.first_ticks, halted, cfg.spill, cfg.least_price)
    else:
        session = trade_freely(desired, stocks.first_ticks, cfg.least_price)
    days = walk(cfg, session, latent.spread, planted.signals, streams["path"])
    footprint = _volume_footprint(cfg, states, planted, latent.excitation)
    columns = draw_volume(cfg, stocks, session, days, footprint, streams["volume"])
    panel = make_panel(dates, stocks, session, days, columns, exchange=exchange)
    panel.notes["synthetic"] = f"make_market(n_stocks={shape[1]}, n_days={shape[0]}, seed={seed})"
    truth = Truth(
        alpha=planted.alpha,
        mu_trad=planted.alpha - (1 - cfg.reversal_memory) * planted.transitory,
        unfilled=session.desired - np.log(panel.fields["close"]),
        desired=session.desired - np.log(session.merged),
        regime=states.regime,
        signals=planted.signals,
        theme=planted.theme,
    )
    return Market(panel, truth, cfg, seed, states.span, lambda: _build(cfg, shape, seed, exchange=False))


def _desired(move: FloatArray, planted: Planted, stocks: Stocks) -> FloatArray:
    """The log price the market wants [T,N]: first price, moves, alpha from the day after it forms, reversal."""
    desired = move
    desired[1:] += planted.alpha[:-1]
    np.cumsum(desired, axis=0, out=desired)
    desired += np.log(from_ticks(stocks.first_ticks))
    desired += planted.transitory
    return desired


def named_streams(names: tuple[str, ...], seed: int) -> dict[str, np.random.Generator]:
    """Independent random generators by name."""
    children = np.random.SeedSequence(seed).spawn(len(names))
    return {name: np.random.default_rng(child) for name, child in zip(names, children, strict=True)}


def session_dates(start: str, n_days: int) -> NDArray[np.datetime64]:
    """Weekdays from `start` on."""
    first = as_day(start, "start", ParameterError)
    return np.busday_offset(first, np.arange(n_days), roll="forward").astype("datetime64[D]")


def make_panel(
    dates: NDArray[Any],
    stocks: Stocks,
    session: Session,
    days: Days,
    columns: dict[str, FloatArray],
    *,
    exchange: bool,
) -> Panel:
    """The panel of a session; a market without an exchange has no limits and no halts."""
    shape, close = session.close.shape, from_ticks(session.close)
    none = np.broadcast_to(np.nan, shape)
    fields: dict[str, NDArray[Any]] = {
        "open": days.open, "high": days.high, "low": days.low, "close": close, "vwap": days.vwap, **columns,
        "pre_close": from_ticks(session.pre_close),
        "limit_up": from_ticks(session.up) if exchange else none,
        "limit_down": from_ticks(session.down) if exchange else none,
        "limit_pct": stocks.percent if exchange else none,
        "halted": session.halted,
        "adj_factor": 1 / session.merged,
        "float_mkt_cap": close * (stocks.shares / session.merged),
        "board": np.broadcast_to(stocks.board, shape),
        "industry": np.broadcast_to(stocks.industry, shape),
    }  # fmt: skip
    return Panel.from_arrays(dates, stocks.symbols, fields, market="cn", copy=False)


def _volume_footprint(cfg: MarketConfig, states: DayStates, planted: Planted, excitation: FloatArray) -> FloatArray:
    """What s1, news and the episode's theme add to log volume [T,N]."""
    footprint = np.multiply(planted.signals[0], cfg.volume_print, dtype=np.float64)
    footprint += cfg.excitation_volume * np.minimum(excitation, 1.0)
    if states.episode is not None:
        footprint[states.span] += states.episode.theme_volume * planted.theme
    return footprint
