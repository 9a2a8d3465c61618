"""The ledger of the papers' claims, the studies' answers to them, and the scoreboard of both.

The ledger (book/claims.csv) has one row per number in the papers. A study answers a claim with an `Answer` in the
claim's own unit; the rule of `lib.verdicts`, fixed before any result is recorded, compares the two, and `scoreboard`
gives every claim of the ledger its row, studied or not. `by_chance` says how many verdicts luck alone would give.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from lib.errors import LoadError, ParameterError
from lib.verdicts import (
    CONTRADICTED,
    DIRECTION_ONLY,
    HALF_BY_CHANCE,
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOT_STUDIED,
    REPRODUCED,
    SAMPLED,
    Part,
    agrees,
    evidence,
    first_verdict,
    verdict,
)

LEDGER = Path(__file__).resolve().parent.parent / "book" / "claims.csv"
KINDS = ("level", "difference", "ratio", "order", "identity")
PAPER_SETTINGS = ("synthetic", "real", "arithmetic", "hardware")
SETTINGS = ("same", "reduced", "different")


@dataclass(frozen=True)
class Claim:
    """One row of the ledger; `claimed` is None where the paper's number was lost."""

    id: str
    paper: str
    where: str
    subject: str
    metric: str
    claimed: float | None
    unit: str
    kind: str
    setting: str
    check: str
    note: str
    printed: str = ""

    @property
    def neutral(self) -> float:
        """The value that means "no effect" in version 1 of the rule: 1 for a ratio given as a factor (x), else 0."""
        return 1.0 if self.kind == "ratio" and self.unit == "x" else 0.0

    @property
    def no_effect(self) -> float:
        """The value without any effect, for version 2 of the rule: as `neutral`, but 50 % where chance gives a half."""
        return 50.0 if self.metric in HALF_BY_CHANCE and self.unit == "%" else self.neutral

    @property
    def rounding(self) -> float:
        """Half a unit of the last significant digit printed: 0.005 for 2.05, 500 for 44000."""
        text = self.printed.strip().lstrip("-")
        if not text or float(text) == 0:
            return 0.0
        if "." in text:
            return 0.5 * 10.0 ** -len(text.partition(".")[2])
        return 0.5 * 10.0 ** (len(text) - len(text.rstrip("0")))


@dataclass(frozen=True)
class Answer:
    """What a study found for one claim, in the claim's unit.

    low, high: for a level or ratio, the 95 % prediction interval for ONE path of the paper's length; for a
    difference, the 95 % interval of the paired mean; for an identity, the estimate itself or its interval.
    mean_low, mean_high: the 95 % interval of our mean over markets; None where there is one real path.
    markets: independent markets behind these intervals (Student's t); 0 where they come from the days of one path.
    census: everything there was has been counted, so that low = high = estimate, without sampling.
    one_sided: for a claim that only states a bound, the lower and the upper 95 % bound of one path, each one-sided.
    parts: for an order, one (estimate, low, high) per paired difference, each in the claimed direction, so
    that the order holds when all of them are positive; estimate, low and high are then not needed.
    setting: how the study's setting compares with the paper's: same | reduced | different.
    choice: why a choice of ours decides the number, so that the claim cannot be tested by it.
    unavailable: why the claim cannot be answered with the data there is; nothing else is then needed.
    """

    claim_id: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    setting: str = "different"
    note: str = ""
    page: str = ""
    parts: Sequence[Part] = ()
    unavailable: str = ""
    choice: str = ""
    mean_low: float | None = None
    mean_high: float | None = None
    markets: int = 0
    census: bool = False
    one_sided: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.setting not in SETTINGS:
            options = " | ".join(SETTINGS)
            raise ParameterError(f"answer to {self.claim_id}: setting {self.setting!r}; expected {options}")
        for part in self.parts:
            _check_interval(self.claim_id, *part)
        if self.mean_low is not None or self.mean_high is not None:
            _check_interval(self.claim_id, self.estimate, self.mean_low, self.mean_high)
        if self.one_sided:
            _check_interval(self.claim_id, self.one_sided[0], *self.one_sided)
        if self.census and not self.estimate == self.low == self.high:
            got = f"{self.estimate} [{self.low}, {self.high}]"
            raise ParameterError(f"answer to {self.claim_id}: a census has low = high = estimate, got {got}")
        empty = self.parts or self.unavailable or (self.choice and self.estimate is None)
        if not empty:
            _check_interval(self.claim_id, self.estimate, self.low, self.high)


def load_ledger(path: Path | str | None = None) -> tuple[Claim, ...]:
    """The claims of book/claims.csv, or of another file of the same columns.

    Raises LoadError naming the row for a wrong header, a repeated id, an unknown kind, setting or paper,
    or a claimed value that is no number.
    """
    path = Path(path or LEDGER)
    columns = [item.name for item in fields(Claim) if item.name != "printed"]
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
    except OSError as error:
        raise LoadError(f"cannot read the ledger {path}: {error.strerror}") from None
    if not rows or rows[0] != columns:
        got = ",".join(rows[0] if rows else [])
        raise LoadError(f"ledger {path}, row 1: expected the columns {','.join(columns)}, got {got}")
    claims = [_claim(row, columns, f"ledger {path}, row {n}") for n, row in enumerate(rows[1:], start=2)]
    seen: set[str] = set()
    for number, claim in enumerate(claims, start=2):
        if claim.id in seen:
            raise LoadError(f"ledger {path}, row {number}: claim {claim.id!r} appears twice")
        seen.add(claim.id)
    return tuple(claims)


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


# ---------------------------------------------------------------------------------- reading and joining


def _claim(row: list[str], columns: list[str], place: str) -> Claim:
    if len(row) != len(columns):
        raise LoadError(f"{place}: expected {len(columns)} fields, got {len(row)}")
    values = dict(zip(columns, row, strict=True))
    for column, options in (("kind", KINDS), ("setting", PAPER_SETTINGS), ("paper", ("A", "B"))):
        if values[column] not in options:
            raise LoadError(f"{place}: {column} {values[column]!r}; expected one of {', '.join(options)}")
    printed = values.pop("claimed").strip()
    try:
        claimed = float(printed) if printed else None
    except ValueError:
        raise LoadError(f"{place}: claimed value {printed!r} is no number") from None
    return Claim(claimed=claimed, printed=printed, **values)


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


def _check_interval(claim_id: str, estimate: float | None, low: float | None, high: float | None) -> None:
    given = [value for value in (estimate, low, high) if value is not None]
    if estimate is None or not all(map(math.isfinite, given)):
        got = f"{estimate} [{low}, {high}]"
        raise ParameterError(f"answer to {claim_id}: expected a finite estimate and interval, got {got}")
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise ParameterError(f"answer to {claim_id}: expected low <= high, or neither, got [{low}, {high}]")
