"""Five forms of figure that carry most pages: forest, lines by group, bars, map, histogram.

Every form takes plain numbers with their labels, a title (the message, in words) and a note (small print), and returns
a Figure whose labels, spacing and colours are those of the book. Axis labels carry the unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.described import describe, of_lines, of_matrix, of_rows, of_samples
from lib.paper.pages.rows import heading, name_rows, sign_color
from lib.paper.pages.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    canvas,
    end_labels,
    interval,
    styled,
    wrapped,
    zero_line,
)
from lib.stats.estimates import Estimate

#: colours of series in the order in which they are named
COLORS = (VERMILLION, BLUE, GREEN, PURPLE, ORANGE, GREY)


@dataclass(frozen=True)
class Line:
    """One line of a panel: points (x, y) in order, its name at the right-hand end, and intervals where y has them."""

    name: str
    x: Sequence[float]
    y: Sequence[Estimate | float]
    color: str = ""
    dashed: bool = False


@styled
def forest(
    rows: Mapping[str, Estimate | Sequence[Estimate]],
    title: str,
    unit: str,
    *,
    series: Sequence[str] = (),
    colors: Sequence[str] = COLORS,
    reference: float | None = 0.0,
    right: Mapping[str, str] | None = None,
    right_head: str = "",
    digits: int | None = None,
    log: bool = False,
    pitch: float = 0.2,
    note: str = "",
) -> Figure:
    """Estimates with 95 % intervals, one row per label, several dots a row where there are several series.

    unit:      label of the axis, with the unit
    series:    names of the dots of a row, shown above in their colours; with one dot a row its colour is its sign
    reference: where a thin line stands; None: nowhere
    right:     text at the right end of each row; by default, with one dot, its value with `digits` decimals
    pitch:     inches of height that each dot adds to a row
    """
    items = {label: [found] if isinstance(found, Estimate) else list(found) for label, found in rows.items()}
    tallest = max([len(found) for found in items.values()], default=1)
    lines = max([label.count("\n") + 1 for label in items], default=1)
    figure, (ax,) = canvas(1, 1.0 + len(items) * max(0.3 * lines, 0.22 + pitch * tallest), title, note)
    if log:
        ax.set_xscale("log")
    else:
        ax.margins(x=0.1)  # the number of the last tick stays inside the figure
        ax.locator_params(axis="x", nbins=6)
    if reference is not None:
        ax.axvline(reference, color=GREY, linewidth=0.9, zorder=0)
    apart = min(0.24, 0.8 / max(tallest, 1))  # of a row: five dots stay inside it
    for row, (label, found) in enumerate(items.items()):
        for place, item in enumerate(found):
            color = colors[place] if series else sign_color(item)
            if not math.isnan(item.value):
                interval(ax, item.value, row + apart * (place - (len(found) - 1) / 2), item.low, item.high, color)
        text = (right or {}).get(label, "")
        if not text and not right and digits is not None and len(found) == 1 and not math.isnan(found[0].value):
            text = f"{found[0].value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
        if text:
            ax.annotate(text, (1.01, row), xycoords=ax.get_yaxis_transform(), va="center", fontsize=9,
                        color="#333333", annotation_clip=False)  # fmt: skip
    name_rows(ax, list(items))
    if right_head:
        ax.annotate(right_head, (1.01, 1), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points",
                    color=GREY, fontsize=8.5, annotation_clip=False)  # fmt: skip
    if series:
        heading(ax, list(zip(series, colors, strict=False)))
    ax.set_xlabel(wrapped(unit, 30 if right else 38))  # the axis is narrower than the figure
    return describe(figure, of_rows(items, unit, series))


@styled
def lines_by_group(
    panels: Mapping[str, Sequence[Line]],
    title: str,
    x_label: str,
    y_label: str,
    *,
    zero: bool = False,
    log_x: bool = False,
    log_y: bool = False,
    ticks: Mapping[float, str] | None = None,
    note: str = "",
) -> Figure:
    """Panels under each other, each with its lines, named at their ends; intervals as thin bars.

    panels: title of a panel ("" for none) -> its lines. zero: the y axis starts at zero, or shows it.
    """
    figure, axes = canvas(len(panels), 2.6 * len(panels) + 0.3, title, note, sharex=True)
    for ax, (heading_, lines) in zip(axes, panels.items(), strict=True):
        if log_x:
            ax.set_xscale("log")
        if log_y:
            ax.set_yscale("log")
        ends = []
        for place, line in enumerate(lines):
            color = line.color or COLORS[place % len(COLORS)]
            values = [item.value if isinstance(item, Estimate) else float(item) for item in line.y]
            ax.plot(line.x, values, color=color, marker="o", markersize=4, linestyle="--" if line.dashed else "-")
            for x, item in zip(line.x, line.y, strict=True):
                if isinstance(item, Estimate) and not math.isnan(item.low):
                    ax.plot([x, x], [item.low, item.high], color=color, linewidth=1.4, alpha=0.6)
            last = next((i for i in range(len(values) - 1, -1, -1) if not math.isnan(values[i])), None)
            if last is not None:
                ends.append((line.name, values[last], color))
        if zero:
            low, high = ax.get_ylim()
            ax.set_ylim(min(low, 0), max(high, 0))
            if ax.get_ylim()[0] < 0:
                zero_line(ax, vertical=False)
        ax.set_ylabel(y_label)
        if heading_:
            ax.set_title(heading_)
        right = max([float(x) for line in lines for x in line.x], default=1.0)
        ax.set_xlim(right=right * 1.05 if log_x else right + 0.02 * (right - ax.get_xlim()[0]))
        end_labels(ax, right, ends)
    if ticks:
        axes[-1].set_xticks(list(ticks), list(ticks.values()))
        axes[-1].minorticks_off()
    axes[-1].set_xlabel(wrapped(x_label))
    return describe(figure, of_lines(panels, x_label, y_label))


@styled
def bars(
    values: Mapping[str, Estimate | float],
    title: str,
    unit: str,
    *,
    colors: Mapping[str, str] | None = None,
    form: str = ".2f",
    note: str = "",
) -> Figure:
    """Horizontal bars from zero, one per label, with the number at the end and the interval, where there is one."""
    figure, (ax,) = canvas(1, 0.8 + 0.34 * len(values), title, note)
    for row, (label, found) in enumerate(values.items()):
        item = found if isinstance(found, Estimate) else Estimate(float(found))
        color = (colors or {}).get(label, BLUE)
        if math.isnan(item.value):
            continue
        ax.barh(row, item.value, height=0.62, color=color, alpha=0.85)
        if not math.isnan(item.low):
            ax.plot([item.low, item.high], [row, row], color="#222222", linewidth=1.3)
        end = max([item.value, *([item.high] if not math.isnan(item.high) else [])]) if item.value >= 0 else item.value
        ax.annotate(format(item.value, form).replace("-", "\N{MINUS SIGN}"), (max(end, 0), row), xytext=(5, 0),
                    textcoords="offset points", va="center", fontsize=9)  # fmt: skip
    ax.axvline(0, color=GREY, linewidth=0.9)
    ax.set_yticks(range(len(values)), list(values))
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.14)
    ax.set_xlabel(wrapped(unit))
    return describe(figure, of_rows({label: [item] for label, item in values.items()}, unit))


@styled
def heat_map(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    unit: str,
    *,
    diverging: bool = False,
    form: str = ".2f",
    x_label: str = "",
    y_label: str = "",
    note: str = "",
) -> Figure:
    """A matrix [R, C] as coloured cells with their numbers in them; NaN cells stay empty.

    diverging: blue and orange on the two sides of zero; otherwise light to dark.
    """
    data = np.asarray(values, dtype=float)
    figure, (ax,) = canvas(1, 1.2 + 0.36 * len(rows), title, note)
    largest = float(np.nanmax(np.abs(data))) if np.isfinite(data).any() else 1.0
    limits = (-largest, largest) if diverging else (float(np.nanmin(data)), float(np.nanmax(data)))
    picture = ax.imshow(data, cmap="PuOr_r" if diverging else "cividis", vmin=limits[0], vmax=limits[1], aspect="auto")
    for row, column in np.argwhere(np.isfinite(data)):
        share = (data[row, column] - limits[0]) / ((limits[1] - limits[0]) or 1.0)
        dark = abs(share - 0.5) > 0.32 if diverging else share < 0.5
        ax.text(column, row, format(data[row, column], form).replace("-", "\N{MINUS SIGN}"), ha="center", va="center",
                fontsize=8.5, color="white" if dark else "#222222")  # fmt: skip
    ax.set_xticks(range(len(columns)), list(columns))
    ax.set_yticks(range(len(rows)), list(rows))
    ax.tick_params(length=0)
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    figure.colorbar(picture, ax=ax, label=unit, fraction=0.05)
    return describe(figure, of_matrix(data, rows, columns, unit))


@styled
def histogram(
    groups: Mapping[str, np.ndarray],
    title: str,
    x_label: str,
    *,
    bins: int | np.ndarray = 40,
    marks: Mapping[str, float] | None = None,
    y_label: str = "share, %",
    note: str = "",
) -> Figure:
    """Shares (in per cent) of each group's values by bin, as outlines named in their colours; marks are named lines."""
    figure, (ax,) = canvas(1, 3.0, title, note)
    finite = {name: np.asarray(values, float)[np.isfinite(values)] for name, values in groups.items()}
    joined = np.concatenate(list(finite.values())) if finite else np.zeros(1)
    edges = np.histogram_bin_edges(joined, bins).tolist()
    for (_, values), color in zip(finite.items(), COLORS, strict=False):
        weights = np.full(len(values), 100 / max(len(values), 1))
        ax.hist(values, edges, weights=weights, histtype="step", linewidth=1.6, color=color)
    for name, value in (marks or {}).items():
        ax.axvline(value, color=GREY, linestyle="--", linewidth=1.1)
        ax.annotate(name, (value, 1), xycoords=ax.get_xaxis_transform(), xytext=(3, -4), textcoords="offset points",
                    va="top", fontsize=8.5, color=GREY)  # fmt: skip
    if len(finite) > 1:
        heading(ax, list(zip(finite, COLORS, strict=False)))
    ax.set_xlabel(wrapped(x_label))
    ax.set_ylabel(y_label)
    return describe(figure, of_samples(finite, x_label, marks or {}))


def one_axis(figure: Figure) -> Axes:
    """The axes of a figure of one panel, for what a page adds to a form."""
    return figure.axes[0]
