"""The page "mask_ablation": what each mask is worth in markets whose truth is known, before costs and after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.ablation import LEARNERS, PAIRS, SHOWN, Ablation, side_by_side
from lib.evaluation.books import COST
from lib.evaluation.conditions import conditions, of_condition
from lib.paper.claims import Answer
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening
from lib.paper.pages.picker import picker
from lib.stats.over_seeds import OverSeeds
from lib.studies.mask_ablation import common, paradox, tables
from lib.studies.mask_ablation.common import GROSS, MATCHED, NET, forests, papers_mask, rows_deleted, windows
from lib.studies.mask_ablation.tables import (
    ANSWERED,
    MARKETS,
    OF_ALPHA,
    SHORT,
    TRUTH_SUMMARY,
    Levels,
    alpha_levels,
    alpha_table,
    cases,
    judged_contrasts,
    papers_table,
)

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "In a simulated market everybody can look up what could have been earned. Which mask helps a model to find it: one "
    "on the labels, on the orders, or on the rolling windows of the factors? And does it help before trading costs?"
)
ADVICE = (
    "Leave returns that no order could have had out of the labels, and untradable stocks out of the orders.",
    "Do not expect money from windows that skip masked days.",
    "Compare masks before costs first. A mask that withholds predictions trades less, and looks better after costs "
    "for that reason alone.",
)
#: pairs for which learners and sizes of market are compared
FEW_PAIRS = ("labels_only - none", "row_deletion - none", "mask_skip - row_deletion", "mask_paper - none")
SHARPE = f"difference of the active Sharpe ratio (over equal weight), next open; costs: {COST} bps a side"
SHARPE_GROSS = "difference of the active Sharpe ratio (over equal weight) before costs, next open"
PAGE, TRUTH = "mask_ablation", "earnable, correlation"
EARNED = "correlation with what can be earned"
CLAIM_IDS = (*tables.CLAIM_IDS, *paradox.CLAIM_IDS)


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says, with ridge, where limits bind as often as the papers say, if that was run."""
    ran = conditions(frame)
    condition = ANSWERED if ANSWERED in ran else ran[0]
    part = OverSeeds(of_condition(frame, condition))
    found = {learner: Ablation(part, learner) for learner in LEARNERS}
    ridge = found["ridge"]
    said = [parts_of_the_mask(ridge), rows_deleted(ridge), windows(ridge), papers_mask(ridge)]
    run = {learner: item.contrast("row_deletion", "none", GROSS) for learner, item in found.items()
           if item.has("row_deletion - none")}  # fmt: skip
    alpha = planted(alpha_levels(frame, condition, float("inf")))
    return said + ([each_learner(run)] if len(run) == len(LEARNERS) else []) + ([alpha] if alpha else [])


def parts_of_the_mask(found: Ablation) -> Finding:
    """Labels against windows, by what the model then knows of what can be earned."""
    labels = found.contrast("labels_only", "none", "truth_ic")
    skip = found.contrast("mask_skip", "row_deletion", "truth_ic")
    reach = max(abs(skip.low), abs(skip.high))
    numbers: dict[str, Any] = {"labels": labels, "windows": skip}
    return first([
        Finding("The mask works through the labels. Leaving untradable returns out of them raises the correlation of "
                "predictions with what can be earned by {labels:+.3f}; windows that skip masked days, with labels and "
                "orders fixed, change it by {windows:+.3f}.", holds=labels.low > reach, **numbers),
        Finding("Masked windows raise the correlation of predictions with what can be earned by {windows:+.3f}, masked "
                "labels change it by {labels:+.3f}: both have to be masked.", holds=skip.low > 0, **numbers),
        Finding("Masked labels raise the correlation of predictions with what can be earned by {labels:+.3f}; for "
                "masked windows, {windows:+.3f}, a gain as large is not excluded.", holds=labels.low > 0, **numbers),
        Finding("Neither masked labels nor masked windows are shown to raise the correlation of predictions with what "
                "can be earned: {labels:+.3f} and {windows:+.3f}.",
                holds=labels.low <= 0 and skip.low <= 0, **numbers),
    ])  # fmt: skip


