"""A small synthetic exchange: a latent price that knows nothing of limits, and the exchange laid over it.

    latent log price (market factor, heavy tails, jumps)
      -> what the market wants at the close -> what tick, limits and halts let it print
      -> a path through the day -> open, high, low, vwap, volume

No alpha is planted. The one predictable thing is delayed price discovery: a move that a limit cut off
stays in the latent price and comes out at the next open, where nobody could buy it the day before.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import ParameterError, closest
from lib.limits import TICKS_PER_YUAN, bands, from_ticks, limit_ticks
from lib.panel import Panel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MAX_STOCKS: Final = 5_000
MAX_CELLS: Final = 24_000_000
_PATH_POINTS: Final = 9
_BLOCK: Final = 128  # days whose intraday paths are held at once
_SHOCK_CLIP: Final = 4.0  # standard deviations of the market factor
_VOLUME_MEMORY: Final = 0.92


@dataclass(frozen=True)
class MarketConfig:
    """Parameters of the exchange. Volatilities and rates are per day, sizes are log returns."""

    start: str = "2010-01-04"  # first session; the calendar is every weekday from there
    market_sd: float = 0.012
    beta_sd: float = 0.22
    vol_median: float = 0.0185  # idiosyncratic, lognormal over stocks
    vol_dispersion: float = 0.28
    tail: float = 4.5  # degrees of freedom of the Student-t shocks
    jump_rate: float = 0.03
    jump_up: float = 0.62
    jump_base: float = 0.068
    jump_mean: float = 0.027  # beyond jump_base, exponential
    wide_share: float = 0.25  # stocks on a 20 % board, with 1.3 times the volatility and jumps
    spill: float = 1.0  # share of a cut-off move that stays in the latent price; 0: the clamp of the paper
    halt_rate: float = 0.01
    halt_days: float = 8.0
    open_share: float = 0.35  # of the day's move that happens before the open
    path_sd: float = 0.6  # of the intraday bridge, in units of the stock's volatility
    turnover: float = 0.017  # median share of the float that changes hands in a day
    n_industries: int = 29


#: parameter -> (lowest, highest) allowed
_RANGES: Final = {
    "market_sd": (0.0, 0.2), "beta_sd": (0.0, 2.0), "vol_median": (1e-4, 0.2), "vol_dispersion": (0.0, 2.0),
    "tail": (2.1, 1e6), "jump_rate": (0.0, 1.0), "jump_up": (0.0, 1.0), "jump_base": (0.0, 0.5),
    "jump_mean": (0.0, 0.5), "wide_share": (0.0, 1.0), "spill": (0.0, 1.0), "halt_rate": (0.0, 0.5),
    "halt_days": (1.0, 250.0), "open_share": (0.0, 1.0), "path_sd": (0.0, 5.0), "turnover": (1e-5, 1.0),
    "n_industries": (1, 1000),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Market:
    """A synthetic panel and the truth behind it.

    desired: log price [T,N] the market wanted at the close. unfilled: log(desired / close) [T,N], the
    move that tick, limit or halt cut off and that nobody could earn.
    """

    panel: Panel
    desired: FloatArray
    unfilled: FloatArray
    config: MarketConfig
    seed: int


@dataclass(frozen=True, eq=False)
class _Stocks:
    symbols: NDArray[np.str_]
    board: NDArray[np.str_]
    percent: FloatArray  # [T,N] daily limit
    beta: FloatArray
    vol: FloatArray
    first_ticks: IntArray
    shares: FloatArray
    industry: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class _Session:
    """What the exchange printed, [T,N] in ticks, and the latent price behind it."""

    pre_close: IntArray
    close: IntArray
    up: IntArray
    down: IntArray
    wanted_before: FloatArray  # latent log price before the day's shock
    wanted: FloatArray  # latent log price at the close


def make_market(n_stocks: int = 300, n_days: int = 1400, seed: int = 0, **config: Any) -> Market:
    """Synthetic market with limits, spill-over and halts; the same arguments give the same market.

    Latent log price: e(t) = e(t-1) + beta m(t) + vol eps(t) + J(t), less half the variance. Close:
    exp(e) rounded to the tick and clipped to the limits of the last close; what was cut off stays in e
    (`spill`). Halted cells (two-state chain) repeat the last close with zero volume while e moves on.
    The panel has market="cn", published limits and no planted alpha: the only predictability is delayed
    price discovery after limits and halts.

    config: the parameters of `MarketConfig`. Raises ParameterError for an unknown name or a bad value.

    >>> market = make_market(20, 50, seed=1, halt_rate=0.0)
    >>> market.panel.shape, bool(market.panel.traded.all())
    ((50, 20), True)
    """
    settings = _check_config(n_stocks, n_days, seed, config)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(5)]
    dates = np.busday_offset(settings.start, np.arange(n_days), roll="forward").astype("datetime64[D]")
    stocks = _list_stocks(settings, n_stocks, dates, streams[0])
    shocks = _latent_moves(settings, stocks, n_days, streams[1])
    halted = _halts(settings, shocks.shape, streams[2])
    session = _trade(settings, stocks, shocks, halted)
    columns = _days(settings, stocks, session, halted, streams[3])
    columns |= _volume(settings, stocks, session, halted, columns, streams[4])
    del columns["unlocked"]
    panel = Panel.from_arrays(
        dates, stocks.symbols, columns | _static(stocks, session, halted), market="cn", copy=False
    )
    panel.notes["synthetic"] = f"make_market(n_stocks={n_stocks}, n_days={n_days}, seed={seed})"
    unfilled = session.wanted - np.log(from_ticks(session.close))
    return Market(panel, session.wanted, unfilled, settings, seed)


# -- parameters -----------------------------------------------------------------------------------


def _check_config(n_stocks: int, n_days: int, seed: int, config: dict[str, Any]) -> MarketConfig:
    _check_number("n_stocks", n_stocks, 1, MAX_STOCKS, whole=True)
    _check_number("n_days", n_days, 2, MAX_CELLS // n_stocks, whole=True)
    _check_number("seed", seed, 0, 2**63 - 1, whole=True)
    known = {f.name: f for f in fields(MarketConfig)}
    for name, value in config.items():
        if name not in known:
            raise ParameterError(f"make_market has no parameter {name!r}{closest(name, known)}")
        if name != "start":
            _check_number(name, value, *_RANGES[name], whole=name == "n_industries")
    settings = MarketConfig(**config)
    try:
        np.datetime64(settings.start, "D")
    except (TypeError, ValueError) as error:
        raise ParameterError(f"start is {settings.start!r}; expected a date, YYYY-MM-DD") from error
    return settings


def _check_number(name: str, value: Any, low: float, high: float, *, whole: bool) -> None:
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise ParameterError(f"{name} is {value!r}; expected {'a whole number' if whole else 'a number'}")
    if not low <= value <= high:
        raise ParameterError(f"{name} is {value!r}; expected {low:g} to {high:g}")


# -- the latent price -----------------------------------------------------------------------------


def _list_stocks(cfg: MarketConfig, n: int, dates: NDArray[Any], rng: np.random.Generator) -> _Stocks:
    wide = np.arange(n) >= n - round(cfg.wide_share * n)  # sorted symbols: SH600... before SH688...
    codes = np.where(wide, 688_000, 600_000) + np.where(wide, np.cumsum(wide) - 1, np.arange(n))
    board = np.where(wide, "star", "main")
    sizes = 1 / np.arange(1, cfg.n_industries + 1)  # Zipf
    return _Stocks(
        symbols=np.array([f"SH{code}" for code in codes]),
        board=board,
        percent=bands(board, dates[:, None]),
        beta=rng.normal(1.0, cfg.beta_sd, n),
        vol=cfg.vol_median * np.exp(cfg.vol_dispersion * rng.standard_normal(n)) * np.where(wide, 1.3, 1.0),
        # high enough that few prices fall to where a tick is a large part of the band
        first_ticks=_log_ticks(np.log(30.0) + 0.6 * rng.standard_normal(n)),
        shares=np.rint(5e8 * np.exp(rng.standard_normal(n))),
        industry=np.array([f"I{k:02d}" for k in rng.choice(cfg.n_industries, n, p=sizes / sizes.sum())]),
    )


def _latent_moves(cfg: MarketConfig, stocks: _Stocks, n_days: int, rng: np.random.Generator) -> FloatArray:
    """Daily change of the latent log price [T,N], with mean-zero jumps, less half its variance."""
    shape = (n_days, len(stocks.vol))
    market = cfg.market_sd * np.clip(_student(rng, cfg.tail, (n_days, 1)), -_SHOCK_CLIP, _SHOCK_CLIP)
    scale = stocks.vol / cfg.vol_median
    size = np.where(stocks.board == "star", 1.3, 1.0)
    rate = np.minimum(cfg.jump_rate * scale, 1.0)
    jump = size * (cfg.jump_base + cfg.jump_mean * rng.exponential(1.0, shape))
    jump *= np.where(rng.random(shape) < cfg.jump_up, 1.0, -1.0) * (rng.random(shape) < rate)
    jump -= rate * size * (cfg.jump_base + cfg.jump_mean) * (2 * cfg.jump_up - 1)  # jumps carry no alpha
    move = stocks.beta * market + stocks.vol * _student(rng, cfg.tail, shape) + jump
    return np.asarray(move - 0.5 * np.var(move, axis=0))


def _student(rng: np.random.Generator, tail: float, shape: tuple[int, int]) -> FloatArray:
    """Student-t of unit variance."""
    return rng.standard_t(tail, shape) * np.sqrt((tail - 2) / tail)


# -- the exchange ---------------------------------------------------------------------------------


def _halts(cfg: MarketConfig, shape: tuple[int, int], rng: np.random.Generator) -> BoolArray:
    """Two-state chain: a share `halt_rate` of cells, spells of `halt_days` on average."""
    leave = 1 / cfg.halt_days
    enter = min(leave * cfg.halt_rate / (1 - cfg.halt_rate), 1.0)
    draw = rng.random(shape)
    halted = np.zeros(shape, dtype=bool)
    state = np.zeros(shape[1], dtype=bool)  # everyone trades before the first day
    for t in range(shape[0]):
        state = np.where(state, draw[t] >= leave, draw[t] < enter)
        halted[t] = state
    return halted


def _trade(cfg: MarketConfig, stocks: _Stocks, shocks: FloatArray, halted: BoolArray) -> _Session:
    """Closes day by day: each day's limits hang on the close before."""
    shape = shocks.shape
    pre_close, close, up, down = (np.empty(shape, dtype=np.int64) for _ in range(4))
    before, wanted = np.empty(shape), np.empty(shape)
    percent = stocks.percent.astype(np.int64)
    last, latent = stocks.first_ticks, np.log(from_ticks(stocks.first_ticks))
    for t in range(shape[0]):
        before[t] = latent
        latent = latent + shocks[t]
        wanted[t] = latent
        pre_close[t] = last
        up[t], down[t] = limit_ticks(last, percent[t])
        close[t] = np.where(halted[t], last, np.clip(_log_ticks(latent), down[t], up[t]))
        cut = latent - np.log(from_ticks(close[t]))
        at_limit = ~halted[t] & ((close[t] == up[t]) | (close[t] == down[t]))
        latent = latent - (1 - cfg.spill) * np.where(at_limit, cut, 0.0)
        last = close[t]
    return _Session(pre_close, close, up, down, before, wanted)


