"""Ranks and correlations within rows, over the cells of a mask: the only ones for arrays (tensors: `lib.kernels`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray, FloatArray, Matrix


def masked_ranks(values: Matrix, cells: BoolArray) -> Matrix:
    """Ranks 1..n within the `cells` of each row [T, N]; ties share their average rank; 0 outside.

    >>> masked_ranks(np.array([[5., 5., 7., 1.]]), np.array([[True, True, True, False]])).tolist()
    [[1.5, 1.5, 3.0, 0.0]]
    """
    x = np.where(cells, values, np.inf)  # T N, the rest sorts last
    order = np.argsort(x, axis=1, kind="stable")
    ranks = np.empty(x.shape)
    np.put_along_axis(ranks, order, tied_positions(np.take_along_axis(x, order, axis=1)) + 1, axis=1)
    return np.where(cells, ranks, 0.0)


def percentile_ranks(values: Matrix, cells: BoolArray) -> Matrix:
    """Ranks scaled from 0, the lowest of the row's `cells`, to 1; NaN outside them and in a row with one cell.

    >>> percentile_ranks(np.array([[5., 9., 7., 1.]]), np.array([[True, True, True, False]])).tolist()
    [[0.0, 1.0, 0.5, nan]]
    """
    count = cells.sum(axis=1, keepdims=True)
    return np.where(cells & (count > 1), (masked_ranks(values, cells) - 1) / np.maximum(count - 1, 1), np.nan)


def tied_positions(ordered: NDArray[np.floating]) -> Matrix:
    """Position 0..N-1 in sorted rows [T, N], the mean position of its tie."""
    position = np.broadcast_to(np.arange(ordered.shape[1]), ordered.shape)
    starts = np.ones(ordered.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = np.ones(ordered.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, position, 0), axis=1)  # T N, where the tie begins
    last = np.minimum.accumulate(np.where(ends, position, ordered.shape[1])[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((first + last) / 2)


def row_correlation(x: Matrix, y: Matrix, cells: BoolArray, min_cells: int) -> FloatArray:
    """Pearson correlation [T] of the rows of x and y [T, N] over their `cells`, both finite and 0 outside them.

    NaN in rows with fewer than `min_cells` cells or with a constant side; in [-1, 1].
    """
    count = cells.sum(axis=1)  # T
    x, y = _scaled(x), _scaled(y)
    enough = count >= min_cells
    per_row = np.where(enough, count, 1)[:, None]
    dx = np.where(cells, x - x.sum(axis=1, keepdims=True) / per_row, 0.0)
    dy = np.where(cells, y - y.sum(axis=1, keepdims=True) / per_row, 0.0)
    defined = enough & _varies(x, cells) & _varies(y, cells)
    scale = np.sqrt((dx**2).sum(axis=1)) * np.sqrt((dy**2).sum(axis=1))
    defined &= scale > 0
    correlation = np.divide((dx * dy).sum(axis=1), scale, out=np.full(count.shape, np.nan), where=defined)
    return np.clip(correlation, -1.0, 1.0)


def _scaled(x: Matrix) -> Matrix:
    """Rows divided by the power of two above their largest value: exact, and squares neither overflow nor vanish."""
    _, exponent = np.frexp(np.abs(x).max(axis=1, initial=0.0))
    return np.asarray(np.ldexp(x, -exponent[:, None]))


def _varies(x: Matrix, cells: BoolArray) -> BoolArray:
    # exact: a constant row has a rounding-sized, not a zero, sum of squares
    high = np.where(cells, x, -np.inf).max(axis=1, initial=-np.inf)
    return np.asarray(high > np.where(cells, x, np.inf).min(axis=1, initial=np.inf))
