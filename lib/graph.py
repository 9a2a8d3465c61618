"""Expressions: formulas over fields, built once and evaluated on any panel.

A formula is a tree of nodes. Equal sub-formulas are one object (hash-consing), so two hundred factors share what
they have in common; the printed formula is the factor's name in tables and its cache key; and because every
primitive declares which days it reads, a formula knows its own look-back and whether it pools over the row.

    field("close") / ts_mean(field("close"), 20) - 1

`Primitive` is the declaration of one operator. Called with a `Masked` it computes at once; called with a `Node`
it builds a node.
"""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, ClassVar

from torch import Tensor

from lib.errors import ExpressionError, UnknownNameError, closest
from lib.masked import INFIX, Masked, Operators, lift

POLICIES = ("strict", "skip")


@dataclass(frozen=True)
class Window:
    """Window policy of the time-series primitives.

    strict: every cell of the window must be valid (the papers' propagation rule).
    skip: today's own cell must be valid, and at least ceil(min_share * d) cells of the window.
    Under both the window lies inside the panel: the first d - 1 dates are invalid.
    """

    policy: str = "strict"
    min_share: float = 0.5

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ExpressionError(f"window policy: got {self.policy!r}; expected one of {', '.join(POLICIES)}")
        if not 0 < self.min_share <= 1:
            raise ExpressionError(f"min_share: got {self.min_share!r}; expected a share in (0, 1]")

    def required(self, d: int) -> int:
        """Valid cells that a window of d days needs."""
        return d if self.policy == "strict" else math.ceil(self.min_share * d)


STRICT = Window("strict")
SKIP = Window("skip")


