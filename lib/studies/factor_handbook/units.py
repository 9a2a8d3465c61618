"""Which factors depend on the units of their inputs: the formulas on rescaled prices and volumes.

Two questions. A *unit* is changed for all stocks alike (yuan to another currency, shares to lots): a factor that
reacts compares a price with a constant or adds quantities of different kinds. A *level* is changed stock by stock
(as a split or another lot size would): a factor that reacts ranks stocks by how their shares happen to be cut.

Factors of two are used, so that rescaling adds no round-off of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from lib.engine import Stream, rows_of
from lib.factors.leaves import panel_leaves
from lib.graph import Node
from lib.masked import Cells, Masked
from lib.stats import ic

if TYPE_CHECKING:
    from lib.panel import Panel

PRICES = ("open", "high", "low", "close", "vwap", "last_close")
#: field -> exponents of (price, volume) in its unit
DIMENSIONS = dict.fromkeys(PRICES, (1, 0)) | {"volume": (0, 1), "amount": (1, 1), "cap": (1, 0)}

#: what is rescaled -> (exponent of two for prices, for volumes) for all stocks; None: drawn stock by stock
RESCALED = {
    "price unit": (3, 0),
    "volume unit": (0, 7),
    "price level": (None, 0),
    "volume level": (0, None),
}
SPREAD = 2  # a stock's own exponent lies in -SPREAD..SPREAD
MINIMUM = 20  # stocks that a rank correlation needs


def unit_agreement(
    panel: Panel, nodes: Sequence[Node], days: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Mean rank correlation of each formula with itself after rescaling, [F] for each item of `RESCALED`.

    days: positions at which values are compared. 1 means that no stock changes its place; NaN that there are fewer
    than 20 comparable stocks on every day.
    """
    leaves = panel_leaves(panel, {name for node in nodes for name in node.fields})
    universe = torch.from_numpy(panel.universe.copy())
    plain = _on_days(nodes, leaves, universe, days)
    exponents = rng.integers(-SPREAD, SPREAD + 1, size=(2, panel.shape[1]))
    found = {}
    for what, scales in RESCALED.items():
        own = [exponents[side] if k is None else np.full(panel.shape[1], k) for side, k in enumerate(scales)]
        other = _on_days(nodes, rescaled(leaves, own[0], own[1]), universe, days)
        found[what] = np.array([_agreement(a, b, panel.universe[days]) for a, b in zip(plain, other, strict=True)])
    return found


def rescaled(leaves: dict[str, Masked], price: np.ndarray, volume: np.ndarray) -> dict[str, Masked]:
    """The fields with each stock's prices times 2 ** price[n] and volumes times 2 ** volume[n]; amounts follow."""
    changed = {}
    for name, leaf in leaves.items():
        p, v = DIMENSIONS.get(name, (0, 0))
        factor = torch.from_numpy(np.exp2(p * price + v * volume)).to(leaf.values)
        changed[name] = Masked(leaf.values * factor, leaf.valid, leaf.exact)
    return changed


def _on_days(
    nodes: Sequence[Node], leaves: dict[str, Masked], universe: torch.Tensor, days: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values and validity of each formula on the days alone, so that nothing of the size of the panel is kept."""
    shape = (len(nodes), len(days), universe.shape[1])
    values, valid = np.zeros(shape), np.zeros(shape, dtype=bool)

    def keep(position: int, day: int, cells: Cells) -> None:
        chosen = np.flatnonzero((days >= day) & (days < day + len(cells.valid)))
        result = Masked(*cells)
        values[position, chosen] = result.values.numpy()[days[chosen] - day]
        valid[position, chosen] = result.valid.numpy()[days[chosen] - day]

    stream = Stream(nodes, precision=torch.float64)
    stream.run(rows_of(leaves, universe), len(universe), keep)
    return list(zip(values, valid, strict=True))


def _agreement(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], members: np.ndarray
) -> float:
    cells = one[1] & other[1] & members
    daily = ic(one[0], other[0], cells, kind="spearman", min_cells=MINIMUM)
    return float(np.nanmean(daily)) if np.isfinite(daily).any() else float("nan")


def unit_records(found: dict[str, np.ndarray], position: int) -> Iterator[tuple[str, float]]:
    """(metric, value) of one factor."""
    for what, values in found.items():
        if np.isfinite(values[position]):
            yield what, float(values[position])
