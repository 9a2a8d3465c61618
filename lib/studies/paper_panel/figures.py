"""Figures of the papers' own panel: how thin its tails are, and what can be predicted in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, interval, styled, zero_line
from lib.studies.paper_panel.findings import GBM, IC_PREFIX, PAPER_IC, PLANTED, PaperPanel

PERCENTS = list(range(1, 11))
COLORS = {GBM: BLUE, PLANTED: VERMILLION}
NAMES = {GBM: "papers' panel", PLANTED: "planted\nmarket"}


@styled
def tails(frame: pd.DataFrame, note: str = "") -> Figure:
    """Share of days on which a stock moves by so much or more, on a log scale."""
    found = PaperPanel.of(frame)
    figure, (ax,) = canvas(1, 3.4, found.tail_message(), note)
    ax.set_yscale("log")
    labels = []
    for variant, color in COLORS.items():
        shares = np.array([100 * found.mean(variant, f"|return| of {k} % or more") for k in PERCENTS])
        known = np.flatnonzero(shares > 0)
        ax.plot(np.array(PERCENTS)[known], shares[known], color=color, marker="o", markersize=4)
        last = known[-1]
        labels.append((NAMES[variant], PERCENTS[last], float(shares[last]), color))
    for text, x, height, color in labels:
        below = (0, -7, "center", "top") if x < PERCENTS[-1] else (8, 0, "left", "center")
        ax.annotate(text.replace("\n", " ") if x < PERCENTS[-1] else text, (x, height), xytext=below[:2],
                    textcoords="offset points", color=color, ha=below[2], va=below[3],
                    annotation_clip=False)  # fmt: skip
    ax.axvline(10, color=GREY, linewidth=0.9, linestyle=":", zorder=0)
    ax.annotate("limit", (10, ax.get_ylim()[1]), xytext=(-3, -3), textcoords="offset points", ha="right", va="top",
                color=GREY)  # fmt: skip
    low, high = ax.get_ylim()
    ax.set_ylim(low / 6, high)
    ax.set_xticks(PERCENTS)
    ax.set_xlabel("size of a day's return, %")
    ax.set_ylabel("share of days with that or more, %")
    return figure


@styled
def information(frame: pd.DataFrame, note: str = "") -> Figure:
    """Mean IC over the seeds with its 95 % interval, of every factor (sorted) and the ridge, in both markets."""
    found = PaperPanel.of(frame)
    figure, axes = canvas(2, 5.4, found.ic_message(), note, sharex=True)
    for ax, variant in zip(axes, (GBM, PLANTED), strict=True):
        zero_line(ax)
        singles = sorted(
            (found.numbers.find(variant, IC_PREFIX + name) for name in found.factors), key=lambda e: e.value
        )
        for row, estimate in enumerate(singles):
            interval(ax, estimate.value, row, estimate.low, estimate.high, GREY, markersize=2.5)
        ridge = found.numbers.find(variant, "ic: ridge")
        interval(ax, ridge.value, len(singles) + 2, ridge.low, ridge.high, COLORS[variant])
        ax.annotate("ridge", (ridge.value, len(singles) + 2), xytext=(0, 5), textcoords="offset points",
                    color=COLORS[variant], ha="center", va="bottom")  # fmt: skip
        ax.axvline(PAPER_IC, color=VERMILLION, linewidth=0.9, linestyle=":", zorder=0)
        ax.set_ylim(-1, len(singles) + 9)
        ax.set_yticks([])
        ax.set_ylabel(f"{len(singles)} factors")
        ax.set_title(variant)
    axes[0].annotate("paper B", (PAPER_IC, axes[0].get_ylim()[1]), xytext=(3, -2), textcoords="offset points",
                     color=VERMILLION, va="top")  # fmt: skip
    axes[-1].set_xlabel("mean daily IC, with 95 % interval over markets")
    return figure
