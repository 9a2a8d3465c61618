"""Expressions: formulas over fields, built once and evaluated on any panel by `lib.engine`.

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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor

from lib import compiled
from lib.eager import over_panel
from lib.errors import ExpressionError
from lib.kernels.block import SKIP, STRICT, Block, Window
from lib.kernels.switch import runs_compiled
from lib.masked import INFIX, Cells, Masked, Operators

__all__ = [
    "INFIX_PRIMITIVES", "SKIP", "STRICT", "Block", "Node", "Primitive", "Window", "define", "field", "formula",
    "primitive", "substitute", "today", "topological",
]  # fmt: skip


@dataclass(frozen=True)
class Primitive:
    """One operator: its kernel and everything the rest of the system derives from.

    kernel(*series, *numbers, block): series are `Cells` of R rows preceded by the max(reads) rows before them
    (before the panel's first day: masked rows), the result has R rows. A result on row t reads nothing but the
    declared rows of its own stock up to t and, if it pools, the other stocks of its row.

    reads(*parameters): the day offsets of its own stock that a result reads (0 = today, k = k days ago).
    series: how many leading arguments are series; the others are numbers.
    pools: the result also depends on the other stocks of the day.
    windowed: the kernel obeys the window policy.
    memory(*parameters): for a recurrence, the days until an input has faded to 0.1 %; None otherwise.
    partial: some results are undefined for valid inputs (a zero denominator, log of a negative).
    compares: values are compared with each other, so computed inputs are rounded first.
    cancels: values are subtracted from each other, so round-off of the inputs can be large beside the result.
    amplifies: round-off of a series of exponents is multiplied.
    selects: the result is one of the window's values, which double precision makes no dearer than comparing them.
    compiled(*series, *numbers, block): the same as the kernel, by compiled loops on a CPU; None where it cannot.
    """

    name: str
    kernel: Callable[..., Cells]
    reads: Callable[..., Sequence[int]]
    series: int = 1
    pools: bool = False
    windowed: bool = False
    memory: Callable[..., int] | None = None
    partial: bool = False
    compares: bool = False
    cancels: bool = False
    amplifies: bool = False
    selects: bool = False
    symbol: str | None = None  # infix operators print as a symbol
    compiled: Callable[..., Cells | None] | None = None
    registry: ClassVar[dict[str, Primitive]] = {}

    def __post_init__(self) -> None:
        Primitive.registry[self.name] = self

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the numeric parameters, in order."""
        return tuple(p.name for p in self._parameters)

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        positional = [p for p in inspect.signature(self.kernel).parameters.values() if p.kind is not p.KEYWORD_ONLY]
        return positional[self.series :]

    @cached_property
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

    def lead(self, arguments: Sequence[Any]) -> int:
        """Rows before the first result that the kernel reads."""
        return max(self.reads(*arguments[self.series :]))

    def step(self, arguments: Sequence[Any], block: Block) -> Cells:
        """Compute one block of rows: on a CPU by compiled loops where there are any, else by the kernel on tensors."""
        if self.compiled is not None and _run_compiled(arguments):
            found = self.compiled(*arguments, block=block)
            if found is not None:
                return found
        return self.kernel(*arguments, block=block) if self._takes_block else self.kernel(*arguments)

    @property
    def _takes_block(self) -> bool:
        return self.windowed or self.pools or self.memory is not None

    def compute(self, arguments: Sequence[Any], window: Window, universe: Tensor | None) -> Masked:
        """Run the kernel over a whole panel, tile by tile."""
        panels = [a for a in arguments if isinstance(a, Masked)]
        if not panels:
            raise ExpressionError(f"{self.name}: needs at least one masked value; got constants only")
        memory: dict[str, Tensor] = {}  # a recurrence goes down all rows of all stocks at once, so one is enough

        def step(rows: Sequence[Any], day: int, peers: Tensor | None, out: tuple[Tensor, Tensor] | None) -> Cells:
            return self.step(rows, Block(day, window, peers, memory, out=out))

        by_stock = not self.pools and self.memory is None
        whole = self.compiled is not None and all(runs_compiled(panel.values) for panel in panels)
        return over_panel(
            step, arguments, self.lead(arguments), universe, by_stock=by_stock, inside=self.windowed, whole=whole
        )

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


def _run_compiled(arguments: Sequence[Any]) -> bool:
    for argument in arguments:
        if isinstance(argument, Cells):
            return runs_compiled(argument.values)
    return False


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


def primitive(reads: Callable[..., Sequence[int]], **declaration: Any) -> Callable[[Callable[..., Cells]], Primitive]:
    """Declare the decorated kernel as a primitive of the language; see `Primitive` for the declarations."""

    def declare(kernel: Callable[..., Cells]) -> Primitive:
        name = declaration.pop("name", kernel.__name__)
        return _documented(Primitive(name=name, kernel=kernel, reads=reads, **declaration))

    return declare


def _documented(declared: Primitive) -> Primitive:
    object.__setattr__(declared, "__doc__", declared.kernel.__doc__)
    return declared


def today(*_: Any) -> Sequence[int]:
    """Offsets of an operator that reads the same day only."""
    return (0,)


#: infix symbol -> the same by compiled loops
COMPILED_INFIX = {
    "+": compiled.plus, "-": compiled.minus, "*": compiled.times, "/": compiled.over,
    "<": compiled.less, "<=": compiled.at_most, ">": compiled.above, ">=": compiled.at_least,
}  # fmt: skip


def _infix(symbol: str) -> Primitive:
    return Primitive(
        symbol,
        INFIX[symbol],
        today,
        series=1 if symbol == "negative" else 2,
        partial=symbol in "+-*/",
        compares=symbol in ("<", "<=", ">", ">="),
        cancels=symbol == "-",
        symbol=symbol,
        compiled=COMPILED_INFIX.get(symbol),
    )


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
