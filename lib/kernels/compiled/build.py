"""Compiling once: the decorator of all compiled kernels, and where their machine code is kept.

numba keeps machine code beside an index that notices an edit of the function's own file, but not of another file or
of a constant elsewhere, and it reads both with pickle. So the folder is named by a digest of all sources of this
package, it is the project's own, and one that somebody else could write to is not used. Where no folder can be used
every process compiles what it calls anew, and says so once.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

from lib.errors import SlowStartWarning

SOURCES = Path(__file__).resolve().parent
PROJECT = SOURCES.parents[2]
#: environment variable: a folder for machine code
VARIABLE = "LIB_KERNEL_CACHE"
#: columns that a kernel works on at a time: its intermediates stay in the first caches
TILE = 256

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel at its first call with arrays of some types; the machine code is kept for other processes."""
    folder = cache_folder()
    with _caching_in(folder):
        jit: Any = numba.njit(nogil=True, error_model="numpy", cache=folder is not None)
        kernel: Kernel = jit(function)
    return kernel


#: a function that compiled kernels call; it becomes part of them
inlined: Callable[[Kernel], Kernel] = numba.njit(nogil=True, error_model="numpy")


@cache
def cache_folder() -> Path | None:
    """The folder of the machine code of today's sources; None, with a warning, where none can be written."""
    digest = sources_digest()
    for place in _places():
        folder = place / digest
        if _is_ours(folder):
            return folder
    tried = ", ".join(str(place) for place in _places())
    warnings.warn(
        f"compiled kernels: none of {tried} can be written by this user alone, so every process compiles them anew "
        "(about 20 s of its first calls); make one of them writable",
        SlowStartWarning,
        stacklevel=3,
    )
    return None


def sources_digest() -> str:
    """Names and contents of all files of this package, as 16 hexadecimal digits."""
    total = hashlib.sha256()
    for path in sorted(SOURCES.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def _places() -> list[Path]:
    """Where the environment says; beside the project's other cached results; in the user's own folder for caches."""
    user = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    project = [PROJECT / ".cache" / "kernels"] if (PROJECT / "pyproject.toml").is_file() else []
    chosen = os.environ.get(VARIABLE)
    return [*([Path(chosen)] if chosen else []), *project, Path(user) / "mask-first-book" / "kernels"]


def _is_ours(folder: Path) -> bool:
    """Whether the folder is there, or can be made, writable for this user alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.stat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return mine and not found.st_mode & 0o022 and os.access(folder, os.W_OK)


@contextmanager
def _caching_in(folder: Path | None) -> Iterator[None]:
    """numba's setting of a folder is one for the whole process: it is borrowed and given back."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder or "")
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before
