"""Figures and tables of a page have numbers in reading order, and texts refer to them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pandas as pd
import pytest

from lib.errors import ParameterError
from lib.paper.pages import plot, table
from lib.paper.pages.forms import bars
from lib.paper.pages.layout import CODE_HERE
from lib.paper.site.notebooks import ROOT
from lib.paper.site.numbering import number_exhibits

FRAME = pd.DataFrame({"name": ["a"], "n": [1]})


def page(text: str, **cells: str) -> nbformat.NotebookNode:
    """A notebook of one text and, for each name, a cell that calls the function of this name and shows some HTML."""
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    for name, shown in cells.items():
        cell = nbformat.v4.new_code_cell(f"page.{name}(shown)")
        cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": shown})]
        node.cells.append(cell)
    return node


def numbered(text: str, **cells: str) -> list[str]:
    node = page(text, **cells)
    number_exhibits(node, "x")
    return [node.cells[0].source, *(cell.outputs[0].data["text/html"] for cell in node.cells[1:])]


def test_numbers_run_through_the_page_and_references_lead_there() -> None:
    figure = plot(bars({"a": 1.0}, "A title", "%")).data
    captioned, plain = table(FRAME, "one", caption="of <all>").data, table(FRAME, "two").data
    text, first, second, third = numbered(
        "See [Figure](#later), [Table](#both) and [Table](#later).", early=figure, both=captioned + plain,
        later=figure + plain,
    )  # fmt: skip
    assert 'id="figure-1"' in first and "<figcaption>Figure 1</figcaption>" in first
    assert '<caption><span class="count">Table 1</span> of &lt;all&gt;</caption>' in second
    assert 'id="table-2"' in second and '<caption><span class="count">Table 2</span></caption>' in second
    assert 'id="figure-2"' in third and 'id="table-3"' in third
    links = [f'<a href="#{kind}-{count}">{kind.title()} {count}</a>' for kind, count in
             (("figure", 2), ("table", 1), ("table", 3))]  # fmt: skip
    assert text == f"See {links[0]}, {links[1]} and {links[2]}."


def test_how_a_page_was_made_has_no_numbers() -> None:
    own = table(FRAME, "parameters").data + CODE_HERE
    assert numbered("", how_made=own)[1] == own


def test_what_this_run_lacks_is_said_and_what_nothing_shows_is_refused() -> None:
    assert numbered("[Figure](#empty)", empty="<p>Not in this run.</p>")[0] == "the figure (not in this run)"
    with pytest.raises(ParameterError, match=r"page x: no figure 'emtpy' .*did you mean 'empty'"):
        numbered("[Figure](#emtpy)", empty="")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_reference_of_a_notebook_names_what_a_cell_shows(path: Path) -> None:
    number_exhibits(nbformat.read(path, as_version=4), path.stem)
