"""A reader's own factor function: which rule it breaks, and the smallest panel that shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd

from lib.audit import Broken, audit_function, hostile_panel
from lib.audit.functions import MEANING, RULES, computing
from lib.paper.pages import html, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening
from lib.parameters import Parameter
from lib.reasons import Reason

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.panel import Panel
    from lib.paper.pages.result import PageResult

QUESTION: Final = "Does a factor use what comes later, or what a masked cell holds?"
ADVICE: Final = (
    "Where a price is masked, take it out before the first window reads it, not out of the result.",
    "Run the audit in your own tests: it needs the function alone.",
)
BASIS: Final = "Random panels of stocks with halts, limit closes, missing cells and late listings."
PARAMETERS: Final = {
    "panels": Parameter(int, 5, low=1, high=100, help="random panels that a function is run on"),
    "seed": Parameter(int, 0, low=0, help="of the panels"),
}
#: rows shown around the offending day
AROUND: Final = 6
Function = Callable[["Panel"], Any]


def audits(functions: Mapping[str, Function], panels: int = 5, seed: int = 0) -> dict[str, list[Broken]]:
    """The rules that each function breaks."""
    return {name: audit_function(function, panels=panels, seed=seed) for name, function in functions.items()}


def summary(found: Mapping[str, list[Broken]]) -> HTML:
    """Function by rule: whether it holds, and the share of values that break it."""
    rows = []
    for name, broken in found.items():
        shares = {item.rule: item.share for item in broken}
        kept = {rule: f"broken in {shares[rule]:.1%} of values" if rule in shares else "holds" for rule in RULES}
        rows.append({"function": name, **kept})
    asked = "".join(f"<li><strong>{rule}</strong>: broken when {MEANING[rule]}</li>" for rule in RULES)
    return html(f"<ul>{asked}</ul>{table(pd.DataFrame(rows), 'your_factor_rules').data}")


def answer(found: Mapping[str, list[Broken]]) -> HTML:
    """The head of the page: question, what was found of each function, advice."""
    return opening(cast("PageResult", _Audited()), QUESTION, said(found), ADVICE, BASIS)


@dataclass(frozen=True)
class _Audited:
    """A page that always has its answer."""

    evidence: bool = True

    def no_answer(self) -> str:
        return ""


def said(found: Mapping[str, list[Broken]]) -> list[Finding]:
    """A sentence on each function."""
    return [
        first([
            Finding("{name} keeps every rule.", name=name, holds=not broken),
            Finding("{name} breaks a rule: {rules}.", name=name, holds=bool(broken),
                    rules=", and ".join(f"{MEANING[item.rule]} ({item.rule})" for item in broken)),
        ])
        for name, broken in found.items()
    ]  # fmt: skip


def smallest(found: Mapping[str, list[Broken]], functions: Mapping[str, Function]) -> HTML:
    """For every broken rule the smallest panel that shows it: the offending stock around the offending day."""
    return html("".join(_smallest(item, functions[name]) for name, broken in found.items() for item in broken))


def _smallest(item: Broken, function: Function) -> str:
    if not item.stocks:
        return f"<p>{item.rule}: no small panel shows it; it breaks in {item.share:.1%} of values.</p>"
    lines = table(around(item, function), f"your_factor_{item.factor}_{item.rule}",
                  formats={"close": ".2f", "factor": ".4f"},
                  caption="the offending stock around the offending day")  # fmt: skip
    return f"<p>{item}.</p>{lines.data}"


def around(item: Broken, function: Function) -> pd.DataFrame:
    """The column of the offending cell around its day: date, close, why the cell is masked, the factor."""
    panel = hostile_panel(np.random.default_rng(item.seed), item.stocks, item.days)
    values, valid = computing(function)(panel)[item.factor]
    rows = slice(max(item.day - AROUND, 0), item.day + AROUND + 1)
    reasons = [_words(int(bits)) for bits in panel.reasons[rows, item.stock]]
    factor = np.where(valid, values, np.nan)[rows, item.stock]
    row = np.arange(panel.shape[0])[rows]
    return pd.DataFrame({"row": row, "close": panel.fields["close"][rows, item.stock], "masked because": reasons,
                         "factor": factor, "broken": np.where(row == item.day, "here", "")})  # fmt: skip


def _words(bits: int) -> str:
    return ", ".join(str(flag.name).lower().replace("_", "-") for flag in Reason if bits & flag)
