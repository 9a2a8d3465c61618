"""The TeX of a formula says what is computed: read back, it is the same object; each piece is TeX of its own."""

from __future__ import annotations

import math

import pytest
from tex import parse

from lib.factors import find_factors
from lib.factors.fields import close, high, industry, low, open, ret, volume
from lib.factors.registry import PUBLISHED, catalogue
from lib.graph import Node, field
from lib.ops import (
    PRIMITIVES,
    abs,
    clip,
    cs_rank,
    delay,
    delta,
    equal,
    ewma,
    group_neutralize,
    max,
    power,
    signedpower,
    ts_corr,
    ts_mean,
    ts_rank,
    where,
)
from lib.studies.factor_handbook.typeset import PIECE, latex, latex_pieces, number

NAMES = list(catalogue(PUBLISHED))
CASES: dict[str, tuple[Node, str]] = {
    "a fraction": (close / open - 1, r"\dfrac{\mathit{close}}{\mathit{open}} - 1"),
    "a difference of differences": (close - (high - low), r"\mathit{close} - (\mathit{high} - \mathit{low})"),
    "over time": (ts_rank(close, 20), r"\operatorname{rank}_{20}(\mathit{close})"),
    "across stocks": (cs_rank(close), r"\operatorname{rank}(\mathit{close})"),
    "the past": (delay(close, 5) - delta(volume, 2), r"\mathit{close}_{t-5} - \Delta_{2}(\mathit{volume})"),
    "a name": (ret * 2, r"\mathit{ret} \cdot 2"),
    "a truth as a number": ((close < open) * 2, r"[\mathit{close} \lt \mathit{open}] \cdot 2"),
    "tall brackets": (
        cs_rank(close / open),
        r"\operatorname{rank}\biggl(\dfrac{\mathit{close}}{\mathit{open}}\biggr)",
    ),
    "a size": (abs(close - open), r"\lvert \mathit{close} - \mathit{open}\rvert"),
    "a signed power": (signedpower(close, 2), r"\mathit{close}^{\langle 2\rangle}"),
    "a power of a fraction": (
        power(close / open, 0.5),
        r"\biggl(\dfrac{\mathit{close}}{\mathit{open}}\biggr)^{0.5}",
    ),
    "a weight": (ewma(close, 1 / 12), r"\operatorname{ewma}_{1/12}(\mathit{close})"),
    "limits": (clip(ret, -0.1, 0.1), r"\operatorname{clip}_{[-0.1,0.1]}(\mathit{ret})"),
    "groups": (group_neutralize(close, industry), r"\operatorname{neutral}_{\mathit{industry}}(\mathit{close})"),
    "cases": (
        where(close < open, -1, close),
        r"\begin{cases} -1 & \mathit{close} \lt \mathit{open} \\ \mathit{close} & \text{else} \end{cases}",
    ),
    "minus a minus": (close - (-open), r"\mathit{close} - (-\mathit{open})"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_it_looks_like(name: str) -> None:
    node, tex = CASES[name]
    assert latex(node) == tex
    assert parse(tex) is node


@pytest.mark.parametrize("name", NAMES)
def test_a_factor_read_back_is_the_same_formula(name: str) -> None:
    node = catalogue(PUBLISHED)[name].node
    assert parse(latex(node)) is node
    assert parse(" ".join(latex_pieces(node))) is node


@pytest.mark.parametrize("name", NAMES)
def test_a_piece_is_complete(name: str) -> None:
    """MathJax reads each piece alone: groups and environments close where they open."""
    for piece in latex_pieces(catalogue(PUBLISHED)[name].node):
        depth = 0
        for letter in piece.replace(r"\{", "").replace(r"\}", ""):
            depth += (letter == "{") - (letter == "}")
            assert depth >= 0
        assert depth == 0
        assert piece.count(r"\begin{") == piece.count(r"\end{")
        assert not any(letter in piece for letter in "<>#%$\"'")


@pytest.mark.parametrize("name", NAMES)
def test_brackets_close_in_the_whole(name: str) -> None:
    whole = latex(catalogue(PUBLISHED)[name].node)
    assert whole.count(r"\biggl") == whole.count(r"\biggr")
    assert whole.count(r"\lvert") + whole.count(r"\biggl|") == whole.count(r"\rvert") + whole.count(r"\biggr|")
    for opening, closing in ("()", "[]", "{}"):
        assert whole.count(opening) == whole.count(closing)


def test_short_formulas_stay_in_one_piece_and_long_ones_can_be_broken() -> None:
    assert len(latex_pieces(close / open - 1)) == 1
    (long,) = find_factors(["stock_016"])
    assert len(latex_pieces(long.node)) > 5


def test_a_new_primitive_needs_no_entry() -> None:
    """Every primitive with its own name can be typeset by the general rule."""
    for primitive in PRIMITIVES.values():
        series = [close, open, high][: primitive.series]
        if primitive.symbol is None and not primitive.parameter_names:
            assert latex(primitive(*series))
    assert latex(ts_corr(close, ts_mean(open, 2), 3)) == (
        r"\operatorname{corr}_{3}(\mathit{close}, \operatorname{mean}_{2}(\mathit{open}))"
    )


def test_a_name_with_an_underscore_is_escaped() -> None:
    assert latex(field("last_close")) == r"\mathit{last\_close}"


def test_conditions_are_joined_without_losing_their_order() -> None:
    node = ((close < open) & ((high > low) | equal(close, low))) * max(close, -1)
    assert parse(latex(node)) is node


@pytest.mark.parametrize("value", [0, 1, -3, 0.5, 0.147, 1 / 12, 2 / 7, math.log(2), 1e-9, 0.015, 1e6, 0.1])
def test_a_constant_keeps_every_digit(value: float) -> None:
    text = number(value)
    if r"\ln" in text:
        read = math.log(int(text.split()[-1]))
    elif "/" in text:
        above, below = text.split("/")
        read = int(above) / int(below)
    else:
        read = float(text.replace(r" \cdot 10^{", "e").replace("}", ""))
    assert read == value


def test_pieces_fit_a_narrow_column() -> None:
    """Nine pieces of ten are narrow enough for a phone; the others scroll in their own line."""
    from lib.studies.factor_handbook.typeset import _fit, _number

    widths = [piece.width for f in catalogue(PUBLISHED).values() for piece in _fit(_number(f.node, high=True)).pieces]
    wide = sum(width > 1.5 * PIECE for width in widths)
    assert wide <= 0.1 * len(widths)
