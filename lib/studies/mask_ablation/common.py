"""What the pages of the two ablations say, draw and list alike: masks compared as books, one for each case.

A Case is one learner in one condition: a kind of simulated market, or a span of test years.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.ablation import WORDS, Ablation, definitions, in_words
from lib.evaluation.books import COST, Books
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, by_sign, first
from lib.paper.pages.picker import picker
from lib.stats.over_seeds import interval_table

if TYPE_CHECKING:
    from IPython.display import HTML

GROSS, NET, MATCHED = (
    f"executed_open.{name}" for name in ("active_sharpe_gross", "active_sharpe", "matched.active_sharpe")
)
TURNOVERS = "; on the right: turnover a day, first | second mask"
AFTER = "after {cost} bps a side the difference is {net:+.2f}, at matched turnover {matched}."


@dataclass(frozen=True)
class Case:
    """One learner in one condition. label: in a list; words: for small print."""

    condition: str
    found: Ablation
    rows: pd.DataFrame
    note: str
    label: str
    words: str

    @property
    def name(self) -> str:
        """For file names."""
        return f"{self.found.learner}_{self.condition or 'walk'}".replace(", ", "_").replace(" ", "_").lower()

    @property
    def caption(self) -> str:
        """Small print under what is shown of it."""
        return f"{self.words}; {self.note}"


# ------------------------------------------------------------------------------------------ findings


def _trading(books: Books) -> dict[str, Any]:
    """The numbers of a pair of books that the sentences quote."""
    matched = books.matched.text() if books.matched.value == books.matched.value else "not to be had"
    return {"gross": books.gross, "net": books.net, "matched": matched, "cost": str(COST)}


def rows_deleted(found: Ablation) -> Finding:
    """What row deletion earns: before costs, after them, at matched turnover."""
    books = found.books("row_deletion", "none")
    what = "Deleting untradable rows from labels and orders"
    ratio = "active Sharpe ratio (over equal weight, next open)"
    return by_sign(
        books.gross,
        f"{what} earns more before costs: the {ratio} rises by {{gross:+.2f}}; {AFTER}",
        f"{what} earns less before costs: the {ratio} falls by {{gross:+.2f}}; {AFTER}",
        f"{what} is not shown to earn more before costs: the {ratio} changes by {{gross:+.2f}}; {AFTER}",
        **_trading(books),
    )


def windows(found: Ablation) -> Finding:
    """What masked windows earn, labels and orders fixed."""
    books = found.books("mask_skip", "row_deletion")
    what = "With labels and orders fixed, windows that skip masked days"
    return by_sign(
        books.gross,
        f"{what} earn more before costs: the Sharpe ratio over equal weight rises by {{gross:+.2f}}; {AFTER}",
        f"{what} earn less before costs: the Sharpe ratio over equal weight falls by {{gross:+.2f}}; {AFTER}",
        f"{what} are not shown to earn anything: before costs the Sharpe ratio over equal weight changes by "
        "{gross:+.2f}; " + AFTER,
        **_trading(books),
    )


def papers_mask(found: Ablation) -> Finding:
    """The papers' whole mask against none: what it earns, and what it only saves in costs."""
    books = found.books("mask_paper", "none")
    gross, net = books.gross, books.net
    numbers: dict[str, Any] = {"gross": gross, "net": net, "cost": str(COST), "left": books.left, "right": books.right}
    traded = "{left:.0%} of the portfolio is traded a day instead of {right:.0%}."
    before = "before costs (Sharpe ratio over equal weight {gross:+.2f})"
    return first([
        Finding(f"The papers' mask earns less than no mask {before} and more after {{cost}} bps a side ({{net:+.2f}}). "
                "Its gain is trading saved: " + traded, holds=gross.high < 0 < net.low, **numbers),
        Finding(f"The papers' mask is not shown to earn more than no mask {before}. Its gain after {{cost}} bps a side "
                "({net:+.2f}) is trading saved: " + traded,
                holds=gross.low <= 0 <= gross.high and net.low > 0, **numbers),
        Finding(f"The papers' mask earns more than no mask {before}; after {{cost}} bps a side the difference is "
                "{net:+.2f}: " + traded, holds=gross.low > 0, **numbers),
        Finding(f"The papers' mask is not shown to earn more than no mask, neither {before} nor after {{cost}} bps a "
                "side ({net:+.2f}): " + traded, holds=gross.low <= 0 and net.low <= 0, **numbers),
    ])  # fmt: skip


# ------------------------------------------------------------------------------- figures and tables


def forests(
    cases: Iterable[Case],
    names: Sequence[str],
    series: Mapping[str, str],
    unit: str,
    neutral: str,
    said: Callable[[Ablation], Finding],
    books: bool = False,
) -> HTML:
    """One for every case: masks or pairs of masks down, a dot for each metric of `series`."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, GREEN, VERMILLION

    parts = {}
    for case in cases:
        rows, dots, colors = case.found.shown(names, series, (BLUE, VERMILLION, GREEN) if books else (VERMILLION, BLUE))
        right = {}
        if books:
            pairs = {in_words(name): case.found.books(*name.split(" - ")) for name in names}
            right = {label: f"{item.left:.0%} | {item.right:.0%}" for label, item in pairs.items() if item.left > 0}
        if rows:
            parts[case.label] = plot(forest(rows, said(case.found).title(neutral), unit, series=dots, colors=colors,
                                            right=right, note=case.caption + TURNOVERS * bool(right)))  # fmt: skip
    return picker("learner and market", parts)


def variants(page: str) -> HTML:
    """What each mask computes, learns, predicts and orders from."""
    heads, rows = ("mask", "windows", "labels", "orders", "identifier"), definitions()
    rows.loc[rows["identifier"] == "flags", "orders"] = "listed; none at limits or in halts"
    return table(rows, f"{page}_variants", columns={name: name for name in heads})


def level_tables(page: str, cases: Iterable[Case], metrics: Sequence[str], measure: str, words: str) -> HTML:
    """Every mask, one for each case; the measure that comes first, in words."""
    heads = {"mask": "mask", measure: words, GROSS: "Sharpe, before costs", NET: f"after {COST} bps a side",
             "executed_open.turnover": "turnover a day"}  # fmt: skip
    parts = {}
    for case in cases:
        rows = {text: f"{mask} {case.found.learner}" for mask, text in WORDS.items()}
        found = interval_table(case.found.numbers, rows, metrics, "mask").dropna(axis=1, how="all")
        parts[case.label] = table(found, f"{page}_levels_{case.name}", columns=heads, formats={measure: "+.3f"},
                                  caption=case.caption)  # fmt: skip
    return picker("learner and market", parts)


def contrast_tables(
    page: str, cases: Iterable[Case], contrasts: Callable[[Case], pd.DataFrame], measure: str, words: str, **forms: str
) -> HTML:
    """Every pair, one for each case that has any; the measure that comes first, in words."""
    heads = {"pair": "pair of masks", measure: words, GROSS: "Sharpe, before costs", NET: f"after {COST} bps",
             MATCHED: "matched"}  # fmt: skip
    parts = {}
    for case in cases:
        rows = contrasts(case).rename_axis("contrast").reset_index()
        rows.insert(0, "pair", [in_words(name).replace("\n", " ") for name in rows["contrast"]])
        if len(rows):
            parts[case.label] = table(rows, f"{page}_contrasts_{case.name}", columns=heads,
                                      formats=forms, caption=case.caption)  # fmt: skip
    return picker("learner and market", parts)
