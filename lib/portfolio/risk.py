"""Styles of stocks from prices, a book's exposure to them, and the return of each style day by day.

Paper A, s4.F, names size, value, momentum and quality. A panel of prices holds no books of account: long-term
reversal stands in for value, low volatility for quality. Neither is the same thing (see `STYLES`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Matrix, Vector
from lib.errors import ParameterError
from lib.factors.neutralisation.exposures import CAPS
from lib.panel import Panel
from lib.portfolio.benchmark import equal_weight

#: name -> what a high score means
STYLES = {
    "size": "large market value",
    "value": "low return over the 500 days before the last 60: stands in for book to price (De Bondt & Thaler 1985)",
    "momentum": "high return over the 240 days before the last 20 (Jegadeesh & Titman 1993)",
    "volatility": "high deviation of returns over 60 days; low stands in for quality (Novy-Marx 2014)",
    "liquidity": "high value traded over market value, 20 days",
}
#: factors of the attributions with three and five, besides which "market" is the return of the equal-weight index
THREE = ("market", "size", "value")
FIVE = (*THREE, "momentum", "volatility")
#: stocks that a style's long-short portfolio needs on either side
LEAST = 5


def style_scores(panel: Panel) -> dict[str, Matrix]:
    """Style -> scores [T,N] of the close of t: z-scored over the day's universe, NaN outside and where unknown.

    Only days up to t are read, and of masked cells nothing: a return over a masked day counts from the last valid
    close, as a holder's does. Size is the log of the market value; without one, of the mean value traded over 60 days.
    """
    mask = panel.mask
    close = _carried(np.where(mask, panel.adjusted("close"), np.nan))
    moves = np.full(panel.shape, np.nan)
    both = mask[1:] & mask[:-1] & np.isfinite(panel.returns[1:])
    moves[1:][both] = panel.returns[1:][both]
    raw = {
        "value": -_log_change(close, 560, 60),
        "momentum": _log_change(close, 260, 20),
        "volatility": np.log(_positive(_trailing(moves, 60, "deviation"))),
    }
    traded = _traded_value(panel)
    cap = next((np.where(mask, panel.fields[name], np.nan) for name in CAPS if name in panel.fields), None)
    raw["size"] = np.log(_positive(_trailing(traded, 60, "mean") if cap is None else cap))
    if cap is not None:
        raw["liquidity"] = np.log(_positive(_trailing(traded / _positive(cap), 20, "mean")))
    cells = mask & panel.universe
    return {name: _scored(raw[name], cells) for name in STYLES if name in raw}


def exposures(weights: ArrayLike, scores: Mapping[str, Matrix], cells: ArrayLike) -> dict[str, Vector]:
    """Style -> daily exposure [T] of weights [T,N] over the equal-weight index of `cells` [T,N].

    sum_i w_i z_i / sum_i w_i over the held names with a score, less the mean score of the cells: in standard deviations
    of stocks. NaN on days that hold nothing with a score.
    """
    held, inside = np.asarray(weights, dtype=float), np.asarray(cells, dtype=bool)
    found = {}
    for name, z in scores.items():
        if not held.shape == z.shape == inside.shape:
            shapes = f"weights {held.shape}, {name} {z.shape}, cells {inside.shape}"
            raise ParameterError(f"exposures: got {shapes}; expected equal shapes [T, N]")
        known = np.isfinite(z)
        own = _share((np.where(known, z, 0.0) * held).sum(axis=1), np.where(known, held, 0.0).sum(axis=1))
        index = _share(np.where(known & inside, z, 0.0).sum(axis=1), (known & inside).sum(axis=1))
        found[name] = own - index
    return found


def style_returns(panel: Panel, scores: Mapping[str, Matrix] | None = None, share: float = 0.3) -> dict[str, Vector]:
    """Daily returns [T] of the "market", and of each style: the top `share` of stocks less the bottom, equal weights.

    Formed at the close of t-1 and earned on day t; a name without a return at t keeps its value. Size is small less
    large, and volatility low less high, as in the literature. 0 until a style has 5 stocks on each side. Nothing is
    paid for trading: they explain, and cannot be bought. Sorts follow Fama & French (1993), without their double sorts.
    """
    if not 0 < share <= 0.5:
        raise ParameterError(f"style_returns: share={share}; expected one above 0 and at most 0.5")
    found = {"market": equal_weight(panel)}
    moves = np.where(panel.observed & np.isfinite(panel.returns), panel.returns, 0.0)[1:]
    for name, z in (style_scores(panel) if scores is None else scores).items():
        sign = -1.0 if name in ("size", "volatility") else 1.0
        spread = long_short(sign * z, share)[:-1]
        found[name] = np.concatenate(([0.0], (spread * moves).sum(axis=1)))
    return found


def long_short(scores: Matrix, share: float = 0.3) -> Matrix:
    """Weights [T,N] of the top share (sum +1) and the bottom share (sum -1) of each day's finite scores, equal within.

    Ties go by position. All 0 on a day with fewer than 5 stocks a side.

    >>> long_short(np.arange(10.0)[None], 0.5)[0].tolist()
    [-0.2, -0.2, -0.2, -0.2, -0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
    """
    known = np.isfinite(scores)
    count = (known.sum(axis=1) * share).astype(int)  # T
    place = np.argsort(np.argsort(np.where(known, scores, np.inf), axis=1, kind="stable"), axis=1)
    top = known & (place >= (known.sum(axis=1) - count)[:, None])
    bottom = known & (place < count[:, None])
    size = np.where(count >= LEAST, count, np.inf)[:, None]
    return np.asarray((top.astype(float) - bottom.astype(float)) / size)


def _traded_value(panel: Panel) -> Matrix:
    """Yuan traded [T,N], NaN in masked cells; close x volume where the panel has no amount."""
    fields = panel.fields
    amount = fields["amount"] if "amount" in fields else fields["close"] * fields["volume"]
    return np.where(panel.mask, amount, np.nan)


def _carried(values: Matrix) -> Matrix:
    """The last known value of each column, [T,N]."""
    known = np.where(np.isfinite(values), np.arange(len(values))[:, None], 0)
    return np.take_along_axis(values, np.maximum.accumulate(known, axis=0), axis=0)


def _log_change(close: Matrix, start: int, stop: int) -> Matrix:
    """log close(t - stop) / close(t - start), NaN where either is unknown."""
    found = np.full(close.shape, np.nan)
    if len(close) > start:
        found[start:] = np.log(close[start - stop : len(close) - stop] / close[: len(close) - start])
    return found


def _trailing(values: Matrix, days: int, kind: str) -> Matrix:
    """Mean or deviation of the known values of the last `days`, [T,N]; NaN with fewer than half of them."""
    found = np.full(values.shape, np.nan)
    if len(values) < days:
        return found
    parts = sliding_window_view(values, days, axis=0)  # T-days+1 N days
    known = np.isfinite(parts)
    count = known.sum(axis=-1)
    enough = np.maximum(count, 1)
    mean = np.where(known, parts, 0.0).sum(axis=-1) / enough
    if kind == "deviation":
        mean = np.sqrt((np.where(known, parts - mean[..., None], 0.0) ** 2).sum(axis=-1) / enough)
    found[days - 1 :] = np.where(count >= days / 2, mean, np.nan)
    return found


def _scored(values: Matrix, cells: NDArray[np.bool_]) -> Matrix:
    known = cells & np.isfinite(values)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    centred = np.where(known, values, 0.0)
    centred = np.where(known, centred - centred.sum(axis=1, keepdims=True) / count, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    return np.where(known & (deviation > 0), centred / np.where(deviation > 0, deviation, 1.0), np.nan)


def _positive(values: Matrix) -> Matrix:
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _share(total: Vector, whole: Vector) -> Vector:
    return np.divide(total, whole, out=np.full(len(total), np.nan), where=whole > 0)
