"""The page "contract_audit": which factors keep the mask contract, this book's and those of the papers' package."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.factors.registry import FAMILIES, factor_names
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.pieces import fold, html
from lib.paper.pages.tables import text_of
from lib.stats.estimates import Numbers
from lib.studies.contract_audit.measure import SUBJECTS
from lib.studies.contract_audit.measure import VALUES as _VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

OURS, OURS_101, THEIRS, DRIVER, PRIMITIVES = (subject.variant for subject in SUBJECTS.values())
VALUES = f"{THEIRS}, {_VALUES}"
QUESTION = (
    "The papers promise that what lies under the mask never reaches a valid factor value. Do the factors of this book, "
    "and those of the papers' own package, keep that promise?"
)
ADVICE = (
    "Test a mask from outside: overwrite what it hides with other numbers, infinity and NaN, compute again, and "
    "compare bits.",
    "Test every factor alone. A joint mask over all factors hides most violations and does not undo those that a rank "
    "or z-score of the day has spread to other stocks.",
    "Clear masked cells with a selection, never by multiplying with zero: NaN and infinity survive it.",
)
#: rule -> what it says
RULES = {
    "zero-on-mask": "a masked output holds 0",
    "independence": "what a masked cell holds changes no valid output",
    "propagation": "an output is valid only if every cell that it reads is",
    "masked day": "the part of propagation that concerns today's own cell",
    "look-ahead": "nothing changes when the future does",
}
#: the rules, narrow enough to stand under a column
SHORT = ("zero on\nmask", "indepen-\ndence", "propa-\ngation", "masked\nday", "look-\nahead")
#: subject -> its name for readers
NAMES = {
    OURS: "this book", OURS_101: "this book, Alpha101", THEIRS: f"{THEIRS}, one by one",
    DRIVER: f"{THEIRS}, through its driver", PRIMITIVES: f"{THEIRS}, operators",
}  # fmt: skip
#: cells that must agree for two implementations to count as the same
SAME_SHARE = 0.98
#: the name of what masked cells held -> in words
UNDER = {
    "as is": "prices of limit days and halts, 0 elsewhere", "price": "another price", "1e30": "1e30", "inf": "infinity",
    "NaN": "NaN",
}  # fmt: skip
NO_PEER = f"{THEIRS} was not part of this run, so there is nothing to compare with."


@dataclass(frozen=True)
class ContractAudit:
    """The numbers of the study, with or without those of mlquantx."""

    numbers: Numbers

    @classmethod
    def of(cls, frame: pd.DataFrame) -> ContractAudit:
        return cls(Numbers(_worst(frame)))

    @property
    def subjects(self) -> list[str]:
        """What was audited, in the order of the page."""
        return [name for name in NAMES if name in self.numbers.variants]

    @property
    def has_peer(self) -> bool:
        return THEIRS in self.numbers.variants

    def count(self, subject: str, metric: str) -> float:
        """Factors of a subject that break a rule, or another count of it; NaN where it was not counted."""
        return self.numbers.find(subject, metric).value

    def agreement(self) -> pd.DataFrame:
        """Factor, share of agreeing cells, correlation and share of cells valid in one only, worst first."""
        names = [m.removesuffix(": agreement") for v, m in self.numbers if v == VALUES and m.endswith(": agreement")]
        columns = ("agreement", "correlation", "valid in one only")
        rows = [[name, *(self.count(VALUES, f"{name}: {c}") for c in columns)] for name in names if "," not in name]
        return pd.DataFrame(rows, columns=["factor", *columns]).sort_values("agreement", kind="stable")


def _worst(frame: pd.DataFrame) -> pd.DataFrame:
    """Over seeds, the worst case of every count and share."""
    keep = frame["metric"].str.contains("agreement|correlation|keeps every rule")
    worst = frame.groupby(["variant", "metric"], sort=False)["value"].transform("max")
    least = frame.groupby(["variant", "metric"], sort=False)["value"].transform("min")
    return frame.assign(value=worst.mask(keep, least)).drop_duplicates(["variant", "metric"])


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says; without mlquantx only of this book."""
    audit = ContractAudit.of(frame)
    kept, audited = (audit.count(OURS, metric) for metric in ("keeps every rule", "audited"))
    own = first([
        Finding("All {audited:.0f} factors of this book keep every rule of the contract.",
                audited=audited, holds=kept == audited),
        Finding("{kept:.0f} of {audited:.0f} factors of this book keep every rule of the contract.",
                kept=kept, audited=audited, holds=kept < audited),
    ])  # fmt: skip
    return [own, *_of_peer(audit)] if audit.has_peer else [own]


