"""Windows of which only the valid cells count: the policy `skip`.

Moments are taken in two passes over the valid cells of each window, for there is no day that lies in all windows of a
piece and is always valid. Masked cells of the series are 0 and never added.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lib.kernels.compiled import FLAT
from lib.kernels.compiled.build import TILE, compiled, inlined
from lib.kernels.compiled.moments import LEAST, MOST
from lib.kernels.compiled.settle import settle


@compiled
def count_valid(valid: Any, d: int, least: int, early: int, n: Any, enough: Any) -> None:
    """Valid cells of each window of d rows, bool [R+d-1, N] -> n [R, N]; and whether they are enough.

    enough: today's cell is valid and at least `least` are; never in the first `early` rows.
    """
    rows, stocks = valid.shape
    count = np.zeros(stocks, np.float64)
    for row in range(rows):
        for c in range(stocks):
            count[c] += 1.0 if valid[row, c] else 0.0
        at = row - d + 1
        if at >= 0:
            n[at] = count
            for c in range(stocks):
                enough[at, c] = valid[row, c] & (count[c] >= least) & (at >= early)
            for c in range(stocks):
                count[c] -= 1.0 if valid[at, c] else 0.0


@compiled
def keep_valid(x: Any, valid: Any, other: Any, out: Any) -> None:
    """x where it is valid, else `other`."""
    for row in range(len(x)):
        given, flags, to = x[row], valid[row], out[row]
        for c in range(len(to)):
            to[c] = given[c] if flags[c] else out.dtype.type(other)


@compiled
def over(total: Any, n: Any, factor: float, ok: Any, out: Any) -> None:
    """total / n * factor, and total itself where n is the factor."""
    found = np.empty(out.shape[1], out.dtype)
    for row in range(len(out)):
        for c in range(len(found)):
            whole = n[row, c] == factor
            found[c] = total[row, c] if whole else total[row, c] / n[row, c] * factor
        settle(found, ok[row], out[row])


@compiled
def share_not_above(x: Any, valid: Any, n: Any, d: int, out: Any) -> None:
    """Share of each window's valid cells that are <= today's."""
    rows, stocks = x.shape
    count = np.empty(TILE, np.int32)
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        for row in range(d - 1, rows):
            today, to, many = x[row, left:right], out[row - d + 1, left:right], n[row - d + 1, left:right]
            count[:] = 1
            for lag in range(1, d):
                past, flags = x[row - lag, left:right], valid[row - lag, left:right]
                for c in range(len(today)):
                    count[c] += np.int32((past[c] <= today[c]) & flags[c])
            for c in range(len(to)):
                to[c] = count[c] / max(many[c], 1.0)


@inlined
def valid_mean(x: Any, valid: Any, n: Any, at: int, d: int, left: int, right: int, mean: Any) -> None:
    """Means of one row of windows over their valid cells, n of each."""
    mean[:] = 0.0
    for row in range(at, at + d):
        given = x[row, left:right]
        for c in range(right - left):
            mean[c] += np.float64(given[c])
    for c in range(right - left):
        mean[c] /= max(n[at, left + c], 1.0)


@compiled
def deviation(x: Any, valid: Any, n: Any, ok: Any, d: int, out: Any) -> None:
    """Sample standard deviation of the valid cells of each window, as `moments.window_deviation`."""
    rows, stocks = x.shape
    mean, squares, found = np.empty(TILE, np.float64), np.empty(TILE, np.float64), np.empty(TILE, out.dtype)
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        for at in range(rows - d + 1):
            valid_mean(x, valid, n, at, d, left, right, mean)
            squares[:] = 0.0
            for row in range(at, at + d):
                given, flags = x[row, left:right], valid[row, left:right]
                for c in range(right - left):
                    step = np.float64(given[c]) - mean[c] if flags[c] else 0.0
                    squares[c] += step * step
            for c in range(right - left):
                free = n[at, left + c] - 1.0
                found[c] = math.sqrt(squares[c] / free) if free > 0 else math.nan
            for c in range(right - left):
                limit = 4 * FLAT * FLAT * n[at, left + c] * mean[c] * mean[c]
                clear = squares[c] > limit and LEAST < squares[c] < MOST
                if ok[at, left + c] and not clear and n[at, left + c] > 1:
                    found[c] = scaled_deviation(x, valid, n[at, left + c], at, d, left + c)
            settle(found, ok[at, left:right], out[at, left:right])


@compiled
def correlation(
    x: Any, y: Any, valid: Any, n: Any, ok: Any, d: int, unknown: float, covariance: bool, out: Any
) -> None:
    """Correlation, or sample covariance, of the valid cells of each window, as `moments.window_correlation`."""
    rows, stocks = x.shape
    mean_x, mean_y = np.empty(TILE, np.float64), np.empty(TILE, np.float64)
    sums = np.empty(3 * TILE, np.float64)
    found = np.empty(TILE, out.dtype)
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        for at in range(rows - d + 1):
            valid_mean(x, valid, n, at, d, left, right, mean_x)
            valid_mean(y, valid, n, at, d, left, right, mean_y)
            sums[:] = 0.0
            for row in range(at, at + d):
                a, b, flags = x[row, left:right], y[row, left:right], valid[row, left:right]
                for c in range(right - left):
                    u = np.float64(a[c]) - mean_x[c] if flags[c] else 0.0
                    v = np.float64(b[c]) - mean_y[c] if flags[c] else 0.0
                    sums[c] += u * u
                    sums[TILE + c] += v * v
                    sums[2 * TILE + c] += u * v
            for c in range(right - left):
                size = math.sqrt(sums[c] * sums[TILE + c])
                value = sums[2 * TILE + c] / size
                small = abs(sums[2 * TILE + c]) <= unknown * size
                value = sums[2 * TILE + c] / (n[at, left + c] - 1.0) if covariance else min(1.0, max(-1.0, value))
                found[c] = 0.0 if small else value
            for c in range(right - left):
                limit = 4 * FLAT * FLAT * n[at, left + c]
                clear = sums[c] > limit * mean_x[c] * mean_x[c] and LEAST < sums[c] < MOST
                clear &= sums[TILE + c] > limit * mean_y[c] * mean_y[c] and LEAST < sums[TILE + c] < MOST
                if n[at, left + c] < 2:
                    found[c] = math.nan
                elif ok[at, left + c] and not clear:
                    many = n[at, left + c]
                    found[c] = scaled_correlation(x, y, valid, many, at, d, left + c, unknown, covariance)
            settle(found, ok[at, left:right], out[at, left:right])


@inlined
def spread_of(x: Any, valid: Any, n: float, at: int, d: int, c: int) -> tuple[float, float, float]:
    """Mean, largest deviation from the oldest valid cell, largest absolute value of one window's valid cells."""
    first, mean, spread, size = 0.0, 0.0, 0.0, 0.0
    started = False
    for row in range(at, at + d):
        if valid[row, c]:
            value = np.float64(x[row, c])
            first = value if not started else first
            started = True
            spread = max(spread, abs(value - first))
            size = max(size, abs(value))
            mean += (value - first) / n
    return first + mean, spread, size


