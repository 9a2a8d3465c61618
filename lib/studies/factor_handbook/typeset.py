r"""Formulas in TeX, from the same tree that prints them: `formula` for tables and caches, `latex` for the page.

A word with a subscript is a statistic of the stock's own last days, `\operatorname{rank}_{20}(x)`; without one it
compares the stocks of the day, `\operatorname{rank}(x)`. The names come from the primitives, so a new one needs no
entry here. A long formula comes in pieces between which a line may break, each of them complete TeX: that is how it
fits a phone without being made small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from lib.graph import Node, formula

#: widest piece, fraction and case, in em of the formula's own size
PIECE, FRACTION, CASE = 17.0, 15.0, 13.0

COMPARISON, SUM, PRODUCT, NEGATION, STACKED, ATOM = range(1, 7)  # from loose to tight
_SIGNS = {"+": "+", "-": "-", "*": r"\cdot", "/": "/", "|": r"\vee", "&": r"\wedge",
          "<": r"\lt", "<=": r"\le", ">": r"\gt", ">=": r"\ge"}  # fmt: skip
_LEVELS = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}


class Piece(NamedTuple):
    """Complete TeX without a place to break, and its estimated width in em."""

    tex: str
    width: float


class Part(NamedTuple):
    """A typeset sub-formula: its pieces, how tightly it binds, whether it stands taller than a line."""

    pieces: tuple[Piece, ...]
    level: int = ATOM
    tall: bool = False

    @property
    def width(self) -> float:
        return sum(piece.width for piece in self.pieces)

    @property
    def tex(self) -> str:
        return " ".join(piece.tex for piece in self.pieces)


def latex(node: Node) -> str:
    r"""The formula as one line of TeX.

    >>> from lib.graph import field
    >>> print(latex(field("close") / field("open") - 1))
    \dfrac{\mathit{close}}{\mathit{open}} - 1
    """
    return _number(node, high=True).tex


def latex_pieces(node: Node) -> tuple[str, ...]:
    """The formula as TeX in the order of reading; a line may break between two pieces, and nowhere else."""
    return tuple(piece.tex for piece in _fit(_number(node, high=True)).pieces)


# ------------------------------------------------------------------------------------------- the tree


def _number(node: Any, high: bool) -> Part:
    """A part that stands for a number: a comparison is put in brackets, 1 if true and 0 if not.

    high: fractions may be stacked; inside a fraction they are not.
    """
    part = _any(node, high)
    return _enclose("[", part, "]") if part.level == COMPARISON else part


def _any(node: Any, high: bool) -> Part:
    if not isinstance(node, Node):
        return _text(number(node), level=ATOM if node >= 0 else NEGATION)
    name = formula(node)
    if node.operator is None or name.isidentifier():  # a field, or a formula that has a name of its own
        return _text(rf"\mathit{{{_escape(name)}}}", letters=len(name))
    operator = node.operator
    special = _SPECIAL.get(operator.name)
    if operator.symbol in _SIGNS:
        return _infix(node, str(operator.symbol), high)
    return special(node, high) if special else _application(node, high)


def _infix(node: Node, symbol: str, high: bool) -> Part:
    left, right = node.arguments
    if symbol not in _LEVELS:
        return _comparison(symbol, left, right, high)
    if symbol == "/" and high:
        above, below = _number(left, high=False), _number(right, high=False)
        if max(above.width, below.width) <= FRACTION:
            width = max(above.width, below.width) + 0.3
            return Part((Piece(rf"\dfrac{{{above.tex}}}{{{below.tex}}}", width),), STACKED, tall=True)
    level = _LEVELS[symbol]
    first, second = _number(left, high), _number(right, high)
    # brackets on the right also after + and *, where they change no value: the page shows the tree that is computed
    tight = STACKED if second.level == NEGATION else level + 1
    return _chain(_bracket(first, level), _SIGNS[symbol], _bracket(second, tight), level)


def _comparison(symbol: str, left: Any, right: Any, high: bool) -> Part:
    typeset = _any if symbol in "&|" else _number
    parts = [typeset(side, high) for side in (left, right)]
    if symbol in "&|":
        joined = [_symbol(side) in ("&", "|") for side in (left, right)]
        parts = [_enclose("(", part, ")") if inner else part for part, inner in zip(parts, joined, strict=True)]
    return _chain(parts[0], _SIGNS[symbol], parts[1], COMPARISON)


def _symbol(node: Any) -> str | None:
    return node.operator.symbol if isinstance(node, Node) and node.operator is not None else None


def _application(node: Node, high: bool) -> Part:
    """f_{parameters}(series): the name without ts_ or cs_, the numbers as its subscript."""
    assert node.operator is not None
    count = node.operator.series
    name = node.operator.name.removeprefix("ts_").removeprefix("cs_").replace("_", r"\ ")
    return _call(rf"\operatorname{{{name}}}", len(name), node.arguments[count:], node.arguments[:count], high)


def _call(head: str, letters: int, parameters: Sequence[Any], series: Sequence[Any], high: bool) -> Part:
    below = ",".join(number(value) for value in parameters)
    script = f"_{{{below}}}" if below else ""
    return _enclose(f"{head}{script}(", _list([_number(item, high) for item in series]), ")",
                    extra=0.5 * letters + 0.35 * len(below))  # fmt: skip


# ---------------------------------------------------------------------- operators with a look of their own


def _negative(node: Node, high: bool) -> Part:
    inner = _bracket(_number(node.arguments[0], high), NEGATION)
    return _fit(Part(_attach("-", inner.pieces, "", 0.8), NEGATION, inner.tall))


def _delay(node: Node, high: bool) -> Part:
    inner, k = node.arguments
    if not formula(inner).isidentifier():
        return _application(node, high)
    part = _number(inner, high)
    return Part((Piece(f"{part.tex}_{{t-{k}}}", part.width + 1.2),))


def _delta(node: Node, high: bool) -> Part:
    return _call(r"\Delta", 2, node.arguments[1:], node.arguments[:1], high)


def _absolute(node: Node, high: bool) -> Part:
    return _enclose("|", _number(node.arguments[0], high), "|")


def _power(node: Node, high: bool, mark: tuple[str, str] = ("", "")) -> Part:
    base = _bracket(_number(node.arguments[0], high), ATOM)
    exponent = _number(node.arguments[1], high=False)
    script = f"^{{{mark[0]}{exponent.tex}{mark[1]}}}"
    return _fit(Part(_attach("", base.pieces, script, 0.7 * exponent.width), ATOM, base.tall))


def _signed_power(node: Node, high: bool) -> Part:
    return _power(node, high, (r"\langle ", r"\rangle"))


def _equal(node: Node, high: bool) -> Part:
    left, right = (_number(side, high) for side in node.arguments)
    return _chain(left, "=", right, COMPARISON)


def _where(node: Node, high: bool) -> Part:
    """Two cases where they are short, else if(condition, then, otherwise), which can be broken."""
    condition = _any(node.arguments[0], high=False)
    cases = [_number(side, high=False) for side in node.arguments[1:]]
    if condition.width <= CASE and max(case.width for case in cases) <= CASE and not any(c.tall for c in cases):
        rows = rf"{cases[0].tex} & {condition.tex} \\ {cases[1].tex} & \text{{else}}"
        width = max(case.width for case in cases) + max(condition.width, 2) + 2.5
        return Part((Piece(rf"\begin{{cases}} {rows} \end{{cases}}", width),), STACKED, tall=True)
    parts = [_any(node.arguments[0], high), *(_number(side, high) for side in node.arguments[1:])]
    return _enclose(r"\operatorname{if}(", _list(parts), ")", extra=1.0)


def _clip(node: Node, high: bool) -> Part:
    inner, low, up = node.arguments
    return _call(rf"\operatorname{{clip}}_{{[{number(low)},{number(up)}]}}", 7, (), (inner,), high)


def _neutral(node: Node, high: bool) -> Part:
    inner, group = node.arguments
    return _call(rf"\operatorname{{neutral}}_{{{_number(group, high=False).tex}}}", 11, (), (inner,), high)


_SPECIAL: dict[str, Callable[[Node, bool], Part]] = {
    "negative": _negative,
    "delay": _delay,
    "delta": _delta,
    "abs": _absolute,
    "power": _power,
    "signedpower": _signed_power,
    "equal": _equal,
    "where": _where,
    "clip": _clip,
    "group_neutralize": _neutral,
}


# -------------------------------------------------------------------------------------------- setting


def number(value: float) -> str:
    r"""A constant: simple fractions and logarithms of whole numbers as such, others digit by digit.

    >>> [number(x) for x in (20, 0.147, 1 / 12, math.log(2), 1e-9)]
    ['20', '0.147', '1/12', '\\ln 2', '1 \\cdot 10^{-9}']
    """
    sign, size = ("-", -value) if value < 0 else ("", value)
    if float(size).is_integer() and size < 1e9:
        return f"{sign}{int(size)}"
    whole = round(math.exp(size)) if size < 20 else 0
    if whole > 1 and math.log(whole) == size:
        return rf"{sign}\ln {whole}"
    ratio = Fraction(size).limit_denominator(100)
    if len(repr(size)) > 8 and ratio.numerator / ratio.denominator == size:
        return f"{sign}{ratio.numerator}/{ratio.denominator}"
    mantissa, mark, exponent = repr(size).partition("e")
    return f"{sign}{mantissa}" + (rf" \cdot 10^{{{int(exponent)}}}" if mark else "")


def _text(tex: str, letters: int | None = None, level: int = ATOM) -> Part:
    return Part((Piece(tex, 0.5 * (letters or len(tex))),), level)


def _escape(name: str) -> str:
    return name.replace("_", r"\_")


def _bracket(part: Part, level: int) -> Part:
    return part if part.level >= level else _enclose("(", part, ")")


def _enclose(opening: str, part: Part, closing: str, extra: float = 0.0) -> Part:
    """The part in brackets as tall as it is; a name may stand before the opening bracket."""
    if part.tall:
        opening, closing = rf"{opening[:-1]}\biggl{opening[-1]}", rf"\biggr{closing}"
    elif opening[-1] == "|":
        opening, closing = rf"{opening[:-1]}\lvert ", r"\rvert"
    return _fit(Part(_attach(opening, part.pieces, closing, 0.8 + extra), ATOM, part.tall))


def _list(parts: Sequence[Part]) -> Part:
    """Arguments with a comma after each but the last."""
    commas = [_attach("", part.pieces, ",", 0.5) for part in parts[:-1]]
    pieces = tuple(piece for group in [*commas, parts[-1].pieces] for piece in group)
    return Part(pieces, ATOM, any(part.tall for part in parts))


def _chain(left: Part, sign: str, right: Part, level: int) -> Part:
    """Two operands; a line breaks before the sign."""
    whole = Part((*left.pieces, *_attach(f"{sign} ", right.pieces, "", 1.3)), level, left.tall or right.tall)
    if whole.width <= PIECE:
        return _fit(whole)
    spaced = _attach(f"{{}} {sign} ", right.pieces, "", 1.3)  # {}: the sign has an operand on its left
    return Part((*left.pieces, *spaced), level, whole.tall)


def _attach(before: str, pieces: Sequence[Piece], after: str, width: float) -> tuple[Piece, ...]:
    first = Piece(before + pieces[0].tex, pieces[0].width + width)
    whole = [first, *pieces[1:]]
    whole[-1] = Piece(whole[-1].tex + after, whole[-1].width)
    return tuple(whole)


def _fit(part: Part) -> Part:
    """One piece of what is short enough to stay together."""
    return part if part.width > PIECE else part._replace(pieces=(Piece(part.tex, part.width),))