def _of_peer(audit: ContractAudit) -> list[Finding]:
    kept, audited = (audit.count(THEIRS, metric) for metric in ("keeps every rule", "audited"))
    zero, independence, propagation, ahead = (
        audit.count(THEIRS, rule) for rule in ("zero-on-mask", "independence", "propagation", "look-ahead")
    )
    left, spread = (audit.count(DRIVER, rule) for rule in ("zero-on-mask", "independence"))
    values = audit.agreement()["agreement"]
    same = int((values >= SAME_SHARE).sum())
    return [
        Finding(
            "Of the {audited:.0f} factors of the papers' package {name}, taken one by one, {kept:.0f} keep every rule.",
            audited=audited, name=THEIRS, kept=kept, holds=kept < audited,
        ),
        Finding(
            "In {independence:.0f} of these {audited:.0f} factors the content of a masked cell changes a valid value: "
            "what stands in an untradable cell decides about other stocks.",
            independence=independence, audited=audited, holds=independence > 0,
        ),
        Finding(
            "The package's driver returns one joint mask for all factors. With it {zero:.0f} factors leave a masked "
            "output uncleared, but masked content still changes valid values of {spread:.0f}, because the z-score of "
            "the day was taken over masked stocks too.",
            zero=left, spread=spread, holds=left < zero and spread > 0,
        ),
        Finding(
            "No factor of the package looks ahead, and where nothing is masked it computes the same as this book: "
            "{same} of {number} factors agree in at least {share:.0%} of their cells.",
            same=same, number=len(values), share=SAME_SHARE, holds=ahead == 0 and same > 0.8 * len(values),
        ),
        Finding(
            "Taken one by one, {propagation:.0f} factors of the package give a valid value although a cell that they "
            "read is masked, and {zero:.0f} leave something else than 0 in a masked output.",
            propagation=propagation, zero=zero, holds=propagation > 0 and zero > 0,
        ),
    ]  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    which = "The recorded result" if shown.name == "recorded" else "This build"
    lacks = f" {THEIRS} is not installed here; with the extra 'peer' of this package it is audited too."
    peer = "" if ContractAudit.of(shown.rows).has_peer else lacks
    basis = (
        f"{which}: sets of {shown.setting('panels')} random panels with halts, limit closes, missing cells and late "
        f"listings, the same for both packages. Counts are exact; there is no sampling interval.{peer}"
    )
    return opening(shown, QUESTION, findings(shown.rows), ADVICE, basis)


# ------------------------------------------------------------------------------------------- figures


def by_family(frame: pd.DataFrame, subject: str) -> pd.DataFrame:
    """Share of the factors of each family that break each rule, families down and rules across."""
    audit = ContractAudit.of(frame)
    shares = {
        rule: [audit.count(subject, f"family {family}: {rule}") / len(factor_names(family)) for family in FAMILIES]
        for rule in RULES
    }
    return pd.DataFrame(shares, index=list(FAMILIES))


def families(shown: PageResult) -> HTML:
    """Which rules the factors of each family break, mlquantx first because it is the one that breaks some."""
    from lib.paper.pages.forms import heat_map

    audit = ContractAudit.of(shown.rows)

    def picture(subject: str) -> HTML:
        kept, audited = (audit.count(subject, metric) for metric in ("keeps every rule", "audited"))
        title = f"{NAMES[subject]}: {kept:.0f} of {audited:.0f} factors keep every rule"
        shares = 100 * by_family(shown.rows, subject)
        labels = [f"{family} ({len(factor_names(family))})" for family in FAMILIES]
        return plot(heat_map(shares.to_numpy(), labels, SHORT, title, "factors that break the rule, %", form=".0f",
                             y_label="family (its factors)"))  # fmt: skip

    subjects = [name for name in (THEIRS, DRIVER, OURS) if name in audit.subjects]
    return tabs({NAMES[subject]: picture(subject) for subject in subjects})


# -------------------------------------------------------------------------------------------- tables


def kinds_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Rules down, subjects across: factors that break each."""
    audit = ContractAudit.of(frame)
    rows = {rule: [audit.count(subject, rule) for subject in audit.subjects] for rule in RULES}
    rows["keeps every rule"] = [audit.count(subject, "keeps every rule") for subject in audit.subjects]
    rows["factors audited"] = [audit.count(subject, "audited") for subject in audit.subjects]
    return pd.DataFrame.from_dict(rows, orient="index", columns=audit.subjects).rename_axis("rule").reset_index()


def poison_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What masked cells held, and how many factors broke zero-on-mask and independence then."""
    audit = ContractAudit.of(frame)
    subjects = [subject for subject in audit.subjects if subject in (OURS, THEIRS)]
    return pd.DataFrame([
        {"masked cells hold": title}
        | {f"{rule}, {subject}": audit.count(subject, f"{rule}, {under}")
           for rule in ("zero-on-mask", "independence") for subject in subjects}
        for under, title in UNDER.items()
    ])  # fmt: skip


