"""Figures of the episodes: one market as it goes through each, and what the mask changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.rows import forest
from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, end_labels, styled
from lib.stats.estimates import MINUS
from lib.studies.cases.findings import Cases, told_message

Arrays = Mapping[str, np.ndarray]
#: what is drawn of one market: name, array, colour
LINES = (
    ("market", "market", GREY),
    ("no mask,\nevery order filled", "none naive", VERMILLION),
    ("no mask, executed", "none executed", GREEN),
    ("mask, executed", "mask_skip executed", BLUE),
)


@styled
def one_episode(arrays: Arrays, episode: str, message: str, note: str = "") -> Figure:
    """One market through an episode: the value of what a holder and three systems own, and the share masked."""
    rotation = episode == "theme_rotation"
    figure, axes = canvas(2, 4.6, message, note, sharex=True, height_ratios=(2, 1))
    around, days = int(arrays["around"]), len(arrays["market"])
    day = np.arange(days) - around
    shown = slice(max(around - 20, 0), days - around + 20)
    for ax in axes:
        ax.axvspan(0, days - 2 * around - 1, color="#F0F0F0", linewidth=0, zorder=0)
    labels = []
    for name, key, color in LINES:
        value = np.cumprod(1 + np.nan_to_num(arrays[key]))
        value = 100 * (value / value[around - 1] - 1)
        axes[0].plot(day[shown], value[shown], color=color)
        labels.append((name, float(value[shown][-1]), color))
    axes[0].set_ylabel("return since the\nepisode began, %")
    end_labels(axes[0], float(day[shown][-1]), labels)
    if rotation:
        _tilts(axes[1], arrays, day, shown)
    else:
        axes[1].fill_between(day[shown], 100 * arrays["masked"][shown], color=VERMILLION, linewidth=0, step="mid")
        axes[1].set_ylabel("stocks\nmasked, %")
    axes[1].set_xlabel("session, 0 = the first of the episode (shaded)")
    return figure


def _tilts(ax: Axes, arrays: Arrays, day: np.ndarray, shown: slice) -> None:
    labels = []
    for name, key, color in (("ridge", "mask_skip tilt", BLUE), ("MLP", "mlp tilt", VERMILLION)):
        if key in arrays:
            ax.plot(day[shown], 100 * arrays[key][shown], color=color)
            labels.append((name, 100 * float(arrays[key][shown][-1]), color))
    ax.axhline(0, color=GREY, linewidth=0.9)
    ax.set_ylabel("theme over rest,\npercentiles")
    end_labels(ax, float(day[shown][-1]), labels)


@styled
def differences(found: Sequence[Cases], note: str = "") -> Figure:
    """Paired differences in points of return or drawdown, one panel per episode or window."""
    panels = [(case, [(name.replace(" - ", f" {MINUS} "), item) for name, item in case.shown()]) for case in found]
    panels = [(case, rows) for case, rows in panels if rows]
    ratios = [len(rows) for _, rows in panels]
    height = 0.42 * sum(ratios) + 0.4 * len(panels) + 0.4
    figure, axes = canvas(len(panels), height, told_message(found), note, sharex=True, height_ratios=ratios)
    for ax, (case, rows) in zip(axes, panels, strict=True):
        forest(ax, rows, 1)
        ax.tick_params(axis="y", labelsize=8.5)
        ax.set_title(case.title, fontsize=9.5)
    axes[-1].set_xlabel("difference, percentage points, 95 % interval")
    return figure
