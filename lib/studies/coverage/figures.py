"""Figures of the study of coverage: lone and clustered masked days, window lengths, factors, masked shares."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lib.paper.pages.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, canvas, end_labels, styled
from lib.studies.coverage.expected import windows_kept
from lib.studies.coverage.findings import Coverage

#: masked days of the two example stocks: as many, alone or in a row
DAYS, ALONE, IN_A_ROW = 120, (20, 55, 90), (54, 55, 56)
FORMULAS = (("spells by stock", "spells,\nby stock", GREEN), ("spells", "spells", ORANGE),
            ("independent", "coins", VERMILLION))  # fmt: skip


@styled
def lone_and_in_a_row(window: int = 20, note: str = "") -> Figure:
    """Two stocks with three masked days each, and the days on which a strict window has no value."""
    lost = {}
    for name, masked in (("three masked days, apart", ALONE), ("three in a row", IN_A_ROW)):
        mask = np.ones((DAYS + window, 1), dtype=bool)
        mask[[window + day for day in masked]] = False
        kept = windows_kept(mask, window, window)[window:, 0]
        lost[name] = (mask[window:, 0], kept)
    costs = [int((mask & ~kept).sum()) for mask, kept in lost.values()]
    title = f"Three masked days cost a {window}-day window {costs[0]} tradable days if apart, {costs[1]} if in a row"
    figure, (ax,) = canvas(1, 1.7, title, note)
    for row, (mask, kept) in enumerate(lost.values()):
        for day in range(DAYS):
            color = "#222222" if not mask[day] else "#C9DDEB" if kept[day] else VERMILLION
            ax.add_patch(_square(day, row, color))
    ax.set_xlim(-1, DAYS + 1)
    ax.set_ylim(1.6, -0.9)
    ax.set_yticks(range(2), list(lost))
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("day")
    for x, text, color in ((0, "window complete", BLUE), (56, "lost", VERMILLION), (74, "masked", "#222222")):
        ax.annotate(text, (x, -0.62), color=color, va="center", fontsize=9, fontweight="bold")
    return figure


def _square(day: int, row: int, color: str) -> Rectangle:
    return Rectangle((day - 0.5, row - 0.35), 1.0, 0.7, color=color, linewidth=0)


@styled
def by_window(found: Coverage, note: str = "") -> Figure:
    """Share of tradable cells with a complete strict window, by length, counted and by the formulas."""
    figure, (ax,) = canvas(1, 3.4, found.message(), note)
    windows = found.windows
    labels = []
    for how, label, color in FORMULAS:
        values = [100 * found.kept("strict", window, how).value for window in windows]
        ax.plot(windows, values, color=color, linewidth=1.3)
        labels.append((label, values[-1], color))
    counted = [found.kept("strict", window).times(100) for window in windows]
    for window, item in zip(windows, counted, strict=True):
        ax.plot([window, window], [item.low, item.high], color=BLUE, linewidth=1.8, alpha=0.75)
    ax.plot(windows, [item.value for item in counted], color=BLUE, marker="o", markersize=5, linestyle="none")
    skip = [100 * found.kept("skip", window).value for window in windows]
    ax.plot(windows, skip, color=GREY, marker="s", markersize=4, linestyle="none")
    labels += [("strict,\ncounted", counted[-1].value, BLUE), ("skip,\ncounted", skip[-1], GREY)]
    ax.set_xscale("log")
    ax.set_xticks(windows, [str(window) for window in windows])
    ax.minorticks_off()
    ax.set_ylim(-2, 103)
    ax.set_xlabel("window, days")
    ax.set_ylabel("% of tradable cells kept")
    end_labels(ax, windows[-1], labels)
    return figure


@styled
def factors(found: Coverage, note: str = "") -> Figure:
    """Coverage of every factor by the number of days it reads, and of all of them at once."""
    figure, (ax,) = canvas(1, 3.4, found.joined_message(), note)
    each = found.each()
    for place, (label, color) in enumerate((("strict", BLUE), ("skip", GREEN))):
        x, y = np.array([(days, 100 * shares[place]) for _, days, *shares in each]).T
        ax.plot(x, y, marker="o", markersize=3.5, linestyle="none", color=color, alpha=0.6)
        joined = 100 * found.factors(label, "all at once").value
        ax.axhline(joined, color=color, linestyle="--", linewidth=1.2)
        ax.annotate(f"all at once, {label}", (1.0, joined), xycoords=ax.get_yaxis_transform(), xytext=(-2, 3),
                    textcoords="offset points", color=color, ha="right", fontsize=9)  # fmt: skip
    ax.set_xscale("log")
    ax.set_ylim(0, 104)
    ax.set_xlabel("days that the factor reads (a recurrence: those it remembers)")
    ax.set_ylabel("% of tradable cells covered")
    _heading(ax, (("each its own, strict", BLUE), ("skip", GREEN)))
    return figure


@styled
def by_share(found: Coverage, note: str = "") -> Figure:
    """All factors at once under strict windows, by masked share: cell by cell and in spells, counted and by formula."""
    ends = [found.imposed(kind, "all at once, masks alone")[-1] for kind in ("coins", "spells")]
    title = (
        f"At {100 * ends[0][0]:g} % masked cells, joining all factors leaves {100 * ends[0][1].value:.0f} % if cells "
        f"are masked one by one and {100 * ends[1][1].value:.0f} % if in spells"
    )
    figure, (ax,) = canvas(1, 3.2, title, note)
    labels = []
    for kind, color in (("coins", VERMILLION), ("spells", BLUE)):
        formula = found.imposed(kind, "formula")
        ax.plot([100 * s for s, _ in formula], [100 * item.value for _, item in formula], color=color, linewidth=1.2)
        for share, item in found.imposed(kind, "all at once, masks alone"):
            ax.plot([100 * share] * 2, [100 * item.low, 100 * item.high], color=color, linewidth=1.8, alpha=0.75)
            ax.plot([100 * share], [100 * item.value], color=color, marker="o", markersize=5)
        own = found.imposed(kind, "strict, each its own")
        ax.plot([100 * s for s, _ in own], [100 * item.value for _, item in own], color=color, linestyle=":")
        labels += [(f"{kind},\nall at once", 100 * formula[-1][1].value, color),
                   (f"{kind},\neach its own", 100 * own[-1][1].value, color)]  # fmt: skip
    ax.set_ylim(0, 103)
    ax.set_xlabel("masked cells, %")
    ax.set_ylabel("% of tradable cells covered")
    end_labels(ax, 100 * ends[0][0], labels)
    return figure


def _heading(ax: Axes, series: tuple[tuple[str, str], ...]) -> None:
    left = 4.0
    for name, color in series:
        text = f"\N{BLACK CIRCLE} {name}"
        ax.annotate(text, (0, 0), xycoords="axes fraction", xytext=(left, 8), textcoords="offset points", color=color,
                    fontweight="bold", fontsize=9)  # fmt: skip
        left += 6.0 * len(text) + 10
