"""Curves on logarithmic axes: CPU time against the window, CPU time and memory against the size of the panel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lib.studies.how_fast.speed import GIB, OURS, Speed, Whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def library_colors() -> dict[str, str]:
    """Library -> its colour in every figure."""
    from lib.paper.pages.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION

    return {OURS: BLUE, "pandas": VERMILLION, "bottleneck": GREEN, "polars": ORANGE, "mlquantx": PURPLE,
            "kunquant": SKY}  # fmt: skip


def plain_numbers(ax: Axes, which: str) -> None:
    """Ticks of a logarithmic axis as plain numbers, at 1 and 3 of each decade, or 1, 2 and 5 where it is short."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis = ax.xaxis if which == "x" else ax.yaxis
    low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
    decades = math.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1,) if decades > 3.5 else (1, 3) if decades > 1.5 else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def against_window(speed: Speed, title: str, note: str) -> Figure:
    """CPU nanoseconds per cell of the windowed operators over the length of the window; pandas dotted."""
    from lib.paper.pages.forms import COLORS
    from lib.paper.pages.style import canvas, styled

    @styled
    def draw() -> Figure:
        figure, (ax,) = canvas(1, 4.0, title, note)
        names = [name for name in dict.fromkeys(item.name for item in speed.operators()) if len(speed.sweep(name)) > 1]
        ax.set_xscale("log")
        ax.set_yscale("log")
        labels, windows = [], sorted({item.window for name in names for item in speed.sweep(name)})
        for color, name in zip(COLORS, names, strict=False):
            items = speed.sweep(name)
            for library, line in ((OURS, "-"), ("pandas", ":")):
                values = [speed.find(item.variant, library, "ns per cell").value for item in items]
                ax.plot([item.window for item in items], values, line, color=color, markersize=4,
                        marker="o" if library == OURS else None, linewidth=1.8 if library == OURS else 1.0)  # fmt: skip
            labels.append((name, speed.find(items[-1].variant, OURS, "ns per cell").value, color))
        plain_numbers(ax, "y")
        if labels:
            plain_numbers(ax, "x")
            ax.set_xticks(windows, [f"{window}" for window in windows])
            _beside(ax, windows[-1], labels)
        ax.set_xlabel("window, days")
        ax.set_ylabel("CPU time, ns per cell")
        ax.set_title("solid: ours; dotted: pandas", fontsize=9.5)
        return figure

    return draw()


def against_size(speed: Speed, title: str, note: str) -> Figure:
    """CPU seconds and peak memory of all factors over the size of the panel, one process each."""
    from lib.paper.pages.style import GREY, canvas, styled

    colors, shown = library_colors(), (OURS, "pandas", "mlquantx")
    cells = [run.size.cells / 1e6 for name in shown for run in speed.whole(name)]

    @styled
    def draw() -> Figure:
        figure, axes = canvas(2, 6.0, title, note, sharex=True)
        panels = ((axes[0], "cpu", 1.0, "CPU time, s"), (axes[1], "peak", GIB, "peak memory, GiB"))
        for ax, what, unit, label in panels:
            ax.set_xscale("log")
            ax.set_yscale("log")
            runs = {name: speed.whole(name) for name in shown}
            ends = [_curve(ax, name, found, what, unit, colors[name]) for name, found in runs.items() if found]
            if what == "peak" and runs[OURS]:
                ends.append(_curve(ax, "the result", runs[OURS], "output", GIB, GREY, "--"))
            plain_numbers(ax, "y")
            if ends:
                _beside(ax, max(cells), ends)
            ax.set_ylabel(label)
        if cells:
            plain_numbers(axes[1], "x")
        axes[1].set_xlabel("panel, million cells (days x stocks)")
        return figure

    return draw()


def _curve(
    ax: Axes, name: str, runs: Sequence[Whole], what: str, unit: float, color: str, line: str = "-"
) -> tuple[str, float, str]:
    values = [getattr(run, what) / unit for run in runs]
    ax.plot([run.size.cells / 1e6 for run in runs], values, line, color=color, marker="o", markersize=4)
    return name, values[-1], color


def _beside(ax: Axes, x: float, labels: Sequence[tuple[str, float, str]]) -> None:
    """Names at the right-hand ends of lines on a logarithmic axis, spread apart in logarithms."""
    from lib.paper.pages.style import end_labels

    low, high = ax.get_ylim()
    linear = ax.twinx()  # a linear axis over the same area: labels are spread evenly there
    linear.set_ylim(math.log10(low), math.log10(high))
    linear.set_yticks([])
    linear.spines[:].set_visible(False)
    end_labels(linear, x, [(text, math.log10(value), color) for text, value, color in labels])
