"""Figures of the synthetic exchange: what a model has learned, the path of a limit-up close, days with many of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.evaluation.ablation import Ablation
from lib.paper.pages.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, canvas, end_labels, interval, styled, zero_line
from lib.stats.estimates import Estimate, Numbers, signed
from lib.studies.mask_ablation.findings import orders_message, path_message, plane_message, spill_message, story_message

#: colour of a variant: vermillion learns from and orders limit closes, orange one of the two, blue neither
SEEN = {
    "none": VERMILLION,
    "halt_only": VERMILLION,
    "flags": VERMILLION,
    "labels_only": ORANGE,
    "universe_only": ORANGE,
}


@styled
def truth_plane(frame: pd.DataFrame, learner: str = "ridge", note: str = "") -> Figure:
    """Each variant's predictions: correlation with the move that limits cut off, and with what can be earned."""
    found = Ablation.of(frame, learner)
    figure, (ax,) = canvas(1, 3.9, f"{plane_message(found)} ({learner})", note)
    points = {}
    for name in found.variants:
        point = found.level(name, "unfilled_ic").value, found.level(name, "truth_ic").value
        if not any(map(math.isnan, point)):
            points[name] = point
    zero_line(ax)
    zero_line(ax, vertical=False)
    for name, (x, y) in points.items():
        ax.plot([x], [y], "o", color=SEEN.get(name, BLUE), markersize=6.5, markeredgecolor="white")
    ax.margins(x=0.12, y=0.12)
    right = max((x for x, _ in points.values()), default=1.0)
    ax.set_xlim(right=right + 0.45 * max(right - ax.get_xlim()[0], 0.01))
    ax.set_xlabel("correlation with the move that a limit or halt cut off\n(nobody can have it)")
    ax.set_ylabel("correlation with what can be earned")
    for side in (True, False):  # labels of either half of the picture are moved apart on their own
        inside = {name: point for name, point in points.items() if (point[0] > right / 2) == side}
        if inside:
            at = max(x for x, _ in inside.values())
            end_labels(ax, at, [(name, y, SEEN.get(name, BLUE)) for name, (_, y) in inside.items()])
    return figure


@styled
def limit_up_path(frame: pd.DataFrame, learner: str = "ridge", note: str = "") -> Figure:
    """A limit-up close, mean over events: wanted and printed prices, the fills, and the model's ranking below."""
    numbers = Numbers(frame)
    event = f"limit-up close {learner}"
    path = {metric: item.value for (variant, metric), item in numbers.items() if variant == event}
    days = sorted({int(metric.split()[1]) for metric in path})
    figure, (top, low) = canvas(2, 4.9, path_message(path), note, sharex=True, height_ratios=[2.2, 1])
    close, wanted = ([100 * path[f"{name} {day:+d}"] for day in days] for name in ("close", "wanted"))
    top.plot(days, wanted, color=GREEN, linestyle="--")
    top.plot(days, close, color=BLUE, marker="o", markersize=4)
    at, then = 100 * path["close +0"], 100 * path["open +1"]
    top.plot([0], [at], "o", color=VERMILLION, markersize=9, fillstyle="none", markeredgewidth=1.8)
    top.plot([0.65], [then], "s", color=ORANGE, markersize=7)
    top.annotate("naive fill: at a price\nat which nobody sells", (0, at), xytext=(14, -84), textcoords="offset points",
                 color=VERMILLION, arrowprops={"arrowstyle": "-", "color": VERMILLION})  # fmt: skip
    # below the lines of the days after, where nothing is drawn
    top.annotate("executed fill:\nthe next open", (0.65, then), xytext=(88, -48), textcoords="offset points",
                 color=ORANGE, arrowprops={"arrowstyle": "-", "color": ORANGE})  # fmt: skip
    top.annotate("wanted", (0, 100 * path["wanted +0"]), xytext=(-8, 0), textcoords="offset points", color=GREEN,
                 ha="right", va="center")  # fmt: skip
    top.annotate("close", (days[2], close[2]), xytext=(0, -15), textcoords="offset points", color=BLUE, ha="center")
    top.set_ylabel("log price over the\nclose of the day before, %")
    top.margins(y=0.16)
    low.plot(days, [path[f"rank {day:+d}"] for day in days], color=VERMILLION, marker="o", markersize=4)
    low.axhline(0.5, color=GREY, linewidth=0.9, zorder=0)
    low.set_ylim(0, 1.08)
    low.set_ylabel("place in the model's\nranking, 1 = best")
    low.set_xlabel("days from a close at the upper limit")
    return figure


