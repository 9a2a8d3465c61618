"""The ledger of the papers' claims: book/claims.csv, one row per number in the papers."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, fields
from pathlib import Path

from lib.errors import LoadError

LEDGER = Path(__file__).resolve().parents[3] / "book" / "claims.csv"
KINDS = ("level", "difference", "ratio", "order", "identity")
PAPER_SETTINGS = ("synthetic", "real", "arithmetic", "hardware")
#: metrics whose value without any skill is a half
HALF_BY_CHANCE = ("sign_accuracy", "positive_ic_rate")


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


def claimed_value(claim_id: str) -> float:
    """What the papers state in numbers for one claim; NaN where they give none."""
    found = next((claim.claimed for claim in load_ledger() if claim.id == claim_id), None)
    return math.nan if found is None else found


def claimed_difference(left: str, right: str) -> float:
    """What the papers report for the claim `left` less that for `right`.

    >>> claimed_difference("B.factors.all.sharpe", "B.factors.alpha101.sharpe")
    0.53
    """
    return round(claimed_value(left) - claimed_value(right), 9)


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
