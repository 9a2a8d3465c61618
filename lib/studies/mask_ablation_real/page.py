"""The page "mask_ablation_real": what each part of the mask changes on real prices, before costs and after them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.ablation import LEARNERS, PAIRS, SHOWN, Ablation, side_by_side
from lib.evaluation.ablation_tables import CONTRAST_SUMMARY, SUMMARY, contrast_table
from lib.evaluation.books import COST
from lib.evaluation.conditions import conditions, of_condition
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, by_sign, first
from lib.paper.pages.layout import opening, tabs
from lib.studies.mask_ablation import common
from lib.studies.mask_ablation.common import GROSS, MATCHED, NET, forests, papers_mask, rows_deleted, windows
from lib.studies.mask_ablation_real.measure import WALK
from lib.studies.mask_ablation_real.tables import cases, span, window_years

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers compare a pipeline with the mask everywhere against one with the mask nowhere. Which part of the mask "
    "matters on real prices, the labels, the orders or the rolling windows, and does it matter before trading costs?"
)
ADVICE = (
    "Leave returns that no order could have had out of the labels.",
    "Fill orders as the exchange would: an order at the limit is not filled.",
    "Compare masks before costs first, and report the turnover of both sides.",
)
#: what windows are compared by: money over equal weight, gross of costs before net, and information
COMPARED = {
    GROSS: "difference of the active Sharpe ratio (over equal weight) before costs, next open",
    "m1_ic": "difference of the mean daily IC, on cells that can be bought",
    NET: f"difference of the active Sharpe ratio (over equal weight) after {COST} bps a side, next open",
}
PAGE = "mask_ablation_real"
TABS = {GROSS: "Sharpe ratio before costs", "m1_ic": "IC", NET: "Sharpe ratio after costs"}


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, with ridge on the walk, if that was run."""
    ran = conditions(frame)
    found = Ablation.of(of_condition(frame, "" if "" in ran else ran[0]))
    return [labels(found), papers_mask(found), windows(found), phantom(found), rows_deleted(found), paid(found)]


def labels(found: Ablation) -> Finding:
    """Labels against windows, by the IC on cells that can be bought."""
    masked = found.contrast("labels_only", "none", "m1_ic")
    return by_sign(
        masked,
        "Leaving untradable returns out of the labels raises the IC on cells that can be bought by {labels:+.4f}; "
        "windows that skip masked days, labels and orders fixed, change it by {windows:+.4f}.",
        "Leaving untradable returns out of the labels lowers the IC on cells that can be bought by {labels:+.4f}; "
        "windows that skip masked days, labels and orders fixed, change it by {windows:+.4f}.",
        "Leaving untradable returns out of the labels is not shown to change the IC on cells that can be bought, "
        "{labels:+.4f}; windows that skip masked days, labels and orders fixed, change it by {windows:+.4f}.",
        labels=masked, windows=found.contrast("mask_skip", "row_deletion", "m1_ic"),
    )  # fmt: skip


def phantom(found: Ablation) -> Finding:
    """What orders that cannot be filled would have earned without a mask."""
    total = found.numbers.tested(f"none {found.learner}", "phantom_close")
    return by_sign(
        total,
        "An unmasked back-test that fills every order at the close reports {total:+.1%} a year that no order could "
        "have earned.",
        "In an unmasked back-test the orders that cannot be filled at the close would have lost money: {total:+.1%} a "
        "year.",
        "What orders that cannot be filled at the close add to an unmasked back-test cannot be told from zero: "
        "{total:+.1%} a year.",
        total=total,
    )


def paid(found: Ablation) -> Finding:
    """Whether any mask earns its trading costs, as executed."""
    none, deleted = (found.numbers.tested(f"{mask} {found.learner}", NET) for mask in ("none", "row_deletion"))
    every = [found.numbers.tested(f"{mask} {found.learner}", NET) for mask in found.variants]
    numbers: dict[str, Any] = {"none": none, "deleted": deleted, "cost": str(COST),
                               "turnover": found.level("none", "executed_open.turnover").value}  # fmt: skip
    return first([
        Finding("No mask is shown to pay for its trading: after {cost} bps a side the active Sharpe ratio is "
                "{none:+.2f} unmasked, with {turnover:.0%} of the portfolio traded a day, and {deleted:+.2f} with rows "
                "deleted.", holds=max(item.low for item in every) <= 0, **numbers),
        Finding("Some masks pay for their trading: after {cost} bps a side the active Sharpe ratio is {none:+.2f} "
                "unmasked, with {turnover:.0%} of the portfolio traded a day, and {deleted:+.2f} with rows deleted.",
                holds=max(item.low for item in every) > 0, **numbers),
    ])  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def seen(shown: PageResult) -> HTML:
    """What a back-test sees: the IC on all cells, and on cells that can be bought."""

    def said(found: Ablation) -> Finding:
        every, some = (found.level("none", metric).value for metric in ("apparent_ic", "m1_ic"))
        inflated = found.contrast("universe_only", "none", "apparent_ic.inflation")
        return Finding("Unmasked, the IC is {every:.3f} on all cells and {some:.3f} on cells that can be bought",
                       every=every, some=some, holds=inflated.low > 0)  # fmt: skip

    series = {"all cells": "apparent_ic", "cells that can be bought": "m1_ic"}
    unit = "mean daily IC; the interval is that of one back-test of the papers' length"
    return forests(cases(shown), SHOWN, series, unit, "The IC by the cells it is taken on", said)


