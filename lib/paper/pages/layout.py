"""The parts that every page has: its answer first, variations in tabs, and at the end how it was made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.pages.claims import answered_by
from lib.paper.pages.comparison import beside
from lib.paper.pages.findings import NOT_HERE, Finding
from lib.paper.pages.pieces import fold, html
from lib.paper.pages.result import RECORDED, PageResult
from lib.paper.pages.tables import table

if TYPE_CHECKING:
    from IPython.display import HTML

#: a place in the last part of a page that the build fills with the code of the page and the command that runs it again
CODE_HERE = "<!--code of this page-->"
#: findings at the head of a page; a single one more is shown too
FIRST_FINDINGS = 4


def opening(
    shown: PageResult, question: str, findings: Sequence[Finding], advice: str | Sequence[str], basis: str = ""
) -> HTML:
    """The head of a page: what was asked, what was found, what to do, and what the numbers rest on.

    A run that can give no answer says so in one line, with the command that records one. Findings of which a run has no
    numbers are only counted. The first FIRST_FINDINGS are shown, the others open on request: the most important come
    first. advice: one sentence, or several as a list. basis: what the numbers rest on, where that is not a number of
    markets.
    """
    texts = [reason] if (reason := shown.no_answer()) else [item.text for item in findings if item.complete]
    if not reason and (lacking := len(findings) - len(texts)):
        texts.append(f"{lacking} further statement{'s' * (lacking > 1)}: this result does not have the numbers.")
    shown_first = len(texts) if len(texts) <= FIRST_FINDINGS + 1 else FIRST_FINDINGS
    found, others = _list(texts[:shown_first]), texts[shown_first:]
    if others:
        found += str(fold(f"{len(others)} further findings", [html(_list(others))]).data)
    lines = [advice] if isinstance(advice, str) else list(advice)
    parts = [
        f"<p><strong>Question.</strong> {escape(question)}</p>",
        f"<p><strong>Answer.</strong></p>{found}" if texts else "",
        f"<p><strong>What to do.</strong></p>{_list(lines)}",
        f'<p class="basis">{escape(basis or shown.basis())}</p>',
    ]
    return html(f'<div class="answer">{"".join(parts)}</div>')


def _list(lines: Iterable[str]) -> str:
    items = "</li><li>".join(re.sub(r"`(.+?)`", r"<code>\1</code>", escape(line)) for line in lines)
    return f"<ul><li>{items}</li></ul>"


def tabs(parts: Mapping[str, HTML | Iterable[HTML]]) -> HTML:
    """Parts of which one is shown at a time, the first at the beginning. A single part stands without a tab.

    Without any part the page says that this run has none.
    """
    found = {label: [item] if hasattr(item, "data") else list(item) for label, item in parts.items()}
    bodies = {label: "".join(str(item.data) for item in items) for label, items in found.items()}
    if not bodies:
        return html(f"<p>{NOT_HERE}.</p>")
    if len(bodies) == 1:
        return html(next(iter(bodies.values())))
    own = hashlib.sha256("".join([*bodies, *bodies.values()]).encode()).hexdigest()[:10]
    pieces = []
    for place, (label, body) in enumerate(bodies.items()):
        name, checked = f"tab-{own}-{place}", ' checked="checked"' if place == 0 else ""
        pieces.append(
            f'<input{checked} id="{name}" name="tabs-{own}" type="radio"/>'
            f'<label class="sd-tab-label" for="{name}">{escape(label)}</label>'
            f'<div class="sd-tab-content docutils">{body}</div>'
        )
    return html(f'<div class="sd-tab-set docutils">{"".join(pieces)}</div>')


def claims(shown: PageResult) -> HTML:
    """The claims of the papers that the study is about, with the verdicts on the result that the page shows."""
    whom = "the recorded result" if shown.name == RECORDED else "this build"
    return answered_by(shown.study, shown.made.answers(), whom)


def how_made(shown: PageResult, page: str = "") -> HTML:
    """One fold at the end: parameters and their meaning, the command and time of the recorded evidence, the code.

    page: its name, where that is not the study's
    """
    parts = [
        table(parameters_table(shown), f"{page or shown.study.name}_parameters", caption="Parameters"),
        html(_recording(shown)),
        beside(shown.build, shown.record),
        html(CODE_HERE),
    ]
    return fold("Parameters, command, agreement with the recorded result, and code", parts)


def parameters_table(shown: PageResult) -> pd.DataFrame:
    """Parameters of the study with the value behind the numbers shown, that of this build, and what they mean."""
    schema, build = shown.study.schema(), shown.build.settings
    rows = [
        {"parameter": name, "shown": _text(shown.setting(name)), "this build": _text(build.get(name)),
         "meaning": parameter.help}
        for name, parameter in schema.items() if name not in ("scale", "seeds")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["parameter", "shown", "this build", "meaning"])


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _recording(shown: PageResult) -> str:
    """Command, computing time, dates and machine of the recorded result."""
    record = shown.record
    if not record:
        return (
            "<p>Nothing is recorded yet for this page; the command is <code>python -m lib record "
            f"{escape(shown.study.name)} --scale paper</code>.</p>"
        )
    runs = [record.runs[name] for name in {row.run for row in record.rows}]
    files = sorted({(item["parameter"], item["file"]) for run in runs for item in run["inputs"] if item["parameter"]})
    options = "".join(f" --set {name}={file}" for name, file in files)
    if 1 < len(record.seeds) < len(shown.study.settings(record.scale)["seeds"]):  # a recording of the first markets
        options = f" --seeds {len(record.seeds)}{options}"
    hours = sum(row.seconds for row in record.rows) / 3600
    time = f"{60 * hours:.0f} minutes" if hours < 1.5 else f"{hours:.1f} hours"
    dates = sorted(row.date[:10] for row in record.rows)
    machines = ", ".join(sorted({str(run["hardware"]) for run in runs}))
    return (
        f"<p>The recorded result comes from <code>python -m lib record {escape(shown.study.name)} --scale "
        f"{escape(record.scale)}{escape(options)}</code>: {len(record.rows)} rows, {time} of computing on one core, "
        f"{dates[0]} to {dates[-1]}, {escape(machines)}.</p>"
    )
