"""What the numbers of a study say, in words: sentences that follow from estimates and the signs of their intervals.

Titles of figures and sentences of pages come from here, so that none of them can claim what a run does not show. A
sign counts only when the 95 % interval excludes zero.
"""

from __future__ import annotations

from lib.findings.ablation import CAUSES, VARIANT_ORDER, Ablation
from lib.findings.estimates import MINUS, Estimate, Numbers, join, signed
from lib.findings.events import EVENT_COLUMNS, OUTCOMES, SPAN_COLUMNS, LimitEvents, source_title
from lib.findings.universe import PAPER_COUNT, Universe

__all__ = [
    "MINUS", "Estimate", "Numbers", "join", "signed",
    "EVENT_COLUMNS", "OUTCOMES", "SPAN_COLUMNS", "LimitEvents", "source_title",
    "CAUSES", "VARIANT_ORDER", "Ablation",
    "PAPER_COUNT", "Universe",
]  # fmt: skip
