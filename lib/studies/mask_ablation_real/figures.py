"""Figures of the mask ablation: information, money as executed, paired differences, phantom alpha."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.evaluation.ablation import CAUSES, Ablation
from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, interval, styled, zero_line
from lib.stats.estimates import MINUS, Estimate, signed

Series = tuple[str, str, str]  # name, metric, colour
#: what the interval of a level is: on one market, of resampled paths; over markets, what the small print says
ONE_PATH = "; the interval holds\n95 % of back-tests of the papers' length"
OVER_MARKETS = ", with 95 % interval"


@styled
def information(frame: pd.DataFrame, learner: str = "ridge", note: str = "", ends: str = ONE_PATH) -> Figure:
    """Mean daily IC per variant: on all traded cells, on cells that can be bought (M1), and the papers' cells (M2)."""
    found = Ablation.of(frame, learner)
    series = (("all cells", "apparent_ic", VERMILLION), ("M1: can be bought", "m1_ic", BLUE),
              ("M2: the papers' cells", "m2_ic", GREEN))  # fmt: skip
    return _levels(
        found,
        found.ic_message(),
        series,
        f"mean daily IC{ends}",
        note,
        digits=3,
    )


@styled
def sharpe_ratios(frame: pd.DataFrame, learner: str = "ridge", note: str = "", ends: str = ONE_PATH) -> Figure:
    """Sharpe ratio per variant: every order filled, and as executed at the close and at the next open."""
    found = Ablation.of(frame, learner)
    series = (("every order filled", "naive_close.sharpe", VERMILLION),
              ("executed, close", "executed_close.sharpe", GREEN),
              ("executed, next open", "executed_open.sharpe", BLUE))  # fmt: skip
    return _levels(found, found.sharpe_message(), series, f"Sharpe ratio a year{ends}", note, digits=2)


def _levels(found: Ablation, message: str, series: Sequence[Series], label: str, note: str, digits: int) -> Figure:
    names = found.variants
    figure, (ax,) = canvas(1, 0.8 + 0.46 * len(names) + 0.35, f"{message} ({found.learner})", note)
    zero_line(ax)
    for row, variant in enumerate(names):
        for place, (_, metric, color) in enumerate(series):
            item = found.level(variant, metric)
            interval(ax, item.value, row + 0.25 * (place - 1), item.low, item.high, color)
    _rows(ax, names)
    _heading(ax, series)
    ax.set_xlabel(label)
    return figure


def _rows(ax: Axes, names: Sequence[str]) -> None:
    ax.set_yticks(range(len(names)), list(names))
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    for row in range(1, len(names)):
        ax.axhline(row - 0.5, color="#E5E5E5", linewidth=0.7, zorder=0)


def _heading(ax: Axes, series: Sequence[Series]) -> None:
    """Coloured names of the dots, in the order in which they stand in a row, top first."""
    left = -82.0
    for name, _, color in series:
        text = f"\N{BLACK CIRCLE} {name}"
        ax.annotate(text, (0, 1), xycoords="axes fraction", xytext=(left, 8), textcoords="offset points", color=color,
                    fontweight="bold", fontsize=9)  # fmt: skip
        left += 6.1 * len(text) + 6


@styled
def contrasts(frame: pd.DataFrame, learner: str = "ridge", metric: str = "m1_ic", note: str = "") -> Figure:
    """Paired differences between variants with 95 % intervals, grouped by what the pair changes."""
    found = Ablation.of(frame, learner)
    label, digits, message = {
        "m1_ic": ("difference in IC,\non cells that can be bought", 4, found.windows_message()),
        "executed_open.sharpe": (
            "difference in Sharpe ratio,\nexecuted at the next open", 2,
            found.windows_message("executed_open.sharpe", 2, "the executed Sharpe ratio"),
        ),
        "executed_open.active_sharpe_gross": (
            "difference in active Sharpe ratio,\ngross of costs, executed at the next open", 2,
            found.windows_message("executed_open.active_sharpe_gross", 2, "the active Sharpe ratio gross of costs"),
        ),
        "truth_ic": (
            "difference in correlation\nwith what can be earned", 3,
            found.windows_message("truth_ic", 3, "the correlation with what can be earned"),
        ),
        "naive_close.sharpe": (
            "difference in Sharpe ratio,\nevery order filled", 2,
            found.windows_message("naive_close.sharpe", 2, "the Sharpe ratio with every order filled"),
        ),
    }[metric]  # fmt: skip
    rows = [(name, found.level(name, metric)) for name in CAUSES]
    rows = [(name, item) for name, item in rows if not math.isnan(item.value)]
    figure, (ax,) = canvas(1, 0.9 + 0.4 * len(rows), f"{message} ({learner})", note)
    _forest(ax, rows, digits)
    ax.set_xlabel(label)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    return figure


def _forest(ax: Axes, rows: Sequence[tuple[str, Estimate]], digits: int) -> None:
    zero_line(ax)
    for row, (_, item) in enumerate(rows):
        color = GREY if item.sign == 0 else BLUE if item.sign > 0 else VERMILLION
        interval(ax, item.value, row, item.low, item.high, color)
        ax.annotate(signed(item.value, digits), (1.01, row), xycoords=ax.get_yaxis_transform(), color=color,
                    va="center", fontsize=9, annotation_clip=False)  # fmt: skip
    _rows(ax, [f"{CAUSES[name]}\n{name.replace('-', MINUS)}" for name, _ in rows])
    ax.tick_params(axis="y", labelsize=8.5)


@styled
def phantom_alpha(frame: pd.DataFrame, learner: str = "ridge", note: str = "") -> Figure:
    """What orders that cannot be filled at the close would have earned a year, and the part of limit-up purchases."""
    found = Ablation.of(frame, learner)
    names = found.variants
    figure, (ax,) = canvas(1, 1.0 + 0.34 * len(names), f"{found.phantom_message()} ({learner})", note)
    zero_line(ax)
    for row, name in enumerate(names):
        total, part = (
            found.level(name, metric).times(100) for metric in ("phantom_close", "phantom_close.limit_up_buys")
        )
        ax.barh(row, total.value, height=0.62, color="#C9DDEB")
        ax.barh(row, part.value, height=0.3, color=VERMILLION)
        if not math.isnan(total.low):
            ax.plot([total.low, total.high], [row, row], color=BLUE, linewidth=1.5)
        ax.annotate(signed(total.value, 1), (1.01, row), xycoords=ax.get_yaxis_transform(), va="center", color=BLUE,
                    fontsize=9, annotation_clip=False)  # fmt: skip
    _rows(ax, names)
    _heading(ax, (("all refused orders", "", BLUE), ("limit-up purchases", "", VERMILLION)))
    ax.set_xlabel("every order filled minus executed, % a year, no costs")
    return figure
