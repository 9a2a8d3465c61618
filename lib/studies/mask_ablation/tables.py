"""Tables of the ablation on simulated markets, and its answers to claims.

A row of the study is named "variant learner | condition"; a Case is one learner in one condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.ablation import LEARNERS, WORDS, Ablation
from lib.evaluation.ablation_tables import (
    APPENDIX_B,
    CONTRAST_SUMMARY,
    PAPER_VARIANTS,
    SUMMARY,
    contrast_table,
    variant_table,
)
from lib.evaluation.books import FILLS, Books
from lib.evaluation.conditions import LIMITS, conditions, of_condition
from lib.evaluation.variants import CONTRASTS
from lib.paper.claims import Answer, load_ledger
from lib.paper.pages.answers import answered
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, adjusted_p, interval_table, over_seeds
from lib.studies.mask_ablation.common import GROSS, MATCHED, NET, Case

if TYPE_CHECKING:
    from lib.paper.pages.result import PageResult

#: the claims, and the findings, are of the market where limits bind as often as the papers say
ANSWERED = LIMITS["paper"]
MARKETS = {LIMITS["paper"]: "limits as often as the papers say", LIMITS["real"]: "limits as often as in the CSI 300"}
SHORT = {LIMITS["paper"]: "papers' limits", LIMITS["real"]: "CSI 300 limits"}
#: columns of the tables: those of the real ablation and the comparison with the truth
TRUTH_SUMMARY = (SUMMARY[0], "truth_ic", "unfilled_ic", *SUMMARY[1:])
TRUTH_CONTRASTS = ("truth_ic", *CONTRAST_SUMMARY, "phantom_close")
#: contrasts are judged on these, in this order: what can be earned, what is seen of it, what a book makes of it before
#: costs, after them, and after them at the turnover of the other side
JUDGED = ("truth_ic", "m1_ic", GROSS, NET, MATCHED)
#: columns of the papers' table, in words
MEASURES = {
    "apparent_ic": "IC, all predicted cells",
    "sharpe": "Sharpe ratio a year, every order filled",
    "max_drawdown": "largest drawdown, %",
    "annual_return": "return a year, %",
}
APPENDIX = "B.appB.mask.synthetic"
MARK = ", alpha "
#: masks on markets of less alpha
OF_ALPHA = ("none", "row_deletion", "mask_skip", "mask_paper")
#: mask -> alpha -> (IC on cells that can be bought, active Sharpe ratio before costs)
Levels = dict[str, dict[float, tuple[Estimate, Estimate]]]


def cases(shown: PageResult, plain: bool = True) -> Iterator[Case]:
    """Every learner in every condition, the papers' limits first; plain: without ranks and large markets."""
    parts = shown.parts()
    for condition in sorted(parts, key=lambda name: (name.count(","), not name.startswith(ANSWERED))):
        if MARK not in condition and not (plain and "," in condition):
            for learner in Ablation.learners(parts[condition].rows):
                rows = parts[condition].rows
                part = replace(shown, rows=rows[rows["variant"].str.endswith(f" {learner}")])
                limits, *rest = condition.split(", ")
                label, words = (", ".join([LEARNERS[learner], *rest, names[limits]]) for names in (SHORT, MARKETS))
                yield Case(condition, Ablation(OverSeeds(part.rows), learner), part.rows, part.note, label, words)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Every condition and learner under each other: means over markets."""
    tables: dict[tuple[str, str], pd.DataFrame] = {}
    for condition in conditions(frame):
        part = over_seeds(of_condition(frame, condition))
        tables |= {(condition, learner): variant_table(part, learner, TRUTH_SUMMARY) for learner in LEARNERS}
    run = {key: table for key, table in tables.items() if len(table)}
    return pd.concat(run, names=["condition", "learner", "variant"])


def judged_contrasts(frame: pd.DataFrame, learner: str) -> pd.DataFrame:
    """Contrasts of one condition with intervals over markets, and p after Holm over all contrasts per metric.

    Where turnovers were matched in some of the markets only, how many they are.
    """
    found = contrast_table(over_seeds(frame), learner, TRUTH_CONTRASTS)
    for metric in JUDGED:
        p = adjusted_p(frame, [(f"{left} - {right} {learner}", metric) for left, right in CONTRASTS])
        if metric in found:
            place = list(found.columns).index(metric) + sum(metric + end in found for end in ("", ".low", ".high"))
            of_contrasts = [p.get((f"{name} {learner}", metric)) for name in found.index]
            found.insert(place, f"{metric}, p after Holm", of_contrasts)
    return _with_trading(found, frame, learner)


def _with_trading(found: pd.DataFrame, frame: pd.DataFrame, learner: str) -> pd.DataFrame:
    """Per run, in how many markets a buffer matches the turnovers, and the break-even cost of the mean returns."""
    numbers = OverSeeds(frame)
    for run in FILLS:
        matched = f"{run}.matched.active_sharpe"
        if matched not in found:
            continue
        names = [f"{name} {learner}" for name in found.index]
        counts = [len(numbers.seeds(name, matched)) for name in names]
        tried = [len(numbers.seeds(name, f"{run}.matched.validation_ratio")) for name in names]
        books = [Books.of(partial(numbers.find, name), run) for name in names]
        place = list(found.columns).index(matched)
        found.insert(place, f"{run}: markets matched", [f"{n} of {k}" for n, k in zip(counts, tried, strict=True)])
        found.insert(place, f"{run}: break-even bps", [item.break_even for item in books])
    return found


def papers_table(frame: pd.DataFrame, learner: str) -> pd.DataFrame:
    """Appendix B's mask table on synthetic data, row by row: the papers' number, ours with the interval of its mean.

    Drawdowns and returns are in per cent.
    """
    claimed = {claim.id: claim.claimed for claim in load_ledger()}
    numbers, rows = OverSeeds(frame), []
    for column, metric, unit in APPENDIX_B:
        for theirs, ours in PAPER_VARIANTS.items():
            paper = float(claimed[f"{APPENDIX}.{theirs}.{column}"] or 0)
            found = numbers.find(f"{ours} {learner}", metric).times(unit)
            rows.append({"measure": MEASURES[column], "mask": WORDS[ours], "paper": paper, **found.columns("ours")})
    return pd.DataFrame(rows)


def alpha_conditions(frame: pd.DataFrame, limits: str, own: float) -> dict[float, str]:
    """Planted alpha -> its condition, largest first, for one rate of limits; own: that of the study.

    Empty unless there is more than one, because one alpha compares nothing.
    """
    found = {own: limits} | {
        float(name.partition(MARK)[2]): name for name in conditions(frame) if name.startswith(limits + MARK)
    }
    return dict(sorted(found.items(), reverse=True)) if len(found) > 1 else {}


def alpha_levels(frame: pd.DataFrame, limits: str, own: float) -> Levels:
    """Mask -> alpha -> (IC on cells that can be bought, active Sharpe ratio before costs), of ridge."""
    found: Levels = {}
    for alpha, condition in alpha_conditions(frame, limits, own).items():
        numbers = OverSeeds(of_condition(frame, condition))
        for mask in OF_ALPHA:
            pair = numbers.find(f"{mask} ridge", "m1_ic"), numbers.find(f"{mask} ridge", GROSS)
            if all(item.value == item.value for item in pair):
                found.setdefault(mask, {})[alpha] = pair
    return {mask: levels for mask, levels in found.items() if len(levels) > 1}


def alpha_table(frame: pd.DataFrame, limits: str, own: float) -> pd.DataFrame:
    """Alpha and mask down, measures across with their intervals over markets."""
    metrics = ("truth_ic", "m1_ic", GROSS, NET, "executed_open.turnover", "executed_open.break_even_bps")
    rows = {(f"{alpha:g}", WORDS[mask]): f"{mask} ridge | {condition}"
            for alpha, condition in alpha_conditions(frame, limits, own).items() for mask in OF_ALPHA}  # fmt: skip
    return interval_table(OverSeeds(frame), rows, metrics, ("alpha", "mask"))


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels on one market of about the papers' length, at the papers' rate of limits, all from one learner.

    The MLP where it ran on each of the papers' three configurations, otherwise ridge. Another generator, other sizes
    and an equal-weight portfolio: setting different.
    """
    part = of_condition(frame, ANSWERED)
    if part.empty:
        return []
    ran = set(part["variant"])
    learner = "mlp" if {f"{ours} mlp" for ours in PAPER_VARIANTS.values()} <= ran else "ridge"
    numbers, answers = OverSeeds(part), []
    for theirs, ours in PAPER_VARIANTS.items():
        for column, metric, unit in APPENDIX_B:
            found = answered(numbers, f"{ours} {learner}", metric, "level", unit)
            answers += _answer(f"{APPENDIX}.{theirs}.{column}", found, f"{ours} {learner}, {metric}")
    inflation = answered(numbers, f"mask_paper - none {learner}", "apparent_ic.inflation", "ratio")
    return answers + _answer("B.mask.ic_inflation", inflation, f"mask_paper against none, {learner}")


def _answer(claim_id: str, found: Mapping[str, Any], what: str) -> list[Answer]:
    if "low" not in found:
        return []
    note = f"simulated market, limits as often as the papers say, top-k: {what}"
    return [Answer(claim_id, **found, note=note, page="mask_ablation")]


CLAIM_IDS = (
    *(f"{APPENDIX}.{theirs}.{column}" for theirs in PAPER_VARIANTS for column, *_ in APPENDIX_B),
    "B.mask.ic_inflation",
)
