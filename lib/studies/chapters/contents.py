"""The table of contents: which pages a chapter has, their titles and addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lib.paper.site.notebooks import ROOT


def below(opening: str, root: Path = ROOT) -> list[str]:
    """The files of the chapter that is opened by a notebook, in the order of the table of contents."""
    import yaml

    contents = yaml.safe_load((root / "book" / "_toc.yml").read_text(encoding="utf-8"))
    found = [chapter for chapter in _chapters(contents) if chapter["file"] == f"run/{opening}"]
    return [section["file"] for chapter in found for section in chapter.get("sections", [])]


def _chapters(contents: Any) -> Iterator[dict[str, Any]]:
    for part in contents["parts"]:
        yield from part["chapters"]


def heading(file: str, root: Path = ROOT) -> str:
    """The title of a page: the first heading of its notebook or text; "" for a page that does not exist."""
    notebook = file.startswith("run/")
    path = root / "notebooks" / f"{file[4:]}.ipynb" if notebook else root / "book" / f"{file}.md"
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8")
    text = "".join(json.loads(text)["cells"][0]["source"]) if notebook else text
    return next((line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")), "")


def address(file: str) -> str:
    """Where a page is, seen from a page that was made of a notebook.

    >>> address("run/coverage"), address("glossary")
    ('coverage.html', '../glossary.html')
    """
    return f"{file[4:]}.html" if file.startswith("run/") else f"../{file}.html"