def each_learner(gains: Mapping[str, Any]) -> Finding:
    """Whether the gain of row deletion before costs depends on the learner."""
    lows, highs = [item.low for item in gains.values()], [item.high for item in gains.values()]
    same = "ridge {ridge:+.2f}, LightGBM {lightgbm:+.2f}, MLP {mlp:+.2f}."
    return first([
        Finding("Deleting rows raises the active Sharpe ratio before costs with every learner: " + same,
                holds=min(lows) > 0, **gains),
        Finding("Deleting rows lowers the active Sharpe ratio before costs with every learner: " + same,
                holds=max(highs) < 0, **gains),
        Finding("What deleting rows does to the active Sharpe ratio before costs depends on the learner: " + same,
                holds=min(lows) <= 0 and max(highs) >= 0, **gains),
    ])  # fmt: skip


def planted(levels: Levels) -> Finding | None:
    """Whether Sharpe ratios depend on the planted alpha; None where one alpha was run."""
    of_none = levels.get("none", {})
    if len(of_none) < 2:
        return None
    most, least = (of_none[alpha][1] for alpha in (max(of_none), min(of_none)))
    numbers: dict[str, Any] = {"most": most, "least": least, "alpha": min(of_none)}
    return first([
        Finding("How much can be earned is a choice of the simulation. Unmasked, the active Sharpe ratio before costs "
                "is {most:+.1f} with all of the planted alpha and {least:+.1f} with an alpha of {alpha:g}, so effects "
                "in Sharpe units hold for their own alpha only.", holds=grows(levels), **numbers),
        Finding("That the active Sharpe ratio before costs depends on the planted alpha is not shown by these markets: "
                "unmasked {most:+.1f} with all of it, {least:+.1f} with {alpha:g}.",
                holds=not grows(levels), **numbers),
    ])  # fmt: skip


def grows(levels: Levels) -> bool:
    """Whether the Sharpe ratios of the largest and of the smallest alpha, unmasked, have intervals that lie apart."""
    of_none = levels["none"]
    return of_none[max(of_none)][1].low > of_none[min(of_none)][1].high


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def learned(shown: PageResult) -> HTML:
    """Predictions of each mask: correlation with the move that limits cut off, and with what can be earned."""

    def said(found: Ablation) -> Finding:
        cut, earned = (found.level("none", metric) for metric in ("unfilled_ic", "truth_ic"))
        return Finding("Unmasked, a model learns the move that limits cut off ({cut:.2f}) more than what can be earned "
                       "({earned:.2f})", cut=cut.value, earned=earned.value, holds=cut.low > earned.high)  # fmt: skip

    series = {"move cut off": "unfilled_ic", "what can be earned": "truth_ic"}
    unit = "mean daily correlation with the predictions"
    return forests(cases(shown), SHOWN, series, unit, "What a model has learned", said)


def seen(shown: PageResult) -> HTML:
    """What a back-test sees: the IC on all cells, and on cells that can be bought."""

    def said(found: Ablation) -> Finding:
        every, some = (found.level("none", metric) for metric in ("apparent_ic", "m1_ic"))
        return Finding("Unmasked, the IC is {every:.3f} on all cells and {some:.3f} on cells that can be bought",
                       every=every.value, some=some.value, holds=every.low > some.high)  # fmt: skip

    series = {"all cells": "apparent_ic", "cells that can be bought": "m1_ic"}
    return forests(cases(shown), SHOWN, series, "mean daily IC", "The IC by the cells it is taken on", said)