def _log_ticks(log_price: FloatArray) -> IntArray:
    return np.maximum(np.rint(np.exp(log_price) * TICKS_PER_YUAN), 1).astype(np.int64)


def _days(
    cfg: MarketConfig, stocks: _Stocks, session: _Session, halted: BoolArray, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """open, high, low, vwap [T,N] in yuan and the unlocked share of the path, in blocks of days."""
    blocks = []
    for start in range(0, len(halted), _BLOCK):
        cut = slice(start, start + _BLOCK)
        path = _path(cfg, stocks, session, cut, rng)
        path = np.where(halted[None, cut], session.close[None, cut], path)
        locked = (path == session.up[cut]) | (path == session.down[cut])
        weight = np.where(locked, 0.1, 1.0)
        average = (path * weight).sum(axis=0) / weight.sum(axis=0)
        low, high = path.min(axis=0), path.max(axis=0)
        blocks.append((path[0], high, low, np.clip(average, low, high), 1 - locked.mean(axis=0)))
    joined = [np.concatenate(part).astype(np.float64) for part in zip(*blocks, strict=True)]
    names = ("open", "high", "low", "vwap")
    columns = {name: from_ticks(values) for name, values in zip(names, joined, strict=False)}
    return columns | {"unlocked": joined[-1]}


def _path(
    cfg: MarketConfig, stocks: _Stocks, session: _Session, cut: slice, rng: np.random.Generator
) -> IntArray:
    """Bridge [9,days,N] from the wanted open to the close, every point rounded and clipped to the limits."""
    wanted = session.wanted[cut]
    at_open = session.wanted_before[cut] + cfg.open_share * (wanted - session.wanted_before[cut])
    steps = rng.standard_normal((_PATH_POINTS - 1, *wanted.shape)) / np.sqrt(_PATH_POINTS - 1)
    walk = np.concatenate([np.zeros((1, *wanted.shape)), np.cumsum(steps, axis=0)])
    time = np.linspace(0, 1, _PATH_POINTS)[:, None, None]
    bridge = (walk - time * walk[-1]) * cfg.path_sd * stocks.vol
    ticks = _log_ticks(at_open + time * (wanted - at_open) + bridge)
    ticks = np.clip(ticks, session.down[cut], session.up[cut])
    ticks[-1] = session.close[cut]
    return ticks


def _volume(
    cfg: MarketConfig,
    stocks: _Stocks,
    session: _Session,
    halted: BoolArray,
    columns: dict[str, FloatArray],
    rng: np.random.Generator,
) -> dict[str, FloatArray]:
    """Turnover in percent of the float, volume in shares, amount in yuan: dry when locked, 0 when halted."""
    noise = rng.standard_normal((2, *halted.shape))
    memory = np.zeros(halted.shape)
    for t in range(1, len(memory)):
        memory[t] = _VOLUME_MEMORY * memory[t - 1] + 0.15 * noise[0, t]
    move = np.abs(np.log(session.close / session.pre_close)) / stocks.vol
    share = cfg.turnover * np.exp(0.28 * (np.minimum(move, 5) - 0.7) + memory + 0.25 * noise[1])
    share = np.minimum(share, 0.8) * np.maximum(columns["unlocked"], 0.02)
    volume = np.where(halted, 0.0, np.maximum(np.rint(share * stocks.shares / 100), 1) * 100)
    return {"volume": volume, "amount": volume * columns["vwap"], "turnover": 100 * volume / stocks.shares}


def _static(stocks: _Stocks, session: _Session, halted: BoolArray) -> dict[str, NDArray[Any]]:
    shape = halted.shape
    close = from_ticks(session.close)
    return {
        "close": close,
        "pre_close": from_ticks(session.pre_close),
        "limit_up": from_ticks(session.up),
        "limit_down": from_ticks(session.down),
        "limit_pct": stocks.percent,
        "halted": halted,
        "adj_factor": np.ones(shape),
        "float_mkt_cap": close * stocks.shares,
        "board": np.broadcast_to(stocks.board, shape),
        "industry": np.broadcast_to(stocks.industry, shape),
    }
