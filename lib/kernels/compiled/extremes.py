"""Extremes of trailing windows, their positions, and the rank of today's value.

Pieces of d days as in `sums`. Every value is multiplied by `sign`, 1 for the largest and -1 for the smallest, so one
loop finds both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.kernels.compiled.build import TILE, compiled, inlined


@compiled
def window_extreme(x: Any, d: int, first: int, sign: Any, out: Any) -> None:
    """Largest (sign 1) or smallest (sign -1) of every d consecutive rows, [R+d-1, N] -> out [R, N]."""
    rows, stocks = x.shape
    before, since = np.empty((d, TILE), x.dtype), np.empty(TILE, x.dtype)
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        piece = (-first) % d
        while piece < rows:
            start, stop = max(piece, d - 1), min(piece + d, rows)
            before[0] = -np.inf
            for row in range(piece - 1, start - d, -1):
                larger_of(x[row, left:right], sign, before[piece - row - 1], before[piece - row])
            since[:] = -np.inf
            for row in range(piece, stop):
                keep_larger(x[row, left:right], sign, since)
                if row >= start:
                    older, to = before[piece - (row - d + 1)], out[row - d + 1, left:right]
                    for c in range(len(to)):
                        to[c] = sign * (since[c] if since[c] > older[c] else older[c])
            piece += d


@inlined
def larger_of(x: Any, sign: Any, given: Any, out: Any) -> None:
    """out = the larger of sign x and given."""
    for c in range(len(x)):
        value = sign * x[c]
        out[c] = value if value > given[c] else given[c]


@inlined
def keep_larger(x: Any, sign: Any, most: Any) -> None:
    """most = the larger of sign x and most."""
    for c in range(len(x)):
        value = sign * x[c]
        most[c] = value if value > most[c] else most[c]


@compiled
def extreme_position(x: Any, d: int, first: int, sign: Any, out: Any) -> None:
    """Position 1 (oldest) .. d of the extreme of every d consecutive rows; of equal extremes the oldest counts."""
    rows, stocks = x.shape
    before = np.empty((d, 2 * TILE), x.dtype)  # extreme, and the row that holds it
    since = np.empty(2 * TILE, x.dtype)
    for left in range(0, stocks, TILE):
        width = min(TILE, stocks - left)
        piece = (-first) % d
        while piece < rows:
            start, stop = max(piece, d - 1), min(piece + d, rows)
            since[:] = -np.inf
            before[0, :TILE] = -np.inf
            before[0, TILE:] = piece  # a window of nothing but -inf: its oldest day
            for row in range(piece - 1, start - d, -1):
                k = piece - row
                place = x.dtype.type(row)
                for c in range(width):
                    value = sign * x[row, left + c]
                    older = value >= since[c]
                    since[c] = value if older else since[c]
                    since[TILE + c] = place if older else since[TILE + c]
                    before[k, c] = since[c]
                    before[k, TILE + c] = since[TILE + c]
            since[:TILE] = -np.inf
            since[TILE:] = piece
            for row in range(piece, stop):
                place = x.dtype.type(row)
                for c in range(width):
                    value = sign * x[row, left + c]
                    newer = value > since[c]
                    since[c] = value if newer else since[c]
                    since[TILE + c] = place if newer else since[TILE + c]
                if row >= start:
                    at = row - d + 1
                    k = piece - at
                    oldest = x.dtype.type(at - 1)
                    for c in range(width):
                        newer = since[c] > before[k, c]
                        out[at, left + c] = (since[TILE + c] if newer else before[k, TILE + c]) - oldest
            piece += d


@compiled
def share_not_above(x: Any, d: int, out: Any) -> None:
    """Share of every d consecutive rows that is <= the last of them: every pair is compared, for ranks do not merge."""
    rows, stocks = x.shape
    count = np.empty(TILE, np.int32)
    for left in range(0, stocks, TILE):
        right = min(left + TILE, stocks)
        for row in range(d - 1, rows):
            today, to = x[row, left:right], out[row - d + 1, left:right]
            count[:] = 1
            for lag in range(1, d):
                past = x[row - lag, left:right]
                for c in range(len(today)):
                    count[c] += np.int32(past[c] <= today[c])
            for c in range(len(to)):
                to[c] = count[c] / np.float64(d)
