"""The opening page of a chapter: its answer, from recorded findings, and the pages with the evidence.

Which pages a chapter has is written down once, in book/_toc.yml: the page that opens it and the sections below it.
"""

from __future__ import annotations

from html import escape
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from lib.paper.pages import html
from lib.studies.chapters.contents import address, below, heading
from lib.studies.claims.said import NOT_RECORDED, age, link, said_by

if TYPE_CHECKING:
    from IPython.display import HTML


def answer(*chosen: str | tuple[str, str], recorded_scale: str | None = None) -> HTML:
    """One finding of each study that holds on its recorded rows; studies without one are named in one line.

    chosen: a study, for its first finding, or a study and words of the finding that is wanted where it holds
    """
    pairs = [(item, "") if isinstance(item, str) else item for item in chosen]
    found = [(said_by(study, recorded_scale), words) for study, words in pairs]
    lines = [
        f"<li>{escape((said.find(words) or said.findings[0]).text)} {link(said)}{age(said)}</li>"
        for said, words in found if said.findings
    ]  # fmt: skip
    missing = ", ".join(link(said) for said, _ in found if not said.findings)
    parts = [
        "<p><strong>Answer.</strong></p>",
        f"<ul>{''.join(lines)}</ul>" if lines else "",
        f'<p class="basis">{NOT_RECORDED.capitalize()}: {missing}.</p>' if missing else "",
    ]
    return html(f'<div class="answer">{"".join(parts)}</div>')


def pages(opening: str) -> HTML:
    """The pages of the chapter that a notebook opens, each with the question that it asks."""
    rows = [f'<li><a href="{address(file)}">{escape(heading(file))}</a>{_asked(file)}</li>' for file in below(opening)]
    return html(f'<ul class="pages">{"".join(rows)}</ul>')


def _asked(file: str) -> str:
    """The question of a study's page, after its title."""
    module = f"lib.studies.{file.removeprefix('run/')}.page"
    known = file.startswith("run/") and find_spec(module.rpartition(".")[0]) is not None
    question = getattr(import_module(module), "QUESTION", "") if known and find_spec(module) is not None else ""
    return f'<br/><span class="asked">{escape(question)}</span>' if question else ""
