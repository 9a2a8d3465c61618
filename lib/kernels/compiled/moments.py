"""Standard deviations, covariances and correlations of trailing windows.

Pieces of d days as in `sums`. Deviations are taken from the value of the piece's first day b, which lies in each of
its windows: a constant window gives exactly 0, and since (x_b - mean)^2 is at most the sum of squared deviations M,
the sum of squares about x_b is at most (d + 1) M, so that in float64 subtracting d (x_b - mean)^2 costs log2(d + 1)
bits at most, whatever the level of prices.

A window that may be flat, or whose squares leave the range in which they are exact, is computed again on its own
(`flat_or_scaled`): scaled by its largest deviation, and 0 where it is flat.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lib.kernels.compiled import FLAT
from lib.kernels.compiled.build import TILE, compiled, inlined
from lib.kernels.compiled.settle import settle

#: sums of squares between these bounds are exact, and so is the product of two of them
LEAST, MOST = 1e-140, 1e140
#: x_b of a flat window is nearly its largest value: four times the bound leaves room for what nearly means
LEVEL_SHARE = 4 * FLAT * FLAT


@inlined
def centred_moments(x: Any, y: Any, at: int, d: int, c: int, scale_x: float, scale_y: float) -> tuple[float, ...]:
    """Sums of xx, yy and xy about the means of one window, of series divided by their scales."""
    mean_x, mean_y = 0.0, 0.0
    for row in range(at, at + d):
        mean_x += (np.float64(x[row, c]) - np.float64(x[at, c])) / scale_x
        mean_y += (np.float64(y[row, c]) - np.float64(y[at, c])) / scale_y
    mean_x /= d
    mean_y /= d
    xx, yy, xy = 0.0, 0.0, 0.0
    for row in range(at, at + d):
        u = (np.float64(x[row, c]) - np.float64(x[at, c])) / scale_x - mean_x
        v = (np.float64(y[row, c]) - np.float64(y[at, c])) / scale_y - mean_y
        xx += u * u
        yy += v * v
        xy += u * v
    return xx, yy, xy


@inlined
def largest(x: Any, at: int, d: int, c: int) -> tuple[float, float]:
    """Largest absolute deviation from the window's first value, and largest absolute value."""
    spread, size = 0.0, 0.0
    for row in range(at, at + d):
        value = np.float64(x[row, c])
        spread = max(spread, abs(value - np.float64(x[at, c])))
        size = max(size, abs(value))
    return spread, size


@inlined
def scaled_deviation(x: Any, at: int, d: int, c: int) -> float:
    """Sample standard deviation of one window; 0 where it is flat."""
    spread, size = largest(x, at, d, c)
    if spread == 0.0 or not spread < math.inf:
        return spread
    squares, _, _ = centred_moments(x, x, at, d, c, spread, spread)
    found = spread * math.sqrt(squares / (d - 1))
    return 0.0 if found <= FLAT * size else found


@inlined
def scaled_correlation(x: Any, y: Any, at: int, d: int, c: int, unknown: float, covariance: bool) -> float:
    """Correlation, or sample covariance, of one window; 0 where a series is flat or the correlation is round-off."""
    spread_x, size_x = largest(x, at, d, c)
    spread_y, size_y = largest(y, at, d, c)
    if not (spread_x < math.inf and spread_y < math.inf):
        return math.nan
    if spread_x == 0.0 or spread_y == 0.0:
        return 0.0
    xx, yy, xy = centred_moments(x, y, at, d, c, spread_x, spread_y)
    bound = FLAT * math.sqrt(d)
    if spread_x * math.sqrt(xx) <= bound * size_x or spread_y * math.sqrt(yy) <= bound * size_y:
        return 0.0
    found = xy / (math.sqrt(xx) * math.sqrt(yy))
    if abs(found) <= unknown:
        return 0.0
    return xy / (d - 1) * spread_x * spread_y if covariance else min(1.0, max(-1.0, found))


@compiled
def window_deviation(x: Any, ok: Any, d: int, first: int, out: Any) -> None:
    """Sample standard deviation of every d consecutive rows, [R+d-1, N] -> out [R, N].

    ok: bool [R, N], the windows that count; false where the result is not finite. first: the day of the first row.
    """
    rows, stocks = x.shape
    before = np.empty((d, 2 * TILE), np.float64)
    since = np.empty(2 * TILE, np.float64)
    level = np.empty(TILE, np.float64)
    squares = np.empty(TILE, np.float64)
    found = np.empty(TILE, out.dtype)
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        width = right - left
        piece = (-first) % d
        while piece < rows:
            start, stop = max(piece, d - 1), min(piece + d, rows)
            since[:] = 0.0
            before[0] = 0.0
            level[:width] = x[piece, left:right]
            for row in range(piece - 1, start - d, -1):
                add_squares(x[row, left:right], level, since)
                before[piece - row] = since
            since[:] = 0.0
            for row in range(piece, stop):
                add_squares(x[row, left:right], level, since)
                if row >= start:
                    at = row - d + 1
                    older = before[piece - at]
                    for c in range(width):
                        total = older[c] + since[c]
                        squares[c] = older[TILE + c] + since[TILE + c] - total * total / d
                    for c in range(width):
                        found[c] = math.sqrt(max(squares[c], 0.0) / (d - 1))
                    if any_doubtful(squares, level, LEVEL_SHARE * (d - 1), ok[at, left:right]):
                        for c in range(width):
                            if ok[at, left + c] and doubtful(squares[c], level[c], LEVEL_SHARE * (d - 1)):
                                found[c] = scaled_deviation(x, at, d, left + c)
                    settle(found, ok[at, left:right], out[at, left:right])
            piece += d