def earned(shown: PageResult) -> HTML:
    """Active Sharpe ratio before costs by mask: every order filled, and as executed."""

    def said(found: Ablation) -> Finding:
        deleted, none = (found.level(name, GROSS) for name in ("row_deletion", "none"))
        return Finding("Before costs: active Sharpe ratio {deleted:.1f} with deleted rows, {none:.1f} unmasked",
                       deleted=deleted.value, none=none.value, holds=deleted.low > none.high)  # fmt: skip

    series = {"every order filled": "naive_close.active_sharpe_gross", "executed": GROSS}
    unit = "active Sharpe ratio (over equal weight) a year, before costs"
    return forests(cases(shown), SHOWN, series, unit, "What each mask earns before costs", said)


def costs(shown: PageResult) -> HTML:
    """Pairs of masks: the difference before costs, after them, and at matched turnover; both turnovers."""

    def said(found: Ablation) -> Finding:
        books = found.books("mask_paper", "none")
        return Finding("The papers' mask against none: Sharpe ratio {gross:+.1f} before costs, {net:+.1f} after them",
                       gross=books.gross.value, net=books.net.value,
                       holds=books.gross.low <= 0 < books.net.low)  # fmt: skip

    series = {"before costs": GROSS, "after costs": NET, "matched": MATCHED}
    title = "What a mask earns, and what it saves in costs"
    return forests(cases(shown), PAIRS, series, SHARPE, title, said, books=True)


def _compared(
    groups: Mapping[str, Mapping[str, Ablation]],
    note: str,
    neutral: str,
    title: Callable[[Mapping[str, Ablation]], str] = lambda _: "",
) -> HTML:
    """One for every market and metric: pairs of masks down, a dot for each ablation of the market's group."""
    from lib.paper.pages.forms import forest

    parts = {}
    for metric, label, unit in (
        (GROSS, "before costs", SHARPE),
        ("truth_ic", "correlation", f"change of the mean daily {EARNED}"),
    ):
        for limits, found in groups.items():
            rows = side_by_side(found, FEW_PAIRS, metric)
            if rows and len(found) > 1:
                picture = forest(
                    rows,
                    title(found) * (metric == GROSS) or neutral,
                    unit,
                    series=tuple(found),
                    note=f"{MARKETS[limits]}; {note}",
                )
                parts[f"{label}, {SHORT[limits]}"] = plot(picture)
    return picker("measure and market", parts)


def learners(shown: PageResult) -> HTML:
    """The same pairs with every learner, and with ridge on ranked features."""
    every = list(cases(shown, plain=False))
    groups = {
        limits: {LEARNERS[case.found.learner] + ", ranks" * case.condition.endswith("ranks"): case.found
                 for case in every if case.condition in (limits, f"{limits}, ranks")}
        for limits in MARKETS
    }  # fmt: skip

    def title(found: Mapping[str, Ablation]) -> str:
        gains = {item.learner: item.contrast("row_deletion", "none", GROSS) for item in found.values()}
        return each_learner(gains).title("").partition(":")[0] if set(gains) == set(LEARNERS) else ""

    return _compared(groups, shown.note, "What the learner changes", title)


def large(shown: PageResult) -> HTML:
    """The same pairs on markets of more stocks, with ridge."""
    every = {case.condition: case.found for case in cases(shown, plain=False) if case.found.learner == "ridge"}
    own, groups = f"{shown.setting('n_stocks')} stocks", {}
    for limits in MARKETS:
        more = {name.rpartition(", ")[2]: item for name, item in every.items()
                if name.startswith(f"{limits}, ") and name.endswith(" stocks")}  # fmt: skip
        groups[limits] = {own: every[limits], **more} if limits in every else {}
    return _compared(groups, f"ridge, {shown.name}", "The same pairs in large markets")


# --------------------------------------------------------------------------------------------- alpha


