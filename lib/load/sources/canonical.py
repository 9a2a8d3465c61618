"""The canonical record: one row per date and symbol, with the panel's own names, raw prices, shares and yuan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lib.errors import LoadError
from lib.load.columns import MEMBERSHIP
from lib.load.sources.base import Source
from lib.panel import OPTIONAL, REQUIRED

KEYS: Final = ("date", "symbol")
KNOWN: Final = (*KEYS, *REQUIRED, *OPTIONAL, MEMBERSHIP)

RECORD: Final = Source(
    format="record",
    title="canonical record",
    columns={name: name for name in KNOWN},
    needs=(*KEYS, *REQUIRED),
    marks=(frozenset(KEYS), frozenset(("date", *REQUIRED))),
    per_stock=True,
    units_known=False,
)


def check_spelling(path: Path, names: Sequence[str], unknown: Sequence[str]) -> None:
    """Refuse a column that is an optional one in another spelling: it would be ignored without anyone noticing."""
    for name in unknown:
        meant = [known for known in OPTIONAL if known not in names and _alike(name, known)]
        if meant:
            raise LoadError(f"{path.name}: unknown column {name!r}; rename it to {meant[0]!r}, or remove it")


def _alike(name: str, known: str) -> bool:
    return re.sub(r"[^a-z]", "", name.lower()) == known.replace("_", "")
