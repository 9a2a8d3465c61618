"""The ledger of the papers' claims, and the rule that turns an answer into a verdict.

The ledger (book/claims.csv) has one row per number in the papers. A study answers a claim with an
`Answer` in the claim's own unit; `verdict` compares the two by a rule that is fixed before any result is
recorded, and `scoreboard` gives every claim of the ledger its row, studied or not.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import NormalDist

import pandas as pd

from lib.errors import LoadError, ParameterError

LEDGER = Path(__file__).resolve().parent.parent / "book" / "claims.csv"
KINDS = ("level", "difference", "ratio", "order", "identity")
PAPER_SETTINGS = ("synthetic", "real", "arithmetic", "hardware")
SETTINGS = ("same", "reduced", "different")

REPRODUCED = "reproduced"
DIRECTION_ONLY = "direction only"
NOT_REPRODUCED = "not reproduced"
CONTRADICTED = "contradicted"
INCONCLUSIVE = "inconclusive"
ARITHMETIC = "arithmetic"
NEEDS_DATA = "needs data we don't have"
NOT_STUDIED = "not yet studied"
VERDICTS = (
    REPRODUCED,
    DIRECTION_ONLY,
    NOT_REPRODUCED,
    CONTRADICTED,
    INCONCLUSIVE,
    ARITHMETIC,
    NEEDS_DATA,
    NOT_STUDIED,
)

#: what counts as zero where a paper claims exactly zero, in the claim's unit
ZERO_MARGIN: Mapping[str, float] = {"A.portfolio.market_neutral": 0.05}

Part = tuple[float, float, float]


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
        """The value that means "no effect": 1 for a ratio given as a factor (x), else 0."""
        return 1.0 if self.kind == "ratio" and self.unit == "x" else 0.0

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
    parts: for an order, one (estimate, low, high) per paired difference, each in the claimed direction, so
    that the order holds when all of them are positive; estimate, low and high are then not needed.
    setting: how the study's setting compares with the paper's: same | reduced | different.
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

    def __post_init__(self) -> None:
        if self.setting not in SETTINGS:
            options = " | ".join(SETTINGS)
            raise ParameterError(f"answer to {self.claim_id}: setting {self.setting!r}; expected {options}")
        for part in self.parts:
            _check_interval(self.claim_id, *part)
        if not self.parts and not self.unavailable:
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


def verdict(claim: Claim, answer: Answer | None) -> str:
    """The verdict on one claim. With c the claim and [l, h] the answer's interval:

    - no answer: `not yet studied`; the answer names data that are lacking, or the paper's number is lost:
      `needs data we don't have`;
    - an identity, or a claim about arithmetic: `arithmetic` (see `agrees` for the outcome);
    - an order: with every part's interval above 0, the order holds at 95 %. `contradicted` needs a part
      below 0 with its interval widened for the number of parts. Otherwise `inconclusive`;
    - level, difference, ratio (for a census, where l = h, with [l, h] widened by the rounding of c as it is
      printed): c outside [l, h] is `not reproduced`, except that a difference or ratio
      whose interval lies on the claimed side of "no effect" is `direction only`, and an interval wholly
      on the other side of it is `contradicted`;
      c inside [l, h] is `reproduced` only when the half-width is at most half the claimed effect (and, for a
      difference or ratio, the interval excludes "no effect"); a wider interval is `inconclusive`, because
      weak evidence never confirms, and an estimate without an interval is no evidence at all;
    - only the paper's own setting (`same`) may be reproduced or contradicted: elsewhere the first becomes
      `direction only` and the second `not reproduced`.
    """
    if answer is None:
        return NOT_STUDIED
    if answer.unavailable or claim.claimed is None:
        return NEEDS_DATA
    if is_arithmetic(claim):
        return ARITHMETIC
    if answer.low is None and not answer.parts:
        return INCONCLUSIVE
    found = _order_verdict(answer) if claim.kind == "order" else _interval_verdict(claim, answer)
    return found if answer.setting == "same" else _ELSEWHERE.get(found, found)


_ELSEWHERE = {REPRODUCED: DIRECTION_ONLY, CONTRADICTED: NOT_REPRODUCED}


def is_arithmetic(claim: Claim) -> bool:
    """True for claims that a recomputation settles: no sampling, hence no interval rule."""
    return claim.kind == "identity" or claim.setting == "arithmetic"


def agrees(claim: Claim, answer: Answer | None) -> bool | None:
    """For an arithmetic claim: does the recomputation give the claimed number, to its printed rounding?

    True when the claim is within `claim.rounding` of the answer's interval; None for other claims.
    """
    if answer is None or answer.unavailable or claim.claimed is None or not is_arithmetic(claim):
        return None
    _, low, high = _interval(answer)
    slack = claim.rounding * (1 + 1e-9)
    return low - slack <= claim.claimed <= high + slack


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


# ------------------------------------------------------------------------------------------ the rule


def _order_verdict(answer: Answer) -> str:
    parts = answer.parts or [_interval(answer)]
    if all(low > 0 for _, low, _ in parts):
        return REPRODUCED
    widening = NormalDist().inv_cdf(1 - 0.025 / len(parts)) / NormalDist().inv_cdf(0.975)
    if any(high < 0 and middle + (high - middle) * widening < 0 for middle, _, high in parts):
        return CONTRADICTED
    return INCONCLUSIVE


def _interval_verdict(claim: Claim, answer: Answer) -> str:
    assert claim.claimed is not None
    _, low, high = _interval(answer)
    effect = claim.claimed - claim.neutral
    towards = math.copysign(1.0, effect)
    near, far = sorted((towards * (low - claim.neutral), towards * (high - claim.neutral)))
    size = abs(effect) or ZERO_MARGIN.get(claim.id, 0.0)
    slack = claim.rounding if low == high else 0.0  # a census has no interval: the paper's own rounding decides
    if low - slack <= claim.claimed <= high + slack:
        narrow = (high - low) / 2 <= size / 2
        clear = claim.kind == "level" or near > 0
        return REPRODUCED if narrow and clear else INCONCLUSIVE
    if effect and far < 0:
        return CONTRADICTED
    if effect and claim.kind != "level" and near > 0:
        return DIRECTION_ONLY
    return NOT_REPRODUCED


def _interval(answer: Answer) -> Part:
    assert answer.estimate is not None
    low = answer.estimate if answer.low is None else answer.low
    high = answer.estimate if answer.high is None else answer.high
    return answer.estimate, low, high


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
    chosen: dict[str, Answer] = {}
    for answer in sorted(answers, key=lambda item: SETTINGS.index(item.setting)):
        if answer.claim_id not in known:
            raise ParameterError(f"answer to {answer.claim_id!r}, which is no claim of the ledger")
        rival = chosen.setdefault(answer.claim_id, answer)
        if rival is not answer and rival.setting == answer.setting:
            raise ParameterError(f"claim {answer.claim_id} is answered twice, setting {answer.setting!r}")
    return chosen


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
        "verdict": verdict(claim, answer),
        "agrees": agrees(claim, answer),
        "note": (answer.unavailable or answer.note) if answer else "",
        "page": found.page,
        "check": claim.check,
    }


def _check_interval(claim_id: str, estimate: float | None, low: float | None, high: float | None) -> None:
    given = [value for value in (estimate, low, high) if value is not None]
    if estimate is None or not all(map(math.isfinite, given)):
        got = f"{estimate} [{low}, {high}]"
        raise ParameterError(f"answer to {claim_id}: expected a finite estimate and interval, got {got}")
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise ParameterError(f"answer to {claim_id}: expected low <= high, or neither, got [{low}, {high}]")
