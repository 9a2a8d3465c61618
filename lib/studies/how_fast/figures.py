"""Figures of the speed study: ratios to the peers, time against the window, time and memory against the panel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from lib.paper.pages.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    canvas,
    end_labels,
    interval,
    styled,
)
from lib.studies.how_fast.findings import GIB, OURS, Speed, Whole

COLORS = {
    OURS: BLUE, "pandas": VERMILLION, "bottleneck": GREEN, "polars": ORANGE, "mlquantx": PURPLE, "kunquant": SKY,
}  # fmt: skip
SIGNS = {"o": "●", "s": "■", "D": "◆", "^": "▲", "v": "▼"}
MARKERS = {"pandas": "o", "bottleneck": "s", "polars": "D", "mlquantx": "^", "kunquant": "v"}
#: sets of formulaic alphas that a peer of the operators has
ALPHAS = {"alpha101 kunquant": "KunQuant's alphas", "alpha101 rank-free": "those without a rank"}
OPERATOR_COLORS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, GREY)


@styled
def ratios(frame: pd.DataFrame, note: str = "") -> Figure:
    """CPU time of each peer over ours, with 95 % of repeats: larger work, then the operators."""
    speed = Speed.of(frame)
    work = [(f"all factors,\n{item.size}", item.variant) for item in speed.work("factors")]
    work += [(f"neutralisation,\n{item.size}", item.variant) for item in speed.work("neutralise")
             if not math.isnan(speed.find(item.variant, OURS, "cpu").value)]  # fmt: skip
    work += [(f"{label},\n{item.size}", item.variant) for what, label in ALPHAS.items() for item in speed.work(what)]
    operators = [(item.name, item.variant) for item in speed.plain()]
    heights = [0.5 * len(work) + 0.45, 0.42 * len(operators) + 0.6]
    figure, axes = canvas(2, sum(heights), speed.operators_message(), note, sharex=True,
                          gridspec_kw={"height_ratios": heights})  # fmt: skip
    for ax, rows in zip(axes, (work, operators), strict=True):
        _ratio_rows(ax, speed, rows)
    _key(axes[0], speed.peers)
    decades = _decades(axes[1])
    axes[1].xaxis.set_major_locator(LogLocator(subs=(1,) if decades > 3.5 else (1, 3) if decades > 2 else (1, 2, 5)))
    axes[1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes[1].xaxis.set_minor_locator(NullLocator())
    axes[1].set_xlabel("CPU time, the other library / ours (over 1: ours is faster)", x=0.0, ha="left")
    axes[1].xaxis.label.set_position((-0.25, 0))
    return figure


def _key(ax: Axes, peers: Sequence[str]) -> None:
    """The peers with their marks; there is too much in the rows to label every dot."""
    ax.set_title(" ", fontsize=9.5)  # keeps the room
    room = [len(peer) + 3 for peer in peers]  # the mark and a space on either side of it
    for place, peer in enumerate(peers):
        x = 1.3 * sum(room[:place]) / sum(room) - 0.3
        ax.text(x, 1.04, f"{SIGNS[MARKERS[peer]]} {peer}", transform=ax.transAxes, color=COLORS[peer],
                fontweight="bold", fontsize=9.5)  # fmt: skip


def _decades(ax: Axes) -> float:
    low, high = ax.get_xlim()
    return math.log10(high / low)


def _ratio_rows(ax: Axes, speed: Speed, rows: Sequence[tuple[str, str]]) -> None:
    ax.axvline(1, color=GREY, linewidth=0.9, zorder=0)
    ax.set_xscale("log")
    for row, (_, variant) in enumerate(rows):
        found = {peer: speed.find(variant, peer, "ratio") for peer in speed.peers}
        known = {peer: ratio for peer, ratio in found.items() if not math.isnan(ratio.value)}
        for place, (peer, ratio) in enumerate(known.items()):
            y = row + 0.17 * (place - (len(known) - 1) / 2)
            interval(ax, ratio.value, y, ratio.low, ratio.high, COLORS[peer], marker=MARKERS[peer], markersize=4.5)
    ax.set_yticks(range(len(rows)), [label for label, _ in rows])
    ax.set_ylim(len(rows) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)


@styled
def against_window(frame: pd.DataFrame, note: str = "") -> Figure:
    """CPU nanoseconds per cell of the windowed operators over the length of the window; pandas dashed."""
    speed = Speed.of(frame)
    figure, (ax,) = canvas(1, 4.0, speed.window_message(), note)
    labels = []
    names = [name for name in dict.fromkeys(item.name for item in speed.operators()) if len(speed.sweep(name)) > 1]
    ax.set_xscale("log")
    ax.set_yscale("log")
    for color, name in zip(OPERATOR_COLORS, names, strict=False):
        items = speed.sweep(name)
        windows = [item.window for item in items]
        for library, line in ((OURS, "-"), ("pandas", ":")):
            values = [speed.find(item.variant, library, "ns per cell").value for item in items]
            ax.plot(windows, values, line, color=color, marker="o" if library == OURS else None, markersize=4,
                    linewidth=1.8 if library == OURS else 1.0)  # fmt: skip
        labels.append((name, speed.find(items[-1].variant, OURS, "ns per cell").value, color))
    if labels:
        ax.set_xticks(sorted({item.window for name in names for item in speed.sweep(name)}))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_locator(NullLocator())
        _beside(ax, max(item.window for name in names for item in speed.sweep(name)), labels)
    _plain_ticks(ax)
    ax.set_xlabel("window, days")
    ax.set_ylabel("CPU time, ns per cell")
    ax.set_title("solid: ours; dotted: pandas", fontsize=9.5)
    return figure


@styled
def against_size(frame: pd.DataFrame, note: str = "") -> Figure:
    """CPU seconds and peak memory of all factors over the size of the panel, one process each."""
    speed = Speed.of(frame)
    figure, axes = canvas(2, 6.0, speed.memory_message(), note, sharex=True)
    shown = (OURS, "pandas", "mlquantx")
    for ax, what, unit, label in ((axes[0], "cpu", 1.0, "CPU time, s"), (axes[1], "peak", GIB, "peak memory, GiB")):
        labels = []
        ax.set_xscale("log")
        ax.set_yscale("log")
        for library in shown:
            if runs := speed.whole(library):
                _curve(ax, runs, what, unit, COLORS[library], "-")
                labels.append((library, getattr(runs[-1], what) / unit, COLORS[library]))
        if what == "peak" and (runs := speed.whole(OURS)):
            _curve(ax, runs, "output", GIB, GREY, "--")
            labels.append(("the result", runs[-1].output / GIB, GREY))
        if labels:
            _beside(ax, max(run.size.cells for name in shown for run in speed.whole(name)) / 1e6, labels)
        _plain_ticks(ax)
        ax.set_ylabel(label)
    axes[1].set_xlabel("panel, million cells (days x stocks)")
    axes[1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes[1].xaxis.set_minor_formatter(NullFormatter())
    return figure


def _curve(ax: Axes, runs: Sequence[Whole], what: str, unit: float, color: str, line: str) -> None:
    cells = [run.size.cells / 1e6 for run in runs]
    ax.plot(cells, [getattr(run, what) / unit for run in runs], line, color=color, marker="o", markersize=4)


def _beside(ax: Axes, x: float, labels: Sequence[tuple[str, float, str]]) -> None:
    """Names at the right-hand ends of lines on a logarithmic axis, spread apart in logarithms."""
    low, high = ax.get_ylim()
    twin = ax.twinx()  # a linear axis over the same area: labels are spread evenly there
    twin.set_ylim(math.log10(low), math.log10(high))
    twin.set_yticks([])
    twin.spines[:].set_visible(False)
    end_labels(twin, x, [(text, math.log10(value), color) for text, value, color in labels])


def _plain_ticks(ax: Axes) -> None:
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
