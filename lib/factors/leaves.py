"""From a panel to the values behind the fields of a formula.

The mask is chosen here and nowhere else: a formula sees `panel.mask`, whatever `panel.with_mask` made it. That is
how the counter-example "raw" is computed by the very same operators as the masked factors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch

from lib.errors import UnknownNameError
from lib.factors.fields import close, last_close, prev_close
from lib.graph import Node, substitute
from lib.masked import Masked
from lib.ops import delay, delta

if TYPE_CHECKING:
    from lib.panel import Panel

ADJUSTED = ("open", "high", "low", "close", "volume", "vwap", "amount")
#: field of the formula -> fields of the panel that can supply it; the first present one wins
SOURCES = {
    **{name: (name,) for name in ADJUSTED},
    "last_close": ("close",),
    "cap": ("cap", "float_mkt_cap"),
    "sector": ("industry",),  # the letter of a CSRC class such as C39
    "industry": ("industry",),
    "subindustry": ("industry",),  # no finer label than the class itself
}


def available_fields(panel: Panel) -> set[str]:
    """Fields a formula may read on this panel."""
    return {name for name, sources in SOURCES.items() if any(source in panel.fields for source in sources)}


def panel_leaves(
    panel: Panel, names: Iterable[str], *, max_gap: int = 1, dtype: torch.dtype = torch.float64
) -> dict[str, Masked]:
    """Masked values [T, N] of the named fields, adjusted for corporate actions.

    max_gap: how many days back `last_close` may look for a valid close.

    Raises UnknownNameError for a field the panel lacks.
    """
    valid = torch.from_numpy(panel.mask.copy())
    leaves = {}
    for name in sorted(set(names)):
        values = Masked(torch.from_numpy(_values(panel, name)).to(dtype), valid)
        leaves[name] = last_valid(values, max_gap) if name == "last_close" else values
    return leaves


def _values(panel: Panel, name: str) -> np.ndarray:
    for source in SOURCES.get(name, ()):
        if source in panel.fields:
            if source in ADJUSTED:
                return panel.adjusted(source)
            return _numeric(panel.fields[source], letter_only=name == "sector")
    raise UnknownNameError(f"field {name!r} is not in the panel; it has {', '.join(sorted(panel.fields))}")


def _numeric(values: np.ndarray, letter_only: bool) -> np.ndarray:
    """Labels such as industry names become codes; numbers stay numbers."""
    if values.dtype.kind in "fiu":
        return values.astype(np.float64)
    text = values.astype("U1" if letter_only else str)
    return np.unique(text, return_inverse=True)[1].reshape(values.shape).astype(np.float64)


def last_valid(x: Masked, max_gap: int) -> Masked:
    """The most recent valid value among the max_gap days before today; max_gap = 1 is delay(x, 1)."""
    newest = delay(x, 1)
    values, valid = newest.values, newest.valid
    for k in range(2, max_gap + 1):
        older = delay(x, k)
        values = torch.where(valid, values, older.values)
        valid = valid | older.valid
    return Masked(values, valid, x.exact)


def bridge_gaps(node: Node) -> Node:
    """The formula with its one-day changes of the close measured from the last valid close.

    delay(close, 1) needs yesterday's cell; last_close reaches back over masked days.
    """
    bridged: Node = substitute(node, {delta(close, 1): close - last_close, prev_close: last_close})
    return bridged
