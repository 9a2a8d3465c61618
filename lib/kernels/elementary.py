"""Elementary operations for which there is a faster way on a CPU than torch's own, with the same result anywhere.

Selecting with a mask, comparing, and counting flags cost several times an addition in torch; on plain arrays, or
on the bits of the numbers, they cost about as much as one. Each function answers alike on every device.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

INTEGER = {torch.float64: torch.int64, torch.float32: torch.int32}


def on_cpu(values: Tensor) -> bool:
    """Whether NumPy can look at the same memory."""
    return values.device.type == "cpu"


def keep(values: Tensor, flags: Tensor, out: Tensor | None = None) -> Tensor:
    """values where flags, else 0, whatever the other cells hold.

    >>> keep(torch.tensor([1.0, torch.nan]), torch.tensor([True, False])).tolist()
    [1.0, 0.0]
    """
    bits = every_bit(flags, values.dtype)
    if out is not None:
        torch.bitwise_and(values.view(bits.dtype), bits, out=out.view(bits.dtype))
        return out
    return bits.bitwise_and_(values.view(bits.dtype)).view(values.dtype)


def every_bit(flags: Tensor, dtype: torch.dtype) -> Tensor:
    """Whole numbers as wide as `dtype` with every bit set where a flag is, else none: -1 or 0."""
    return flags.view(torch.int8).neg().to(INTEGER[dtype])


def as_number(flags: Tensor, dtype: torch.dtype) -> Tensor:
    """1 where a flag is set, else 0."""
    return flags.view(torch.int8).to(dtype)


def at_most(a: Tensor, b: Tensor | float, out: Tensor | None = None) -> Tensor:
    """a <= b, cell by cell."""
    return _compared(np.less_equal, torch.le, a, b, out)


def above(a: Tensor, b: Tensor | float) -> Tensor:
    """a > b, cell by cell."""
    return _compared(np.greater, torch.gt, a, b)


def _compared(on_arrays: Any, on_tensors: Any, a: Tensor, b: Tensor | float, out: Tensor | None = None) -> Tensor:
    if not on_cpu(a):
        return torch.as_tensor(on_tensors(a, b, out=out))
    other = b.numpy() if isinstance(b, Tensor) else b
    if out is None:
        return torch.from_numpy(np.asarray(on_arrays(a.numpy(), other)))
    on_arrays(a.numpy(), other, out=out.numpy())
    return out


def row_dot(x: Tensor, y: Tensor) -> Tensor:
    """Sum of products over the last dimension, which stays as one; on a CPU without an array of the products."""
    if on_cpu(x):
        with np.errstate(over="ignore", invalid="ignore"):  # as torch: what overflows is infinite or NaN
            return torch.from_numpy(np.vecdot(x.numpy(), y.numpy())).unsqueeze(-1)
    return (x * y).sum(dim=-1, keepdim=True)


def interpolated_down(start: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """y[t] = y[t-1] + weights[t] (targets[t] - y[t-1]) row after row, from y[-1] = start [1, N].

    A weight of 0 gives the row before bit for bit, and from a start of 0 a weight of 1 the target.

    >>> ones = torch.ones(2, 1)
    >>> interpolated_down(torch.zeros(1, 1), 4 * ones, 0.5 * ones).flatten().tolist()
    [2.0, 3.0]
    """
    out = torch.empty_like(targets)
    if on_cpu(targets):
        _interpolate_arrays(start.numpy()[0], targets.numpy(), weights.numpy(), out.numpy())
        return out
    previous = start
    for target, weight, row in zip(targets.split(1), weights.split(1), out.split(1), strict=True):
        previous = torch.lerp(previous, target, weight, out=row)
    return out


def _interpolate_arrays(previous: Any, targets: Any, weights: Any, out: Any) -> None:
    """Into `out`. A row of a thousand cells costs less than a call, so three plain calls beat one of torch."""
    for target, weight, row in zip(targets, weights, out, strict=True):
        np.subtract(target, previous, out=row)
        np.multiply(row, weight, out=row)
        np.add(row, previous, out=row)
        previous = row