def costs(shown: PageResult) -> HTML:
    """Pairs of masks: the difference before costs, after them, and at matched turnover; both turnovers."""

    def said(found: Ablation) -> Finding:
        books = found.books("mask_skip", "row_deletion")
        return Finding("With rows deleted, windows that skip masked days are not shown to add Sharpe ratio: "
                       "{gross:+.2f} before costs", gross=books.gross.value,
                       holds=books.gross.low <= 0 <= books.gross.high)  # fmt: skip

    series = {"before costs": GROSS, "after costs": NET, "matched": MATCHED}
    unit = f"difference of the active Sharpe ratio (over equal weight), next open; costs: {COST} bps a side"
    return forests(cases(shown), PAIRS, series, unit, "What a mask earns, and what it saves in costs", said, books=True)


def phantom_alpha(shown: PageResult) -> HTML:
    """What orders that cannot be filled at the close would have earned a year, and the limit-up purchases of them."""
    from lib.paper.pages.forms import forest

    parts = {}
    for case in cases(shown):
        levels = case.found.rows(SHOWN, ("phantom_close", "phantom_close.limit_up_buys"))
        rows = {label: [item.times(100) for item in items] for label, items in levels.items()}
        if rows:
            title = phantom(case.found).title("Return of orders that cannot be filled")
            picture = forest(rows, title, "every order filled less executed, % a year, without costs",
                             series=("all refused orders", "limit-up purchases"),
                             note=case.caption)  # fmt: skip
            parts[case.label] = plot(picture)
    return tabs(parts)


def by_span(shown: PageResult) -> HTML:
    """The same pairs in each span of test years, a tab for each learner and measure."""
    groups: dict[str, dict[str, Ablation]] = {}
    for case in cases(shown):
        if "ranks" not in case.condition:
            name = case.condition.removesuffix(" window") or WALK
            groups.setdefault(LEARNERS[case.found.learner], {})[name] = case.found
    return _compared(groups, "The same differences in each span of test years", shown)


def by_learner(shown: PageResult) -> HTML:
    """The same pairs with each learner, a tab for each span of test years and measure."""
    groups: dict[str, dict[str, Ablation]] = {}
    for case in cases(shown):
        ranks = "ranks" in case.condition
        condition = case.condition.removesuffix("ranks").removesuffix(", ")
        groups.setdefault(span(condition), {})[LEARNERS[case.found.learner] + ", ranks" * ranks] = case.found
    return _compared(groups, "The same differences with each learner", shown)


def _compared(groups: Mapping[str, Mapping[str, Ablation]], title: str, shown: PageResult) -> HTML:
    """A tab for every measure and group: pairs of masks down, a dot for each ablation of the group."""
    from lib.paper.pages.forms import forest

    parts = {}
    for metric in (GROSS, "m1_ic"):
        for label, found in groups.items():
            rows = side_by_side(found, PAIRS, metric)
            if rows and len(found) > 1:
                note = f"{label}; {', '.join(shown.files) or shown.note}"
                picture = forest(rows, title, COMPARED[metric], series=tuple(found), note=note)
                parts[f"{TABS[metric]}, {label}"] = plot(picture)
    return tabs(parts)


# -------------------------------------------------------------------------------------------- tables


def years() -> HTML:
    """The years of the papers' windows."""
    return table(window_years(), "mask_ablation_real_windows")


def variants() -> HTML:
    """What each mask computes, learns, predicts and orders from."""
    return common.variants(PAGE)


def levels(shown: PageResult) -> HTML:
    """Every mask, a tab for each learner and span."""
    return common.level_tables(PAGE, cases(shown), SUMMARY, "m1_ic", "IC, buyable cells")


def contrasts(shown: PageResult) -> HTML:
    """Every pair, a tab for each learner and span."""
    return common.contrast_tables(PAGE, cases(shown),
                                  lambda case: contrast_table(case.rows, case.found.learner, CONTRAST_SUMMARY),
                                  "m1_ic", "IC, buyable cells")  # fmt: skip
