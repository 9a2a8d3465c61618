"""Which cells of its own stock a formula reads, from the declarations of its operators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.graph import Node, topological
from lib.panel import Panel


@dataclass(frozen=True)
class Reads:
    """Days before today (0 = today) on which a valid output needs its own stock.

    prices: on these its cell must be valid. pool: on these it must be in the universe as well, because an operator
    that compares stocks stands there. A recurrence (ewma) declares its own day only: the exception of the contract,
    for its window is infinite. delay and delta read their ends only, `where` reads both branches.
    """

    prices: frozenset[int]
    pool: frozenset[int] = frozenset()

    @property
    def days(self) -> int:
        """Days of history that a first valid output needs, today included."""
        return max(self.prices | self.pool) + 1


def declared_reads(node: Node) -> Reads:
    """The cells that a formula declares to read.

    >>> from lib.graph import field
    >>> from lib.ops import cs_rank, delay, ts_mean
    >>> reads = declared_reads(cs_rank(ts_mean(delay(field("close"), 2), 3)))
    >>> sorted(reads.prices), sorted(reads.pool)
    ([2, 3, 4], [0])
    """
    known: dict[Node, Reads] = {}
    for part in topological([node]):
        known[part] = _of_operator(part, known)
    return known[node]


def _of_operator(node: Node, known: dict[Node, Reads]) -> Reads:
    if node.operator is None:
        return Reads(frozenset({0}))
    own = node.operator.reads(*node.arguments[node.operator.series :])
    inputs = [known[child] for child in node.inputs]
    prices = {day + before for child in inputs for before in child.prices for day in own}
    pool = {day + before for child in inputs for before in child.pool for day in own}
    return Reads(frozenset(prices), frozenset(pool | set(own) if node.operator.pools else pool))


def permitted(panel: Panel, reads: Reads) -> NDArray[np.bool_]:
    """Cells [T,N] where the propagation rule allows a valid output."""
    allowed = np.ones(panel.shape, dtype=bool)
    for cells, days in ((panel.mask, reads.prices), (panel.universe, reads.pool)):
        for day in days:
            allowed[:day] = False
            allowed[day:] &= cells[: max(len(cells) - day, 0)]
    return allowed
