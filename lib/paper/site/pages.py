"""Turns a notebook that has run into a page of the book: noise removed, provenance added.

What differs from run to run without meaning anything (times, random ids, progress bars, folders of this
machine) is taken out, so that a rebuild gives the same bytes.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import nbformat

from lib.paper.pages.layout import CODE_HERE
from lib.paper.results.provenance import environment, repository_state
from lib.paper.site.numbering import number_exhibits
from lib.store.sources import file_digest

_FENCE = "```"


def finish(node: nbformat.NotebookNode, name: str, settings: Mapping[str, Any], key: str) -> None:
    """Clean an executed notebook in place and append the cell that says how it was made.

    settings: every parameter with its value; a parameter ending in ``_path`` names a file
    key:      what the copy depends on, as lib.paper.site.notebooks computed it; stored in the metadata
    """
    node.metadata.pop("papermill", None)
    for cell in node.cells:
        _clean(cell)
    number_exhibits(node, name)
    if not _filled(node, name, settings):
        node.cells.append(_provenance(name, settings))
    node.metadata["provenance"] = {"key": key}
    for value in files_named(settings).values():
        _forget_folder(node, value)


def rerun_line(name: str, settings: Mapping[str, Any]) -> str:
    """The papermill command that gives this page again.

    >>> rerun_line("limit_events", {"scale": "smoke", "seeds": 4, "data_path": None})
    'papermill notebooks/limit_events.ipynb out.ipynb -p scale smoke -p seeds 4'
    """
    options = [_option(key, value) for key, value in settings.items() if value is not None and value != ""]
    return " ".join([f"papermill notebooks/{name}.ipynb out.ipynb", *options])


def files_named(settings: Mapping[str, Any]) -> dict[str, Path]:
    """The input files among the parameters: those whose name ends in ``_path``, where one is given."""
    return {name: Path(value) for name, value in settings.items() if name.endswith("_path") and value}


def parsed(text: str) -> Any:
    """A value from the command line, read as papermill's -p reads it.

    >>> [parsed(text) for text in ("4", "0.5", "True", "None", "smoke")]
    [4, 0.5, True, None, 'smoke']
    """
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _option(name: str, value: Any) -> str:
    if isinstance(value, list | tuple | dict):
        return f"-y {shlex.quote(json.dumps({name: value}))}"
    flag = "-r" if isinstance(value, str) and not isinstance(parsed(value), str) else "-p"
    return f"{flag} {name} {shlex.quote(str(value))}"


def _clean(cell: nbformat.NotebookNode) -> None:
    for noise in ("papermill", "execution"):
        cell.metadata.pop(noise, None)
    if not cell.metadata.get("tags", True):
        del cell.metadata["tags"]  # papermill gives every cell an empty list
    if "injected-parameters" in cell.metadata.get("tags", []):
        cell.metadata["tags"] = ["injected-parameters"]
        cell["id"] = "injected-parameters"
    if cell.cell_type == "code":
        tags = cell.metadata.get("tags", [])
        if "shown" not in tags:  # code stands at the end of the page, unless it is what the page is about
            cell.metadata["tags"] = [*(tag for tag in tags if tag != "hide-input"), "remove-input"]
        cell.outputs = [output for output in cell.outputs if not _is_progress_bar(output)]


def _filled(node: nbformat.NotebookNode, name: str, settings: Mapping[str, Any]) -> bool:
    """Put the code of the page and the command that gives it again where the page has a place for them."""
    found = False
    for cell in node.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/html")
            if text and CODE_HERE in (text := "".join(text)):
                output["data"]["text/html"] = text.replace(CODE_HERE, _code(node, name, settings))
                found = True
    return found


def _code(node: nbformat.NotebookNode, name: str, settings: Mapping[str, Any]) -> str:
    """HTML of the cells of a notebook and of what gives its page again."""
    cells = [cell.source for cell in node.cells if cell.cell_type == "code"]
    command, made = _again(name, settings)
    blocks = [highlighted(command, "bash"), f"<p>{escape(made)}</p>", highlighted("\n\n".join(cells), "python")]
    return "<p>This page again:</p>" + "".join(blocks)


def highlighted(source: str, language: str) -> str:
    """A block of code as the site's own blocks look."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    shown: str = highlight(source, get_lexer_by_name(language), HtmlFormatter(wrapcode=False))
    return shown


def _again(name: str, settings: Mapping[str, Any]) -> tuple[str, str]:
    """The command that gives a page again, and what it was made from."""
    files = files_named(settings)
    shown = {key: files[key].name if key in files else value for key, value in settings.items()}
    return rerun_line(name, shown), f"Made from {_commit()} with {_versions()}.".replace("`", "")


def _is_progress_bar(output: nbformat.NotebookNode) -> bool:
    return bool(output.output_type == "stream" and output.name == "stderr" and "\r" in output.text)


def _provenance(name: str, settings: Mapping[str, Any]) -> nbformat.NotebookNode:
    files = files_named(settings)
    command, _ = _again(name, settings)
    text = "\n".join(
        [
            ":::{admonition} Run this page again",
            f"{_FENCE}bash",
            command,
            _FENCE,
            f"Made from {_commit()} with {_versions()}.",
            *(f"`{key}` is `{path.name}`, SHA-256 `{file_digest(path)[:16]}`." for key, path in files.items()),
            ":::",
        ]
    )
    cell = nbformat.v4.new_markdown_cell(text, metadata={"tags": ["provenance"]})
    cell["id"] = "provenance"
    return cell


def _commit() -> str:
    state = repository_state()
    if state["commit"] is None:
        return "a copy outside version control"
    return f"commit `{state['commit'][:12]}`" + (" plus uncommitted changes" if state["dirty"] else "")


def _versions() -> str:
    return ", ".join(f"{package} {version}" for package, version in environment()["versions"].items())


def _forget_folder(item: Any, path: Path) -> None:
    """Replace the full path of an input file by its name in every text of the notebook."""
    for key, value in list(item.items() if isinstance(item, dict) else enumerate(item)):
        if isinstance(value, str):
            item[key] = value.replace(str(path), path.name)
        elif isinstance(value, dict | list):
            _forget_folder(value, path)
