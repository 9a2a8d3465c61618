"""Tables for a page: plain HTML that scrolls in its own frame, with the whole table as CSV behind a link.

The CSV travels inside the page, as the target of its link: whoever has the page has the numbers.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.pages.pieces import html, unsigned_zero
from lib.stats.estimates import MINUS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.stats.estimates import Numbers

Format = str | Callable[[Any], str]

#: rows from which a table scrolls inside its frame; characters that make a cell a sentence
LONG, SENTENCE = 30, 24

#: part of a column's name -> format of its numbers; the first that fits counts
FORMS = (
    ("inflation", "+.0f"), ("bps", "+.1f"), ("sharpe", "+.2f"), ("ic", "+.4f"), ("coverage", ".1%"),
    ("turnover", ".0%"), ("drawdown", ".1%"), ("annual_return", "+.1%"), ("phantom", "+.1%"), ("positive", ".0%"),
    ("next day", ".1%"),
    ("gap", "+.2%"), ("next close", "+.2%"), ("next intraday", "+.2%"), ("five days", "+.2%"), ("limit_", ".2%"),
    ("halted", ".2%"),
)  # fmt: skip

#: of a prediction and of its book: metric -> heading with its unit, and how its cells look
ENDPOINT_HEADS = {
    "truth_ic": "truth IC", "m1_ic": "IC, buyable cells",
    "executed_open.active_sharpe_gross": "Sharpe ratio over equal weight, before costs",
    "executed_open.active_sharpe": "Sharpe ratio over equal weight, after costs",
    "executed_open.matched.active_sharpe": "the same at equal turnover",
    "executed_open.turnover": "turnover a day, % of the book",
    "naive_close.sharpe": "Sharpe ratio, every order filled at the close",
}  # fmt: skip
ENDPOINT_FORMATS = {name: "+.4f" if name.endswith("ic") else ".1%" if name.endswith("turnover") else "+.2f"
                    for name in ENDPOINT_HEADS}  # fmt: skip


def table(
    frame: pd.DataFrame,
    name: str,
    *,
    columns: Mapping[str, str] | None = None,
    formats: Mapping[str, Format] | None = None,
    caption: str = "",
) -> HTML:
    """A table for the page, with a link to the whole of it as CSV.

    name:    of the CSV file, without its ending
    columns: column -> its heading on the page, with the unit, for the columns that are shown, in this order; the CSV
             has all of them. None: every column under its own name
    formats: column -> how its cells look: a format such as "+.2%", or a function of the value that returns HTML;
             the others go by their names (see FORMS), text is escaped
    caption: a line over the table

    Columns x, x.low and x.high become one column with an interval. The CSV keeps all columns, and the numbers as they
    are, not as they are shown. Without any row there is a sentence in place of the table.
    """
    whole = frame.reset_index() if any(label is not None for label in frame.index.names) else frame
    if whole.empty:
        return html(f"<p>This result has no rows for the table {escape(name)}.</p>")
    every = {str(name): str(name) for name in whole.columns if not _is_end(str(name), whole)}
    shown = every if columns is None else {name: text for name, text in columns.items() if name in every}
    kinds = {column: _kind(whole[column]) for column in shown}
    names = next(iter(shown), None) if "number" not in next(iter(kinds.values()), "") else None  # they head their rows
    rows = ("".join(_element(_cell(row, c, (formats or {}).get(c)), kinds[c], c == names) for c in shown)
            for row in whole.to_dict("records"))  # fmt: skip
    head = "".join(f'<th scope="col"{kinds[column]}>{breakable(text)}</th>' for column, text in shown.items())
    body = "".join(f"<tr>{cells}</tr>" for cells in rows)
    long = " long" if len(whole) > LONG else ""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return html(
        f'<div class="exhibit"><div class="scroll{long}" tabindex="0"><table>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{csv_link(whole, name)}</div>"
    )


def cells(numbers: Numbers, variant: str, metrics: Iterable[str]) -> dict[str, float]:
    """The numbers of a variant by metric, each with the ends of its interval: a row for `table`."""
    found = {metric: numbers.find(variant, metric) for metric in metrics}
    return {name: number for metric, item in found.items() for name, number in item.columns(metric).items()}


def csv_link(frame: pd.DataFrame, name: str) -> str:
    """A link that saves the frame as NAME.csv; the bytes are in the link."""
    data = base64.b64encode(frame.to_csv(index=False, lineterminator="\n").encode()).decode()
    file = escape(f"{name}.csv", quote=True)
    return f'<a class="csv" download="{file}" href="data:text/csv;base64,{data}">{file}</a>'


def _element(inside: str, kind: str, heads: bool) -> str:
    return f'<th scope="row"{kind}>{inside}</th>' if heads else f"<td{kind}>{inside}</td>"


def _is_end(column: str, frame: pd.DataFrame) -> bool:
    """Whether a column is an end of the interval of another one."""
    base, dot, end = column.rpartition(".")
    return bool(dot) and end in ("low", "high") and base in frame.columns


def _kind(column: pd.Series) -> str:
    """Numbers stand to the right; a column of sentences gets room."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return ' class="number"'
    return ' class="prose"' if column.map(lambda value: len(str(value))).max() > SENTENCE else ""


def _cell(row: Mapping[Any, Any], column: str, wanted: Format | None) -> str:
    value = row[column]
    if callable(wanted):
        return wanted(value)
    form = _by_interval(wanted or form_of(column), row.get(f"{column}.low"), row.get(f"{column}.high"))
    shown = breakable(text_of(value, form))
    ends = [text_of(row.get(f"{column}.{end}"), form) for end in ("low", "high")]
    if not shown or not all(ends) or row[f"{column}.low"] == row[f"{column}.high"]:
        return shown  # no interval, or a census
    return f'{shown} <span class="ends">[{ends[0]}, {ends[1]}]</span>'


def _by_interval(form: str | None, low: Any, high: Any) -> str | None:
    """Where a format says no more than a sign, and there is an interval: two digits of its length."""
    if form not in (None, "+") or not all(isinstance(end, float) and math.isfinite(end) for end in (low, high)):
        return form
    return f"{form or ''},.{max(0, 1 - math.floor(math.log10(high - low)))}f" if high > low else form


def breakable(text: str) -> str:
    """Escaped text that may be broken after an underscore or a full stop inside a name.

    >>> breakable("mask_skip <")
    'mask_<wbr>skip &lt;'
    """
    return re.sub(r"(?<=\w)([_.])(?=[A-Za-z])", r"\1<wbr>", escape(text))


def form_of(column: str) -> str | None:
    """The format of a column of numbers, by its name; None: whole numbers, or four significant digits."""
    return next((form for part, form in FORMS if part in column), None)


def text_of(value: Any, form: str | None = None) -> str:
    """A cell as text: nothing for a missing one, a real minus sign, whole numbers without a point.

    >>> text_of(1234.0), text_of(float("nan")), text_of(0.0216, "+.1%"), text_of("a")
    ('1,234', '', '+2.2%', 'a')
    """
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if form is None and float(value).is_integer() and abs(value) < 1e9:
        value, form = int(value), ",d"
    if form is None:
        size = abs(value)
        form = ",.0f" if size >= 999.5 else ".3g" if size >= 1e-4 or not size else ".5f" if size >= 1e-5 else ".1e"
    return unsigned_zero(format(value, form)).replace("-", MINUS)
