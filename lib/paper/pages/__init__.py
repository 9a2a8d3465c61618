"""What a page shows: figures, tables with a CSV link, computed sentences, this build beside the recorded one.

Everything is plain HTML or Markdown without scripts, so that a page looks the same offline, in Jupyter and in print.
"""

from __future__ import annotations

from lib.paper.pages.claims import (
    answered_table,
    chance_message,
    chance_table,
    changed_table,
    claims_table,
    not_studied,
    rule_table,
    study_claims,
    verdict_counts,
)
from lib.paper.pages.pieces import box, html, plot, say, show
from lib.paper.pages.result import PageResult, by_condition, market_claims, market_status
from lib.paper.pages.tables import table
from lib.paper.pages.views import beside, status, under, views

__all__ = [
    "box", "html", "plot", "say", "show", "table",
    "PageResult", "by_condition", "market_claims", "market_status",
    "beside", "status", "under", "views",
    "answered_table", "chance_message", "chance_table", "changed_table", "claims_table", "not_studied", "rule_table",
    "study_claims", "verdict_counts",
]  # fmt: skip
