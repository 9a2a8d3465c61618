"""The papers' claims on a page: paper, ours, interval and verdict beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.errors import ParameterError
from lib.paper.claims import by_chance, load_ledger, scoreboard
from lib.paper.claims.verdicts import ARITHMETIC, RULE, VERDICTS
from lib.paper.claims.words import in_words, without_codes
from lib.paper.pages.tables import Format, breakable, table

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.claims import Answer
    from lib.paper.results.study import Study

#: units that the words of a claim say
WITHOUT_UNIT = ("1", "bool", "count", "factors", "1/year", "x")


def claims_table(board: pd.DataFrame, name: str, caption: str = "") -> HTML:
    """Claim, paper, ours with its interval, verdict, setting, what was compared and where; for rows of a scoreboard.

    Where all rows have the same evidence it is no column, and its CSV has it.
    """
    without_number = board["id"].isin([claim.id for claim in load_ledger() if claim.unit == "bool"])
    columns = {
        "claim": _subjects(board),
        "paper": board["claimed"].mask(without_number),
        "ours": board["ours"].mask(without_number),
        "ours.low": board["low"],
        "ours.high": board["high"],
        "verdict": [_verdict(row) for row in board.itertuples()],
        "setting": board["setting"],
        "compared": [without_codes(note) for note in board["note"]],
        "evidence": board["page"],
        "id": board["id"],
    }
    formats: dict[str, Format] = {"verdict": _badge, "evidence": _page_link, "id": _code}
    shown = {column: column for column in columns if column != "evidence" or len(set(board["page"]) - {""}) > 1}
    return table(pd.DataFrame(columns), name, columns=shown, formats=formats, caption=caption)


def _subjects(board: pd.DataFrame) -> list[str]:
    ledger = {claim.id: claim for claim in load_ledger()}
    claims = (ledger[name] for name in board["id"])
    return [in_words(claim) + (f", {claim.unit}" if claim.unit not in WITHOUT_UNIT else "") for claim in claims]


def _verdict(row: Any) -> str:
    if row.verdict != ARITHMETIC or row.agrees is None:
        return str(row.verdict)
    return f"{ARITHMETIC}: {'agrees' if row.agrees else 'does not agree'}"


def _badge(value: Any) -> str:
    """The verdict in its colour; an arithmetic claim that does not agree has another one than one that does."""
    kinds = [re.sub("[',]", "", part.strip()).replace(" ", "-") for part in str(value).split(":")]
    return f'<span class="verdict {escape(" ".join(kinds), quote=True)}">{escape(str(value))}</span>'


def _code(value: Any) -> str:
    return f"<code>{breakable(str(value))}</code>"


def _page_link(value: Any) -> str:
    """A page of the book that was executed from the notebook of this name."""
    name = str(value or "")
    if not name:
        return ""
    if not name.replace("_", "").isalnum():
        raise ParameterError(f"evidence page {name!r}: expected the name of a notebook")
    return f'<a href="{name}.html">{escape(name)}</a>'


def answered_by(study: Study, answers: Iterable[Answer], whom: str) -> HTML:
    """The claims a study is about with the verdicts on these answers."""
    claims = [claim for claim in load_ledger() if claim.id in study.page.claims]
    return claims_table(scoreboard(answers, claims), f"{study.name}_claims", f"Answered by {whom}")


def verdict_counts(board: pd.DataFrame) -> pd.DataFrame:
    """How many claims have each verdict, in the order of the rule; the paper's own setting apart."""
    counts = [
        {"verdict": verdict, "claims": int((board["verdict"] == verdict).sum()),
         "in the paper's own setting": int(((board["verdict"] == verdict) & (board["setting"] == "same")).sum())}
        for verdict in VERDICTS
    ]  # fmt: skip
    return pd.DataFrame(counts)


def rule_table() -> pd.DataFrame:
    """The rule, line by line: the first that fits counts; the last two then look at the setting."""
    return pd.DataFrame(RULE, columns=["claim", "condition", "verdict"])


def chance_table(board: pd.DataFrame) -> pd.DataFrame:
    """False verdicts that chance would give at most, beside the verdicts there are."""
    rows = by_chance(board)
    return pd.DataFrame({
        "if in truth": [row.truth for row in rows],
        "verdicts that can be wrong": [row.tested for row in rows],
        "chance would call": [row.word for row in rows],
        "of them at most": [round(row.expected, 2) for row in rows],
        "called so here": [row.seen for row in rows],
    })  # fmt: skip


def chance_message(board: pd.DataFrame) -> str:
    """How many of the verdicts luck alone would give, in one sentence per kind of claim."""
    confirmed, reversed_, levels = by_chance(board)
    if not confirmed.tested + levels.tested:
        return "No verdict rests on sampling yet"
    return (
        f"If none of the {confirmed.tested} differences, ratios and orders that were tested had any effect, chance "
        f"would still confirm up to {confirmed.expected:.1f} of them, at least in direction, and contradict up to "
        f"{reversed_.expected:.1f}; here they are {confirmed.seen} and {reversed_.seen}. If every one of the "
        f"{levels.tested} levels that can be decided were right, chance would call {levels.expected:.1f} of them not "
        f"reproduced; here they are {levels.seen}"
    )


def changed_table(board: pd.DataFrame) -> pd.DataFrame:
    """The claims on which the two versions of the rule differ."""
    rows = board[board["verdict"] != board["verdict_v1"]]
    return pd.DataFrame({
        "claim": _subjects(rows), "paper": rows["claimed"], "ours": rows["ours"], "ours.low": rows["low"],
        "ours.high": rows["high"], "version 1": rows["verdict_v1"], "version 2": rows["verdict"], "id": rows["id"],
    })  # fmt: skip