@dataclass(frozen=True)
class Primitive:
    """One operator: its kernel and everything the rest of the system derives from.

    reads(*parameters): the day offsets of its own stock that a result reads (0 = today, k = k days ago).
    series: how many leading arguments are series; the others are numbers.
    pools: the result also depends on the other stocks of the day.
    windowed: the kernel takes the window policy.
    memory(*parameters): for a recurrence, the days until an input has faded to 0.1 %; None otherwise.
    partial: some results are undefined for valid inputs (a zero denominator, log of a negative).
    compares: values are compared with each other, so computed inputs are rounded first.
    """

    name: str
    kernel: Callable[..., Masked]
    reads: Callable[..., Sequence[int]]
    series: int = 1
    pools: bool = False
    windowed: bool = False
    memory: Callable[..., int] | None = None
    partial: bool = False
    compares: bool = False
    symbol: str | None = None  # infix operators print as a symbol
    registry: ClassVar[dict[str, Primitive]] = {}

    def __post_init__(self) -> None:
        Primitive.registry[self.name] = self

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the numeric parameters, in order."""
        return tuple(p.name for p in self._parameters)

    @property
    def _parameters(self) -> list[inspect.Parameter]:
        positional = [p for p in inspect.signature(self.kernel).parameters.values() if p.kind is not p.KEYWORD_ONLY]
        return positional[self.series :]

    @property
    def _required(self) -> int:
        return sum(p.default is p.empty for p in self._parameters)

    def __call__(self, *arguments: Any, window: Window = STRICT, universe: Tensor | None = None) -> Any:
        """Compute on masked values, or build a node when an argument is symbolic.

        window and universe (bool [T, N]) apply to masked values; a symbol receives them when it is evaluated.
        """
        arguments = self._check(arguments)
        if any(isinstance(argument, Node) for argument in arguments):
            return Node.of(self, arguments)
        return self.compute(arguments, window, universe)

    def compute(self, arguments: Sequence[Any], window: Window, universe: Tensor | None) -> Masked:
        """Run the kernel on masked values under a window policy and a universe."""
        context: dict[str, Any] = {}
        if self.windowed:
            context["window"] = window
        if self.pools:
            context["universe"] = universe
        return self.kernel(*arguments, **context)

    def _check(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        series, numbers = arguments[: self.series], arguments[self.series :]
        if len(series) < self.series:
            raise ExpressionError(f"{self.name}: got {len(series)} series; expected {self.series}")
        for value in series:
            if not isinstance(value, Masked | Node | float | int):
                raise ExpressionError(f"{self.name}: got a {type(value).__name__}; expected a masked value or a field")
        if (self.windowed or self.pools) and not all(isinstance(value, Masked | Node) for value in series):
            raise ExpressionError(f"{self.name}: a window or a rank over a constant has no meaning; pass a series")
        names = self.parameter_names
        if not self._required <= len(numbers) <= len(names):
            raise ExpressionError(f"{self.name}: got {len(numbers)} parameters; expected ({', '.join(names)})")
        return (*series, *(_check_number(self.name, name, n) for name, n in zip(names, numbers, strict=False)))


def _check_number(operator: str, name: str, value: Any) -> float | int:
    """Parameters that have no meaning are refused where the formula is written, not where it fails."""
    rules: dict[str, tuple[Callable[[Any], bool], str]] = {
        "d": (lambda v: isinstance(v, int) and v >= 1, "a whole number of days >= 1"),
        "k": (lambda v: isinstance(v, int) and v >= 0, "a delay >= 0 days: a negative delay reads the future"),
        "alpha": (lambda v: 0 < v <= 1, "a weight in (0, 1]"),
    }
    accepts, expected = rules.get(name, (math.isfinite, "a finite number"))
    if isinstance(value, bool) or not isinstance(value, int | float) or not accepts(value):
        raise ExpressionError(f"{operator}: {name} = {value!r}; expected {expected}")
    return value


def primitive(reads: Callable[..., Sequence[int]], **declaration: Any) -> Callable[[Callable[..., Masked]], Primitive]:
    """Declare the decorated kernel as a primitive of the language; see `Primitive` for the declarations."""

    def declare(kernel: Callable[..., Masked]) -> Primitive:
        name = declaration.pop("name", kernel.__name__)
        return _documented(Primitive(name=name, kernel=kernel, reads=reads, **declaration))

    return declare


def _documented(declared: Primitive) -> Primitive:
    object.__setattr__(declared, "__doc__", declared.kernel.__doc__)
    return declared


def today(*_: Any) -> Sequence[int]:
    """Offsets of an operator that reads the same day only."""
    return (0,)


def _infix(symbol: str) -> Primitive:
    function = INFIX[symbol]
    series = 1 if symbol == "negative" else 2

    def kernel(*operands: Any) -> Masked:
        return lift(function, *operands)

    return Primitive(symbol, kernel, today, series=series, partial=symbol in "+-*/", symbol=symbol)


INFIX_PRIMITIVES = {symbol: _infix(symbol) for symbol in INFIX}


@dataclass(frozen=True, eq=False, repr=False)
class Node(Operators):
    """A formula. Build it with `field`, infix operators and primitives, never directly.

    >>> close = field("close")
    >>> close / close is field("close") / field("close")
    True
    >>> close - 1
    close-1
    """

    operator: Primitive | None  # None for a field
    arguments: tuple[Any, ...]
    name: str = ""
    lookback: float = attribute(default=0.0)  # days before today that it reads; inf for a recurrence
    memory: int = 0  # days before today that matter: lookback with every recurrence cut at its memory

    _known: ClassVar[dict[tuple[Any, ...], Node]] = {}
    _aliases: ClassVar[dict[Node, str]] = {}

    @classmethod
    def of(cls, operator: Primitive, arguments: tuple[Any, ...]) -> Node:
        key = (operator.name, *(id(a) if isinstance(a, Node) else (type(a), a) for a in arguments))
        if key not in cls._known:
            cls._known[key] = cls(operator, arguments, "", *_reach(operator, arguments))
        return cls._known[key]

    @classmethod
    def leaf(cls, name: str) -> Node:
        return cls._known.setdefault(("field", name), cls(None, (), name))

    def infix(self, symbol: str, *operands: Any) -> Any:
        if any(not isinstance(operand, Node | float | int) for operand in operands):
            return NotImplemented
        return INFIX_PRIMITIVES[symbol](*operands)

    @property
    def inputs(self) -> tuple[Node, ...]:
        return tuple(argument for argument in self.arguments if isinstance(argument, Node))

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields it reads, sorted."""
        return tuple(sorted({node.name for node in topological([self]) if node.operator is None}))

    @property
    def pools(self) -> bool:
        """Whether another stock can change its value."""
        return any(node.operator is not None and node.operator.pools for node in topological([self]))

    def __repr__(self) -> str:
        return formula(self)


def field(name: str) -> Node:
    """The field of that name: open, high, low, close, volume, vwap, amount, prev_close, ret, ..."""
    return Node.leaf(name)


def define(name: str, node: Node) -> Node:
    """Give a formula a short name that printed formulas use: `ret` for close/prev_close-1."""
    Node._aliases[node] = name
    return node


