"""The figure of one limit-up close travelling through a window under three policies."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, styled
from lib.studies.window_travel.measure import POLICIES, Travel, Values

COLORS = {"raw": VERMILLION, "skip": BLUE, "strict": GREEN}
LINES = {"raw": "-", "skip": (0, (5, 2)), "strict": "-"}
MEAN, DEVIATION = "mean of the close", "standard deviation of returns"


@styled
def window_travel(travel: Travel) -> Figure:
    """Price, two rolling statistics under raw, skip and strict, and the days on which each has a value."""
    heights = {"height_ratios": [1.25, 1.1, 1.1, 0.75]}
    figure, axes = canvas(4, 7.6, message(travel), sharex=True, gridspec_kw=heights)
    price, mean, deviation, strip = axes
    _price(price, travel)
    _statistic(mean, travel, MEAN, f"{travel.window}-day mean of the close, yuan")
    _statistic(deviation, travel, DEVIATION, f"{travel.window}-day deviation of returns, %", 100)
    _validity(strip, travel)
    strip.set_xlim(travel.limit_day - travel.window * 0.75, travel.limit_day + travel.window * 1.4)
    for ax in axes:
        ax.axvline(travel.limit_day, color=GREY, linewidth=0.9, linestyle=":", zorder=0)
    strip.set_xlabel("day")
    return figure


def message(travel: Travel) -> str:
    """What each policy does to the rolling mean, counted."""
    counts = travel.counts().loc[MEAN]
    uses, empty = counts["uses it"], counts["no value"]
    return (
        f"One limit-up close is in the raw {travel.window}-day mean for {uses['raw']} days; skip uses it on "
        f"{uses['skip']} and is without a value on {empty['skip']}; strict is without a value on {empty['strict']}"
    )


def _price(ax: Axes, travel: Travel) -> None:
    fields, day = travel.panel.fields, travel.limit_day
    close = fields["close"][:, 0]
    ax.plot(close, color="#333333", marker="o", markersize=2.5, linewidth=1)
    ax.plot([day], [close[day]], marker="^", markersize=9, color=VERMILLION, linestyle="none")
    ax.plot([day + 1], [fields["open"][day + 1, 0]], marker="_", markersize=12, markeredgewidth=2, color=BLUE)
    ax.annotate("limit-up close:\na purchase is refused", (day, close[day]), xytext=(-10, 2), ha="right",
                textcoords="offset points", color=VERMILLION)  # fmt: skip
    ax.annotate("next open: the rest", (day + 1, fields["open"][day + 1, 0]), xytext=(8, -16),
                textcoords="offset points", color=BLUE)  # fmt: skip
    ax.set_title("Close, yuan")


def _statistic(ax: Axes, travel: Travel, name: str, title: str, factor: float = 1.0) -> None:
    for policy in POLICIES:
        values = factor * travel.results[name][policy]
        ax.plot(values, color=COLORS[policy], linestyle=LINES[policy], linewidth={"strict": 4}.get(policy, 1.8),
                alpha={"strict": 0.35}.get(policy, 1.0))  # fmt: skip
    ax.set_title(title)
    day = travel.limit_day + travel.window // 2
    for policy, side in (("raw", 1), ("skip", -1)):
        value = factor * travel.results[name][policy][day]
        if np.isfinite(value):
            side *= 1 if _higher(travel.results[name], day) else -1
            ax.annotate(policy, (day, value), xytext=(0, 6 * side), textcoords="offset points", color=COLORS[policy],
                        ha="center", va="bottom" if side > 0 else "top", fontweight="bold")  # fmt: skip
    after = travel.limit_day + travel.window + 1 + travel.window // 5
    value = factor * travel.results[name]["strict"][after]
    ax.annotate("strict", (after, value), xytext=(0, -7), textcoords="offset points", color=COLORS["strict"],
                ha="center", va="top", fontweight="bold")  # fmt: skip
    ax.margins(y=0.22)


def _higher(results: dict[str, Values], day: int) -> bool:
    """Whether the raw line runs above the one that skips."""
    return bool(results["raw"][day] >= results["skip"][day])


def _validity(ax: Axes, travel: Travel) -> None:
    for row, policy in enumerate(POLICIES):
        values = travel.results[MEAN][policy]
        used = travel.changed_days()[MEAN][policy]
        for day in np.flatnonzero(np.isfinite(values)):
            ax.barh(row, 0.86, left=day - 0.43, height=0.62, color=COLORS[policy], alpha=0.95 if used[day] else 0.3)
    ax.set_yticks(range(len(POLICIES)), list(POLICIES))
    for label, policy in zip(ax.get_yticklabels(), POLICIES, strict=True):
        label.set_color(COLORS[policy])
    ax.set_ylim(len(POLICIES) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title("Days with a mean (dark: it uses the limit close)")
