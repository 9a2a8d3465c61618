"""The page "Counterparts": every table, figure and numbered equation of the papers with its place here.

The list is book/counterparts.csv: a page of the book, an object of `lib`, or the reason why there is neither.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.errors import UnknownNameError
from lib.paper.pages import html
from lib.paper.pages.sortable import sortable
from lib.paper.pages.tables import breakable
from lib.paper.site.notebooks import ROOT
from lib.parameters import Parameter
from lib.studies.chapters.contents import address, heading

if TYPE_CHECKING:
    from IPython.display import HTML

FILE = "book/counterparts.csv"
PARAMETERS = {"paper": Parameter(str, None, choices=("A", "B"), optional=True, help="of which paper; None: of both")}


@dataclass(frozen=True)
class Item:
    """One table, figure or equation.

    number:  as the paper prints it; "" for what has none
    pages:   names of notebooks
    objects: full names of classes, functions and formulas of lib
    reason:  why it is not reproduced, where it is not
    """

    paper: str
    kind: str
    number: str
    about: str
    pages: tuple[str, ...]
    objects: tuple[str, ...]
    reason: str

    @property
    def name(self) -> str:
        return " ".join(filter(None, [self.kind, f"({self.number})" if self.kind == "equation" else self.number]))


def load_items(path: Path | None = None) -> list[Item]:
    """The list, in its order."""
    with (path or ROOT / FILE).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [
        Item(row["paper"], row["kind"], row["number"], row["about"], tuple(row["pages"].split()),
             tuple(row["objects"].split()), row["reason"])
        for row in rows
    ]  # fmt: skip


def resolve(name: str) -> Any:
    """The object of a full name. Raises UnknownNameError when there is none.

    >>> resolve("lib.ops.ewma").__name__
    'ewma'
    """
    module, _, inside = name.rpartition(".")
    found = import_module(module)
    if not hasattr(found, inside):
        raise UnknownNameError(f"counterpart {name!r}: {module} has no {inside!r}")
    return getattr(found, inside)


def counterparts(paper: str | None = None) -> HTML:
    """The list, of one paper or both, as one table that sorts and filters."""
    items = [item for item in load_items() if paper in (None, item.paper)]
    rows = [
        {"in the papers": escape(f"{item.paper}, {item.name}"), "about": escape(item.about), "here": _here(item)}
        for item in items
    ]  # fmt: skip
    filters = {"paper": [item.paper for item in items], "kind": [item.kind for item in items]}
    return sortable(rows, pd.DataFrame(items), "counterparts", filters=filters)


def missing() -> HTML:
    """What has no counterpart, with the reason."""
    lines = [f"<li>{escape(f'{item.paper}, {item.name}: {item.reason}')}.</li>" for item in load_items() if item.reason]
    return html(f"<ul>{''.join(lines)}</ul>")


def _here(item: Item) -> str:
    files = [f"run/{name}" for name in item.pages]
    pages = [f'<a href="{address(file)}">{escape(heading(file))}</a>' for file in files]
    objects = [f"<code>{breakable(name)}</code>" for name in item.objects]
    reason = [f"not reproduced: {escape(item.reason)}"] if item.reason else []
    return "<br/>".join([*pages, *objects, *reason])
