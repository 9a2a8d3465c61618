"""Rows brought to mean 0 and deviation 1 over the cells of a pool."""

from __future__ import annotations

import torch
from torch import Tensor

from lib import windows
from lib.kernels import every_bit, keep, on_cpu, row_dot


def standardised_rows(values: Tensor, pool: Tensor) -> Tensor:
    """(x - mean) / population standard deviation of the row's cells in the pool [R, N]; other cells get any number.

    A row whose deviation is at most 1e-6 of its largest absolute value is flat: its scores are 0.
    """
    bits = every_bit(pool, values.dtype)
    n = bits.sum(dim=1, keepdim=True, dtype=bits.dtype).neg_().clamp_(min=1)
    centred = (values.view(bits.dtype) & bits).view(values.dtype)
    mean = centred.sum(dim=1, keepdim=True).div_(n)
    centred -= mean
    centred.view(bits.dtype).bitwise_and_(bits)
    rest = centred.sum(dim=1, keepdim=True).div_(n)  # round-off of a mean that is far from 0
    variance = row_dot(centred, centred).div_(n).addcmul_(rest, rest, value=-1)
    deviation = variance.clamp_(min=0).sqrt_()
    centred -= rest
    return centred.div_(_infinite_where_flat(deviation, mean, values, pool))


def _infinite_where_flat(deviation: Tensor, mean: Tensor, values: Tensor, pool: Tensor) -> Tensor:
    """Deviations of the rows; infinite where the row is flat, so that a quotient is 0.

    In a flat row the mean is about the largest value, which is looked for only if some mean leaves it open.
    """
    if on_cpu(values):
        spread, level = deviation.numpy(), abs(mean.numpy())
        if not ((spread <= 2 * windows.FLAT * level) & (level > 0)).any():
            return deviation.masked_fill_(deviation == 0, torch.inf)
    largest = keep(values, pool).abs_().amax(dim=1, keepdim=True)
    return deviation.masked_fill_(deviation <= windows.FLAT * largest, torch.inf)
