"""What a page shows: its answer, findings, figures, tables with a CSV link, claims, and how it was made.

Everything is plain HTML or Markdown without scripts, so that a page looks the same offline, in Jupyter and in print.
"""

from __future__ import annotations

from lib.paper.pages.claims import (
    chance_message,
    chance_table,
    changed_table,
    claims_table,
    rule_table,
    verdict_counts,
)
from lib.paper.pages.pieces import box, html, plot, say, show
from lib.paper.pages.result import PageResult
from lib.paper.pages.tables import table

__all__ = [
    "box", "html", "plot", "say", "show", "table",
    "PageResult",
    "chance_message", "chance_table", "changed_table", "claims_table", "rule_table", "verdict_counts",
]  # fmt: skip
