"""Through the day: a path of nine points from open to close, and the prices it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lib.limits import from_ticks
from lib.market.exchange import IntArray, Session, log_ticks

if TYPE_CHECKING:
    from lib.market.config import MarketConfig

FloatArray = NDArray[np.float64]

_POINTS: Final = 9
_BLOCK: Final = 64  # days whose paths are held at once


@dataclass(frozen=True, eq=False)
class Days:
    """Prices in yuan and the share of the day's usual trading that could take place, all [T,N]."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    vwap: FloatArray
    liquidity: FloatArray  # 1: never locked; locked_weight: locked all day


def walk(
    cfg: MarketConfig, session: Session, scale: FloatArray, signals: NDArray[np.float32], rng: np.random.Generator
) -> Days:
    """Open, high, low and vwap. scale: volatility of the day [T,N]; signals [3,T,N] leave their footprints.

    The path starts at the desired open (yesterday's desired price, a share of the move, s3, noise), sags or
    rises in between with s2 and ends at the desired close; each point is rounded and clipped to the limits. The
    average price gives less weight to points locked at a limit.
    """
    out = [np.empty(session.close.shape) for _ in range(5)]
    for start in range(0, len(session.close), _BLOCK):
        cut = slice(start, start + _BLOCK)
        path = _path(cfg, session, scale, signals, cut, rng)
        locked = (path == session.up[cut]) | (path == session.down[cut])
        weight = np.where(locked, cfg.locked_weight, 1.0)
        total = weight.sum(axis=0)
        low, high = path.min(axis=0), path.max(axis=0)
        average = np.clip((path * weight).sum(axis=0) / total, low, high)
        for whole, part in zip(out, (path[0], high, low, average), strict=False):
            whole[cut] = from_ticks(part)
        out[-1][cut] = total / _POINTS
    return Days(*out)


def _path(
    cfg: MarketConfig, session: Session, scale: FloatArray, signals: NDArray[np.float32], cut: slice,
    rng: np.random.Generator,
) -> IntArray:  # fmt: skip
    """Ticks [9,days,N]."""
    desired, before, sd = session.desired[cut], session.before[cut], scale[cut]
    noise = rng.standard_normal(desired.shape)
    at_open = before + cfg.open_share * (desired - before) + sd * (cfg.open_print * signals[2, cut])
    at_open += cfg.open_noise * sd * noise
    steps = rng.standard_normal((_POINTS - 1, *desired.shape), dtype=np.float32)
    bridge = np.zeros((_POINTS, *desired.shape))
    np.cumsum(steps, axis=0, out=bridge[1:])
    time = np.linspace(0, 1, _POINTS)[:, None, None]
    bridge -= time * bridge[-1]
    bridge *= cfg.path_sd / np.sqrt(_POINTS - 1)
    bridge -= 4 * time * (1 - time) * (cfg.path_print * signals[1, cut])  # s2 > 0: low at noon, strong close
    bridge *= sd
    bridge += at_open + time * (desired - at_open)
    ticks = np.clip(log_ticks(bridge), session.down[cut], session.up[cut])
    ticks[-1] = session.close[cut]
    return np.where(session.halted[cut], session.close[cut], ticks)
