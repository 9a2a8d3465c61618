"""The libraries that ours is measured against; each may be missing, and then says so."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

#: name in tables -> module
PEERS = {
    "pandas": "pandas",
    "bottleneck": "bottleneck",
    "polars": "polars",
    "mlquantx": "mlquant",
    "kunquant": "KunQuant",
    "polars_ta": "polars_ta",
    "alpha-lib": "alpha",
}

#: those that compute all 213 factors, and those of them that take minutes
WHOLE_SETS = ("pandas", "mlquantx")
SLOW = ("pandas",)
#: those that have the operators of the 101 formulaic alphas
ALPHA_SETS = ("kunquant", "alpha-lib", "polars_ta")

OURS = "ours"
#: reading the inputs once and writing a result: no operator can be faster
FLOOR = "copy"

#: what a library needs besides its package
_NEEDS: Mapping[str, Callable[[], bool]] = {
    "kunquant": lambda: shutil.which("g++") is not None,
    "alpha-lib": lambda: sys.version_info >= (3, 12),  # its syntax
}


def installed(peer: str) -> bool:
    """Whether a peer can be imported and run here."""
    return find_spec(PEERS[peer]) is not None and _NEEDS.get(peer, lambda: True)()


def load(peer: str, submodule: str = "") -> Any:
    """The module of a peer, or None where it is not installed."""
    if not installed(peer):
        return None
    for name in ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS"):  # one, as all the others; read at the first import
        os.environ.setdefault(name, "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a peer's own warnings are not ours to fail on
        return import_module(".".join(filter(None, (PEERS[peer], submodule))))