def factor_table(frame: pd.DataFrame, subject: str = THEIRS) -> pd.DataFrame:
    """Every factor that breaks a rule: share of cells looked at, by rule, and the first offending cell."""
    part = frame[(frame["variant"] == subject) & frame["metric"].str.contains(": ")]
    values = dict(zip(part["metric"], part["value"], strict=True))
    pattern = re.compile(r"([a-z_0-9]+): (" + "|".join(RULES) + r")")
    rows: dict[str, dict[str, object]] = {}
    for metric, value in values.items():
        if not (found := pattern.fullmatch(metric)):
            continue
        factor, rule = found.groups()
        where = [int(values[f"{metric}.{what}"]) for what in ("panel", "day", "stock")]
        row = rows.setdefault(factor, {"factor": factor, **dict.fromkeys(RULES, math.nan)})
        row[rule] = value
        row.setdefault("example", "{}: panel {}, day {}, stock {}".format(rule, *where))
    return pd.DataFrame(list(rows.values()), columns=["factor", *RULES, "example"])


def _or(empty: str, form: str = "") -> Callable[[Any], str]:
    """A cell, or the word that says why it is empty."""
    return lambda value: empty if isinstance(value, float) and math.isnan(value) else text_of(value, form or None)


def rules(shown: PageResult) -> HTML:
    """Factors that break each rule, by subject."""
    frame = kinds_table(shown.rows)
    heads = {"rule": "rule"} | {subject: NAMES[subject] for subject in frame.columns[1:]}
    caption = "Factors that break the rule; in the last two rows, factors that keep all and factors audited"
    return table(frame, "contract_audit_rules", columns=heads, caption=caption)


def poisons(shown: PageResult) -> HTML:
    """Factors that break a rule, by what was written into masked cells."""
    frame = poison_table(shown.rows)
    heads = {"masked cells hold": "masked cells hold"}
    for column in frame.columns[1:]:
        rule, _, subject = str(column).partition(", ")
        heads[column] = f"{rule}: {'this book' if subject == OURS else subject}"
    return table(frame, "contract_audit_poisons", columns=heads,
                 formats=dict.fromkeys(frame.columns[1:], _or("not asked")),
                 caption="Factors that break the rule, by what masked cells held")  # fmt: skip


def factors(shown: PageResult) -> HTML:
    """Every factor of mlquantx that breaks a rule."""
    frame = factor_table(shown.rows)
    if frame.empty:
        return html(f"<p>{NO_PEER}</p>")
    broken = [rule for rule in RULES if np.isfinite(frame[rule]).any()]
    heads = {"factor": "factor"} | {rule: rule for rule in broken} | {"example": "first cell"}
    found = table(frame, "contract_audit_factors", columns=heads, formats=dict.fromkeys(RULES, _or("keeps it", ".1%")))
    return fold(f"The {len(frame)} factors of {THEIRS} that break a rule", [found])


def values(shown: PageResult) -> HTML:
    """How far every factor of the two packages agrees where nothing is masked."""
    audit = ContractAudit.of(shown.rows)
    frame = audit.agreement()
    if frame.empty:
        return html(f"<p>{NO_PEER}</p>")
    heads = {"factor": "factor", "agreement": "cells that agree", "correlation": "correlation",
             "valid in one only": "cells valid in one only"}  # fmt: skip
    formats = {"agreement": ".1%", "correlation": ".4f", "valid in one only": ".2%"}
    other = [{"factor": name, "as each package defines it": audit.count(VALUES, f"{name}: agreement"),
              "by their formula": audit.count(VALUES, f"{name}, by their formula: agreement")}
             for name in ("alpha_001", "alpha_007")]  # fmt: skip
    forms = {"as each package defines it": ".0%", "by their formula": ".0%"}
    purpose = table(pd.DataFrame(other), "contract_audit_defined_otherwise", formats=forms,
                    caption="Cells that agree, for the two factors that are defined in another way")  # fmt: skip
    every = fold(f"All {len(frame)} factors, the least alike first",
                 [table(frame, "contract_audit_values", columns=heads, formats=formats)])  # fmt: skip
    return html(purpose.data + every.data)
