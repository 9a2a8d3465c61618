"""What every figure must do: give the same bytes twice, fit into its frame, say something, name its axes."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

from lib.paper.pages.style import title_of, to_svg


def check(draw: Callable[[], Figure]) -> None:
    """Fails for a figure that changes from call to call, is cut off at an edge, or has no title or labels."""
    first, figure = to_svg(draw()), draw()
    assert to_svg(figure) == first
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    edges = f"{box} in {width} x {height}"
    assert box.x0 >= -0.03 and box.y0 >= -0.03 and box.x1 <= width + 0.03 and box.y1 <= height + 0.03, edges
    assert title_of(figure) and not any(lost in title_of(figure) for lost in ("nan", "n/a"))
    labelled = [axes for axes in figure.axes if axes.axison]
    assert labelled[-1].get_xlabel() and all(axes.get_ylabel() or axes.get_yticklabels() for axes in labelled)
