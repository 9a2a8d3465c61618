"""The catalogue of factors: adding one means adding one line to a family's file.

    original("original_007", ts_rank(close, 20), "price rank, month", "authors' legacy")

A factor is its formula; window, fields and look-back are derived from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

from lib.errors import ExpressionError, UnknownNameError, closest
from lib.graph import Node
from lib.store.marks import registry, used

LOG2 = math.log(2)

#: family -> module of the 213, in the order of paper B's table 1
FAMILIES = {
    "alpha": "alpha",
    "better": "better",
    "best": "best",
    "old": "old",
    "stock": "stock",
    "extra": "extra",
    "add": "add",
    "change": "change",
    "original": "original",
    "cs_rank": "breadth",
}


@dataclass(frozen=True)
class Factor:
    """A named formula with what the handbook says about it."""

    name: str
    family: str
    node: Node
    theme: str
    source: str

    @property
    def formula(self) -> str:
        """The formula in the notation of the factor language."""
        return repr(self.node)

    @property
    def window(self) -> float:
        """Days it reads, today included; infinite for a recurrence."""
        return self.node.lookback + 1

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of the panel it needs."""
        return self.node.fields


#: sets of factors beside the 213; a set may have families of its own, "parametric/alpha"
OTHER_SETS = {"alpha101": "alpha101", "parametric": "parametric"}


#: family or set -> module whose calls declare its factors
MODULES = registry(
    "factors",
    {**FAMILIES, **OTHER_SETS},
    folder="formulas",
    listed_by=("catalogue", "factor_names", "formulas.parametric.template.templates"),
)
#: what others have published: the 213 and Kakushadze's 101
PUBLISHED = (*FAMILIES, "alpha101")


class Family:
    """A named group of factors; calling it registers one."""

    catalogue: ClassVar[dict[str, Factor]] = {}

    def __init__(self, name: str, theme: str) -> None:
        self.name, self.theme = name, theme

    def __call__(self, name: str, node: Node, theme: str, source: str) -> Factor:
        if name in self.catalogue:
            raise ExpressionError(f"factor {name!r} is registered twice; give the second one another name")
        factor = Factor(name, self.name, node, theme, source)
        self.catalogue[name] = factor
        return factor


def catalogue(sets: Iterable[str] | None = None) -> dict[str, Factor]:
    """Registered factors by name: the 213 in the papers' order, then the other sets; or those of some sets only."""
    wanted = set(MODULES if sets is None else sets)
    for name in wanted:
        import_module(f"lib.factors.{MODULES[name]}")
    order = list(MODULES)
    found = ((name, factor) for name, factor in Family.catalogue.items() if _set(factor) in wanted)
    return dict(sorted(found, key=lambda item: order.index(_set(item[1]))))


def _set(factor: Factor) -> str:
    """The set a factor belongs to: its family, or what stands before the slash."""
    return factor.family.partition("/")[0]


def factor_names(family: str | None = None) -> list[str]:
    """Names of the 213 factors in the papers' order, or of one family.

    "alpha101" gives Kakushadze's 101, "parametric" the candidates of paper A's expansion, "parametric/market" some.

    Raises UnknownNameError for a family that does not exist.

    >>> len(factor_names()), factor_names("alpha")[:2]
    (213, ['alpha_001', 'alpha_002'])
    """
    if family is None:
        return list(catalogue(FAMILIES))
    root = family.partition("/")[0]
    known = catalogue([root]) if root in MODULES else {}
    names = [name for name, factor in known.items() if family in (factor.family, root)]
    if not names:
        families = list(MODULES)
        raise UnknownNameError(
            f"factor family {family!r} does not exist; families: {', '.join(families)}{closest(family, families)}"
        )
    return names


def find_factors(names: Iterable[str]) -> list[Factor]:
    """The factors of those names, in the order given. Raises UnknownNameError with the closest names."""
    names = list(names)
    used("factors", names)
    known = catalogue(FAMILIES)
    if not known.keys() >= set(names):
        known = catalogue()  # the other sets take longer to build than most callers need
    factors = []
    for name in names:
        if name not in known:
            raise UnknownNameError(f"factor {name!r} does not exist{closest(name, known)}")
        factors.append(known[name])
    return factors
