"""Rows brought to mean 0 and deviation 1, to a sum of absolute values, or to group means of 0.

A sum over a row is taken in LANES partial sums, column c in number c modulo LANES, which are added up in their order:
one fixed order of additions, so that vectors of any width give the same bits. Sums are in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lib.kernels.compiled import FLAT
from lib.kernels.compiled.build import compiled, inlined
from lib.kernels.compiled.settle import settle

LANES = 32
#: variances between these bounds were summed from squares that are exact
LEAST, MOST = 1e-280, 1e280


@inlined
def row_sum(x: Any, inside: Any, lanes: Any) -> float:
    """Sum of a row's cells in the pool. lanes: [LANES], scratch."""
    lanes[:] = 0.0
    whole = len(x) // LANES * LANES
    for start in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] += np.float64(x[start + lane]) if inside[start + lane] else 0.0
    for c in range(whole, len(x)):
        lanes[c - whole] += np.float64(x[c]) if inside[c] else 0.0
    return added(lanes)


@inlined
def row_size(x: Any, inside: Any, lanes: Any) -> float:
    """Sum of absolute values of a row's cells in the pool."""
    lanes[:] = 0.0
    whole = len(x) // LANES * LANES
    for start in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] += abs(np.float64(x[start + lane])) if inside[start + lane] else 0.0
    for c in range(whole, len(x)):
        lanes[c - whole] += abs(np.float64(x[c])) if inside[c] else 0.0
    return added(lanes)


@inlined
def centred_sums(x: Any, inside: Any, mean: float, lanes: Any, squares: Any) -> tuple[float, float]:
    """Sum, and sum of squares, of a row's deviations from `mean` in the pool."""
    lanes[:] = 0.0
    squares[:] = 0.0
    whole = len(x) // LANES * LANES
    for start in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] += np.float64(x[start + lane]) - mean if inside[start + lane] else 0.0
        for lane in range(LANES):
            step = np.float64(x[start + lane]) - mean if inside[start + lane] else 0.0
            squares[lane] += step * step
    for c in range(whole, len(x)):
        step = np.float64(x[c]) - mean if inside[c] else 0.0
        lanes[c - whole] += step
        squares[c - whole] += step * step
    return added(lanes), added(squares)


@inlined
def added(lanes: Any) -> float:
    """The partial sums, in their order."""
    total = 0.0
    for lane in range(LANES):
        total += lanes[lane]
    return total


@inlined
def row_count(pool: Any) -> int:
    """Cells in the pool."""
    count = np.int32(0)
    for c in range(len(pool)):
        count += np.int32(pool[c])
    return int(count)


@inlined
def largest_size(values: Any, pool: Any) -> float:
    """Largest absolute value in the pool."""
    size = 0.0
    for c in range(len(values)):
        size = max(size, abs(np.float64(values[c])) if pool[c] else 0.0)
    return size


@compiled
def standardised(x: Any, pool: Any, out: Any, inexact: Any) -> None:
    """(x - mean) / population standard deviation of the row's cells in the pool, [R, N] -> out; 0 elsewhere.

    A row whose deviation is at most FLAT times its largest absolute value scores 0. inexact: bool [R], set where the
    squares of a row left the range in which they are exact.
    """
    rows, stocks = x.shape
    lanes, squares = np.empty(LANES, np.float64), np.empty(LANES, np.float64)
    for row in range(rows):
        given, inside, to = x[row], pool[row], out[row]
        n = max(row_count(inside), 1)
        mean = row_sum(given, inside, lanes) / n
        total, square = centred_sums(given, inside, mean, lanes, squares)
        rest = total / n  # round-off of a mean that is far from 0
        variance = square / n - rest * rest
        inexact[row] = n > 1 and not LEAST <= variance <= MOST
        deviation = math.sqrt(max(variance, 0.0))
        # in a flat row the mean is about the largest value, which is looked for only if the mean leaves it open
        if (deviation <= 2 * FLAT * abs(mean) and deviation <= FLAT * largest_size(given, inside)) or deviation == 0.0:
            deviation = np.inf
        for c in range(stocks):
            to[c] = (np.float64(given[c]) - mean - rest) / deviation if inside[c] else 0.0


@compiled
def scaled(x: Any, pool: Any, size: float, ok: Any, out: Any) -> None:
    """size * x / sum of absolute values of the row's cells in the pool; a row whose sum is 0 or infinite is invalid."""
    rows, stocks = x.shape
    lanes, found = np.empty(LANES, np.float64), np.empty(stocks, out.dtype)
    for row in range(rows):
        inside = pool[row]
        total = row_size(x[row], inside, lanes)
        for c in range(stocks):
            found[c] = size * np.float64(x[row, c]) / total if inside[c] else 0.0
        for c in range(stocks):
            ok[row, c] = inside[c] & (total > 0) & (total < np.inf)
        settle(found, ok[row], out[row])


@compiled
def without_group_means(x: Any, groups: Any, pool: Any, many: int, known: float, out: Any, ok: Any) -> bool:
    """x minus the mean of its group's cells in the pool; False where a group is no whole number from 0 to many - 1.

    known: a difference of at most this share of the group's mean absolute value, or of x, is round-off of 0.
    """
    rows, stocks = x.shape
    sums, sizes, counts = np.empty(many, np.float64), np.empty(many, np.float64), np.empty(many, np.float64)
    codes = np.empty(stocks, np.int64)
    found = np.empty(stocks, out.dtype)
    for row in range(rows):
        sums[:] = 0.0
        sizes[:] = 0.0
        counts[:] = 0.0
        for c in range(stocks):
            code = np.int64(groups[row, c]) if pool[row, c] else 0
            if code < 0 or code >= many or (pool[row, c] and groups[row, c] != code):
                return False
            codes[c] = code
            value = np.float64(x[row, c]) if pool[row, c] else 0.0
            sums[code] += value
            sizes[code] += abs(value)
            counts[code] += 1.0 if pool[row, c] else 0.0
        for code in range(many):
            if counts[code] > 0:
                sums[code] /= counts[code]
                sizes[code] /= counts[code]
        for c in range(stocks):
            value = np.float64(x[row, c])
            rest = value - sums[codes[c]]
            small = (abs(rest) <= known * max(abs(value), sizes[codes[c]])) & (abs(rest) < np.inf)
            found[c] = 0.0 if small else rest
        ok[row] = pool[row]
        settle(found, ok[row], out[row])
    return True
