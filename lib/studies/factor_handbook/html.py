r"""The handbook's entries: one card per factor, from the catalogue and from what the study measured.

Every card is an anchor, `factor_handbook.html#alpha_001`. A formula is a row of complete pieces of TeX, so that the
browser breaks the line where the formula may be broken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from lib.factors.registry import PUBLISHED, Factor, catalogue, factor_names, find_factors
from lib.graph import Node
from lib.paper.pages.pieces import fold, html
from lib.paper.pages.sources import source_title
from lib.paper.pages.tables import Format, breakable, csv_link, table
from lib.stats.estimates import signed
from lib.studies.factor_handbook.handbook import FLAT, ONE_ORDER, UNITS, Handbook, Measures, same_formula
from lib.studies.factor_handbook.typeset import latex, latex_pieces

if TYPE_CHECKING:
    from IPython.display import HTML

#: what a factor depends on -> what the flag says
DEPENDS = {
    "price unit": "changes with the currency unit",
    "volume unit": "changes with the unit of volume",
    "price level": "depends on the quoted price level",
    "volume level": "depends on the share count",
}


def family_cards(handbook: Handbook, family: str) -> HTML:
    """The cards of a family's factors, folded. Raises UnknownNameError for a family that does not exist."""
    factors = find_factors(factor_names(family))
    cards = html(f'<div class="factors">{"".join(_card(handbook, factor) for factor in factors)}</div>')
    return fold(f"{len(factors)} factors, {factors[0].name} to {factors[-1].name}", [cards])


def family_index(handbook: Handbook) -> HTML:
    """Every factor as a link; what it is about, days read, coverage and IC on the first panel that allows it."""
    rows = []
    for factor in catalogue(PUBLISHED).values():
        found = handbook.first(factor.name)
        row = {"factor": factor.name, "family": factor.family, "theme": factor.theme, "window": factor.window}
        measured = {} if found is None else {"coverage": found.coverage, **found.rank_ic.columns("rank_ic")}
        rows.append(row | measured)
    heads = {"factor": "factor", "theme": "what it is about", "window": "days read", "coverage": "coverage",
             "rank_ic": "IC"}  # fmt: skip
    formats: dict[str, Format] = {"factor": _links, "window": _days, "coverage": ".0%", "rank_ic": "+.3f"}
    return table(pd.DataFrame(rows), "factor_handbook_index", columns=heads, formats=formats)


def _days(window: object) -> str:
    return "all" if math.isinf(float(str(window))) else f"{float(str(window)):.0f}"


def formula_html(node: Node) -> str:
    """A formula for MathJax, in pieces between which the browser may break the line."""
    pieces = (f"\\({escape(tex)}\\)" for tex in latex_pieces(node))
    return " ".join(f'<span class="math notranslate nohighlight">{piece}</span>' for piece in pieces)


def link(name: str) -> str:
    """A link to the entry of a factor."""
    return f'<a href="#{escape(name, quote=True)}">{escape(name)}</a>'


# ----------------------------------------------------------------------------------------------- a card


def _card(handbook: Handbook, factor: Factor) -> str:
    flags = "".join(f'<span class="flag">{text}</span>' for text in _flags(handbook, factor))
    lines = "".join(_line(handbook, source, factor) for source in handbook.sources)
    return (
        f'<div class="factor" id="{factor.name}">'
        f'<p class="head"><b>{link(factor.name)}</b> {escape(factor.theme)}</p>'
        f'<div class="formula">{formula_html(factor.node)}</div>'
        f'<p class="facts">{escape(_window(factor))}; reads {escape(", ".join(factor.fields))}; '
        f"{escape(factor.source)}</p>{lines}{f'<p>{flags}</p>' if flags else ''}</div>"
    )


def _window(factor: Factor) -> str:
    """How far back it looks: the days of its window, or that it never forgets, and how soon it nearly does."""
    if math.isinf(factor.window):
        return f"infinite window, an input fades to 0.1 % in {factor.node.memory} days"
    return f"window {factor.window:.0f} {'day' if factor.window == 1 else 'days'}"


def _line(handbook: Handbook, source: str, factor: Factor) -> str:
    found = handbook.measures(source, factor.name)
    title = f"<b>{escape(source_title(source))}</b>"
    if found is None:
        lacking = ", ".join(handbook.lacks(source, factor.name))
        return f'<p class="measure">{title} lacks {escape(lacking)}</p>' if lacking else ""
    parts = [f"coverage {found.coverage:.0%}", f"IC {found.rank_ic.text(3)}"]
    if math.isfinite(found.persistence):
        parts.append(f"persistence {signed(found.persistence)}")
    near = ", ".join(f"{link(name)}&nbsp;{signed(value)}" for name, value in found.relatives)
    return f'<p class="measure">{title} {escape(" · ".join(parts))} · near {near or "none"}</p>'


