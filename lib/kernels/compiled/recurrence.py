"""Exponential averages, row after row."""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.kernels.compiled.build import compiled


@compiled
def exponential_mean(x: Any, valid: Any, alpha: float, level: Any, seeded: Any, out: Any) -> None:
    """level += alpha (x - level) over valid cells, started by the first; out [R, N] is the level after each row.

    level: float64 [N], seeded: bool [N]; both are carried on in place. A masked cell keeps the level.
    """
    rows, stocks = x.shape
    for row in range(rows):
        for c in range(stocks):
            weight, step = (alpha if seeded[c] else 1.0), x[row, c] - level[c]
            moved = level[c] + step * weight
            apart = weight * x[row, c] + (1.0 - weight) * level[c]  # where the difference leaves the range of float64
            moved = moved if abs(step) < np.inf else apart
            level[c] = moved if valid[row, c] else level[c]
        for c in range(stocks):
            seeded[c] = seeded[c] | valid[row, c]
        for c in range(stocks):
            out[row, c] = level[c]
