"""Numbers of the figures and tables of a page, and references to them.

A text refers by the function that shows it, `[Figure](#by_window)` or `[Table](#window_tables)`; on the page that reads
"Figure 2" and leads there. Where this run does not show it, it reads "the figure (not in this run)".
"""

from __future__ import annotations

import re

import nbformat

from lib.errors import ParameterError, closest
from lib.paper.pages.layout import CODE_HERE

_EXHIBIT = re.compile(
    r'<figure class="plot">(?P<picture>.*?)</figure>'
    r'|<div class="(?P<table>exhibit[^"]*)">(?P<before>(?:(?!<table|<div class="exhibit).)*<table>)'
    r"(?:<caption>(?P<caption>.*?)</caption>)?",
    re.DOTALL,
)
_REFERENCE = re.compile(r"\[(Figure|Table)\]\(#(\w+)\)")
_CALL = re.compile(r"(\w+)\(")


def number_exhibits(node: nbformat.NotebookNode, page: str) -> None:
    """Number what a notebook shows, in reading order, and fill in the references of its texts.

    Raises ParameterError for a reference to what no cell of the notebook calls.
    """
    counter = _Counter()
    for cell in node.cells:
        counter.called = _CALL.findall(cell.source) if cell.cell_type == "code" else []
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/html", ""))
            if text and CODE_HERE not in text:  # how a page was made has no numbers
                output["data"]["text/html"] = _EXHIBIT.sub(counter.numbered, text)
    known = {name for cell in node.cells if cell.cell_type == "code" for name in _CALL.findall(cell.source)}
    for cell in node.cells:
        if cell.cell_type == "markdown":
            cell.source = _REFERENCE.sub(lambda found: _reference(found, counter.places, known, page), cell.source)


class _Counter:
    """Counts figures and tables; places: (kind, function) -> number of the first that it shows."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str], int] = {}
        self.counts = {"Figure": 0, "Table": 0}
        self.called: list[str] = []

    def numbered(self, found: re.Match[str]) -> str:
        kind = "Table" if found["table"] else "Figure"
        self.counts[kind] += 1
        count = self.counts[kind]
        for name in self.called:
            self.places.setdefault((kind, name), count)
        if kind == "Figure":
            picture = found["picture"]
            return f'<figure class="plot" id="figure-{count}">{picture}<figcaption>Figure {count}</figcaption></figure>'
        words = f'<span class="count">Table {count}</span> {found["caption"] or ""}'.strip()
        return f'<div class="{found["table"]}" id="table-{count}">{found["before"]}<caption>{words}</caption>'


def _reference(found: re.Match[str], places: dict[tuple[str, str], int], known: set[str], page: str) -> str:
    kind, name = found.groups()
    if count := places.get((kind, name)):
        return f'<a href="#{kind.lower()}-{count}">{kind} {count}</a>'
    if name not in known:
        raise ParameterError(f"page {page}: no {kind.lower()} {name!r} to refer to{closest(name, known)}")
    return f"the {kind.lower()} (not in this run)"
