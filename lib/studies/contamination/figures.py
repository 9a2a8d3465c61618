"""Figures of the study of upstream contamination: the days after a limit close, the treatments, the families."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.style import BLUE, GREEN, GREY, PURPLE, VERMILLION, canvas, end_labels, interval, styled
from lib.studies.contamination.findings import HOLDS, TREATMENTS, Contamination

COLORS = dict(zip(TREATMENTS, (VERMILLION, GREEN, BLUE, PURPLE, GREY), strict=True))
LABELS = {"raw": "raw", "halts skipped": "halts\nskipped", "all skipped": "all\nskipped",
          "skipped, bridged": "skipped,\nbridged", "twin, thinned": "clean prices,\nthinned"}  # fmt: skip


@styled
def after_a_limit_close(found: Contamination, note: str = "") -> Figure:
    """Days after a lone limit close: distance of the price, and of all factors, from the twin's."""
    figure, (top, bottom) = canvas(2, 5.6, found.message(), note, sharex=True)
    days, gaps = found.ages("price")
    top.plot(days, 100 * gaps, color=VERMILLION, marker="o", markersize=4)
    top.set_ylim(bottom=0)
    top.set_ylabel("% of the price")
    top.set_title("The close comes back to the twin's in a day")
    labels = []
    for side in ("raw", "all skipped", "twin, thinned"):
        age, distance = found.ages(side)
        bottom.plot(age, distance, color=COLORS[side], linestyle="--" if side == "twin, thinned" else "-",
                    marker="o", markersize=3)  # fmt: skip
        labels.append((LABELS[side], float(distance[-1]), COLORS[side]))
    bottom.set_ylim(bottom=0)
    bottom.set_ylabel("spreads of the factor")
    bottom.set_xlabel("days since the limit close")
    bottom.set_title("Mean distance of the factors from the twin's")
    end_labels(bottom, float(days[-1]), labels)
    return figure


@styled
def treatments(found: Contamination, note: str = "") -> Figure:
    """Mean distance from the truth by treatment and by what the window holds, on the same cells; coverage beside."""
    figure, (ax,) = canvas(1, 4.6, found.halts_message(), note)
    rows = [(what, side) for what in HOLDS for side in TREATMENTS]
    for row, (what, side) in enumerate(rows):
        y = row + 0.7 * (row // len(TREATMENTS))
        item = found.find(what, side)
        interval(ax, item.value, y, item.low, item.high, COLORS[side])
        covered = found.find(what, side, "coverage").value
        text = "" if math.isnan(covered) else f"{100 * covered:.0f} %"
        ax.annotate(text, (1.02, y), xycoords=ax.get_yaxis_transform(), color=COLORS[side], va="center", fontsize=9,
                    annotation_clip=False)  # fmt: skip
    places = [row + 0.7 * (row // len(TREATMENTS)) for row in range(len(rows))]
    ax.set_yticks(places, [LABELS[side].replace("\n", " ") for _, side in rows], fontsize=8.5)
    for block, what in enumerate(HOLDS):
        text = f"window holds {'a ' + what if what != 'neither' else what}"
        ax.annotate(text, (0.99, block * (len(TREATMENTS) + 0.7) - 0.62), xycoords=ax.get_yaxis_transform(), ha="right",
                    va="center", color="#333333", fontsize=9, fontweight="bold")  # fmt: skip
    ax.annotate("cover\nage", (1.02, -1.2), xycoords=ax.get_yaxis_transform(), fontsize=8.5, va="center",
                annotation_clip=False)  # fmt: skip
    ax.set_ylim(places[-1] + 0.7, -1.1)
    ax.set_xlim(left=0)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("mean distance from the twin, spreads of the factor")
    return figure


@styled
def by_family(found: Contamination, note: str = "") -> Figure:
    """Mean distance by family, where the window holds a limit close: raw, skipped, clean prices thinned."""
    families = [name for name in found.families if not math.isnan(found.find("limit close", "raw", family=name).value)]
    nearer = sum(_distance(found, name, "raw") < _distance(found, name, "all skipped") for name in families)
    title = f"In {nearer} of {len(families)} families raw windows are nearer the truth after a limit close"
    figure, (ax,) = canvas(1, 0.9 + 0.36 * len(families), title, note)
    for row, family in enumerate(families):
        ends = [_distance(found, family, side) for side in ("raw", "all skipped")]
        ax.plot(ends, [row, row], color="#BBBBBB", linewidth=1.2, zorder=0)
        for side in ("raw", "all skipped", "twin, thinned"):
            face = "white" if side == "twin, thinned" else COLORS[side]
            ax.plot([_distance(found, family, side)], [row], marker="o", color=COLORS[side], markersize=6,
                    markerfacecolor=face)  # fmt: skip
    ax.set_yticks(range(len(families)), families)
    ax.set_ylim(len(families) - 0.4, -1.0)
    ax.set_xlim(left=0)
    ax.tick_params(axis="y", length=0)
    _heading(ax)
    ax.set_xlabel("mean distance from the twin, spreads of the factor")
    return figure


def _heading(ax: Axes) -> None:
    left = 4.0
    for side, text in (("raw", "raw"), ("all skipped", "skipped"), ("twin, thinned", "clean prices, thinned")):
        mark = "\N{WHITE CIRCLE}" if side == "twin, thinned" else "\N{BLACK CIRCLE}"
        ax.annotate(f"{mark} {text}", (0, 1), xycoords="axes fraction", xytext=(left, -6), textcoords="offset points",
                    color=COLORS[side], fontsize=9, fontweight="bold")  # fmt: skip
        left += 6.4 * len(text) + 22


def _distance(found: Contamination, family: str, side: str) -> float:
    return float(np.nan_to_num(found.find("limit close", side, family=family).value))
