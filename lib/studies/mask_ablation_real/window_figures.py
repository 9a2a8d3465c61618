"""The figure of the test windows: the same paired differences on the walk and on the papers' own test years."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.evaluation.ablation import CAUSES, Ablation
from lib.paper.pages.style import BLUE, GREEN, VERMILLION, canvas, interval, styled, zero_line
from lib.stats.estimates import MINUS
from lib.studies.mask_ablation_real.window_findings import windows_message

#: metric -> what the axis says
LABELS = {
    "m1_ic": "difference in IC, on cells that can be bought",
    "executed_open.active_sharpe_gross": "difference in Sharpe ratio over equal weight,\nnext open, before costs",
    "executed_open.active_sharpe": "difference in Sharpe ratio over equal weight,\nnext open, after costs",
}
COLORS = (BLUE, VERMILLION, GREEN)


@styled
def side_by_side(
    parts: Mapping[str, pd.DataFrame], learner: str = "ridge", metric: str = "m1_ic", note: str = ""
) -> Figure:
    """Contrasts down, one dot with its 95 % interval per span of test years; left minus right, paired by day.

    parts: name of a span -> the study's rows in it, at most three.
    """
    found = {name: Ablation.of(part, learner) for name, part in parts.items()}
    colors = dict(zip(found, COLORS, strict=False))
    rows = [name for name in CAUSES if any(part.has(name) for part in found.values())]
    title = f"{windows_message(parts, learner, metric)} ({learner})"
    figure, (ax,) = canvas(1, 1.0 + 0.42 * max(len(rows), 1), title, note)
    zero_line(ax)
    for row, name in enumerate(rows):
        for place, (window, part) in enumerate(found.items()):
            item, height = part.level(name, metric), row + 0.24 * (place - (len(found) - 1) / 2)
            if not math.isnan(item.value):
                interval(ax, item.value, height, item.low, item.high, colors[window])
    labels = [f"{CAUSES[name]}\n{name.replace('-', MINUS)}" for name in rows]
    ax.set_yticks(range(len(rows)), labels, fontsize=8.5)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    for place, (window, color) in enumerate(colors.items()):
        text = f"\N{BLACK CIRCLE} {window}"
        ax.annotate(text, (0, 1), xycoords="axes fraction", xytext=(70 * place - 40, 8), textcoords="offset points",
                    color=color, fontweight="bold", fontsize=9)  # fmt: skip
    ax.set_xlabel(LABELS[metric])
    ax.xaxis.set_major_locator(MaxNLocator(5))
    return figure
