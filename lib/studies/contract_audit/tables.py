"""The contract audit on a page: this build's rows, and the recorded ones for what was not installed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.pages.pieces import box
from lib.studies.contract_audit.findings import THEIRS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.results.recording import Recorded
    from lib.paper.results.runner import StudyResult


@dataclass(frozen=True)
class AuditView:
    """The rows a page shows: its own, completed by recorded ones; `source` says where those of mlquantx come from."""

    frame: pd.DataFrame
    source: str

    @classmethod
    def of(cls, result: StudyResult, recorded: Recorded) -> AuditView:
        own, other = result.frame, recorded.frame
        if (own["variant"] == THEIRS).any():
            return cls(own, "this build")
        extra = other[~other["variant"].isin(own["variant"])] if len(other) else other
        whole = pd.concat([own, extra], ignore_index=True) if len(extra) else own
        return cls(whole, "recorded" if (whole["variant"] == THEIRS).any() else "")

    @property
    def note(self) -> str:
        """Small print for the figure."""
        return f"{THEIRS}: {self.source}" if self.source else ""


def audit_status(view: AuditView, recorded: Recorded) -> HTML:
    """The remark at the head of the page: where the rows of mlquantx come from."""
    if view.source == "this build":
        return box(
            "Both audited here", f"{THEIRS} is installed: every number on this page was made by this build.", "tip"
        )
    how = "Install the extra `peer` to audit it here."
    if view.source:
        text = f"{THEIRS} is not installed here: its numbers are the recorded ones ({recorded.describe()}). {how}"
        return box("Recorded result", text)
    text = f"{THEIRS} is not installed here and nothing about it is recorded: the page shows our own factors. {how}"
    return box("Our own factors only", text)
