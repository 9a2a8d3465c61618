"""Through the day: a path of nine points from open to close, how far it strays between them, and what it leaves.

The path is a Brownian bridge seen at nine points. Its extremes lie between them: taken from the points alone, the
close would be the low of every fifth day, and a day's range two thirds of a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray, IntArray
from lib.limits.ticks import from_ticks
from lib.market.exchange import Session, log_ticks

if TYPE_CHECKING:
    from lib.market.config import MarketConfig


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
    rises in between with s2 and ends at the desired close; each point is rounded and clipped to the limits, and so
    are low and high, the extremes of the path over the whole day. The average price gives less weight to points
    locked at a limit.
    """
    between = rng.spawn(1)[0]  # extremes have a stream of their own: the points do not depend on them
    out = [np.empty(session.close.shape) for _ in range(5)]
    for start in range(0, len(session.close), _BLOCK):
        cut = slice(start, start + _BLOCK)
        wanted = _path(cfg, session, scale[cut], signals, cut, rng)
        edges = _extremes(wanted, cfg.path_sd / np.sqrt(_POINTS - 1) * scale[cut], between)
        path, low, high = _printed(session, wanted, edges, cut)
        locked = (path == session.up[cut]) | (path == session.down[cut])
        weight = np.where(locked, cfg.locked_weight, 1.0)
        total = weight.sum(axis=0)
        average = np.clip((path * weight).sum(axis=0) / total, low, high)
        for whole, part in zip(out, (path[0], high, low, average), strict=False):
            whole[cut] = from_ticks(part)
        out[-1][cut] = total / _POINTS
    return Days(*out)


def _path(
    cfg: MarketConfig, session: Session, sd: FloatArray, signals: NDArray[np.float32], cut: slice,
    rng: np.random.Generator,
) -> FloatArray:  # fmt: skip
    """Desired log prices [9,days,N]."""
    desired, before = session.desired[cut], session.before[cut]
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
    return bridge


def _extremes(points: FloatArray, sd: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Least and greatest value of a Brownian path through the points [9,days,N], each [days,N].

    Between a and b the maximum is (a + b + sqrt((a - b)^2 + 2 sd^2 E)) / 2, E standard exponential and sd the
    standard deviation of a step; the minimum is its mirror image. Both are exact one by one; that a stretch which
    strays far up strays less far down is left out.
    """
    middle = points[:-1] + points[1:]
    apart = np.square(points[1:] - points[:-1])
    reach = np.empty_like(middle)
    found = []
    for sign, pick in ((-1, np.min), (1, np.max)):
        np.multiply(rng.standard_exponential(middle.shape, dtype=np.float32), 2 * sd**2, out=reach)
        reach += apart
        np.sqrt(reach, out=reach)
        reach *= sign
        reach += middle
        found.append(0.5 * pick(reach, axis=0))
    return found[0], found[1]


def _printed(
    session: Session, path: FloatArray, edges: tuple[FloatArray, FloatArray], cut: slice
) -> tuple[IntArray, IntArray, IntArray]:
    """Ticks: path [9,days,N], low and high [days,N]; a halted day repeats its close."""
    ticks, low, high = (np.clip(log_ticks(part), session.down[cut], session.up[cut]) for part in (path, *edges))
    ticks[-1] = session.close[cut]
    low, high = np.minimum(low, ticks.min(axis=0)), np.maximum(high, ticks.max(axis=0))
    ticks, low, high = (np.where(session.halted[cut], session.close[cut], part) for part in (ticks, low, high))
    return ticks, low, high
