"""Changes of a panel that a factor must not notice: poison under the mask, another future, other columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.audit.panels import with_cells
from lib.errors import ParameterError
from lib.panel import Panel

#: what masked cells are made to hold; "price" is the harmless-looking one: another price
POISONS: Final[dict[str, Callable[[NDArray[Any]], Any]]] = {
    "price": lambda values: 1.1 * values + 1.0,
    "1e30": lambda values: 1e30,
    "inf": lambda values: np.inf,
    "NaN": lambda values: np.nan,
}
#: a label that sorts before all others, so that the codes of the groups move
FOREIGN: Final = "A00"


def poisoned(panel: Panel, poison: str) -> Panel:
    """Every field of every masked cell replaced; poison: price | 1e30 | inf | NaN.

    Raises ParameterError for a panel with `pre_close`: adjusting for corporate actions reads the closes of limit days
    by design, so there a masked cell may matter.
    """
    if poison not in POISONS:
        raise ParameterError(f"poison {poison!r} does not exist; expected one of {', '.join(POISONS)}")
    if "pre_close" in panel.fields:
        raise ParameterError(
            "a panel with pre_close cannot be poisoned: its adjustment reads limit days; drop the field"
        )
    return with_cells(panel, {name: _replaced(values, ~panel.mask, poison) for name, values in panel.fields.items()})


def _replaced(values: NDArray[Any], cells: NDArray[np.bool_], poison: str) -> NDArray[Any]:
    if values.dtype.kind == "f":
        return np.where(cells, POISONS[poison](values), values)
    return np.where(cells, FOREIGN, values) if values.dtype.kind == "U" else values


def later_replaced(panel: Panel, day: int, other: Panel) -> Panel:
    """Everything after row `day` taken from another panel of the same shape: prices, reasons, universe."""
    rows = np.arange(panel.shape[0])[:, None] > day
    fields = {name: np.where(rows, other.fields[name], values) for name, values in panel.fields.items()}
    reasons = np.where(rows, other.reasons, panel.reasons)
    return with_cells(panel, fields, reasons=reasons, universe=np.where(rows, other.universe, panel.universe))


def permuted(panel: Panel, order: NDArray[np.int64]) -> Panel:
    """The stocks in other columns: column k holds what column order[k] held."""
    fields = {name: values[:, order] for name, values in panel.fields.items()}
    return with_cells(panel, fields, reasons=panel.reasons[:, order], universe=panel.universe[:, order])
