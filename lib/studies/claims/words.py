"""Where the papers contradict themselves, and which of their claims may still wait for a verdict."""

from __future__ import annotations

import re

import pandas as pd

from lib.errors import LibError
from lib.paper.claims import load_ledger
from lib.paper.claims.verdicts import NOT_STUDIED
from lib.paper.claims.words import in_words, place
from lib.paper.pages.tables import text_of

_LOST = ("lost in the text", "sweep gamma")


class NoVerdictError(LibError):
    """A claim of the ledger that no study answers."""


def contradictions() -> pd.DataFrame:
    """What the papers state beside what contradicts it in the same papers or in arithmetic, by the notes of the ledger.

    Claims with the same note are one row.
    """
    rows: dict[str, dict[str, str]] = {}
    for claim in load_ledger():
        parts = [part for part in claim.note.split("; ") if part and not any(mark in part for mark in _LOST)]
        if not parts:
            continue
        number = "" if claim.claimed is None or claim.unit == "bool" else text_of(claim.claimed)
        unit = "" if claim.unit in ("1", "bool", "annualised") else f" {claim.unit}"
        said = f"{in_words(claim)}{f': {number}{unit}' if number else ''}"
        row = rows.setdefault("; ".join(parts), {"where": place(claim), "stated": "", "against": "; ".join(parts)})
        row["stated"] = "; ".join(filter(None, [row["stated"], said]))
    return pd.DataFrame(list(rows.values()))


def require_verdicts(board: pd.DataFrame, recorded_scale: str | None = None) -> pd.DataFrame:
    """The scoreboard, if every claim has a verdict; "not yet studied" is none.

    recorded_scale: as `board_of_records` was given it; a board of one scale alone need not be whole.
    Raises NoVerdictError naming the claims.
    """
    lacking = board.loc[board["verdict"] == NOT_STUDIED, "id"].tolist()
    if lacking and recorded_scale is None:
        named = ", ".join(lacking[:8]) + ", ..." * (len(lacking) > 8)
        raise NoVerdictError(
            f"{len(lacking)} claims without a verdict: {named}; recorded rows of a study have to answer them"
        )
    return board


def verdict_class(verdict: str) -> str:
    """Class of the style sheet for a verdict.

    >>> verdict_class("agrees, other setting")
    'agrees-other-setting'
    """
    return re.sub("[^a-z]+", "-", verdict)
