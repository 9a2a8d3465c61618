"""A long table whose headings sort and whose lists and search box filter, by a script inside the page.

Without scripts, in print or in a viewer that blocks them, it is the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.pages.pieces import html
from lib.paper.pages.tables import csv_link

if TYPE_CHECKING:
    from IPython.display import HTML

ALL = '<option value="">all</option>'
_SCRIPT = """
document.querySelectorAll(".sortable:not([data-ready])").forEach(box => {
  box.dataset.ready = "yes";
  const body = box.querySelector("tbody"), rows = [...body.rows], heads = [...box.querySelectorAll("thead th")];
  const controls = box.querySelector(".controls"), inputs = [...controls.querySelectorAll("select, input")];
  const words = cell => cell.textContent.trim();
  const number = cell => parseFloat(cell.textContent.replaceAll("\\u2212", "-").replaceAll(",", ""));
  const fits = (row, input) => !input.value || (input.dataset.filter
    ? row.dataset["filter" + input.dataset.filter] === input.value
    : row.textContent.toLowerCase().includes(input.value.toLowerCase()));
  const filter = () => {
    const found = rows.filter(row => !(row.hidden = !inputs.every(input => fits(row, input))));
    controls.querySelector("output").textContent = `${found.length} of ${rows.length}`;
  };
  const sort = (head, column) => {
    const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
    const order = head.classList.contains("number")
      ? (a, b) => (isNaN(a[0]) - isNaN(b[0])) || down * (a[0] - b[0]) || 0 : (a, b) => down * a[0].localeCompare(b[0]);
    const key = head.classList.contains("number") ? number : words;
    rows.map(row => [key(row.cells[column]), row]).sort(order).forEach(pair => body.append(pair[1]));
  };
  inputs.forEach(input => input.addEventListener("input", filter));
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sort(head, column)));
  controls.hidden = false;
  filter();
});
"""


def sortable(
    rows: Sequence[Mapping[str, str]], whole: pd.DataFrame, name: str, *, filters: Mapping[str, Sequence[str]],
    numbers: Sequence[str] = (),
) -> HTML:  # fmt: skip
    """The table with its search box and lists, and the whole frame as CSV.

    rows:    heading -> finished HTML of the cell, in the order of reading
    whole:   what the CSV link saves as NAME.csv
    filters: name of a list -> what it holds for each row; it need not be a column
    numbers: headings of columns that sort by the number that their cells begin with
    """
    heads = list(rows[0]) if rows else []
    kinds = {head: ' class="number"' if head in numbers else "" for head in heads}
    top = "".join(f'<th scope="col"{kinds[head]}><button type="button">{escape(head)}</button></th>' for head in heads)
    keys = [_keys(values) for values in zip(*filters.values(), strict=True)] or [""] * len(rows)
    cells = ["".join(f"<td{kinds[head]}>{row[head]}</td>" for head in heads) for row in rows]
    body = "".join(f"<tr{key}>{row}</tr>" for key, row in zip(keys, cells, strict=True))
    lists = "".join(_list(name, place, values) for place, (name, values) in enumerate(filters.items()))
    search = '<label>contains <input type="search" size="14"/></label>'
    return html(
        f'<div class="exhibit sortable"><p class="controls" hidden="hidden">{lists}{search} <output></output></p>'
        f'<div class="scroll long" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
        f"{csv_link(whole, name)}</div><script>{_SCRIPT}</script>"
    )


def _keys(values: Sequence[str]) -> str:
    return "".join(f' data-filter{place}="{escape(value, quote=True)}"' for place, value in enumerate(values))


def _list(name: str, place: int, values: Sequence[str]) -> str:
    known = dict.fromkeys(value for value in values if value)
    options = "".join(f"<option>{escape(value)}</option>" for value in ("", *known)).replace("<option></option>", ALL)
    return f'<label>{escape(name)} <select data-filter="{place}">{options}</select></label> '
