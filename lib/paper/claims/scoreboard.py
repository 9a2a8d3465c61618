"""The scoreboard: every claim with its answer and verdict, and how many verdicts luck alone would give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from lib.errors import ParameterError
from lib.paper.claims.answer import SETTINGS, Answer
from lib.paper.claims.ledger import Claim, load_ledger
from lib.paper.claims.verdicts import (
    CONTRADICTED,
    DIRECTION_ONLY,
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOT_STUDIED,
    REPRODUCED,
    SAMPLED,
    agrees,
    evidence,
    first_verdict,
    verdict,
)


def scoreboard(answers: Iterable[Answer] = (), ledger: Sequence[Claim] | None = None) -> pd.DataFrame:
    """One row per claim of the ledger, in its order, with our figure beside the paper's and the verdict.

    Where studies answer one claim in several settings, the answer nearest to the paper's setting counts.
    Raises ParameterError for an answer to an unknown claim, or two answers in the same setting.
    """
    ledger = load_ledger() if ledger is None else ledger
    chosen = _choose(answers, {claim.id for claim in ledger})
    return pd.DataFrame([_board_row(claim, chosen.get(claim.id)) for claim in ledger])


def headline(board: pd.DataFrame) -> str:
    """The sentence over the scoreboard: "N of 204 claims answered so far"."""
    answered = int((board["verdict"] != NOT_STUDIED).sum())
    return f"{answered} of {len(board)} claims answered so far"


@dataclass(frozen=True)
class Chance:
    """Verdicts of one kind that chance would give, beside those there are.

    truth: what is supposed to hold; tested: verdicts to which it applies; word: the false verdict; expected: at most
    so many of them, at 95 %, whether or not the answers share their markets; seen: how many there are.
    """

    truth: str
    tested: int
    word: str
    expected: float
    seen: int


def by_chance(board: pd.DataFrame) -> list[Chance]:
    """How many verdicts chance alone would give among those of a scoreboard that rest on sampling.

    Without any effect, the 95 % interval of a difference lies on the claimed side of zero in 2.5 % of the cases and on
    the other in as many; the last open step of an order likewise. If the paper's level were true, it would lie outside
    the prediction interval of one path in 5 %. Arithmetic and full counts have no chance in them.
    """
    sampled = board[board["tested"]]
    differences, levels = sampled[sampled["kind"] != "level"], sampled[sampled["kind"] == "level"]
    none = "no difference, ratio or order of the papers has any effect"
    return [
        _chance(none, differences, (REPRODUCED, DIRECTION_ONLY), 0.025),
        _chance(none, differences, (CONTRADICTED,), 0.025),
        _chance("every level of the papers is right", levels, (NOT_REPRODUCED,), 0.05),
    ]


def _chance(truth: str, rows: pd.DataFrame, words: tuple[str, ...], share: float) -> Chance:
    return Chance(truth, len(rows), " or ".join(words), share * len(rows), int(rows["evidence"].isin(words).sum()))


# ------------------------------------------------------------------------------------------------ joining


def _choose(answers: Iterable[Answer], known: set[str]) -> dict[str, Answer]:
    """The answer that counts for each claim: evidence first, then the setting nearest to the paper's."""
    chosen: dict[str, Answer] = {}
    for answer in sorted(answers, key=_preference):
        if answer.claim_id not in known:
            raise ParameterError(f"answer to {answer.claim_id!r}, which is no claim of the ledger")
        rival = chosen.setdefault(answer.claim_id, answer)
        if rival is not answer and _preference(rival) == _preference(answer):
            raise ParameterError(f"claim {answer.claim_id} is answered twice, setting {answer.setting!r}")
    return chosen


def _preference(answer: Answer) -> tuple[int, int]:
    kind = 2 if answer.unavailable else 1 if answer.choice else 0
    return kind, SETTINGS.index(answer.setting)


def _board_row(claim: Claim, answer: Answer | None) -> dict[str, object]:
    found = answer or Answer(claim.id, unavailable="-")
    return {
        "id": claim.id,
        "paper": claim.paper,
        "where": claim.where,
        "subject": claim.subject,
        "metric": claim.metric,
        "unit": claim.unit,
        "kind": claim.kind,
        "claimed": claim.claimed,
        "ours": found.estimate,
        "low": found.low,
        "high": found.high,
        "setting": found.setting if answer else "",
        "mean.low": found.mean_low,
        "mean.high": found.mean_high,
        "markets": found.markets,
        "verdict": verdict(claim, answer),
        "verdict_v1": first_verdict(claim, answer),
        "evidence": evidence(claim, answer),
        "tested": answer is not None and _tested(claim, answer),
        "agrees": agrees(claim, answer),
        "note": _note(claim, answer) if answer else "",
        "page": found.page,
        "check": claim.check,
    }


def _note(claim: Claim, answer: Answer) -> str:
    lost = "the paper's number is lost in its text" if claim.claimed is None else ""
    said = [answer.unavailable] if answer.unavailable else [answer.choice, answer.note]
    return "; ".join(filter(None, [lost, *said]))


def _tested(claim: Claim, answer: Answer) -> bool:
    """Whether another sample could have given another verdict: no full count, and no level that cannot be decided."""
    found = evidence(claim, answer)
    sampled = bool(answer.parts or answer.one_sided) or answer.low is not None
    undecided = claim.kind == "level" and found == INCONCLUSIVE
    return found in SAMPLED and sampled and not answer.census and not undecided
