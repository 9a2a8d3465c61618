"""One of several finished figures or tables, chosen from a list: a sweep whose every value was computed before.

It needs no kernel. Without scripts, and in print, all values stand under each other, each under its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from lib.paper.pages.findings import NOT_HERE
from lib.paper.pages.pieces import html

if TYPE_CHECKING:
    from IPython.display import HTML

_SCRIPT = """
document.querySelectorAll(".picker:not([data-ready])").forEach(box => {
  box.dataset.ready = "yes";
  const list = box.querySelector("select"), parts = [...box.querySelectorAll(":scope > section")];
  const show = () => parts.forEach((part, place) => { part.hidden = place !== list.selectedIndex; });
  list.addEventListener("input", show);
  list.closest("p").hidden = false;
  show();
});
"""


def picker(name: str, parts: Mapping[str, HTML | Iterable[HTML]]) -> HTML:
    """A list of the values of `name`, and what belongs to the chosen one; the first at the beginning.

    name:  what is varied, with its unit, as the label of the list
    parts: value -> what is shown for it. A single part stands without a list; without any the page says that this run
           has none
    """
    found = {value: [item] if hasattr(item, "data") else list(item) for value, item in parts.items()}
    bodies = {value: "".join(str(item.data) for item in items) for value, items in found.items()}
    if not bodies:
        return html(f"<p>{NOT_HERE}.</p>")
    if len(bodies) == 1:
        return html(next(iter(bodies.values())))
    options = "".join(f"<option>{escape(value)}</option>" for value in bodies)
    shown = "".join(
        f'<section><p class="choice">{escape(f"{name}: {value}")}</p>{body}</section>'
        for value, body in bodies.items()
    )
    return html(
        f'<div class="picker"><p class="controls" hidden="hidden"><label>{escape(name)} '
        f'<select autocomplete="off">{options}</select></label></p>{shown}</div><script>{_SCRIPT}</script>'
    )
