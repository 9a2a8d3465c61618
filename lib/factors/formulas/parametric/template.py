"""Templates: a formula with parameters, and the grid of values it is declared for.

    core("alpha_003", lambda d: -ts_corr(cs_rank(open), cs_rank(volume), d), "...", "...", {"d": (5, 10), "pool": POOLS})

declares alpha_003[d=5,pool=market], alpha_003[d=5,pool=industry], ... The name says everything: `parse_name` gives the
template and the values back. Two points of any grids that are the same formula are one node, so the second one is not
registered again but counted as a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, TypeAlias

from lib.errors import ExpressionError, UnknownNameError, closest
from lib.factors.fields import industry
from lib.factors.registry import Family
from lib.graph import Node
from lib.ops import decay_linear, ewma, group_neutralize, ts_mean

Value: TypeAlias = int | str
Point: TypeAlias = dict[str, Value]
#: parameter -> its values, in order
Grid: TypeAlias = Mapping[str, Iterable[Value]]

#: smoothing of the finished formula, by name; ewma20 has the centre of mass of a mean over 20 days
SMOOTHINGS: Mapping[str, Callable[[Node], Node]] = {
    "raw": lambda x: x,
    "mean5": lambda x: ts_mean(x, 5),
    "decay10": lambda x: decay_linear(x, 10),
    "ewma20": lambda x: ewma(x, 2 / 21),
}
#: with whom the finished formula is compared: the whole universe of the day, or the stock's own industry
POOLS: Mapping[str, Callable[[Node], Node]] = {
    "market": lambda x: x,
    "industry": lambda x: group_neutralize(x, industry),
}


@dataclass(frozen=True)
class Template:
    """A formula with parameters.

    build(**parameters) gives the formula; `smooth` and `pool`, where the grid has them, are applied to what it gives.
    grid: parameter -> its values, in order. allowed(**parameters): False for points that mean nothing (short >= long).
    """

    name: str
    build: Callable[..., Node]
    grid: Mapping[str, tuple[Value, ...]]
    allowed: Callable[..., bool] | None = None

    def points(self) -> Iterator[Point]:
        """The points of the grid that are allowed, the last parameter running fastest."""
        for values in product(*self.grid.values()):
            point = dict(zip(self.grid, values, strict=True))
            if self.allowed is None or self.allowed(**_inner(point)):
                yield point

    def node(self, point: Point) -> Node:
        """The formula at a point: built, then smoothed, then compared."""
        formula = self.build(**_inner(point))
        smooth, pool = str(point.get("smooth", "raw")), str(point.get("pool", "market"))
        return POOLS[pool](SMOOTHINGS[smooth](formula))

    def label(self, point: Point) -> str:
        """The candidate's name at a point, such as alpha_003[d=10,smooth=raw]."""
        return f"{self.name}[{','.join(f'{key}={value}' for key, value in point.items())}]"


def _inner(point: Point) -> Point:
    return {key: value for key, value in point.items() if key not in ("smooth", "pool")}


class Expansion:
    """A group of templates under one theme; calling it declares a template and registers its candidates."""

    templates: ClassVar[dict[str, Template]] = {}
    points: ClassVar[dict[str, Point]] = {}
    first: ClassVar[dict[Node, str]] = {}
    duplicates: ClassVar[dict[str, str]] = {}

    def __init__(self, name: str, theme: str) -> None:
        self.family = Family(f"parametric/{name}", theme)

    def __call__(
        self,
        name: str,
        build: Callable[..., Node],
        theme: str,
        source: str,
        grid: Grid,
        allowed: Callable[..., bool] | None = None,
    ) -> Template:
        if name in self.templates:
            raise ExpressionError(f"template {name!r} is declared twice; give the second one another name")
        template = Template(name, build, {key: tuple(values) for key, values in grid.items()}, allowed)
        self.templates[name] = template
        for point in template.points():
            self._register(template, point, theme, source)
        return template

    def _register(self, template: Template, point: Point, theme: str, source: str) -> None:
        label, node = template.label(point), template.node(point)
        known = self.first.setdefault(node, label)
        if known != label:
            self.duplicates[label] = known
            return
        self.points[label] = point
        self.family(label, node, theme, source)


def templates() -> dict[str, Template]:
    """Every declared template by name."""
    return dict(Expansion.templates)


def duplicates() -> dict[str, str]:
    """Points that are the formula of an earlier candidate: their name -> that candidate's."""
    return dict(Expansion.duplicates)


def parse_name(name: str) -> tuple[Template, Point]:
    """The template and the values that a candidate's name declares.

    Raises UnknownNameError for a name that is no candidate.

    >>> from lib.factors.formulas.parametric import parse_name
    >>> parse_name("beta[w=60,market=large,pool=industry]")[1]
    {'w': 60, 'market': 'large', 'pool': 'industry'}
    """
    head, bracket, _ = name.partition("[")
    template = Expansion.templates.get(head)
    if not bracket or template is None:
        raise UnknownNameError(f"candidate {name!r}: no such template{closest(head, Expansion.templates)}")
    for point in template.points():
        if template.label(point) == name:
            return template, point
    declared = "; ".join(f"{key} = {', '.join(map(str, values))}" for key, values in template.grid.items())
    raise UnknownNameError(f"candidate {name!r} is not declared; {head} has {declared}")


def neighbours(names: Iterable[str]) -> list[tuple[int, int]]:
    """Pairs (i, j), both ways, of candidates one step apart in one look-back, everything else equal.

    Names of other sets have no neighbours.
    """
    place = {_key(name): position for position, name in enumerate(names) if name in Expansion.points}
    pairs = []
    for (head, point), here in place.items():
        for key, value in point:
            for later in _next(Expansion.templates[head].grid[key], value):
                there = place.get((head, tuple((k, later if k == key else v) for k, v in point)))
                pairs += [] if there is None else [(here, there), (there, here)]
    return pairs


def _key(name: str) -> tuple[str, tuple[tuple[str, Value], ...]]:
    return name.partition("[")[0], tuple(Expansion.points[name].items())


def _next(values: tuple[Value, ...], value: Value) -> tuple[Value, ...]:
    """The next larger look-back of the grid; none after the last, nor for parameters that are no number."""
    after = values.index(value) + 1
    return values[after : after + 1] if isinstance(value, int) else ()
