"""What a figure shows, in words and numbers: the text alternative of its picture.

Each form of figure has its own; any other figure is described by its axes and what is written in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.paper.pages.tables import text_of
from lib.stats.estimates import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: rows, points or cells that are told one by one; of more, the first and the range of all
MOST = 24


def describe(figure: Figure, text: str) -> Figure:
    """Give a figure its description."""
    figure.set_label(text)
    return figure


def description_of(figure: Figure) -> str:
    """The description that the figure was given, else what its axes tell."""
    return str(figure.get_label()) or " ".join(filter(None, (_axes_text(ax) for ax in figure.axes)))


def in_numbers(item: Estimate | float) -> str:
    """A value with its interval, at three significant digits.

    >>> in_numbers(Estimate(0.21, 0.1, 0.3)), in_numbers(2.0), in_numbers(math.nan)
    ('0.21 [0.1, 0.3]', '2', 'n/a')
    """
    found = item if isinstance(item, Estimate) else Estimate(float(item))
    ends = [_number(end) for end in (found.low, found.high)]
    interval = f" [{', '.join(ends)}]" if all(ends) else ""
    return (_number(found.value) or "n/a") + interval


def of_rows(rows: Mapping[str, Sequence[Estimate | float]], unit: str, series: Sequence[str] = ()) -> str:
    """Rows of estimates, each with its label: "unit. a: 0.2 [0.1, 0.3]; b: ..."."""
    told = []
    for label, items in rows.items():
        names = [f"{name} " for name in series] or [""] * len(items)
        known = [f"{name}{in_numbers(item)}" for name, item in zip(names, items, strict=False) if _known(item)]
        if known:
            told.append(f"{label}: {', '.join(known)}")
    return _line(f"{unit}. {_list(told, '; ')}")


def of_lines(panels: Mapping[str, Iterable[Any]], x_label: str, y_label: str) -> str:
    """Lines by panel, each with its points: "raw: at 1, 0.2; at 2, ..."."""
    told = []
    for heading, lines in panels.items():
        parts = []
        for line in lines:
            points = [f"{_number(float(x))}: {in_numbers(y)}" for x, y in zip(line.x, line.y, strict=True) if _known(y)]
            parts += [f"{line.name or 'line'} {_thinned(points)}"] if points else []
        told.append(f"{heading + ': ' if heading else ''}{'; '.join(parts)}.")
    return _line(f"{f'{y_label} by ' if y_label else ''}{x_label}. {' '.join(told)}")


def of_matrix(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], unit: str) -> str:
    """Cells of a map by row; of a large one its least and its largest cell."""
    cells = {f"{row}, {column}": float(values[r, c]) for r, row in enumerate(rows) for c, column in enumerate(columns)}
    cells = {name: value for name, value in cells.items() if math.isfinite(value)}
    if len(cells) <= MOST or not cells:
        return _line(f"{unit}. {'; '.join(f'{name}: {_number(value)}' for name, value in cells.items())}")
    least, largest = min(cells, key=cells.__getitem__), max(cells, key=cells.__getitem__)
    ends = f"{_number(cells[least])} ({least}) to {_number(cells[largest])} ({largest})"
    middle = _number(float(np.median(list(cells.values()))))
    return _line(f"{unit}, {len(rows)} by {len(columns)} cells from {ends}; median {middle}")


def of_samples(groups: Mapping[str, np.ndarray], x_label: str, marks: Mapping[str, float]) -> str:
    """Samples by their number and quartiles, and the marks."""
    told = []
    for name, values in groups.items():
        if len(values):
            low, middle, high = (_number(float(x)) for x in np.quantile(values, (0.25, 0.5, 0.75)))
            told.append(f"{name}: {len(values):,} values, median {middle}, quartiles {low} and {high}")
    told += [f"{name} at {_number(value)}" for name, value in marks.items()]
    return _line(f"{x_label}. {'; '.join(told)}")


def _axes_text(ax: Axes) -> str:
    """Labels of the axes with their ranges, the rows by name, and what is written inside."""
    rows = [label.get_text() for label in ax.get_yticklabels()]
    named = [text for text in rows if any(letter.isalpha() for letter in text)]
    ranges = ((ax.get_xlabel(), *ax.get_xlim()), (ax.get_ylabel(), *ax.get_ylim()))
    sides = [f"{label} from {_number(low)} to {_number(high)}" if label else "" for label, low, high in ranges]
    inside = [text.get_text() for text in ax.texts if text.get_text().strip()]
    told = [ax.get_title(loc="left"), *sides, f"rows: {_list(named)}" if named else "",
            f"written inside: {_list(inside)}" if inside else ""]  # fmt: skip
    return _line(f"{'; '.join(filter(None, told))}.") if any(told) else ""


def _known(item: Estimate | float) -> bool:
    return math.isfinite(item.value if isinstance(item, Estimate) else float(item))


def _number(value: float) -> str:
    return text_of(value, ",.0f" if abs(value) >= 1000 else ".3g")


def _list(items: Sequence[str], between: str = ", ") -> str:
    more = f"{between}and {len(items) - MOST} more" if len(items) > MOST else ""
    return between.join(islice(items, MOST)) + more


def _thinned(points: Sequence[str]) -> str:
    """Every so-many-th point, with the first and the last."""
    step = max(1, math.ceil(len(points) / 8))
    return ", ".join([*points[:-1:step], points[-1]])


def _line(text: str) -> str:
    return " ".join(text.split())
