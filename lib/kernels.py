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
    integer = INTEGER[values.dtype]
    all_bits = flags.view(torch.int8).neg().to(integer)  # 1 -> every bit set, 0 -> none
    if out is not None:
        torch.bitwise_and(values.view(integer), all_bits, out=out.view(integer))
        return out
    return all_bits.bitwise_and_(values.view(integer)).view(values.dtype)


def choose(flags: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """a where flags, else b, for whole numbers; `a` is overwritten. No branch that random flags would mislead.

    >>> choose(torch.tensor([True, False]), torch.tensor([1, 2]), torch.tensor([3, 4])).tolist()
    [1, 4]
    """
    all_bits = flags.view(torch.int8).neg().to(a.dtype)
    return a.bitwise_xor_(b).bitwise_and_(all_bits).bitwise_xor_(b)


def as_number(flags: Tensor, dtype: torch.dtype) -> Tensor:
    """1 where a flag is set, else 0."""
    return flags.view(torch.int8).to(dtype)


def at_most(a: Tensor, b: Tensor | float) -> Tensor:
    """a <= b, cell by cell."""
    return _compared(np.less_equal, torch.le, a, b)


def above(a: Tensor, b: Tensor | float) -> Tensor:
    """a > b, cell by cell."""
    return _compared(np.greater, torch.gt, a, b)


def equal(a: Tensor, b: Tensor | float) -> Tensor:
    """a == b, cell by cell."""
    return _compared(np.equal, torch.eq, a, b)


def _compared(on_arrays: Any, on_tensors: Any, a: Tensor, b: Tensor | float) -> Tensor:
    if not on_cpu(a):
        return torch.as_tensor(on_tensors(a, b))
    other = b.numpy() if isinstance(b, Tensor) else b
    return torch.from_numpy(np.asarray(on_arrays(a.numpy(), other)))


def any_of(flags: Tensor) -> bool:
    """Whether any flag is set."""
    return bool(flags.numpy().any()) if on_cpu(flags) else bool(flags.any())


def row_dot(x: Tensor, y: Tensor) -> Tensor:
    """Sum of products over the last dimension, which stays as one; on a CPU without an array of the products."""
    if on_cpu(x):
        return torch.from_numpy(np.vecdot(x.numpy(), y.numpy())).unsqueeze(-1)
    return (x * y).sum(dim=-1, keepdim=True)


def sorted_rows(keys: Tensor) -> Tensor:
    """Each row sorted, in place on a CPU."""
    if not on_cpu(keys):
        return torch.sort(keys, dim=1).values
    keys.numpy().sort(axis=1)
    return keys
