"""From a panel to the values behind the fields of a formula.

The mask is chosen here and nowhere else: a formula sees `panel.mask`, whatever `panel.with_mask` made it. That is
how the counter-example "raw" is computed by the very same operators as the masked factors.

So is what counts as read from data. A panel with previous closes adjusts prices and volumes for corporate actions by a
running product: these are computed numbers, compared by the digits they are known to (`lib.kernels.precision`), so that
two closes that are equal after an adjustment tie. Every other field, and every field of a panel without previous
closes, is compared in all its bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from lib.errors import UnknownNameError
from lib.masked import Cells, Masked

if TYPE_CHECKING:
    from lib.panel import Panel

ADJUSTED = ("open", "high", "low", "close", "volume", "vwap", "amount")
#: those that the adjustment multiplies or divides
SCALED = ("open", "high", "low", "close", "volume", "vwap")
#: field of the formula -> fields of the panel that can supply it; the first present one wins
SOURCES = {
    **{name: (name,) for name in ADJUSTED},
    "cap": ("cap", "float_mkt_cap"),
    "sector": ("industry",),  # the letter of a CSRC class such as C39
    "industry": ("industry",),
    "subindustry": ("industry",),  # no finer label than the class itself
}


def available_fields(panel: Panel) -> set[str]:
    """Fields a formula may read on this panel."""
    return {name for name, sources in SOURCES.items() if any(source in panel.fields for source in sources)}


def panel_leaves(panel: Panel, names: Iterable[str], *, dtype: torch.dtype = torch.float64) -> dict[str, Masked]:
    """Masked values [T, N] of the named fields, adjusted for corporate actions.

    Raises UnknownNameError for a field the panel lacks.
    """
    valid = torch.from_numpy(panel.mask.copy())
    return {
        name: Masked(torch.from_numpy(_values(panel, name)).to(dtype), valid, _is_exact(panel, name))
        for name in sorted(set(names))
    }


class Leaves:
    """The fields of a panel a few days at a time, so that no field is held twice.

    panel: where from. names: fields. device: where to. Raises UnknownNameError for a field the panel lacks.
    """

    def __init__(self, panel: Panel, names: Iterable[str], device: torch.device | str = "cpu") -> None:
        self.panel = panel
        self.device = device
        self.names = sorted(set(names))
        # labels become numbers once, for all days
        self._codes = {name: _values(panel, name) for name in self.names if _is_label(panel, name)}
        panel.adj_factor  # noqa: B018  the adjustment is a running product: computed once, on all days

    @property
    def on_cpu(self) -> bool:
        """Whether the fields go nowhere else."""
        return torch.device(self.device).type == "cpu"

    def rows(self, start: int, stop: int) -> tuple[dict[str, Cells], Tensor | None]:
        """Cells [R, N] of every field on days start..stop-1, and the universe of these days; None where it is all."""
        days = self.panel.rows(start, stop)
        valid = torch.from_numpy(days.mask)
        cells = {}
        for name in self.names:
            values = self._codes[name][start:stop] if name in self._codes else _values(days, name)
            read = Masked(torch.from_numpy(values), valid, _is_exact(self.panel, name))
            cells[name] = _with_ones(read.to(device=self.device))
        return cells, None if days.universe.all() else torch.from_numpy(days.universe.copy()).to(self.device)


def _with_ones(x: Masked) -> Cells:
    """Cells whose masked ones hold 1, a number that may be divided by: then most quotients need no second look."""
    return Cells(torch.where(x.valid, x.values, 1.0), x.valid, x.exact)


def _is_exact(panel: Panel, name: str) -> bool:
    """Whether a field holds the numbers of the data, not products with an adjustment."""
    return "pre_close" not in panel.fields or _source(panel, name) not in SCALED


def _is_label(panel: Panel, name: str) -> bool:
    source = _source(panel, name)
    return source not in ADJUSTED and panel.fields[source].dtype.kind not in "fiu"


def _source(panel: Panel, name: str) -> str:
    for source in SOURCES.get(name, ()):
        if source in panel.fields:
            return source
    raise UnknownNameError(f"field {name!r} is not in the panel; it has {', '.join(sorted(panel.fields))}")


def _values(panel: Panel, name: str) -> np.ndarray:
    source = _source(panel, name)
    if source in ADJUSTED:
        return panel.adjusted(source)
    return _numeric(panel.fields[source], letter_only=name == "sector")


def _numeric(values: np.ndarray, letter_only: bool) -> np.ndarray:
    """Labels such as industry names become codes; numbers stay numbers."""
    if values.dtype.kind in "fiu":
        return values.astype(np.float64)
    text = values.astype("U1" if letter_only else str)
    return np.unique(text, return_inverse=True)[1].reshape(values.shape).astype(np.float64)
