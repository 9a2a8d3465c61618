"""Rows brought to mean 0 and deviation 1 over the cells of a pool."""

from __future__ import annotations

import torch
from torch import Tensor

from lib.kernels.compiled import FLAT
from lib.kernels.elementary import every_bit, keep, on_cpu, row_dot

#: a variance below this many times the smallest normal number was summed from squares that lost their digits
LEAST_OF_TINY = 2.0**24


def standardised_rows(values: Tensor, pool: Tensor) -> Tensor:
    """(x - mean) / population standard deviation of the row's cells in the pool [R, N]; other cells get any number.

    A row whose deviation is at most 1e-6 of its largest absolute value is flat: its scores are 0. Scores have no
    unit, so a row whose squares leave the range of the type is multiplied by a power of two first.
    """
    scores, variance, n = _standardised(values, pool)
    rows = _rows_out_of_range(variance, n)
    if len(rows):
        scores[rows] = _standardised(near_one(values[rows], pool[rows]), pool[rows])[0]
    return scores


def _standardised(values: Tensor, pool: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Scores [R, N], and variance and number of cells (at least 1) of each row [R, 1]."""
    bits = every_bit(pool, values.dtype)
    n = bits.sum(dim=1, keepdim=True, dtype=bits.dtype).neg_().clamp_(min=1)
    centred = (values.view(bits.dtype) & bits).view(values.dtype)
    mean = centred.sum(dim=1, keepdim=True).div_(n)
    centred -= mean
    centred.view(bits.dtype).bitwise_and_(bits)
    rest = centred.sum(dim=1, keepdim=True).div_(n)  # round-off of a mean that is far from 0
    variance = row_dot(centred, centred).div_(n).addcmul_(rest, rest, value=-1).clamp_(min=0)
    centred -= rest
    return centred.div_(_infinite_where_flat(variance.sqrt(), mean, values, pool)), variance, n


def _rows_out_of_range(variance: Tensor, n: Tensor) -> Tensor:
    """Positions of rows of two cells or more whose variance is not finite, or too small to be exact."""
    limits = torch.finfo(variance.dtype)
    least, most = LEAST_OF_TINY * limits.tiny, limits.max
    if on_cpu(variance):
        found = variance.numpy()
        if found.min() >= least and found.max() <= most:  # NaN fails both
            return torch.empty(0, dtype=torch.int64)
    inside = (variance >= least) & (variance <= most)
    return ((n > 1) & ~inside).squeeze(1).nonzero().squeeze(1)


def near_one(values: Tensor, pool: Tensor) -> Tensor:
    """Rows times the power of two that brings their largest absolute value in the pool to [1/2, 1); 0 elsewhere."""
    kept = keep(values, pool)
    exponent = torch.frexp(kept.abs().amax(dim=1, keepdim=True)).exponent
    half = exponent // 2  # 2**-exponent itself may be too small for the type
    return kept * torch.exp2(-half.to(kept.dtype)) * torch.exp2((half - exponent).to(kept.dtype))


def _infinite_where_flat(deviation: Tensor, mean: Tensor, values: Tensor, pool: Tensor) -> Tensor:
    """Deviations of the rows; infinite where the row is flat, so that a quotient is 0.

    In a flat row the mean is about the largest value, which is looked for only if some mean leaves it open.
    """
    if on_cpu(values):
        spread, level = deviation.numpy(), abs(mean.numpy())
        if not ((spread <= 2 * FLAT * level) & (level > 0)).any():
            return deviation.masked_fill_(deviation == 0, torch.inf)
    largest = keep(values, pool).abs_().amax(dim=1, keepdim=True)
    return deviation.masked_fill_(deviation <= FLAT * largest, torch.inf)