@inlined
def scaled_deviation(x: Any, valid: Any, n: float, at: int, d: int, c: int) -> float:
    """Sample standard deviation of one window; 0 where it is flat."""
    mean, spread, size = spread_of(x, valid, n, at, d, c)
    if spread == 0.0 or not spread < math.inf:
        return spread
    squares = 0.0
    for row in range(at, at + d):
        if valid[row, c]:
            step = (np.float64(x[row, c]) - mean) / spread
            squares += step * step
    found = spread * math.sqrt(squares / (n - 1.0))
    return 0.0 if found <= FLAT * size else found


@inlined
def scaled_correlation(
    x: Any, y: Any, valid: Any, n: float, at: int, d: int, c: int, unknown: float, covariance: bool
) -> float:
    """Correlation, or sample covariance, of one window; 0 where a series is flat or the correlation is round-off."""
    mean_x, spread_x, size_x = spread_of(x, valid, n, at, d, c)
    mean_y, spread_y, size_y = spread_of(y, valid, n, at, d, c)
    if not (spread_x < math.inf and spread_y < math.inf):
        return math.nan
    if spread_x == 0.0 or spread_y == 0.0:
        return 0.0
    xx, yy, xy = 0.0, 0.0, 0.0
    for row in range(at, at + d):
        if valid[row, c]:
            u = (np.float64(x[row, c]) - mean_x) / spread_x
            v = (np.float64(y[row, c]) - mean_y) / spread_y
            xx += u * u
            yy += v * v
            xy += u * v
    bound = FLAT * math.sqrt(n)
    if spread_x * math.sqrt(xx) <= bound * size_x or spread_y * math.sqrt(yy) <= bound * size_y:
        return 0.0
    found = xy / (math.sqrt(xx) * math.sqrt(yy))
    if abs(found) <= unknown:
        return 0.0
    return xy / (n - 1.0) * spread_x * spread_y if covariance else min(1.0, max(-1.0, found))
