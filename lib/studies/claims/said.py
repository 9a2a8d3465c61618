"""What the pages of the studies say from recorded results: for pages that are made of findings of many studies."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from lib.paper.pages.findings import Finding
from lib.paper.results.study import SCALES
from lib.parameters import Parameter
from lib.studies import load_study, recorded, recorded_studies
from lib.studies.chapters.contents import heading

if TYPE_CHECKING:
    from lib.paper.results.recording import Recorded
    from lib.paper.results.study import Study

#: the parameter of the pages that read recorded results
RECORDED_SCALE = {
    "recorded_scale": Parameter(
        str, None, choices=SCALES, optional=True, help="scale of the recorded results; None: the largest"
    )
}
NOT_RECORDED = "not yet recorded"


@dataclass(frozen=True)
class Said:
    """What the page of one study says: its title, the name of its notebook, the findings that hold, whether it is old.

    title: the heading of its notebook; that of the study where it has none
    old:   recorded by earlier code
    """

    title: str
    page: str
    findings: tuple[Finding, ...]
    old: bool

    def find(self, words: str) -> Finding | None:
        """The first finding that holds and has these words in its sentence."""
        return next((item for item in self.findings if words in item.sentence), None)


def is_evidence(record: Recorded) -> bool:
    """Whether rows are recorded, of real prices where the study is about them."""
    return bool(record) and not record.plumbing


def said_by(study: str | Study, recorded_scale: str | None = None) -> Said:
    """What one study says; without any finding where nothing is recorded, or what is recorded is no evidence."""
    found = load_study(study)
    record, title = recorded(found, recorded_scale), heading(f"run/{found.name}") or found.title
    if found.page.findings is None or not is_evidence(record):
        return Said(title, found.name, (), False)
    holding = tuple(item for item in found.page.findings(record.frame) if item.holds)
    return Said(title, found.name, holding, bool(holding) and record.stale)


def everything_said(recorded_scale: str | None = None) -> list[Said]:
    """The findings of all recorded studies that hold, study by study; what is no evidence says nothing."""
    return [item for study in recorded_studies() if (item := said_by(study, recorded_scale)).findings]


def link(item: Said) -> str:
    return f'<a href="{escape(item.page, quote=True)}.html">{escape(item.title)}</a>'


def age(item: Said) -> str:
    return " <em>(recorded by earlier code)</em>" if item.old else ""
