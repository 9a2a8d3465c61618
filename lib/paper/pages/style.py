"""One look for every figure: sizes that survive a phone, colours that survive colour blindness, identical bytes.

A figure is drawn 5.4 inches wide. PageResult at 640 px its text is about 16 px high, on a phone about 9 px.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from itertools import pairwise
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

P = ParamSpec("P")

# Okabe and Ito's palette: distinct under the common forms of colour blindness
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, SKY, PURPLE, GREY = "#E69F00", "#56B4E9", "#CC79A7", "#666666"

WIDTH = 5.4  # inches
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "lines.linewidth": 1.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.unicode_minus": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "mask-first",  # ids in the file do not change from run to run
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw under this style, whatever the caller's settings are."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _look():
            return draw(*args, **kwargs)

    return inside


def _look() -> AbstractContextManager[None]:
    settings: Any = {**matplotlib.rcParamsDefault, "backend": "agg", **STYLE}
    return matplotlib.rc_context(settings)


def canvas(rows: int, height: float, title: str, note: str = "", **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of `rows` axes under each other, `height` inches high without its title.

    title: the message; note: small print at the foot, such as where the numbers come from. Both are wrapped.
    """
    lines, small = _wrapped(title, 50), _wrapped(note, 78)
    figure = Figure(figsize=(WIDTH, height + 0.21 * len(lines) + 0.2 * len(small)), layout="constrained")
    axes = figure.subplots(rows, 1, squeeze=False, **options)[:, 0]
    figure.suptitle("\n".join(lines), x=0.012, ha="left", linespacing=1.15)
    if small:
        figure.supxlabel("\n".join(small), x=0.988, ha="right", fontsize=8.5, color=GREY, style="italic")
    return figure, list(axes)


def to_svg(figure: Figure) -> str:
    """The figure as SVG text; the same figure always gives the same bytes."""
    stream = io.StringIO()
    with _look():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` letters; a number keeps its % sign."""
    return textwrap.wrap(text.replace(" %", "\N{NO-BREAK SPACE}%"), width, break_on_hyphens=False)


def wrapped(label: str, width: int = 46) -> str:
    """A long label of an axis on several lines."""
    return "\n".join(_wrapped(label, width))


def title_of(figure: Figure) -> str:
    """The message of a figure on one line."""
    return " ".join(figure.get_suptitle().split())


def zero_line(axes: Axes, vertical: bool = True) -> None:
    """A thin line at zero, behind everything."""
    (axes.axvline if vertical else axes.axhline)(0, color=GREY, linewidth=0.9, zorder=0)


def interval(axes: Axes, x: float, y: float, low: float, high: float, color: str, **marker: Any) -> None:
    """A dot with a horizontal interval."""
    if low == low and high == high:
        axes.plot([low, high], [y, y], color=color, linewidth=1.8, solid_capstyle="butt", alpha=0.75)
    axes.plot([x], [y], **{"marker": "o", "color": color, "markersize": 5.5, "linestyle": "none", **marker})


def spread(
    positions: Sequence[float], sizes: Sequence[float], low: float = -math.inf, high: float = math.inf
) -> list[float]:
    """Positions moved apart so that labels of these sizes, centred there, do not overlap; their order is kept.

    low, high: no label reaches beyond; if they need more room than there is, the last ones reach above `high`.

    >>> spread([1.0, 1.1, 3.0], [0.5, 0.5, 0.5])
    [0.8, 1.3, 3.0]
    >>> spread([1.0, 1.1, 3.0], [0.5, 0.5, 0.5], low=0.9)
    [1.15, 1.65, 3.0]
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    placed = [positions[index] for index in order]
    gaps = [(sizes[left] + sizes[right]) / 2 for left, right in pairwise(order)]
    for _ in range(100):
        for left, gap in enumerate(gaps):
            overlap = gap - (placed[left + 1] - placed[left])
            if overlap > 1e-9:
                placed[left] -= overlap / 2
                placed[left + 1] += overlap / 2
    for rank in reversed(range(len(order))):
        above = placed[rank + 1] - gaps[rank] if rank < len(gaps) else high - sizes[order[rank]] / 2
        placed[rank] = min(placed[rank], above)
    for rank, index in enumerate(order):
        below = placed[rank - 1] + gaps[rank - 1] if rank else low + sizes[index] / 2
        placed[rank] = max(placed[rank], below)
    result = [0.0] * len(placed)
    for rank, index in enumerate(order):
        result[index] = round(placed[rank], 9)
    return result


def end_labels(axes: Axes, x: float, labels: Sequence[tuple[str, float, str]]) -> None:
    """Names of lines at their right-hand ends: (text, height, colour) each, moved apart where they would touch."""
    log = axes.get_yscale() == "log"
    low, high = (math.log10(end) if log else end for end in axes.get_ylim())
    line = 0.19 * (high - low) / _inches_high(axes)
    sizes = [line * (text.count("\n") + 1) for text, _, _ in labels]
    heights = spread([math.log10(height) if log else height for _, height, _ in labels], sizes, low, high)
    for (text, _, color), height in zip(labels, heights, strict=True):
        axes.annotate(text, (x, 10**height if log else height), xytext=(8, 0), textcoords="offset points", color=color,
                      va="center", annotation_clip=False)  # fmt: skip


def _inches_high(axes: Axes) -> float:
    """Height once titles and small print have taken their room."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    return float(axes.get_position().height * figure.get_figheight())
