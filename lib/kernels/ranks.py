"""Ranks of the valid cells of each row from one sort of plain numbers.

A double argsort sorts twice and moves indices about. Here the column of a cell is written into the lowest bits of
its value, which no comparison looks at, so a single sort brings the order and says where each rank belongs.

Values that are compared are first rounded in their binary mantissa: two numbers equal in exact arithmetic can
differ in their last bits after different summation orders, and round-off must not decide who ranks higher.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.kernels.elementary import INTEGER, keep, on_cpu, sorted_rows

#: mantissa bits kept before values are compared, and mantissa bits there are
COMPARED_BITS = {torch.float64: (30, 52), torch.float32: (20, 23)}
#: bits of a rounded float64 that hold nothing: room for the column
FREE_BITS = 52 - 30
#: key of column 0 outside the pool: larger than any value, and finite, for NaN would lose its bits in a sort
OUTSIDE = 0x7FE0_0000_0000_0000


def round_mantissa(values: Tensor) -> Tensor:
    """Round to 30 (float64) or 20 (float32) mantissa bits, half away from zero.

    >>> a = torch.tensor([0.1 + 0.2, 0.3], dtype=torch.float64)
    >>> bool(a[0] == a[1]), bool(round_mantissa(a)[0] == round_mantissa(a)[1])
    (False, True)
    """
    kept, mantissa = COMPARED_BITS[values.dtype]
    drop = mantissa - kept
    bits = values.contiguous().view(INTEGER[values.dtype])
    return (bits + (1 << (drop - 1))).bitwise_and_(-(1 << drop)).view(values.dtype)


def comparable(values: Tensor, exact: bool) -> Tensor:
    """Values ready to be compared. Float32 read from data keeps all its bits; everything else is rounded."""
    return values if exact and values.dtype == torch.float32 else round_mantissa(values)


def row_ranks(values: Tensor, pool: Tensor, exact: bool, dtype: torch.dtype) -> Tensor:
    """Rank 1..n of each value among its row's cells in the pool [R, N]; equal values share the mean of their ranks.

    Cells outside the pool get numbers above n. Rows are independent of each other; N <= 2^22.
    """
    column = torch.arange(values.shape[1], device=values.device)
    rounded = comparable(values, exact)
    keys = (rounded.double() if rounded is not values else values.to(torch.float64, copy=True)).view(torch.int64)
    ordered = sorted_rows(_with_column(keys, column, pool).view(torch.float64)).view(torch.int64)
    # as floating numbers, so that the two zeros are equal
    position = _positions((ordered & -(1 << FREE_BITS)).view(torch.float64), dtype)
    return torch.empty_like(position).scatter_(1, ordered.bitwise_and_((1 << FREE_BITS) - 1), position)


def _with_column(keys: Tensor, column: Tensor, pool: Tensor) -> Tensor:
    """Keys of cells in the pool with their column in the free bits, in place; other cells get keys that come last."""
    outside = (column << FREE_BITS) + (OUTSIDE | column)  # all different, so they never tie
    # a ^ b, kept where the pool is, ^ b again is a choice without a branch; ^ column on the way costs nothing
    keys ^= outside ^ column
    bits = keys.view(torch.float64)
    return keep(bits, pool, out=bits).view(torch.int64).bitwise_xor_(outside)


def _positions(value: Tensor, dtype: torch.dtype) -> Tensor:
    """Positions 1..N of the cells of sorted rows, shared by runs of equal ones."""
    rows, columns = value.shape
    position = torch.arange(1, columns + 1, dtype=dtype, device=value.device).expand(rows, columns)
    if not on_cpu(value):
        return _shared(position, value[:, 1:] == value[:, :-1])
    flat = value.numpy().reshape(-1)
    repeats = np.zeros(flat.shape, dtype=bool)  # the cell before has the same value
    np.equal(flat[1:], flat[:-1], out=repeats[1:])
    repeats[::columns] = False
    return _shared_by_few(position.contiguous(), repeats) if repeats.any() else position


def _shared_by_few(position: Tensor, repeats: NDArray[np.bool_]) -> Tensor:
    """Writes the mean position over the runs of equal cells alone: few cells of a row are tied."""
    flat = position.numpy().reshape(-1)
    cells = np.flatnonzero(repeats)
    breaks = np.flatnonzero(np.diff(cells) != 1)
    first = cells[np.concatenate(([0], breaks + 1))] - 1
    last = cells[np.concatenate((breaks, [len(cells) - 1]))]
    mean = (flat[first] + flat[last]) / 2
    flat[cells] = np.repeat(mean, last - first)
    flat[first] = mean
    return position


def _shared(position: Tensor, tied: Tensor) -> Tensor:
    """The same for any number of ties, without looking how many there are."""
    edge = torch.zeros_like(tied[:, :1])
    starts, ends = ~torch.cat([edge, tied], dim=1), ~torch.cat([tied, edge], dim=1)
    first = torch.where(starts, position, 0.0).cummax(dim=1).values
    last = torch.where(ends, position, position.shape[1] + 1.0).flip(1).cummin(dim=1).values.flip(1)
    return (first + last) / 2