def by_alpha(shown: PageResult, real: pd.DataFrame | None = None) -> HTML:
    """IC and Sharpe ratio before costs by planted alpha; real: rows of `mask_ablation_real`, whose alpha is unknown."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREEN, GREY, ORANGE, VERMILLION

    colors = dict(zip(OF_ALPHA, (VERMILLION, ORANGE, BLUE, GREEN), strict=True))
    names = dict(zip(OF_ALPHA, ("unmasked", "rows deleted", "windows skip", "papers' mask"), strict=True))
    file = Ablation.of(real) if real is not None else None
    parts: dict[str, HTML] = {}
    for limits, market in MARKETS.items():
        levels = alpha_levels(shown.rows, limits, shown.setting("alpha"))
        if planted(levels) is None:
            continue
        neutral = "IC and Sharpe ratio by planted alpha"
        title = "The more alpha is planted, the larger IC and Sharpe ratio" if grows(levels) else neutral
        panels = {}
        alphas = sorted({alpha for found in levels.values() for alpha in found})
        for place, (label, metric) in enumerate((("mean daily IC, cells that can be bought", "m1_ic"),
                                                 ("active Sharpe ratio a year, before costs", GROSS))):  # fmt: skip
            lines = [Line(names[mask], sorted(found), [found[alpha][place] for alpha in sorted(found)], colors[mask])
                     for mask, found in levels.items()]  # fmt: skip
            if file is not None and (level := file.level("none", metric).value) == level:
                lines.append(Line("CSI 300", [alphas[0], alphas[-1]], [level, level], GREY, dashed=True))
            panels[label] = lines
        ticks = {alpha: f"{alpha:g}" for alpha in alphas}
        picture = lines_by_group(panels, title, "planted alpha, in units of a stock's volatility", "", zero=True,
                                 ticks=ticks, note=f"ridge, {market}; {shown.note}")  # fmt: skip
        parts[market] = plot(picture)
    return picker("limit rate", parts)


# -------------------------------------------------------------------------------------------- tables


def variants() -> HTML:
    """What each mask computes, learns, predicts and orders from."""
    return common.variants(PAGE)


def levels(shown: PageResult) -> HTML:
    """Every mask, one for each learner and kind of market."""
    return common.level_tables(PAGE, cases(shown, plain=False), TRUTH_SUMMARY, "truth_ic", TRUTH)


def contrasts(shown: PageResult) -> HTML:
    """Every pair, one for each learner and kind of market."""
    return common.contrast_tables(PAGE, cases(shown, plain=False),
                                  lambda case: judged_contrasts(case.rows, case.found.learner), "truth_ic", TRUTH,
                                  truth_ic="+.3f")  # fmt: skip


def by_alpha_table(shown: PageResult) -> HTML:
    """Masks by planted alpha, one for each rate of limits."""
    heads = {"alpha": "alpha", "mask": "mask", "m1_ic": "IC, buyable cells", GROSS: "Sharpe, before costs",
             NET: f"after {COST} bps a side", "executed_open.turnover": "turnover a day"}  # fmt: skip
    parts = {}
    for limits, market in MARKETS.items():
        rows = alpha_table(shown.rows, limits, shown.setting("alpha")).reset_index()
        if len(rows):
            name = f"mask_ablation_alpha_{limits.replace(' ', '_').lower()}"
            parts[market] = table(rows, name, columns=heads, caption=f"ridge, {market}; {shown.note}")
    return picker("limit rate", parts)


def papers(shown: PageResult) -> HTML:
    """Appendix B's mask table beside ours, one for each learner and rate of limits."""
    heads = {"measure": "measure", "mask": "mask", "paper": "paper", "ours": "here"}
    return picker("learner and market", {
        case.label: table(papers_table(case.rows, case.found.learner), f"mask_ablation_appendix_b_{case.name}",
                          columns=heads, formats={"paper": ".4g"}, caption=case.caption)
        for case in cases(shown)
    })  # fmt: skip


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The papers' mask table, and the order of their paradox."""
    return [*tables.answer_claims(frame), *paradox.answer_claims(frame)]
