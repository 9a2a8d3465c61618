"""Rows of estimates: dots with intervals, names on the left, numbers on the right."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from lib.paper.pages.style import BLUE, GREY, VERMILLION, interval, zero_line
from lib.stats.estimates import Estimate, signed


def dots(ax: Axes, rows: Sequence[tuple[str, Sequence[tuple[Estimate, str]]]], spacing: float = 0.22) -> None:
    """One row per name with a dot per (estimate, colour), top to bottom in the order given."""
    zero_line(ax)
    for row, (_, items) in enumerate(rows):
        for place, (item, color) in enumerate(items):
            interval(ax, item.value, row + spacing * (place - (len(items) - 1) / 2), item.low, item.high, color)
    name_rows(ax, [name for name, _ in rows])


def forest(ax: Axes, rows: Sequence[tuple[str, Estimate]], digits: int = 2) -> None:
    """One estimate per row with its value on the right; grey where the interval contains zero."""
    zero_line(ax)
    for row, (_, item) in enumerate(rows):
        color = sign_color(item)
        interval(ax, item.value, row, item.low, item.high, color)
        ax.annotate(signed(item.value, digits), (1.01, row), xycoords=ax.get_yaxis_transform(), color=color,
                    va="center", fontsize=9, annotation_clip=False)  # fmt: skip
    name_rows(ax, [name for name, _ in rows])


def sign_color(item: Estimate) -> str:
    """Blue above zero, vermillion below, grey where the interval does not say."""
    return GREY if item.sign == 0 else BLUE if item.sign > 0 else VERMILLION


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Names of the rows, and thin lines between them."""
    ax.set_yticks(range(len(names)), list(names))
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    for row in range(1, len(names)):
        ax.axhline(row - 0.5, color="#E5E5E5", linewidth=0.7, zorder=0)


def heading(ax: Axes, series: Sequence[tuple[str, str]], above: float = 8) -> None:
    """Coloured names of the dots, `above` points over the axes, in the order in which they stand, top first."""
    left = -70.0
    for name, color in series:
        text = f"\N{BLACK CIRCLE} {name}"
        ax.annotate(text, (0, 1), xycoords="axes fraction", xytext=(left, above), textcoords="offset points",
                    color=color, fontweight="bold", fontsize=9)  # fmt: skip
        left += 6.1 * len(text) + 6
