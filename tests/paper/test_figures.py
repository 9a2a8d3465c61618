"""Every figure draws, says what its numbers say, fits into its frame, and is the same bytes twice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from lib.paper.pages.forms import Line, bars, forest, heat_map, histogram, lines_by_group
from lib.paper.pages.style import canvas, end_labels, spread, title_of, to_svg
from lib.stats.estimates import Estimate
from lib.studies.window_travel.measure import Travel
from lib.studies.window_travel.page import window_travel

ITEM, OTHER = Estimate(0.2, 0.1, 0.3), Estimate(-0.1, -0.25, 0.05)
ROWS = {"labels masked\nwindows raw": ITEM, "rows deleted": OTHER, "strict windows, the mask of the papers": ITEM}
LINES = [Line("raw", [1, 2, 3], [ITEM, OTHER, ITEM]), Line("skipped", [1, 2, 3], [0.3, 0.2, 0.19], dashed=True)]
NORMAL = np.random.default_rng(0).normal(size=(2, 500))

#: the shared forms, each with what it offers, and an original
DRAWN: dict[str, Callable[[], Figure]] = {
    "forest": lambda: forest(ROWS, "A title that is long enough to take two lines", "difference in IC", digits=2),
    "forest, several dots": lambda: forest(
        {name: [item, OTHER] for name, item in ROWS.items()}, "A title", "a long label of the axis, in units of money",
        series=("gross", "net"), right=dict.fromkeys(ROWS, "80 | 20"), right_head="turnover", note="a note",
    ),
    "forest, logarithmic": lambda: forest({"a": Estimate(3, 2, 5)}, "A title", "ratio", log=True, reference=1.0),
    "lines": lambda: lines_by_group({"above": LINES, "below": LINES[:1]}, "A title", "days", "spreads", zero=True),
    "lines, logarithmic": lambda: lines_by_group({"": LINES}, "A title", "days", "spreads", log_x=True,
                                                 ticks={1: "one", 3: "three"}, note="a note"),
    "bars": lambda: bars(ROWS | {"a number": 0.4}, "A title", "per cent a year", note="a note"),
    "map": lambda: heat_map(NORMAL[:, :4], ["a", "b"], list("wxyz"), "A title", "correlation", diverging=True),
    "map, one side": lambda: heat_map(np.abs(NORMAL[:, :3]), ["a", "b"], list("xyz"), "A title", "share", x_label="x"),
    "histogram": lambda: histogram(dict(zip("ab", NORMAL, strict=True)), "A title", "%", marks={"limit": 1.0}),
    "window_travel": lambda: window_travel(Travel(window=5, limit_day=8)),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_the_same_bytes_twice(name: str) -> None:
    first, second = (to_svg(DRAWN[name]()) for _ in range(2))
    assert first == second
    assert first.count("<path") > 20
    assert "<dc:date>" not in first


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_cut_off(name: str) -> None:
    """Titles, labels and annotations lie inside the picture."""
    figure = DRAWN[name]()
    to_svg(figure)
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    assert box.x0 >= -0.03 and box.y0 >= -0.03
    assert box.x1 <= width + 0.03 and box.y1 <= height + 0.03


@pytest.mark.parametrize("name", DRAWN)
def test_axes_have_labels(name: str) -> None:
    figure = DRAWN[name]()
    assert title_of(figure)
    lowest = figure.axes[-1]
    assert lowest.get_xlabel() or lowest.get_ylabel()


def test_the_callers_settings_do_not_matter() -> None:
    expected = to_svg(bars({"a": 1.0}, "a title", "%"))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert to_svg(bars({"a": 1.0}, "a title", "%")) == expected


def test_labels_keep_their_distance() -> None:
    sizes = [0.4, 0.8, 0.2, 0.4]
    placed = spread([0.0, 0.05, 0.1, 5.0], sizes)
    assert placed == sorted(placed) and placed[3] == 5.0
    edges = [(at - size / 2, at + size / 2) for at, size in zip(placed, sizes, strict=True)]
    assert all(above[0] >= below[1] - 1e-6 for below, above in pairwise(edges))
    assert sum(above[0] - below[1] < 1e-6 for below, above in pairwise(edges)) == 2  # no farther than needed


@pytest.mark.parametrize("heights", [(1.0, 0.99, 0.98), (0.0, 0.01, 0.02), (0.5, 0.5, 0.5)])
@pytest.mark.parametrize("lines", [("of three",) * 3, ("of three", "", ""), ("of\nthree", "of three", "")])
def test_labels_at_line_ends_stay_within_the_axes_and_apart(heights: tuple[float, ...], lines: tuple[str, ...]) -> None:
    figure, (ax,) = canvas(1, 2.5, "a title that takes two lines of the figure, at the least", "a note")
    ax.set_ylim(0, 1)
    ax.set_xlabel("days")
    end_labels(ax, 1.0, [(f"line\n{line}".strip(), at, "k") for at, line in zip(heights, lines, strict=True)])
    figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
    frame = ax.get_window_extent()
    assert frame.y0 - 1 <= boxes[0].y0 and boxes[-1].y1 <= frame.y1 + 1
    assert all(below.y1 <= above.y0 for below, above in pairwise(boxes))
