"""The page "factor_handbook": every factor with its formula and its measures, and what they have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.paper.pages import plot
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.sources import source_title
from lib.studies.factor_handbook import html
from lib.studies.factor_handbook.handbook import Handbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "What does each factor compute, on how many cells does it have a value when every day of its window must be "
    "tradable, does it say anything about the next day, and which other factors say the same?"
)
ADVICE = (
    "Report the coverage of a factor beside its IC: long strict windows describe the stocks that are seldom masked.",
    "Remove near-duplicates before a model weighs its inputs: it would count one opinion twice.",
    "Do not rank raw prices or share counts across stocks: a split changes the order, not the company.",
)
#: windows, in days, whose coverage is compared
SHORT, LONG = 10, 60


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says of the first panel."""
    handbook = Handbook.of(frame)
    source = handbook.sources[0]
    return [_coverage(handbook, source), _information(handbook, source), _likeness(handbook, source),
            _units(handbook, source), _precision(handbook, source)]  # fmt: skip


def _coverage(handbook: Handbook, source: str) -> Finding:
    short = handbook.median_coverage(source, lambda days: days <= SHORT)
    long = handbook.median_coverage(source, lambda days: LONG <= days < math.inf)
    return Finding(
        "Windows that need every day keep {short:.0%} of the cells if they have up to {short_days} days, and "
        "{long:.0%} from {long_days} days on (medians over factors, {panel}).",
        short_days=SHORT, long_days=LONG, short=short, long=long, panel=source_title(source), holds=long < short,
    )  # fmt: skip


def _information(handbook: Handbook, source: str) -> Finding:
    signs = [item.rank_ic.sign for item in handbook.papers(source) if math.isfinite(item.rank_ic.low)]
    apart, number, chance = sum(sign != 0 for sign in signs), len(signs), 0.05 * len(signs)
    numbers: dict[str, Any] = {"apart": apart, "number": number, "chance": chance, "panel": source_title(source)}
    start = (
        "{apart:.0f} of the {number:.0f} factors of the papers that can be computed on {panel} have a rank IC whose "
        "95 % interval excludes zero"
    )
    return first([
        Finding(f"{start}. If none had any information, about {{chance:.0f}} would.", **numbers,
                holds=apart > 2 * chance),
        Finding(f"{start}, about as many as without any information ({{chance:.0f}}).", **numbers,
                holds=apart <= 2 * chance),
    ])  # fmt: skip


def _likeness(handbook: Handbook, source: str) -> Finding:
    within, between = handbook.likeness(source)
    papers = handbook.papers(source)
    return Finding(
        "{twins} of these {number} factors are near-duplicates of another one (rank correlation of 0.99 or more). The "
        "papers' families are not groups of like factors: two factors of one family correlate {within:.2f} on average, "
        "of two families {between:.2f}.",
        twins=sum(handbook.has_twin(item) for item in papers), number=len(papers), within=within, between=between,
        holds=within - between < 0.15,
    )  # fmt: skip


def _units(handbook: Handbook, source: str) -> Finding:
    every = [item for _, item in handbook.computed(source) if item.units]
    moved = sum(bool({"price level", "volume level"} & set(item.depends_on)) for item in every)
    return Finding(
        "{moved} of the {number} factors that can be computed on {panel}, Kakushadze's included, order stocks "
        "differently when prices or share counts are rescaled stock by stock, as a split does.",
        moved=moved, number=len(every), panel=source_title(source), holds=moved > 0,
    )  # fmt: skip


def _precision(handbook: Handbook, source: str) -> Finding:
    found = handbook.apart(source)
    worst, name = found[0] if found else (math.nan, "")
    return Finding(
        "Single precision costs little: {whole} of {number} factors agree with float64 in every cell. In the worst "
        "one, {name}, {worst:.2%} of the cells differ.",
        whole=sum(share == 0 for share, _ in found), number=len(found), worst=worst, name=name, holds=worst < 0.01,
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def _drawn(
    shown: PageResult, draw: Callable[..., Figure], title: Callable[[Handbook, str], Finding], neutral: str
) -> HTML:
    """One picture for each panel, in tabs, under the sentence of that panel."""
    handbook = Handbook.of(shown.rows)
    note = shown.name if shown.evidence else f"{shown.name}: a check of the pipeline"

    def picture(source: str) -> HTML:
        text = title(handbook, source).title(neutral) if shown.evidence else neutral
        return plot(draw(handbook, source, text, note))

    return tabs({source_title(source): picture(source) for source in handbook.sources})


def coverage(shown: PageResult) -> HTML:
    """Coverage against the days that a factor reads."""
    from lib.studies.factor_handbook.figures import coverage_by_window

    return _drawn(shown, coverage_by_window, _coverage, "Coverage by length of the window")


def information(shown: PageResult) -> HTML:
    """Rank IC of every factor with its interval, by family."""
    from lib.studies.factor_handbook.figures import information_by_family

    return _drawn(shown, information_by_family, _information, "Rank IC of every factor, by family")


def likeness(shown: PageResult) -> HTML:
    """Mean absolute rank correlation between families."""
    from lib.paper.pages.forms import heat_map, one_axis

    def draw(handbook: Handbook, source: str, title: str, note: str) -> Figure:
        families = handbook.families(source)
        size = np.array([[handbook.between(source, one, other) for other in families] for one in families])
        figure = heat_map(size, families, families, title, "mean absolute rank correlation", note=note)
        one_axis(figure).tick_params(axis="x", labelrotation=55)
        return figure

    def title(handbook: Handbook, source: str) -> Finding:
        within, between = handbook.likeness(source)
        return Finding(
            "Two factors of one family correlate {within:.2f} on average, of two families {between:.2f}.",
            within=within, between=between, holds=True,
        )  # fmt: skip

    return _drawn(shown, draw, title, "Rank correlation between families")


# ---------------------------------------------------------------------------------- tables and entries


def index(shown: PageResult) -> HTML:
    """Every factor in one table, with a link to its entry."""
    return html.family_index(Handbook.of(shown.rows))


def entries(shown: PageResult, family: str) -> HTML:
    """The entries of a family, folded."""
    return html.family_cards(Handbook.of(shown.rows), family)


def flagged(shown: PageResult) -> HTML:
    """Near-duplicates, flat factors and factors that depend on units."""
    return html.flagged(Handbook.of(shown.rows))


def precision(shown: PageResult) -> HTML:
    """The factors with the largest remainder against float64."""
    handbook = Handbook.of(shown.rows)
    return html.precision_table(handbook, handbook.sources[0])


def not_computed(shown: PageResult) -> HTML:
    """Factors for which a panel lacks a field."""
    return html.not_computed(Handbook.of(shown.rows))


def download(shown: PageResult) -> HTML:
    """Everything as one table."""
    return html.handbook_csv(Handbook.of(shown.rows))
