"""Figures of the handbook of factors: coverage against window, information by family."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
from matplotlib.figure import Figure

from lib.paper.pages.sources import source_title
from lib.paper.pages.style import BLUE, GREY, ORANGE, VERMILLION, canvas, styled, zero_line
from lib.studies.factor_handbook.handbook import Handbook

DAYS = (1, 2, 5, 10, 20, 60, 120, 250)


@styled
def coverage_by_window(handbook: Handbook, source: str, title: str, note: str = "") -> Figure:
    """Share of listed cells with a valid value, against the days that a factor reads."""
    figure, (ax,) = canvas(1, 3.2, title, note)
    kinds: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for factor, found in handbook.computed(source):
        endless = math.isinf(factor.window)
        kinds[endless].append((factor.node.memory + 1 if endless else factor.window, 100 * found.coverage))
    for endless, color, marker in ((False, BLUE, "o"), (True, ORANGE, "D")):
        days, valid = [x for x, _ in kinds[endless]], [y for _, y in kinds[endless]]
        ax.scatter(days, valid, s=13, color=color, marker=marker, alpha=0.65, linewidths=0)
    masked = handbook.of_panel(source, "masked")
    reach = np.geomspace(1, DAYS[-1], 80)
    ax.plot(reach, 100 * (1 - masked) ** reach, color=GREY, linewidth=1.2, zorder=0)
    ax.set_xscale("log")
    ax.set_xticks(DAYS, [str(day) for day in DAYS])
    ax.minorticks_off()
    ax.set_ylim(0, 103)
    ax.set_xlabel("days read, today included")
    ax.set_ylabel("valid cells, %")
    ax.set_title(f"{source_title(source)}: {100 * masked:.1f} % of listed cells are masked")
    labels = {
        "line: if masked cells fell independently": GREY,
        "diamonds: recurrences (days to fade)": ORANGE,
        "dots: windows": BLUE,
    }
    for line, (text, color) in enumerate(labels.items()):
        ax.annotate(text, (0.02, 0.02 + 0.08 * line), xycoords="axes fraction", color=color)
    return figure


@styled
def information_by_family(handbook: Handbook, source: str, title: str, note: str = "") -> Figure:
    """Rank IC of every factor with its 95 % interval, families side by side, each in increasing order."""
    figure, (ax,) = canvas(1, 3.4, title, note)
    zero_line(ax, vertical=False)
    place, ticks = 0.0, []
    for family, members in groupby(handbook.computed(source), key=lambda pair: pair[0].family):
        known = (item.rank_ic for _, item in members if math.isfinite(item.rank_ic.low))  # none of a few days only
        found = sorted(known, key=lambda ic: ic.value)
        places = place + np.arange(len(found))
        colors = [VERMILLION if ic.sign else GREY for ic in found]
        ax.vlines(places, [ic.low for ic in found], [ic.high for ic in found], colors=colors, linewidth=0.9, alpha=0.75)
        ax.scatter(places, [ic.value for ic in found], s=4, color=colors, zorder=3)
        ticks.append((place + len(found) / 2, family))
        place += len(found) + 4
    ax.set_xticks([x for x, _ in ticks], [name for _, name in ticks], rotation=55, ha="right", rotation_mode="anchor")
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-3, place)
    ax.set_ylabel("mean daily rank IC")
    ax.set_title(f"{source_title(source)}; coloured: the interval excludes zero", color=VERMILLION)
    return figure