@inlined
def add_squares(x: Any, level: Any, sums: Any) -> None:
    """Deviations of one row from `level` and their squares, added to `sums` [2 TILE]."""
    for c in range(len(x)):
        deviation = np.float64(x[c]) - level[c]
        sums[c] += deviation
        sums[TILE + c] += deviation * deviation


@inlined
def doubtful(squares: float, level: float, share: float) -> bool:
    """Whether a window may be flat or its squares may be inexact; NaN is doubtful."""
    return bool(not ((squares > share * level * level) & (squares > LEAST) & (squares < MOST)))


@inlined
def any_doubtful(squares: Any, level: Any, share: float, ok: Any) -> bool:
    """Whether there is such a window among those of a row that count."""
    count = np.int32(0)
    for c in range(len(ok)):
        count += np.int32(doubtful(squares[c], level[c], share) & ok[c])
    return bool(count > 0)


@compiled
def window_correlation(
    x: Any, y: Any, ok: Any, d: int, first: int, unknown: float, covariance: bool, out: Any
) -> None:
    """Correlation, or sample covariance, of every d consecutive rows of two series; else as `window_deviation`.

    unknown: a correlation of at most this absolute value is round-off of 0.
    """
    rows, stocks = x.shape
    before = np.empty((d, 5 * TILE), np.float64)
    since = np.empty(5 * TILE, np.float64)
    level_x, level_y = np.empty(TILE, np.float64), np.empty(TILE, np.float64)
    xx, yy, xy = np.empty(TILE, np.float64), np.empty(TILE, np.float64), np.empty(TILE, np.float64)
    found = np.empty(TILE, out.dtype)
    share = LEVEL_SHARE * d
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        width = right - left
        piece = (-first) % d
        while piece < rows:
            start, stop = max(piece, d - 1), min(piece + d, rows)
            since[:] = 0.0
            before[0] = 0.0
            level_x[:width] = x[piece, left:right]
            level_y[:width] = y[piece, left:right]
            for row in range(piece - 1, start - d, -1):
                add_products(x[row, left:right], y[row, left:right], level_x, level_y, since)
                before[piece - row] = since
            since[:] = 0.0
            for row in range(piece, stop):
                add_products(x[row, left:right], y[row, left:right], level_x, level_y, since)
                if row >= start:
                    at = row - d + 1
                    centre_products(before[piece - at], since, d, xx, yy, xy, width)
                    if covariance:
                        for c in range(width):
                            noise = unknown * math.sqrt(xx[c] * yy[c])
                            found[c] = 0.0 if abs(xy[c]) <= noise else xy[c] / (d - 1)
                    else:
                        for c in range(width):
                            value = xy[c] / math.sqrt(xx[c] * yy[c])
                            value = 0.0 if abs(value) <= unknown else value
                            found[c] = min(1.0, max(-1.0, value))
                    counts = ok[at, left:right]
                    if any_doubtful(xx, level_x, share, counts) or any_doubtful(yy, level_y, share, counts):
                        for c in range(width):
                            unsure = doubtful(xx[c], level_x[c], share) or doubtful(yy[c], level_y[c], share)
                            if ok[at, left + c] and unsure:
                                found[c] = scaled_correlation(x, y, at, d, left + c, unknown, covariance)
                    settle(found, ok[at, left:right], out[at, left:right])
            piece += d


@inlined
def add_products(x: Any, y: Any, level_x: Any, level_y: Any, sums: Any) -> None:
    """Deviations of one row from their levels, their squares and products, added to `sums` [5 TILE]."""
    for c in range(len(x)):
        u = np.float64(x[c]) - level_x[c]
        v = np.float64(y[c]) - level_y[c]
        sums[c] += u
        sums[TILE + c] += v
        sums[2 * TILE + c] += u * u
        sums[3 * TILE + c] += v * v
        sums[4 * TILE + c] += u * v


@inlined
def centre_products(older: Any, newer: Any, d: int, xx: Any, yy: Any, xy: Any, width: int) -> None:
    """Sums of squares and products about the means of a row of windows."""
    for c in range(width):
        total = older[c] + newer[c]
        xx[c] = older[2 * TILE + c] + newer[2 * TILE + c] - total * total / d
    for c in range(width):
        total = older[TILE + c] + newer[TILE + c]
        yy[c] = older[3 * TILE + c] + newer[3 * TILE + c] - total * total / d
    for c in range(width):
        product = (older[c] + newer[c]) * (older[TILE + c] + newer[TILE + c])
        xy[c] = older[4 * TILE + c] + newer[4 * TILE + c] - product / d
