"""Tables of the ablation on the synthetic exchange, the papers' tables beside ours, and the answers to their claims.

A row of the study is named "variant learner | condition". `of_condition` takes one condition out, under the names that
the tables and figures of the ablation on real prices know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

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
from lib.stats.over_seeds import OverSeeds, adjusted_p, over_seeds

LEARNERS = ("ridge", "lightgbm", "mlp")
#: columns of the tables here: those of the real ablation and the comparison with the truth
TRUTH_SUMMARY = (SUMMARY[0], "truth_ic", "unfilled_ic", *SUMMARY[1:])
TRUTH_CONTRASTS = ("truth_ic", *CONTRAST_SUMMARY, "phantom_close")
#: contrasts are judged on these, in this order: what can be earned, what is seen of it, what a book makes of it before
#: costs, after them, and after them at the turnover of the other side
JUDGED = (
    "truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.matched.active_sharpe",
)  # fmt: skip
#: the claims are answered where limits bind as often as the papers say
ANSWERED = LIMITS["paper"]
APPENDIX = "B.appB.mask.synthetic"


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

    Drawdown and return are shares here, in the papers per cent.
    """
    claimed = {claim.id: claim.claimed for claim in load_ledger()}
    numbers, rows = OverSeeds(frame), []
    for theirs, ours in PAPER_VARIANTS.items():
        row: dict[str, object] = {"the papers' mask": theirs, "ours": ours}
        for column, metric, unit in APPENDIX_B:
            row[f"{column}: papers"] = float(claimed[f"{APPENDIX}.{theirs}.{column}"] or 0) / unit
            row |= numbers.find(f"{ours} {learner}", metric).columns(f"{column}: ours")
        rows.append(row)
    return pd.DataFrame(rows)


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
    note = f"synthetic exchange, limits as often as the papers say, top-k: {what}"
    return [Answer(claim_id, **found, note=note, page="mask_ablation")]


CLAIM_IDS = (
    *(f"{APPENDIX}.{theirs}.{column}" for theirs in PAPER_VARIANTS for column, *_ in APPENDIX_B),
    "B.mask.ic_inflation",
)
