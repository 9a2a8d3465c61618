"""Which windows are valid throughout."""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.kernels.compiled.build import compiled


@compiled
def all_valid(valid: Any, d: int, out: Any) -> None:
    """Whether every cell of each window of d rows is valid: bool [R+d-1, N] -> [R, N]."""
    rows, stocks = valid.shape
    latest = np.full(stocks, -1, np.int32)  # the latest row with an invalid cell
    for row in range(rows):
        for c in range(stocks):
            latest[c] = latest[c] if valid[row, c] else np.int32(row)
        if row >= d - 1:
            bound = np.int32(row - d)
            for c in range(stocks):
                out[row - d + 1, c] = latest[c] <= bound


@compiled
def both_valid(a: Any, b: Any, d: int, out: Any) -> None:
    """Whether every cell of each window is valid in both masks."""
    rows, stocks = a.shape
    latest = np.full(stocks, -1, np.int32)
    for row in range(rows):
        for c in range(stocks):
            latest[c] = latest[c] if a[row, c] & b[row, c] else np.int32(row)
        if row >= d - 1:
            bound = np.int32(row - d)
            for c in range(stocks):
                out[row - d + 1, c] = latest[c] <= bound
