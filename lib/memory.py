"""Memory without waiting for it: freed blocks stay with the process, and results get theirs in one piece.

A block of days allocates and frees arrays of about a megabyte thousands of times. By default the C library of
Linux gives such memory back to the kernel and asks for it again, and every page that comes back has to be cleared:
that can cost more than the arithmetic. Where the C library has no such switch nothing happens.

A result of gigabytes is different: it should go back when it is freed. But a virtual machine hands free memory to its
host within seconds, and each page costs a trip to the host when it is written again. A result that takes all of its
memory before the work starts finds what the last one left, where one that grows for ten seconds finds little of it.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
#: arrays up to this size are reused; larger ones, such as results, are still given back when they are freed
KEPT = 32 * 2**20
#: free memory that may stay at the end of the heap
TRIMMED_ABOVE = 1024 * 2**20


@cache
def reuse_freed_memory() -> bool:
    """Ask the C library once per process; True if it understood."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, KEPT) and mallopt(M_TRIM_THRESHOLD, TRIMMED_ABOVE))


MADV_POPULATE_WRITE = 23
PAGE = 4096


def taken(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array of any content whose memory is there already, where the system can do that; else as `numpy.empty`."""
    array = np.empty(shape, dtype=dtype)
    if array.nbytes > KEPT:
        first = -(-array.ctypes.data // PAGE) * PAGE
        size = (array.ctypes.data + array.nbytes) // PAGE * PAGE - first
        _populate(first, size)
    return array


def _populate(address: int, size: int) -> bool:
    try:
        madvise = ctypes.CDLL(None).madvise
    except (AttributeError, OSError, TypeError):
        return False
    return bool(madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), MADV_POPULATE_WRITE) == 0)
