"""The libraries that ours is measured against; each may be missing, and then says so."""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

#: name in tables -> module
PEERS = {"pandas": "pandas", "bottleneck": "bottleneck", "polars": "polars", "mlquantx": "mlquant"}

#: those that compute all 213 factors
WHOLE_SETS = ("pandas", "mlquantx")

OURS = "ours"
#: reading the inputs once and writing a result: no operator can be faster
FLOOR = "copy"


def installed(peer: str) -> bool:
    """Whether a peer can be imported here."""
    return find_spec(PEERS[peer]) is not None


def load(peer: str, submodule: str = "") -> Any:
    """The module of a peer, or None where it is not installed."""
    if not installed(peer):
        return None
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # one, as all the others; read when polars is first imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a peer's own warnings are not ours to fail on
        return import_module(".".join(filter(None, (PEERS[peer], submodule))))
