"""Sums over the stocks of a row, and over the stocks of each industry within it.

Rows are [B,R,N]: B dates, R factors or masks, N stocks, the stocks contiguous. On a CPU every sum runs in the order
of the stocks and reads its own row only, so its bits depend neither on the other rows nor on the number of groups.
A product with a one-hot matrix promises neither and is two to six times slower. On a GPU the additions of one group
come in any order, which moves results by the round-off of float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lib.kernels.compiled import FLAT
from lib.kernels.elementary import row_dot

TINY = torch.finfo(torch.float64).tiny


def group_sum(x: Tensor, codes: Tensor, n_groups: int) -> Tensor:
    """Sum of x [B,R,N] over the stocks of each group, codes [B,N] -> [B,R,G]."""
    index = codes[:, None, :].expand_as(x)
    return x.new_zeros(*x.shape[:2], n_groups).scatter_add_(2, index, x)  # B R G


def of_group(per_group: Tensor, codes: Tensor) -> Tensor:
    """To every stock the number of its group: [B,R,G], codes [B,N] -> [B,R,N]."""
    return per_group.gather(2, codes[:, None, :].expand(-1, per_group.shape[1], -1))


def group_total(per_group: Tensor) -> Tensor:
    """Sum over groups, [B,R,G] -> [B,R,1], one after the other: an industry that is empty today changes no bit."""
    return per_group.cumsum(dim=-1)[..., -1:]


def ratio(total: Tensor, mass: Tensor) -> Tensor:
    """total / mass, 0 where there is no mass and so no total either; the smallest normal number stands in for 0."""
    return total / mass.clamp(min=TINY)


def row_sum(x: Tensor) -> Tensor:
    """Sum over stocks, [B,R,N] -> [B,R,1]."""
    return x.sum(dim=-1, keepdim=True)


def length(x: Tensor) -> Tensor:
    """Root of the sum of squares over stocks, [B,R,N] -> [B,R,1]."""
    return row_dot(x, x).sqrt_()


def centred(x: Tensor, ones: Tensor) -> Tensor:
    """x less the mean of its row, [B,R,N]. ones: 1 in the cells that count, else 0, where x is 0 too."""
    return (x - ratio(row_sum(x), row_sum(ones))) * ones


def scale_(x: Tensor, count: Tensor, source: Tensor) -> Tensor:
    """Centred x over its population deviation, in place; 0, never -0, in rows that are flat against their source.

    count: [B,R,1], the cells of each row that count. source: [B,R,1], the length of what x was made from.
    """
    size = length(x)  # B R 1
    flat = size <= FLAT * source
    if not bool(flat.any()):
        return x.mul_(count.sqrt() / size)
    x.mul_(count.sqrt() / size.masked_fill(flat, 1.0))
    return x.masked_fill_(flat, 0.0)
