"""The tables of the episodes, and what they answer of the papers' claims."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from lib.paper.claims import Answer, load_ledger
from lib.paper.pages.answers import answered
from lib.stats.over_seeds import OverSeeds, interval_table, sources_of
from lib.paper.pages.answers import level_answer

PIPELINES = ("none", "row_deletion", "mask_skip", "mask_paper")
PAIRS = (
    ("mask_paper", "none"), ("mask_skip", "none"), ("mask_skip", "row_deletion"), ("mask_paper", "market"),
    ("mask_skip", "market"), ("none", "market"), ("mlp", "mask_skip"),
)  # fmt: skip
SCRIPTED = ("crash", "policy_rally", "theme_rotation")

#: windows of real history, first and last day. The second, fourth and fifth are the papers' cases
REAL = {
    "June to August 2015": ("2015-06-15", "2015-08-26"),
    "April 2022": ("2022-04-01", "2022-04-26"),
    "January 2016": ("2016-01-04", "2016-01-28"),
    "24 September to 11 October 2024": ("2024-09-24", "2024-10-11"),
    "2023 Q1": ("2023-01-03", "2023-03-31"),
}
#: scripted episode -> windows that look like it
LIKE = {
    "crash": ("June to August 2015", "January 2016", "April 2022"),
    "policy_rally": ("24 September to 11 October 2024",),
    "theme_rotation": ("2023 Q1",),
}
FACTS = (
    "sessions", "limit_up", "limit_down", "masked_per_session", "excluded_ratio", "market.total_return",
    "market.max_drawdown",
)  # fmt: skip
LEVELS = (
    "naive_close.total_return", "executed_open.total_return", "executed_open.annual_gross", "executed_open.turnover",
    "naive_close.max_drawdown", "executed_open.max_drawdown", "refused_buys", "refused_sells", "truth_ic",
    "theme_tilt", "coverage",
)  # fmt: skip
DIFFERENCES = (
    "executed_open.annual_gross", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.turnover", "naive_close.total_return", "executed_open.total_return", "executed_open.max_drawdown",
    "executed_open.sharpe", "theme_tilt",
)  # fmt: skip


def windows(frame: pd.DataFrame, source: str) -> list[str]:
    """Groups of days of a source in the order of the frame: before, episode, after, or real windows."""
    head = f"{source} market facts "
    return list(dict.fromkeys(str(v).removeprefix(head) for v in frame["variant"] if str(v).startswith(head)))


def fact_table(frame: pd.DataFrame, source: str, groups: Sequence[str]) -> pd.DataFrame:
    """What the market did, window by window."""
    return interval_table(OverSeeds(frame), {g: f"{source} market facts {g}" for g in groups}, FACTS, "window")


def level_table(frame: pd.DataFrame, source: str, group: str) -> pd.DataFrame:
    """Pipelines and the market down, measures across, for one window; columns that do not apply are left out."""
    rows = {name: f"{source} {name} {group}" for name in (*PIPELINES, "mlp", "market")}
    return interval_table(OverSeeds(frame), rows, LEVELS, "pipeline").dropna(axis="columns", how="all")


def difference_table(frame: pd.DataFrame, source: str, groups: Sequence[str]) -> pd.DataFrame:
    """Paired differences, window by window."""
    rows = {f"{a} - {b}, {g}": f"{source} {a} - {b} {g}" for a, b in PAIRS for g in groups}
    return interval_table(OverSeeds(frame), rows, DIFFERENCES, "difference").dropna(axis="columns", how="all")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The levels of every window under each other."""
    tables = {(s, g): level_table(frame, s, g) for s in sources_of(frame) for g in windows(frame, s)}
    return pd.concat(tables, names=["source", "window"]) if tables else pd.DataFrame()


# ------------------------------------------------------------------------------------------------ claims

#: claim -> (scripted episode, the papers' window, what is measured, metric, factor to the claim's unit)
_ANSWERS = {
    "B.case.crash.drawdown_with": ("crash", "April 2022", "mask_paper", "naive_close.max_drawdown", 100.0),
    "B.case.crash.drawdown_without": ("crash", "April 2022", "none", "naive_close.max_drawdown", 100.0),
    "B.case.rally.underperforms": (
        "policy_rally", LIKE["policy_rally"][0], "mask_paper - market", "naive_close.total_return", 100.0,
    ),
}  # fmt: skip
#: claim -> (scripted episode, metric, factor, what is compared, why the script cannot answer it)
_COUNTED = {
    "B.case.crash.excluded": (
        "crash", "excluded_ratio", 1.0, "masked stocks a day over those of the 60 sessions before",
        "how many stocks a scripted crash locks is a choice of ours",
    ),
    "B.case.rally.limit_rate": (
        "policy_rally", "limit_up", 100.0, "limit-up closes",
        "how often limits bind in a scripted rally is a choice of ours",
    ),
}  # fmt: skip
EXCLUDED = "B.case.crash.excluded"
CLAIM_IDS = (*_ANSWERS, *_COUNTED)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """On the papers' own window where a price file was given, else on the scripted episode.

    Drawdowns and returns are the papers' own back-test, in which every order fills at the close. Counts of a scripted
    episode answer nothing, because the script decides them; `limit_events` counts the limit closes of a file.
    The claim about the Transformer (B.case.rotation.transformer) is not answered: there is no Transformer here, and a
    comparison of ridge and MLP says nothing about it.
    """
    found, kinds = OverSeeds(frame), {claim.id: claim.kind for claim in load_ledger()}
    files = [source for source in sources_of(frame) if source not in SCRIPTED]
    answers = []
    for claim_id, (episode, window, what, metric, unit) in _ANSWERS.items():
        item = answered(found, f"{files[0]} {what} {window}", metric, kinds[claim_id], unit) if files else {}
        note = f"CSI 300 members, {window}"
        if not item:
            item = answered(found, f"{episode} {what} episode", metric, kinds[claim_id], unit)
            note = f"synthetic exchange, scripted {episode}"
        answers += level_answer(claim_id, item, f"{note}: {what}, {metric}", "cases")
    return answers + _counts(found, files, kinds)


def _counts(found: OverSeeds, files: Sequence[str], kinds: Mapping[str, str]) -> list[Answer]:
    """The ratio of masked stocks counted in the file's crash; what the scripts hold, as a choice of ours."""
    answers = []
    for claim_id, (episode, metric, unit, what, choice) in _COUNTED.items():
        item = answered(found, f"{episode} market facts episode", metric, kinds[claim_id], unit)
        note = f"synthetic exchange, scripted {episode}: {what}"
        answers += level_answer(claim_id, item, note, "cases", choice)
    window = LIKE["crash"][-1]
    ratio = found.find(f"{files[0]} market facts {window}", "excluded_ratio").value if files else math.nan
    if math.isfinite(ratio):
        note = f"CSI 300 members, {window}: {_COUNTED[EXCLUDED][3]}"
        answers.append(Answer(EXCLUDED, ratio, ratio, ratio, note=note, page="cases", census=True))
    return answers
