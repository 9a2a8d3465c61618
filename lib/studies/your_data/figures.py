"""Figures of one file of prices: why cells are masked, and what quality control takes out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from lib.load.quality.measures import Quality
from lib.load.quality.report import masked_shares
from lib.panel import Panel
from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, end_labels, styled
from lib.reasons import Reason

#: reason -> its name on the page; the last two bits do not mask a cell, they forbid an order at the open
NAMES = {
    "unlisted": "not yet listed", "missing": "missing", "halt": "halted", "limit_up": "close at limit-up",
    "limit_down": "close at limit-down", "open_locked_up": "open at limit-up", "open_locked_down": "open at limit-down",
}  # fmt: skip
ORDERS_ONLY = ("open_locked_up", "open_locked_down")
KINDS = {
    "halted": (Reason.HALT, GREY),
    "limit-up": (Reason.LIMIT_UP, VERMILLION),
    "limit-down": (Reason.LIMIT_DOWN, BLUE),
}


@styled
def why_masked(panel: Panel, note: str = "") -> Figure:
    """Share of cells with each reason."""
    shares = masked_shares(panel)
    largest = max(NAMES, key=lambda name: shares[name] * (name not in ORDERS_ONLY))
    title = f"{shares['any']:.1%} of the cells are masked, most because they are {NAMES[largest]}"
    if NAMES[largest].startswith("close"):
        title = f"{shares['any']:.1%} of the cells are masked, most for a {NAMES[largest]}"
    figure, (ax,) = canvas(1, 2.9, title if shares["any"] else "No cell is masked", note)
    for row, name in enumerate(NAMES):
        color = GREY if name in ORDERS_ONLY else BLUE
        ax.barh(row, 100 * shares[name], height=0.62, color=color, alpha=0.75)
        label = f"{shares[name]:.2%}" if shares[name] else "none"
        ax.annotate(
            label, (100 * shares[name], row), xytext=(4, 0), textcoords="offset points", va="center", color=color
        )
    ax.set_yticks(range(len(NAMES)), NAMES.values())
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.16)
    ax.set_xlim(left=0)
    ax.set_xlabel("% of all dates x symbols\n(grey masks no price, it forbids an order at the open)")
    return figure


@styled
def cost_of_hindsight(quality: Quality, note: str = "") -> Figure:
    """Share of the universe that each rule takes out: as of the day, and as whole securities."""
    rows = quality.rows()
    total = max(1, int(quality.panel.universe.sum()))
    figure, (ax,) = canvas(1, 0.9 + 0.52 * len(rows), _message(rows, total), note)
    for row, record in enumerate(rows):
        for shift, key, color in ((-0.19, "cells as of their day", BLUE), (0.19, "cells, whole", VERMILLION)):
            share = record[key] / total
            ax.barh(row + shift, 100 * share, height=0.34, color=color, alpha=0.8)
            words = {-0.19: "as of the day", 0.19: "whole security"}[shift] if row == 0 else ""
            label = f"{share:.2%}" if share else "none"
            place: dict[str, Any] = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
            ax.annotate(f"{label} {words}".strip(), (100 * share, row + shift), color=color, fontsize=9, **place)
    ax.set_yticks(range(len(rows)), [record["rule"] for record in rows])
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.3)
    ax.set_xlim(left=0)
    ax.set_xlabel("% of the universe's cells that are excluded")
    return figure


def _message(rows: list[dict[str, object]], total: int) -> str:
    together = rows[-1]
    as_of, whole = (float(str(together[key])) / total for key in ("cells as of their day", "cells, whole"))
    return (
        f"Rules that look back exclude {as_of:.1%} of the cells; dropping whole securities for what they "
        f"do later excludes {whole:.1%}"
    )


@styled
def masked_by_month(panel: Panel, note: str = "") -> Figure:
    """Share of listed cells that are halted or at a limit, month by month."""
    months = panel.dates.astype("datetime64[M]")
    there = np.unique(months)
    listed = [max(1, int(panel.without(Reason.UNLISTED)[months == month].sum())) for month in there]
    shares = {
        name: np.array([((panel.reasons[months == month] & reason) > 0).sum() for month in there]) / listed
        for name, (reason, _) in KINDS.items()
    }
    name = max(shares, key=lambda kind: float(shares[kind].max()))
    worst = shares[name]
    when, most, mean = there[worst.argmax()], worst.max(), worst.mean()
    title = f"Worst month: {name} on {most:.1%} of listed cells in {when}, against {mean:.2%} on average"
    figure, (ax,) = canvas(1, 2.7, title, note)
    days = there.astype("datetime64[D]")
    for kind, (_, color) in KINDS.items():
        ax.plot(days, 100 * shares[kind], color=color, linewidth=1.3)
    ax.set_ylim(bottom=0)
    ax.set_xlim(right=days[-1] + (days[-1] - days[0]) // 5 + 5)
    labels = [(kind, 100 * float(shares[kind][-1]), color) for kind, (_, color) in KINDS.items()]
    end_labels(ax, float(date2num(days[-1])), labels)
    ax.set_ylabel("% of listed cells")
    locator = AutoDateLocator(maxticks=6)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    return figure