def _flags(handbook: Handbook, factor: Factor) -> Iterator[str]:
    same = same_formula(factor)
    if same:
        yield f"same formula as {', '.join(map(link, same))}"
    found = handbook.first(factor.name)
    if found is None:
        return
    yield from _twins([(name, value) for name, value in found.twins if name not in same])
    if found.flat:
        yield f"flat: about {found.distinct:.0f} values a day"
    yield from (f"{DEPENDS[what]} ({signed(found.units[what])})" for what in found.depends_on)


def _twins(pairs: Sequence[tuple[str, float]]) -> Iterator[str]:
    """One flag for each kind of twin: the same order or nearly, the same direction or the opposite one."""
    kinds: dict[str, list[str]] = {}
    for name, value in pairs:
        nearly, opposite = "" if abs(value) >= ONE_ORDER else "nearly ", "opposite " if value < 0 else ""
        kinds.setdefault(f"{nearly}the {opposite}order of", []).append(link(name))
    yield from (f"{kind} {', '.join(links)}" for kind, links in kinds.items())


# --------------------------------------------------------------------------------------------- all of them


def handbook_csv(handbook: Handbook) -> HTML:
    """A link to everything as one table: a row per factor and panel."""
    rows = [_row(source, factor, found) for source in handbook.sources for factor, found in handbook.computed(source)]
    link_ = csv_link(pd.DataFrame(rows), "factor_handbook")
    return html(f'<div class="exhibit">Every factor on every panel, with its formula: {link_}</div>')


def _row(source: str, factor: Factor, found: Measures) -> dict[str, object]:
    relatives = {f"relative {k + 1}": f"{name} {value:+.3f}" for k, (name, value) in enumerate(found.relatives)}
    return {
        "panel": source, "factor": factor.name, "family": factor.family, "theme": factor.theme,
        "formula": factor.formula, "latex": latex(factor.node), "window": factor.window,
        "memory": factor.node.memory + 1, "inputs": " ".join(factor.fields), "source": factor.source,
        "coverage": found.coverage, "rank_ic": found.rank_ic.value, "rank_ic.low": found.rank_ic.low,
        "rank_ic.high": found.rank_ic.high, "persistence": found.persistence, "distinct": found.distinct,
        **{what: found.units.get(what) for what in UNITS}, "apart from float64": found.apart,
        "twins": " ".join(f"{name} {value:+.4f}" for name, value in found.twins), **relatives,
    }  # fmt: skip


def flagged(handbook: Handbook) -> HTML:
    """Twins, flat factors and factors that depend on units: kept, and named here."""
    kinds: dict[str, list[str]] = {}
    for factor in catalogue(PUBLISHED).values():
        found = handbook.first(factor.name)
        if found is None:
            continue
        if found.twins:
            kinds.setdefault("near-duplicate: the order of another factor, or nearly", []).append(factor.name)
        if found.flat:
            kinds.setdefault(f"flat: at most {FLAT} values a day", []).append(factor.name)
        for what in found.depends_on:
            kinds.setdefault(DEPENDS[what], []).append(factor.name)
    rows = [{"flag": kind, "factors": len(names), "which": " ".join(names)} for kind, names in kinds.items()]
    return table(pd.DataFrame(rows, columns=["flag", "factors", "which"]), "factor_handbook_flagged",
                 formats={"which": _links},
                 caption="every factor on the first price file that has its fields")  # fmt: skip


def precision_table(handbook: Handbook, source: str, most: int = 12) -> HTML:
    """The factors with the largest remainder against float64 on one panel; all of them in the CSV beside it."""
    rows = [
        {"factor": factor.name, "apart from float64": found.apart, "formula": factor.formula}
        for factor, found in handbook.computed(source)
        if math.isfinite(found.apart)
    ]
    frame = pd.DataFrame(rows, columns=["factor", "apart from float64", "formula"])
    worst = frame.sort_values("apart from float64", ascending=False, kind="stable").head(most)
    heads = {"factor": "factor", "apart from float64": "cells apart from float64", "formula": "formula"}
    return table(worst, "factor_handbook_precision", columns=heads,
                 caption=f"the {most} factors with the largest share, {source_title(source)}",
                 formats={"factor": _links, "apart from float64": ".3%", "formula": _formula})  # fmt: skip


def not_computed(handbook: Handbook) -> HTML:
    """Which factors could not be computed on which panel, and which fields it lacks for them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for source in handbook.sources:
        for name in catalogue(PUBLISHED):
            if lacking := handbook.lacks(source, name):
                groups.setdefault((source, ", ".join(sorted(lacking))), []).append(name)
    rows = [{"panel": source_title(source), "lacks": fields, "factors": len(names), "which": " ".join(names)}
            for (source, fields), names in groups.items()]  # fmt: skip
    if not rows:
        return html("<p>Every factor could be computed.</p>")
    return table(pd.DataFrame(rows, columns=["panel", "lacks", "factors", "which"]), "factor_handbook_not_computed",
                 formats={"which": _links})  # fmt: skip


def _formula(text: object) -> str:
    """Code that may be broken after a comma."""
    return f"<code>{breakable(str(text)).replace(',', ',<wbr>')}</code>"


def _links(names: object) -> str:
    return " ".join(f'<a href="#{name}">{breakable(name)}</a>' for name in str(names).split())
