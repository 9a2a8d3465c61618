"""The page "window_travel": one limit-up close travelling through a window under three policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.arrays import FloatArray
from lib.paper.pages import plot, say, table
from lib.paper.pages.findings import Finding, listed
from lib.studies.window_travel.measure import POLICIES, Travel

if TYPE_CHECKING:
    from IPython.display import HTML, Markdown
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEAN, DEVIATION = "mean of the close", "standard deviation of returns"


def findings(travel: Travel) -> list[Finding]:
    """What each policy does, counted over all formulas."""
    most = travel.counts().max()
    uses, empty = most["uses it"], most["no value"]
    return [
        Finding(
            "**Raw**, the limit close counts like any other: it is in the values of up to {days:.0f} days, also after "
            "the row of its own day is deleted. Every day has a value.",
            days=float(uses["raw"]), holds=uses["raw"] > 1 and empty["raw"] == 0,
        ),
        Finding(
            "**Skip**, the window leaves masked cells out and works with the rest, if enough are left: the limit close "
            "is in no value, and at most {days:.0f} days are without one.",
            days=float(empty["skip"]), holds=uses["skip"] == 0 and empty["skip"] < empty["strict"],
        ),
        Finding(
            "**Strict**, the papers' rule, a window that holds a masked cell has no value: the limit close is in no "
            "value either, and up to {days:.0f} days are without one.",
            days=float(empty["strict"]), holds=uses["strict"] == 0 and empty["strict"] > 1,
        ),
    ]  # fmt: skip


def what_each_does(travel: Travel) -> Markdown:
    """The findings as a list."""
    return say(listed(item for item in findings(travel) if item.holds))


def counted(travel: Travel) -> Finding:
    """What each policy does to the rolling mean, in the length of a title."""
    counts = travel.counts().loc[MEAN]
    uses, empty = counts["uses it"], counts["no value"]
    return Finding(
        "One limit-up close is in the raw {window:.0f}-day mean for {raw:.0f} days; skipping it leaves {skip:.0f} of "
        "them without a mean, strict windows {strict:.0f}",
        window=float(travel.window), raw=float(uses["raw"]), skip=float(empty["skip"]), strict=float(empty["strict"]),
        holds=uses["raw"] > 1 and uses["skip"] == uses["strict"] == 0,
    )  # fmt: skip


def days_affected(travel: Travel) -> HTML:
    """Formulas down; days that use the limit close, and days without a value, across."""
    counts = travel.counts()
    counts.columns = pd.Index([": ".join(reversed(tuple(pair))) for pair in counts.columns])
    heads = {"formula": "formula", "raw: uses it": "raw: uses it", "skip: uses it": "skip: uses it",
             "skip: no value": "skip: no value", "strict: uses it": "strict: uses it",
             "strict: no value": "strict: no value"}  # fmt: skip
    caption = f"days affected by one limit-up close, windows of {travel.window} days"
    return table(counts, "window_travel_days", columns=heads, formats=dict.fromkeys(counts.columns, ".0f"),
                 caption=caption)  # fmt: skip


def picture(travel: Travel) -> HTML:
    """Price, two rolling statistics under raw, skip and strict, and the days on which each has a value."""
    return plot(window_travel(travel))


def window_travel(travel: Travel) -> Figure:
    """The figure of `picture`."""
    from lib.paper.pages.style import GREY, canvas, styled

    def draw() -> Figure:
        heights = {"height_ratios": [1.25, 1.1, 1.1, 0.75]}
        title = counted(travel).title("One limit-up close in a window under three policies")
        figure, (price, mean, deviation, strip) = canvas(4, 7.6, title, sharex=True, gridspec_kw=heights)
        _price(price, travel)
        _statistic(mean, travel, MEAN, f"{travel.window}-day mean of the close, yuan")
        _statistic(deviation, travel, DEVIATION, f"{travel.window}-day deviation of returns, %", 100)
        _validity(strip, travel)
        strip.set_xlim(travel.limit_day - travel.window * 0.75, travel.limit_day + travel.window * 1.4)
        for ax in (price, mean, deviation, strip):
            ax.axvline(travel.limit_day, color=GREY, linewidth=0.9, linestyle=":", zorder=0)
        strip.set_xlabel("day")
        return figure

    return styled(draw)()


def _colors() -> dict[str, str]:
    from lib.paper.pages.style import BLUE, GREEN, VERMILLION

    return {"raw": VERMILLION, "skip": BLUE, "strict": GREEN}


def _price(ax: Axes, travel: Travel) -> None:
    from lib.paper.pages.style import BLUE, VERMILLION

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
    colors, results = _colors(), travel.results[name]
    lines = {"raw": "-", "skip": (0, (5, 2)), "strict": "-"}
    for policy in POLICIES:
        wide, pale = (4, 0.35) if policy == "strict" else (1.8, 1.0)
        ax.plot(factor * results[policy], color=colors[policy], linestyle=lines[policy], linewidth=wide, alpha=pale)
    ax.set_title(title)
    day = travel.limit_day + travel.window // 2
    for policy, side in (("raw", 1), ("skip", -1)):
        value = factor * results[policy][day]
        if np.isfinite(value):
            side *= 1 if _higher(results, day) else -1
            ax.annotate(policy, (day, value), xytext=(0, 6 * side), textcoords="offset points", color=colors[policy],
                        ha="center", va="bottom" if side > 0 else "top", fontweight="bold")  # fmt: skip
    after = travel.limit_day + travel.window + 1 + travel.window // 5
    ax.annotate("strict", (after, factor * results["strict"][after]), xytext=(0, -7), textcoords="offset points",
                color=colors["strict"], ha="center", va="top", fontweight="bold")  # fmt: skip
    ax.margins(y=0.22)


def _higher(results: dict[str, FloatArray], day: int) -> bool:
    """Whether the raw line runs above the one that skips."""
    return bool(results["raw"][day] >= results["skip"][day])


def _validity(ax: Axes, travel: Travel) -> None:
    from matplotlib.ticker import MaxNLocator

    colors = _colors()
    for row, policy in enumerate(POLICIES):
        values, used = travel.results[MEAN][policy], travel.changed_days()[MEAN][policy]
        for day in np.flatnonzero(np.isfinite(values)):
            ax.barh(row, 0.86, left=day - 0.43, height=0.62, color=colors[policy], alpha=0.95 if used[day] else 0.3)
    ax.set_yticks(range(len(POLICIES)), list(POLICIES))
    for label, policy in zip(ax.get_yticklabels(), POLICIES, strict=True):
        label.set_color(colors[policy])
    ax.set_ylim(len(POLICIES) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title("Days with a mean (dark: it uses the limit close)")
