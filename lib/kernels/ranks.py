"""Ranks of the valid cells of each row: a sort, and the mean position of each run of equal values."""

from __future__ import annotations

import torch
from torch import Tensor

from lib.kernels.precision import comparable


def row_ranks(values: Tensor, pool: Tensor, exact: bool, dtype: torch.dtype) -> Tensor:
    """Rank 1..n of each value among its row's cells in the pool [R, N]; equal values share the mean of their ranks.

    Cells outside the pool get numbers above n. Rows are independent of each other.
    """
    values = torch.where(pool, comparable(values, exact), torch.inf)
    ordered, columns = torch.sort(values, dim=1, stable=True)
    position = torch.arange(1, values.shape[1] + 1, dtype=dtype, device=values.device).expand(values.shape)
    shared = _shared(position, ordered[:, 1:] == ordered[:, :-1]) if values.shape[1] else position.clone()
    return torch.empty_like(shared).scatter_(1, columns, shared)


def _shared(position: Tensor, tied: Tensor) -> Tensor:
    """The mean position over each run of cells that tie with the one before."""
    edge = tied.new_zeros(len(tied), 1)
    starts, ends = ~torch.cat([edge, tied], dim=1), ~torch.cat([tied, edge], dim=1)
    first = torch.where(starts, position, 0.0).cummax(dim=1).values
    last = torch.where(ends, position, position.shape[1] + 1.0).flip(1).cummin(dim=1).values.flip(1)
    return (first + last) / 2
