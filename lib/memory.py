"""Freed memory stays with the process.

A block of days allocates and frees arrays of about a megabyte thousands of times. By default the C library of
Linux gives such memory back to the kernel and asks for it again, and every page that comes back has to be cleared:
that can cost more than the arithmetic. Where the C library has no such switch nothing happens.
"""

from __future__ import annotations

import ctypes
from functools import cache

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