def _reach(operator: Primitive, arguments: tuple[Any, ...]) -> tuple[float, int]:
    numbers = arguments[operator.series :]
    inputs = [argument for argument in arguments if isinstance(argument, Node)]
    own = max(operator.reads(*numbers))
    lookback = math.inf if operator.memory else own + max(node.lookback for node in inputs)
    remembered = operator.memory(*numbers) if operator.memory else own
    return lookback, remembered + max(node.memory for node in inputs)


PRECEDENCE = {"|": 1, "&": 2, "<": 3, "<=": 3, ">": 3, ">=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "negative": 6}
ATOM = 9


def formula(node: Any) -> str:
    """The formula in the notation of the factor language, with no more brackets than needed."""
    return _print(node)[0]


def _print(node: Any) -> tuple[str, int]:
    if not isinstance(node, Node):
        return repr(node), ATOM if node >= 0 else PRECEDENCE["negative"]
    if node.operator is None or node in Node._aliases:
        return Node._aliases.get(node, node.name), ATOM
    symbol = node.operator.symbol
    if symbol is None:
        return f"{node.operator.name}({','.join(formula(a) for a in node.arguments)})", ATOM
    level = PRECEDENCE[symbol]
    if symbol == "negative":
        return "-" + _bracket(node.arguments[0], level), level
    left, right = node.arguments
    return f"{_bracket(left, level)}{symbol}{_bracket(right, level + 1)}", level


def _bracket(node: Any, level: int) -> str:
    text, own = _print(node)
    return text if own >= level else f"({text})"


def topological(roots: Iterable[Node]) -> list[Node]:
    """Every node below the roots once, inputs before their users."""
    order: dict[Node, None] = {}
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, expanded = stack.pop()
        if node in order:
            continue
        if expanded:
            order[node] = None
        else:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.inputs))
    return list(order)


def substitute(root: Node, replacements: Mapping[Node, Any]) -> Any:
    """The formula with every occurrence of some sub-formulas replaced.

    >>> close, open_ = field("close"), field("open")
    >>> substitute(close / open_ - 1, {open_: field("vwap")})
    close/vwap-1
    """
    rewritten: dict[Node, Any] = {}
    for node in topological([root]):
        if node in replacements or node.operator is None:
            rewritten[node] = replacements.get(node, node)
        else:
            arguments = (rewritten[a] if isinstance(a, Node) else a for a in node.arguments)
            rewritten[node] = node.operator(*arguments)
    return rewritten[root]


def evaluate(
    roots: Sequence[Node],
    leaves: Mapping[str, Masked],
    *,
    window: Window = STRICT,
    universe: Tensor | None = None,
    consume: Callable[[int, Masked], None] | None = None,
) -> list[Masked]:
    """Compute formulas on leaves; every shared sub-formula once, each result dropped after its last use.

    Parameters
    ----------
    roots: formulas. leaves: field name -> Masked [T, N]. window: policy of the time-series primitives.
    universe: bool [T, N], the stocks that cross-sectional primitives compare on each day; None = all.
    consume: called with (position in roots, result) as soon as a root is ready; then the returned list is empty
        and results need not be held in memory.

    Raises UnknownNameError naming the formula and the field that is missing.
    """
    wanted: dict[Node, list[int]] = {}
    for position, root in enumerate(roots):
        wanted.setdefault(root, []).append(position)
    order = topological(roots)
    users = Counter(child for node in order for child in node.inputs)
    results: dict[Node, Masked] = {}
    kept: list[Masked | None] = [None] * len(roots)
    for node in order:
        value = _leaf_value(node, leaves) if node.operator is None else _apply(node, results, window, universe)
        results[node] = value
        for position in wanted.get(node, ()):
            if consume is None:
                kept[position] = value
            else:
                consume(position, value)
        for child in node.inputs:
            users[child] -= 1
            if users[child] == 0:
                results.pop(child, None)
        if users[node] == 0:
            del results[node]
    return [value for value in kept if value is not None]


def _apply(node: Node, results: dict[Node, Masked], window: Window, universe: Tensor | None) -> Masked:
    assert node.operator is not None
    arguments = [results[a] if isinstance(a, Node) else a for a in node.arguments]
    try:
        return node.operator.compute(arguments, window, universe)
    except Exception as error:
        error.add_note(f"while computing {formula(node)}")
        raise


def _leaf_value(node: Node, leaves: Mapping[str, Masked]) -> Masked:
    if node.name not in leaves:
        raise UnknownNameError(
            f"field {node.name!r} is not in the panel; it has {', '.join(sorted(leaves))}{closest(node.name, leaves)}"
        )
    return leaves[node.name]