@styled
def few_and_many(frame: pd.DataFrame, steps: tuple[Estimate, ...], learner: str = "ridge", note: str = "") -> Figure:
    """Days with few limit-ups against days with many: ICs above, next day's return below, of the unmasked model."""
    numbers = Numbers(frame)
    rows = (("IC on all cells", "apparent_ic", 1.0), ("IC on cells that can be bought", "m1_ic", 1.0),
            ("correlation with the truth", "truth_ic", 1.0), ("every order filled", "naive_close.active", 1e4),
            ("executed, close", "executed_close.active", 1e4),
            ("executed, next open", "executed_open.active", 1e4))  # fmt: skip
    figure, axes = canvas(2, 4.4, f"{story_message(steps)} ({learner})", note)
    labels = ("daily mean", "next day's return over equal weight, bp")
    for ax, part, label in zip(axes, (rows[:3], rows[3:]), labels, strict=True):
        zero_line(ax)
        for place, (_, metric, unit) in enumerate(part):
            few, many = (numbers.find(f"{kind} none {learner}", metric).times(unit) for kind in ("few", "many"))
            _pair(ax, place, few, many)
        ax.set_yticks(range(len(part)), [name for name, *_ in part])
        ax.set_ylim(len(part) - 0.5, -0.6)
        ax.set_xlabel(label)
    axes[0].annotate("\N{BLACK CIRCLE} days with few limit-ups", (0, 1), xycoords="axes fraction", xytext=(-60, 8),
                     textcoords="offset points", color=BLUE, fontweight="bold", fontsize=9)  # fmt: skip
    axes[0].annotate("\N{BLACK CIRCLE} with many", (0, 1), xycoords="axes fraction", xytext=(110, 8),
                     textcoords="offset points", color=VERMILLION, fontweight="bold", fontsize=9)  # fmt: skip
    return figure


def _pair(ax: Axes, place: int, few: Estimate, many: Estimate) -> None:
    ax.plot([few.value, many.value], [place, place], color="#CCCCCC", linewidth=1.2, zorder=0)
    interval(ax, few.value, place - 0.12, few.low, few.high, BLUE)
    interval(ax, many.value, place + 0.12, many.low, many.high, VERMILLION)


@styled
def eight_markets(frame: pd.DataFrame, mask: str = "none", note: str = "") -> Figure:
    """The eight control markets: Sharpe ratio over equal weight with every order filled, and as executed."""
    numbers = Numbers(frame)
    spills, plants = ("spill", "no spill"), ("nothing planted", "alpha")
    names = [f"limits {often}, {spill}, {planted}" for spill in spills for planted in plants
             for often in ("seldom", "often")]  # fmt: skip
    figure, (ax,) = canvas(
        1, 4.6, f"{spill_message(frame, mask)} ({'no mask' if mask == 'none' else mask}, ridge)", note
    )
    zero_line(ax)
    for place, name in enumerate(names):
        for shift, metric, color in ((-0.15, "naive_close", VERMILLION), (0.15, "executed_open", BLUE)):
            item = numbers.find(f"{mask} ridge | {name}", f"{metric}.active_sharpe")
            interval(ax, item.value, place + shift, item.low, item.high, color)
    ax.set_yticks(range(len(names)), [name.replace(", ", "\n", 1) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    for place in range(2, len(names), 2):
        ax.axhline(place - 0.5, color="#DDDDDD", linewidth=0.7, zorder=0)
    for text, color, left in (("every order filled", VERMILLION, -100), ("executed, next open", BLUE, 40)):
        ax.annotate(f"\N{BLACK CIRCLE} {text}", (0, 1), xycoords="axes fraction", xytext=(left, 8), color=color,
                    textcoords="offset points", fontweight="bold", fontsize=9)  # fmt: skip
    ax.set_xlabel("Sharpe ratio over equal weight, with 95 % interval")
    return figure


@styled
def three_orders(
    frame: pd.DataFrame,
    papers: Mapping[str, list[float]],
    steps: Mapping[tuple[str, str], Estimate],
    full: str = "mask_paper",
    learner: str = "ridge",
    note: str = "",
) -> Figure:
    """The papers' three measures from no mask to the full one, theirs (dashed) and ours."""
    numbers, masks = Numbers(frame), ("none", "halt_only", full)
    rows = (("apparent IC", "apparent_ic", "ic"), ("realisable IC", "m2_ic", "realisable_ic"),
            ("Sharpe ratio,\nevery order filled", "naive_close.sharpe", "sharpe"))  # fmt: skip
    figure, axes = canvas(3, 5.6, f"{orders_message(steps)} ({learner})", note, sharex=True)
    for ax, (label, metric, column) in zip(axes, rows, strict=True):
        ours = [numbers.find(f"{mask} {learner}", metric).value for mask in masks]
        zero_line(ax, vertical=False)
        ax.plot(range(3), papers[column], color=GREY, linestyle="--", marker="o", markersize=4)
        ax.plot(range(3), ours, color=BLUE, marker="o", markersize=5)
        ax.set_ylabel(label)
        ax.margins(y=0.2)
        ax.set_xlim(-0.2, 2.1)
        labels = [("papers", papers[column][-1], GREY), ("here", ours[-1], BLUE)]
        before = [numbers.find(f"{mask} {learner}", f"{metric}_gross").value for mask in masks]
        if not any(map(math.isnan, before)):
            ax.plot(range(3), before, color=GREEN, marker="o", markersize=4)
            labels.append(("before costs", before[-1], GREEN))
        end_labels(ax, 2, [(f"{who} {signed(y, 3)}", y, color) for who, y, color in labels if not math.isnan(y)])
    axes[-1].set_xticks(range(3), ["no mask", "halts only", full])
    axes[-1].set_xlabel("what is masked")
    return figure
