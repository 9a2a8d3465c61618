"""Figures of the study of limit closes: what follows them, year by year, and how often they happen."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, end_labels, interval, styled, zero_line
from lib.stats.estimates import signed
from lib.studies.limit_events.findings import OUTCOMES, LimitEvents, source_title

SIDES = ("limit-up", "limit-down")
SOURCE_COLORS = (BLUE, GREY)


@styled
def after_limit_close(frame: pd.DataFrame, note: str = "") -> Figure:
    """Mean return after a limit close, by outcome, with date-clustered 95 % intervals: the market and its control."""
    events = LimitEvents.of(frame)
    figure, axes = canvas(2, 5.6, events.message(), note, sharex=True)
    for side, ax in zip(SIDES, axes, strict=True):
        _outcomes(ax, events, side)
    _name_sources(axes[0], events)
    axes[-1].set_xlabel("mean return, %, with 95 % interval clustered by day")
    return figure


def _outcomes(ax: Axes, events: LimitEvents, side: str) -> None:
    zero_line(ax)
    for row, outcome in enumerate(OUTCOMES):
        for color, source, offset in zip(SOURCE_COLORS, events.sources, _offsets(events), strict=False):
            found = events.after(side, outcome, source=source)
            interval(ax, found.value, row + offset, found.low, found.high, color)
            ax.annotate(signed(found.value), (1.01, row + offset), xycoords=ax.get_yaxis_transform(), color=color,
                        va="center", fontsize=9, annotation_clip=False)  # fmt: skip
    ax.set_yticks(range(len(OUTCOMES)), list(OUTCOMES.values()))
    ax.set_ylim(len(OUTCOMES) - 0.5, -0.75)
    ax.tick_params(axis="y", length=0)
    count = events.numbers.find(f"{events.home} all", f"{side} close: n").value
    ax.set_title(f"After a {side} close ({count:,.0f} in {source_title(events.home)})")


def _offsets(events: LimitEvents) -> tuple[float, ...]:
    return (-0.18, 0.18) if events.control else (0.0,)


def _name_sources(ax: Axes, events: LimitEvents) -> None:
    """The names of the markets, over and under the dots of the first row."""
    for color, source, offset in zip(SOURCE_COLORS, events.sources, _offsets(events), strict=False):
        x = events.after("limit-up", "gap", source=source).value
        above = offset <= 0
        ax.annotate(source_title(source), (x, offset), xytext=(0, 6 if above else -7), textcoords="offset points",
                    color=color, ha="center", va="bottom" if above else "top", fontweight="bold")  # fmt: skip


@styled
def by_year(frame: pd.DataFrame, note: str = "") -> Figure:
    """Overnight gap, and five days from the next open, by year of the limit close, with 95 % intervals."""
    events = LimitEvents.of(frame)
    figure, axes = canvas(2, 5.2, events.yearly_message(), note, sharex=True)
    for side, ax in zip(SIDES, axes, strict=True):
        _years(ax, events, side)
    return figure


def _years(ax: Axes, events: LimitEvents, side: str) -> None:
    zero_line(ax, vertical=False)
    years = events.years
    aside = 0.13 if len(years) > 4 else 0.03
    series = (
        ("overnight gap", "gap", BLUE, -aside),
        ("five days from\nthe next open", "five days from next open", VERMILLION, aside),
    )
    labels = []
    for label, outcome, color, offset in series:
        found = [events.after(side, outcome, year) for year in years]
        for position, item in enumerate(found):
            x = position + offset
            if not math.isnan(item.low):
                ax.plot([x, x], [item.low, item.high], color=color, linewidth=1.8, alpha=0.75, solid_capstyle="butt")
            ax.plot([x], [item.value], marker="o", markersize=5, color=color)
        known = [item.value for item in found if not math.isnan(item.value)]
        labels.append((label, known[-1] if known else 0.0, color))
    ax.set_xticks(range(len(years)), [f"'{year[2:]}" for year in years] if len(years) > 6 else years)
    ax.set_ylabel("mean return, %")
    ax.set_title(f"After {side} closes of {source_title(events.home)}")
    end_labels(ax, len(years) - 1 + aside, labels)


@styled
def limit_rates(frame: pd.DataFrame, note: str = "") -> Figure:
    """Shares of cells that close at a limit, or are halted, by year."""
    events = LimitEvents.of(frame)
    figure, (ax,) = canvas(1, 2.9, events.rate_message(), note)
    years = events.years
    series = (("limit-up", "limit_up", VERMILLION), ("limit-down", "limit_down", BLUE), ("halted", "halted", GREEN))
    for _, state, color in series:
        ax.plot(range(len(years)), [events.rate(state, year) for year in years], color=color, marker="o", markersize=4)
    ax.set_xticks(range(len(years)), [f"'{year[2:]}" for year in years] if len(years) > 6 else years)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("share of cells, %")
    end_labels(ax, len(years) - 1, [(label, events.rate(state, years[-1]), color) for label, state, color in series])
    return figure
