"""Sums over trailing windows, plain and with linear weights.

Days are cut into pieces of d days, anchored to the panel's first day, whatever rows are computed at a time. A window
of d days holds exactly one first day b of a piece: its sum is that of its days before b, added up from b backwards,
and of its days from b on. So each cell costs a few additions whatever d is, and a result reads its own window only.
Sums are in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.kernels.compiled.build import TILE, compiled, inlined
from lib.kernels.compiled.settle import settle


@compiled
def window_sum(x: Any, ok: Any, d: int, first: int, divisor: float, out: Any) -> None:
    """Sum of every d consecutive rows over `divisor`, into out [R, N]; ok becomes false where it is not finite.

    x: [R+d-1, N], first: the day of its first row. ok: bool [R, N], the windows that count.
    """
    rows, stocks = x.shape
    before, since = np.empty((d, TILE), np.float64), np.empty(TILE, np.float64)
    found, inverse = np.empty(TILE, out.dtype), 1.0 / divisor
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        piece = (-first) % d
        while piece < rows:
            start, stop = max(piece, d - 1), min(piece + d, rows)
            before[0] = 0.0
            for row in range(piece - 1, start - d, -1):
                add_row(x[row, left:right], before[piece - row - 1], before[piece - row])
            since[:] = 0.0
            for row in range(piece, stop):
                accumulate(x[row, left:right], since)
                if row >= start:
                    at = row - d + 1
                    older = before[piece - at]
                    if out.itemsize == 4:  # in float64 the product with 1 / d is as good
                        for c in range(right - left):
                            found[c] = (older[c] + since[c]) * inverse
                    else:
                        for c in range(right - left):
                            found[c] = (older[c] + since[c]) / divisor
                    settle(found, ok[at, left:right], out[at, left:right])
            piece += d


@inlined
def accumulate(x: Any, sums: Any) -> None:
    """One row added to `sums`."""
    for c in range(len(x)):
        sums[c] += np.float64(x[c])


@inlined
def accumulate_sizes(x: Any, sums: Any) -> None:
    """One row added to the first TILE of `sums`, its absolute values to the second."""
    for c in range(len(x)):
        sums[c] += np.float64(x[c])
    for c in range(len(x)):
        sums[TILE + c] += abs(np.float64(x[c]))


@inlined
def add_row(x: Any, given: Any, out: Any) -> None:
    """out = given + x; where out is given, `accumulate` is ten times as fast."""
    for c in range(len(x)):
        out[c] = given[c] + np.float64(x[c])


@compiled
def known_window_sum(x: Any, ok: Any, d: int, first: int, divisor: float, known: float, out: Any) -> None:
    """As `window_sum`; a sum of at most the share `known` of the sum of absolute values is 0: round-off."""
    rows, stocks = x.shape
    before, since = np.empty((d, 2 * TILE), np.float64), np.empty(2 * TILE, np.float64)
    found = np.empty(TILE, out.dtype)
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        piece = (-first) % d
        while piece < rows:
            start, stop = max(piece, d - 1), min(piece + d, rows)
            before[0] = 0.0
            for row in range(piece - 1, start - d, -1):
                add_sizes(x[row, left:right], before[piece - row - 1], before[piece - row])
            since[:] = 0.0
            for row in range(piece, stop):
                accumulate_sizes(x[row, left:right], since)
                if row >= start:
                    at = row - d + 1
                    older = before[piece - at]
                    for c in range(right - left):
                        total, size = older[c] + since[c], older[TILE + c] + since[TILE + c]
                        found[c] = (0.0 if (abs(total) <= known * size) & (size < np.inf) else total) / divisor
                    settle(found, ok[at, left:right], out[at, left:right])
            piece += d


@inlined
def add_sizes(x: Any, given: Any, out: Any) -> None:
    """out = given + x, and the same with absolute values in the second half."""
    for c in range(len(x)):
        out[c] = given[c] + np.float64(x[c])
    for c in range(len(x)):
        out[TILE + c] = given[TILE + c] + abs(np.float64(x[c]))


@compiled
def weighted_sum(x: Any, ok: Any, d: int, first: int, divisor: float, known: float, out: Any) -> None:
    """Sum with weights 1 (oldest) .. d (newest) of every d consecutive rows over `divisor`; else as `known_window_sum`.

    known is a share of the sum of absolute values times the mean weight.
    """
    rows, stocks = x.shape
    before = np.empty((d, 3 * TILE), np.float64)
    since = np.empty(3 * TILE, np.float64)
    found = np.empty(TILE, out.dtype)
    known_sum = known * (d + 1) / 2
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        piece = (-first) % d
        while piece < rows:
            start, stop = max(piece, d - 1), min(piece + d, rows)
            since[:] = 0.0
            before[0] = 0.0
            for row in range(piece - 1, start - d, -1):
                accumulate_sizes(x[row, left:right], since)
                for c in range(right - left):
                    since[2 * TILE + c] += since[c]  # the weight of each day so far grows by one
                before[piece - row] = since
            since[:] = 0.0
            for row in range(piece, stop):
                accumulate_sizes(x[row, left:right], since)
                add_weighted(x[row, left:right], np.float64(row - piece + 1), since)
                if row >= start:
                    at = row - d + 1
                    older, lag = before[piece - at], np.float64(piece - at)
                    for c in range(right - left):
                        total = older[2 * TILE + c] + (since[2 * TILE + c] + lag * since[c])
                        size = older[TILE + c] + since[TILE + c]
                        found[c] = (0.0 if (abs(total) <= known_sum * size) & (size < np.inf) else total) / divisor
                    settle(found, ok[at, left:right], out[at, left:right])
            piece += d


@inlined
def add_weighted(x: Any, weight: float, sums: Any) -> None:
    """One row times its weight added to the last third of `sums` [3 TILE]."""
    for c in range(len(x)):
        sums[2 * TILE + c] += weight * np.float64(x[c])
