"""Memory without waiting for it: freed blocks stay with the process, and results get theirs in one piece.

A block of days allocates and frees arrays of about a megabyte thousands of times. By default the C library of
Linux gives such memory back to the kernel and asks for it again, and every page that comes back has to be cleared:
that can cost more than the arithmetic. Where the C library has no such switch nothing happens.

A result of gigabytes is different: its memory goes back when it is freed. But a virtual machine hands free memory to
its host within seconds, and each page costs a trip to the host when it is written again, which for all factors of a
panel can take as long as the factors. So the memory of a result that is no longer referred to waits for the next one
of its size, up to a bound; a result of another size sends it back.
"""

from __future__ import annotations

import ctypes
import math
import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
#: the C library reuses arrays up to this size; larger ones, such as results, are lent by this module
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
#: bytes that results which are gone may hold for the next one, and at most this share of the machine's memory
WAITING, SHARE_WAITING = 3 * 2**30, 1 / 8


class BufferPool:
    """Buffers that no result refers to any more, for the next one of the same size; never more than `most` bytes."""

    def __init__(self, most: float) -> None:
        self.most = most
        self._blocks: list[NDArray[np.uint8]] = []

    @property
    def nbytes(self) -> int:
        """Bytes that wait."""
        return sum(block.nbytes for block in self._blocks)

    def take(self, size: int) -> NDArray[np.uint8]:
        """A block of `size` bytes; where none of that size waits, the others go back to the system first."""
        blocks, self._blocks = self._blocks, []  # a block that another thread gives meanwhile may be lost, not shared
        fitting = [position for position, block in enumerate(blocks) if block.nbytes == size]
        if not fitting:
            blocks.clear()
            return _populated(size)
        block = blocks.pop(fitting[0])
        self._blocks += blocks
        return block

    def give(self, block: NDArray[np.uint8]) -> None:
        """Keep a block that nothing refers to, if there is room for it."""
        if self.nbytes + block.nbytes <= self.most:
            self._blocks.append(block)


class PooledBuffer:
    """A block as NumPy sees it: every array made of it, view or tensor, keeps the loan, and the last one returns it.

    https://numpy.org/doc/stable/reference/arrays.interface.html
    """

    def __init__(self, block: NDArray[np.uint8], waiting: BufferPool) -> None:
        self._block, self._waiting = block, waiting
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        self._waiting.give(self._block)


@cache
def _waiting() -> BufferPool:
    return BufferPool(min(WAITING, SHARE_WAITING * _memory_of_machine()))


def _memory_of_machine() -> int:
    """Bytes; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


def taken(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array of any content whose memory is there already, where the system can do that; else as `numpy.empty`."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= KEPT:
        return np.empty(shape, dtype=dtype)
    waiting = _waiting()
    return np.asarray(PooledBuffer(waiting.take(size), waiting)).view(dtype).reshape(shape)


def _populated(size: int) -> NDArray[np.uint8]:
    block = np.empty(size, dtype=np.uint8)
    first = -(-block.ctypes.data // PAGE) * PAGE
    _populate(first, (block.ctypes.data + size) // PAGE * PAGE - first)
    return block


def _populate(address: int, size: int) -> bool:
    try:
        madvise = ctypes.CDLL(None).madvise
    except (AttributeError, OSError, TypeError):
        return False
    return bool(madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), MADV_POPULATE_WRITE) == 0)
