"""Tables of the ablation on the synthetic exchange, the papers' tables beside ours, and the answers to their claims.

A row of the study is named "variant learner | condition". `of_condition` takes one condition out, under the names that
the tables and figures of the ablation on real prices know.
"""

from __future__ import annotations

import pandas as pd

from lib.claims import Answer, load_ledger
from lib.findings import Estimate
from lib.findings.seeds import OverSeeds, adjusted_p, over_seeds
from lib.studies.mask_ablation_tables import (
    APPENDIX_B,
    CONTRAST_SUMMARY,
    PAPER_VARIANTS,
    SUMMARY,
    contrast_table,
    variant_table,
)
from lib.studies.variants import CONTRASTS

LIMITS = {"real": "CSI 300 limits", "paper": "paper limits"}
LEARNERS = ("ridge", "lightgbm", "mlp")
#: columns of the tables here: those of the real ablation and the comparison with the truth
TRUTH_SUMMARY = (*SUMMARY[:4], "truth_ic", "unfilled_ic", *SUMMARY[4:])
TRUTH_CONTRASTS = ("truth_ic", *CONTRAST_SUMMARY, "executed_open.active_sharpe", "phantom_close")
#: contrasts are judged together on these: one with what can be earned, one with what was
JUDGED = ("truth_ic", "executed_open.sharpe")
#: the claims are answered where limits bind as often as the papers say
ANSWERED = LIMITS["paper"]
APPENDIX = "B.appB.mask.synthetic"


def condition_name(limits: str, standardise: str, large: int | None, alpha: float | None = None) -> str:
    """The condition in a row's name.

    >>> condition_name("real", "rank", 1000), condition_name("paper", "zscore", None, 0.04)
    ('CSI 300 limits, ranks, 1000 stocks', 'paper limits, alpha 0.04')
    """
    extra = ["ranks"] * (standardise == "rank") + ([f"{large} stocks"] if large else [])
    return ", ".join([LIMITS[limits], *extra, *([f"alpha {alpha:g}"] if alpha is not None else [])])


def conditions(frame: pd.DataFrame) -> list[str]:
    """The conditions that were run, in the order of the frame."""
    return list(dict.fromkeys(str(name).partition(" | ")[2] for name in frame["variant"]))


def of_condition(frame: pd.DataFrame, condition: str) -> pd.DataFrame:
    """The rows of one condition, without its name; all markets."""
    parts = frame["variant"].str.partition(" | ")
    return frame.assign(variant=parts[0])[parts[2] == condition].reset_index(drop=True)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Every condition and learner under each other: means over markets."""
    tables: dict[tuple[str, str], pd.DataFrame] = {}
    for condition in conditions(frame):
        part = over_seeds(of_condition(frame, condition))
        tables |= {(condition, learner): variant_table(part, learner, TRUTH_SUMMARY) for learner in LEARNERS}
    run = {key: table for key, table in tables.items() if len(table)}
    return pd.concat(run, names=["condition", "learner", "variant"])


def judged_contrasts(frame: pd.DataFrame, learner: str) -> pd.DataFrame:
    """Contrasts of one condition with intervals over markets, and p after Holm over all contrasts per metric."""
    found = contrast_table(over_seeds(frame), learner, TRUTH_CONTRASTS)
    for metric in JUDGED:
        p = adjusted_p(frame, [(f"{left} - {right} {learner}", metric) for left, right in CONTRASTS])
        place = list(found.columns).index(f"{metric}.high") + 1
        found.insert(place, f"{metric}, p after Holm", [p.get((f"{name} {learner}", metric)) for name in found.index])
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
            found = numbers.one_path(f"{ours} {learner}", metric).times(unit)
            answers += _answer(f"{APPENDIX}.{theirs}.{column}", found, f"{ours} {learner}, {metric}")
    inflation = numbers.one_path(f"mask_paper - none {learner}", "apparent_ic.inflation")  # a ratio: as a level
    return answers + _answer("B.mask.ic_inflation", inflation, f"mask_paper against none, {learner}")


def _answer(claim_id: str, found: Estimate, what: str) -> list[Answer]:
    if any(number != number for number in found):
        return []
    note = f"synthetic exchange, limits as often as the papers say, top-k: {what}"
    return [Answer(claim_id, *found, "different", note, "mask_ablation")]


CLAIM_IDS = (
    *(f"{APPENDIX}.{theirs}.{column}" for theirs in PAPER_VARIANTS for column, *_ in APPENDIX_B),
    "B.mask.ic_inflation",
)
