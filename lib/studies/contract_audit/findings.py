"""What the audit of the contract says: who keeps which rule, why rules break, and how far values agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pandas as pd

from lib.stats.estimates import Numbers, signed

OURS, OURS_101, THEIRS = "ours", "ours, Alpha101", "mlquantx 0.4.1"
DRIVER, PRIMITIVES, VALUES = f"{THEIRS}, driver", f"{THEIRS}, primitives", f"{THEIRS}, values"
#: rule -> what it says, and by which mechanism mlquantx 0.4.1 breaks it
RULES: Final = {
    "zero-on-mask": (
        "a masked output holds 0",
        "a window with masked days leaves its partial statistic in the masked cell, and a constant is subtracted there "
        "too; other cells are cleared by multiplying with 0, which NaN and infinity survive",
    ),
    "independence": (
        "what a masked cell holds changes no valid output",
        "arithmetic between operators takes today's raw field together with a mask that does not test today: the mask "
        "of delay(close, 1) is yesterday's; ranks and z-scores then compare all stocks with such a cell",
    ),
    "propagation": (
        "valid only if every own cell that is read is valid",
        "means, extremes, deviations, correlations and positions are valid from one or two valid days of the window "
        "on, where the paper describes the AND over the window",
    ),
    "masked day": (
        "the part of propagation that concerns today's own cell",
        "the two steps above leave an output valid on the very day that is masked",
    ),
    "look-ahead": ("nothing changes when the future does", ""),
}
#: families of the 213 in the order of the papers
FAMILIES: Final = ("alpha", "better", "best", "old", "stock", "extra", "add", "change", "original", "cs_rank")
#: cells that must agree for two implementations to count as the same; correlation from which only digits differ
SAME_SHARE, SAME_ORDER = 0.98, 0.99
UNDER: Final = {
    "as is": "prices of limit days and halts, 0 elsewhere", "price": "another price", "1e30": "1e30", "inf": "infinity",
    "NaN": "NaN",
}  # fmt: skip


@dataclass(frozen=True)
class ContractAudit:
    """The numbers of the study `contract_audit`, with or without those of mlquantx."""

    numbers: Numbers

    @classmethod
    def of(cls, frame: pd.DataFrame) -> ContractAudit:
        return cls(Numbers(_summed(frame)))

    @property
    def subjects(self) -> list[str]:
        """What was audited, in the order of the page."""
        known = (OURS, OURS_101, THEIRS, DRIVER, PRIMITIVES)
        return [name for name in known if name in self.numbers.variants]

    @property
    def has_peer(self) -> bool:
        return THEIRS in self.numbers.variants

    def count(self, subject: str, metric: str) -> int:
        """Factors of a subject that break a rule, or another count of it."""
        return int(self.numbers.find(subject, metric).value)

    def message(self) -> str:
        """How many factors keep the whole contract."""
        kept, audited = self.count(OURS, "keeps every rule"), self.audited(OURS)
        own = f"{'All' if kept == audited else kept} {'' if kept == audited else 'of '}{audited} factors of this book"
        if not self.has_peer:
            return f"{own} keep every rule of the contract"
        theirs = self.count(THEIRS, "keeps every rule")
        return f"{own} keep every rule of the contract; of {THEIRS}'s, taken one by one, {theirs} do"

    def audited(self, subject: str) -> int:
        """How many factors, or operators, were audited."""
        return self.count(subject, "audited")

    def first_what_agrees(self) -> list[str]:
        """What the two packages have in common, as sentences."""
        if not self.has_peer:
            return []
        agreement = self.agreement()
        same = int((agreement["agreement"] >= SAME_SHARE).sum())
        order = int((agreement["correlation"] >= SAME_ORDER).sum())
        ahead, leaks = self.count(THEIRS, "look-ahead"), self.count(PRIMITIVES, "independence")
        return [
            f"Values. Where nothing is masked, {same} of {len(agreement)} factors agree in at least "
            f"{SAME_SHARE:.0%} of their cells, and {order} are correlated {SAME_ORDER} or more.",
            f"The future. {ahead or 'None'} of its factors look ahead.",
            f"Primitives. {leaks or 'None'} of its {self.audited(PRIMITIVES)} operators lets the content of a masked "
            "cell into a valid result: each fills masked cells first or clears its result.",
        ]

    def then_what_breaks(self) -> list[str]:
        """Each broken rule with its mechanism, as sentences."""
        if not self.has_peer:
            return []
        of = self.audited(THEIRS)
        broken = [(kind, self.count(THEIRS, kind)) for kind in RULES]
        lines = [f"{kind.capitalize()}. {n} of {of} factors: {RULES[kind][1]}." for kind, n in broken if n]
        return [*lines, self._moving_average()]

    def _moving_average(self) -> str:
        first, step = (
            self.numbers.find(THEIRS, f"ewma of ones: {what}").value for what in ("first day", "step over a masked day")
        )
        return (
            f"Moving averages. The recurrence starts from 0 and a masked day counts as 0: the ewma (weight 0.1) of a "
            f"series of ones starts at {first:.2g} and moves by {signed(step)} over one masked day. It breaks none of "
            "the rules by the letter; paper B says that a masked day keeps the accumulator, as ours does."
        )

    def driver_message(self) -> str:
        """What the joint mask of mlquantx's driver repairs, and what it does not."""
        if not self.has_peer:
            return ""
        left = ", ".join(f"{kind} {self.count(DRIVER, kind)}" for kind in RULES)
        return (
            f"Through its driver, which z-scores each factor and returns one joint mask for all, factors that break a "
            f"rule: {left}. The joint mask removes what a stock does to itself within the longest strict windows; the "
            "z-score of the day has by then been taken over masked stocks too, and no later mask can undo that."
        )

    def by_family(self, subject: str) -> pd.DataFrame:
        """Factors that break each rule, families down and rules across."""
        counts = {kind: [self.count(subject, f"family {f}: {kind}") for f in FAMILIES] for kind in RULES}
        return pd.DataFrame(counts, index=list(FAMILIES))

    def agreement(self) -> pd.DataFrame:
        """Factor, share of agreeing cells, correlation and share of cells valid in one only, of the 213."""
        names = [m.removesuffix(": agreement") for v, m in self.numbers if v == VALUES and m.endswith(": agreement")]
        columns = ("agreement", "correlation", "valid in one only")
        rows = [[name, *(self.numbers.find(VALUES, f"{name}: {c}").value for c in columns)] for name in names]
        frame = pd.DataFrame(rows, columns=["factor", *columns])
        return frame[~frame["factor"].str.contains(",")] if len(frame) else frame

    def on_purpose(self) -> str:
        """The factors that are defined otherwise, and that their own formula is met."""
        found = []
        for name in ("alpha_001", "alpha_007"):
            share, other = (
                self.numbers.find(VALUES, f"{name}{by}: agreement").value for by in ("", ", by their formula")
            )
            found.append(f"{name} ({share:.0%} of cells agree, {other:.0%} once ours is computed by their formula)")
        return " and ".join(found)


