"""Figure of the study of interval coverage: the share of 95 % intervals that cover, with either kind of block."""

from __future__ import annotations

from matplotlib.figure import Figure

from lib.paper.pages.rows import heading, name_rows
from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, interval, styled
from lib.studies.interval_coverage.findings import PROCESSES, STATISTICS, Intervals

COLORS = {"automatic": VERMILLION, "book": BLUE}


@styled
def coverage(found: Intervals, note: str = "") -> Figure:
    """One panel per process, one row per statistic; a dot for each kind of block, and a line at 95 %."""
    figure, axes = canvas(len(PROCESSES), 2.3 * len(PROCESSES) + 0.4, found.message(), note, sharex=True)
    for ax, (process, title) in zip(axes, PROCESSES.items(), strict=True):
        ax.axvline(95, color=GREY, linewidth=0.9, zorder=0)
        for row, statistic in enumerate(STATISTICS):
            for place, (blocks, color) in enumerate(COLORS.items()):
                item = found.covered(process, statistic, blocks).times(100)
                interval(ax, item.value, row + 0.24 * (place - 0.5), item.low, min(item.high, 100.0), color)
        name_rows(ax, list(STATISTICS.values()))
        ax.tick_params(axis="y", labelsize=8.5)
        ax.set_title(title, fontsize=9.5)
    heading(axes[0], (("automatic block of a mean", VERMILLION), ("block of the book", BLUE)), 22)
    axes[-1].set_xlabel("95 % intervals that cover, %")
    return figure
