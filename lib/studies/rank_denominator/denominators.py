"""Ranks divided by the number of all stocks instead of the valid ones, and the formulas that cannot notice.

With n of N stocks valid on a day and r the percentile rank among them, in (0, 1]:

    masked stocks sorted last:   rank / N = s r           with s = n / N, in (0, s]
    masked stocks sorted first:  rank / N = 1 - s + s r   in (1 - s, 1]

Either way it is a map of the day: the same for all stocks, increasing. No correlation of ranks within a day can see it,
and no correlation at all of the rank itself. What compares ranks of different days can, and so can what adds a
rank to something that is not scaled along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lib.factors.registry import find_factors
from lib.graph import Node, formula, topological
from lib.ops import cs_rank, cs_scale, equal

Masked = Literal["last", "first"]
MASKED: tuple[Masked, ...] = ("last", "first")


def over_all(node: Node, n_stocks: int, masked: Masked = "last") -> Node:
    """The formula with every cs_rank divided by `n_stocks` instead of the valid stocks of the day.

    masked: where stocks without a value are sorted: behind the others, or before them.
    """
    rewritten: dict[Node, Node] = {}
    for item in topological([node]):
        if item.operator is None:
            rewritten[item] = item
            continue
        arguments = [rewritten[a] if isinstance(a, Node) else a for a in item.arguments]
        new = item.operator(*arguments)
        rewritten[item] = _spoiled(new, arguments[0], n_stocks, masked) if item.operator is cs_rank else new
    return rewritten[node]


def _spoiled(rank: Node, x: Node, n_stocks: int, masked: Masked) -> Node:
    # cs_scale of ones is 1 / n: the language needs no operator that counts
    share = 1 / (n_stocks * cs_scale(equal(x, x)))
    spoiled: Node = rank * share if masked == "last" else 1 - share + rank * share
    return spoiled


def ranked_factors(names: list[str]) -> list[str]:
    """Those of the factors whose formula ranks stocks."""
    found = ((factor.name, topological([factor.node])) for factor in find_factors(names))
    return [name for name, nodes in found if any(node.operator is cs_rank for node in nodes)]


# -- which formulas cannot notice --------------------------------------------------------------------


@dataclass(frozen=True)
class DayMap:
    """Spoiled value = a(t) value + b(t) with a(t) > 0 of the day alone.

    powers: a(t) as a product of shares of valid stocks: (argument of the rank, power). shifted: whether b(t) may differ
    from 0. No powers and no shift: the value itself.
    """

    powers: tuple[tuple[str, int], ...] = ()
    shifted: bool = False

    @property
    def untouched(self) -> bool:
        """The spoiled value is the value."""
        return not self.powers and not self.shifted

    def times(self, other: DayMap, sign: int) -> DayMap | None:
        """Product (sign 1) or quotient (-1) of two values."""
        if self.shifted or other.shifted:
            return None
        powers = dict(self.powers)
        for name, power in other.powers:
            powers[name] = powers.get(name, 0) + sign * power
        return DayMap(tuple(sorted((name, power) for name, power in powers.items() if power)))

    def plus(self, other: DayMap) -> DayMap | None:
        """Sum or difference: scaled alike, or it is no map of the day."""
        return DayMap(self.powers, self.shifted or other.shifted) if self.powers == other.powers else None

    def plus_number(self) -> DayMap:
        """A number added: in the spoiled value it is not scaled along."""
        return DayMap(self.powers, self.shifted or bool(self.powers))


UNTOUCHED = DayMap()
_COMPARISONS = ("<", "<=", ">", ">=", "equal")


def day_map(node: Node, masked: Masked = "last") -> DayMap | None:
    """What `over_all` does to a formula, if that is an increasing map of the day; None if it may be anything else.

    A map leaves every rank correlation within a day as it is, and every linear one.
    """
    found: dict[Node, DayMap | None] = {}
    for item in topological([node]):
        found[item] = UNTOUCHED if item.operator is None else _combined(item, found, masked)
    return found[node]


def _combined(node: Node, found: dict[Node, DayMap | None], masked: Masked) -> DayMap | None:
    assert node.operator is not None
    name, inputs = node.operator.name, [found[item] for item in node.inputs]
    known = [item for item in inputs if item is not None]
    if len(known) < len(inputs):
        return None
    if name == "cs_rank":
        return DayMap(((_pool(node.inputs[0]), 1),), masked == "first")
    if name == "cs_zscore":
        return UNTOUCHED
    if all(item.untouched for item in known):
        return UNTOUCHED
    return _arithmetic(name, node, known)


def _arithmetic(name: str, node: Node, known: list[DayMap]) -> DayMap | None:
    first, numbers = known[0], len(known) < len(node.arguments)
    if name in ("*", "/"):
        return _scaled(name, node, known)
    if name in ("+", "-"):
        return first.plus_number() if numbers else first.plus(known[1])
    if name in ("abs", "negative"):
        return first if name == "negative" or not first.shifted else None
    if name in _COMPARISONS and not numbers:
        return UNTOUCHED if first.powers == known[1].powers and not (first.shifted or known[1].shifted) else None
    return UNTOUCHED if name in ("sign", "cs_scale") and not first.shifted else None


def _scaled(name: str, node: Node, known: list[DayMap]) -> DayMap | None:
    if len(known) == 2:
        return known[0].times(known[1], 1 if name == "*" else -1)
    if name == "*" or isinstance(node.arguments[0], Node):
        return known[0]  # times or over a number
    return UNTOUCHED.times(known[0], -1)


def _pool(x: Node) -> str:
    """Which stocks a rank compares: all of today's for a formula of today's fields, else the formula's own."""
    undefined = any(node.operator is not None and node.operator.name in ("log", "power") for node in topological([x]))
    return "today" if x.lookback == 0 and not undefined else formula(x)
