"""Every figure draws, says what its numbers say, fits into its frame, and is the same bytes twice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import matplotlib
import pandas as pd
import pytest
from exchange_results import by_alpha, eight, orders, truths
from matplotlib.figure import Figure
from results import ablation

from lib.paper.pages.forms import bars
from lib.paper.pages.style import canvas, end_labels, spread, title_of, to_svg
from lib.stats.estimates import Estimate
from lib.studies.mask_ablation.figures import eight_markets, three_orders, truth_plane
from lib.studies.mask_ablation.sensitivity import levels_by_limits
from lib.studies.mask_ablation.sensitivity_figure import alpha_sensitivity
from lib.studies.mask_ablation_real.book_figures import gross_before_net
from lib.studies.mask_ablation_real.figures import contrasts, information, phantom_alpha, sharpe_ratios
from lib.studies.paradox.tables import order_steps, papers_numbers
from lib.studies.window_travel.measure import Travel
from lib.studies.window_travel.page import window_travel

DRAWN: dict[str, Callable[[], Figure]] = {
    "information": lambda: information(ablation()),
    "sharpe_ratios": lambda: sharpe_ratios(ablation()),
    "contrasts": lambda: contrasts(ablation()),
    "contrasts of money": lambda: contrasts(ablation(), metric="executed_open.sharpe"),
    "gross_before_net": lambda: gross_before_net(ablation(0.05), note="a note"),
    "gross_before_net, every order filled": lambda: gross_before_net(ablation(), run="naive_close"),
    "alpha_sensitivity": lambda: alpha_sensitivity(levels_by_limits(by_alpha(), 0.08)["paper limits"], note="a note"),
    "alpha_sensitivity, a file beside": lambda: alpha_sensitivity(
        levels_by_limits(by_alpha(), 0.08)["paper limits"], {"none": (Estimate(0.02), Estimate(0.8))}
    ),
    "contrasts gross of costs": lambda: contrasts(ablation(), metric="executed_open.active_sharpe_gross"),
    "phantom_alpha": lambda: phantom_alpha(ablation()),
    "contrasts of the truth": lambda: contrasts(truths(), metric="truth_ic"),
    "truth_plane": lambda: truth_plane(truths(), note="a note"),
    "truth_plane, one variant": lambda: truth_plane(truths()[lambda frame: frame["variant"] == "gap ridge"]),
    "eight_markets": lambda: eight_markets(eight()),
    "three_orders": lambda: three_orders(orders(), papers_numbers(), order_steps(orders(), "ridge")),
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


@pytest.mark.parametrize(
    ("draw", "frame", "other"),
    [
        (contrasts, ablation(0.05), ablation(-0.05)),
        (contrasts, ablation(0.05), ablation(0.0)),
        (truth_plane, truths(), truths(0.3)),
        (eight_markets, eight(), eight(0.0)),
        (gross_before_net, ablation(0.05), ablation(0.0)),
    ],
)
def test_other_numbers_give_another_title(
    draw: Callable[[pd.DataFrame], Figure], frame: pd.DataFrame, other: pd.DataFrame
) -> None:
    assert title_of(draw(frame)) != title_of(draw(other))


def test_a_note_is_on_the_figure() -> None:
    assert "plumbing" in str(information(ablation(), note="plumbing").get_supxlabel())


def test_missing_metrics_leave_a_gap_and_no_error() -> None:
    frame = ablation()
    frame = frame[~frame["metric"].str.startswith("m2_ic")]
    assert "nan" not in title_of(information(frame)).lower()


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