def _summed(frame: pd.DataFrame) -> pd.DataFrame:
    """Over seeds, the worst case of every count and share."""
    keep = frame["metric"].str.contains("agreement|correlation|keeps every rule")
    worst = frame.groupby(["variant", "metric"], sort=False)["value"].transform("max")
    least = frame.groupby(["variant", "metric"], sort=False)["value"].transform("min")
    return frame.assign(value=worst.mask(keep, least)).drop_duplicates(["variant", "metric"])


def kinds_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Rules down, subjects across: factors that break each."""
    audit = ContractAudit.of(frame)
    rows = {kind: [audit.count(subject, kind) for subject in audit.subjects] for kind in RULES}
    rows["keeps every rule"] = [audit.count(subject, "keeps every rule") for subject in audit.subjects]
    return pd.DataFrame.from_dict(rows, orient="index", columns=audit.subjects).rename_axis("rule").reset_index()


def poison_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What masked cells held, and how many factors broke zero-on-mask and independence then."""
    audit = ContractAudit.of(frame)
    rows = []
    for under, title in UNDER.items():
        counts = {
            f"{kind}, {subject}": audit.count(subject, f"{kind}, {under}")
            for kind in ("zero-on-mask", "independence") for subject in audit.subjects if subject in (OURS, THEIRS)
            if (subject, f"{kind}, {under}") in audit.numbers
        }  # fmt: skip
        rows.append({"masked cells hold": title, **counts})
    return pd.DataFrame(rows)


def factor_table(frame: pd.DataFrame, subject: str = THEIRS) -> pd.DataFrame:
    """Every factor that breaks a rule: share of cells looked at, by rule, and the first offending cell."""
    part = frame[(frame["variant"] == subject) & frame["metric"].str.contains(": ")]
    values = dict(zip(part["metric"], part["value"], strict=True))
    pattern = re.compile(r"([a-z_0-9]+): (" + "|".join(RULES) + r")")
    rows: dict[str, dict[str, object]] = {}
    for metric, value in values.items():
        if not (found := pattern.fullmatch(metric)):
            continue
        factor, kind = found.groups()
        where = [int(values[f"{metric}.{what}"]) for what in ("panel", "day", "stock")]
        row = rows.setdefault(factor, {"factor": factor, **dict.fromkeys(RULES, float("nan"))})
        row[kind] = value
        row.setdefault("example", "{}: panel {}, day {}, stock {}".format(kind, *where))
    return pd.DataFrame(list(rows.values()), columns=["factor", *RULES, "example"])
