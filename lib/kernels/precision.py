"""How many binary digits of a computed number mean something, and what follows for comparisons.

Two formulas that are equal in exact arithmetic differ in their last bits after different orders of addition, and
round-off must not decide who ranks higher. So a computed number counts as known to 30 binary digits in float64 and to
20 in float32 (10^-9 and 10^-6 of its size):

* before computed numbers are compared, by a rank, a position, or <, <=, >, >=, equal, they are rounded to these digits;
* a sum or difference that is smaller than that beside what cancelled in it is 0;
* so is a correlation smaller than that.

Numbers read from data are exact: they are compared in all their bits, and their differences are kept.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lib.kernels.elementary import INTEGER

#: binary digits that a computed number is known to, and that its mantissa has
KNOWN_BITS = {torch.float64: (30, 52), torch.float32: (20, 23)}
#: a result at most this share of what cancelled in it is round-off of 0
KNOWN = {dtype: 2.0**-known for dtype, (known, _) in KNOWN_BITS.items()}


def rounding(dtype: torch.dtype, exact: bool) -> tuple[int, int]:
    """(half, kept): bits + half, then & kept, rounds a number to the bits it is known to; (0, -1) where it is exact."""
    if exact:
        return 0, -1
    known, mantissa = KNOWN_BITS[dtype]
    return 1 << (mantissa - known - 1), -(1 << (mantissa - known))


def round_mantissa(values: Tensor) -> Tensor:
    """Round to 30 (float64) or 20 (float32) mantissa bits, half away from zero.

    >>> a = torch.tensor([0.1 + 0.2, 0.3], dtype=torch.float64)
    >>> bool(a[0] == a[1]), bool(round_mantissa(a)[0] == round_mantissa(a)[1])
    (False, True)
    """
    half, kept = rounding(values.dtype, exact=False)
    bits = values.contiguous().view(INTEGER[values.dtype])
    return (bits + half).bitwise_and_(kept).view(values.dtype)


def comparable(values: Tensor, exact: bool) -> Tensor:
    """Values ready to be compared: as they are where they were read from data, rounded where they were computed."""
    return values if exact else round_mantissa(values)


def without_round_off(result: Tensor, size: Tensor, exact: bool) -> Tensor:
    """A sum, 0 where it is round-off beside `size`, the largest of what was added."""
    if exact:
        return result
    return torch.where((result.abs() <= KNOWN[result.dtype] * size) & torch.isfinite(size), 0.0, result)
