"""Figures of the other markets: what each rule holds back, what filling every order invents, where the mask helps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.rows import dots, heading
from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, styled
from lib.studies.other_markets.findings import NET, RULES, OtherMarkets

EXAMPLES = {
    "limits": "a price limit: one stock",
    "halts": "a halt: one stock",
    "breaker": "a market-wide breaker: the index",
}
BEFORE = 5  # days drawn before the event


@styled
def held_back(arrays: Mapping[str, np.ndarray], note: str = "") -> Figure:
    """For each rule an example: the price everybody wanted and the price printed, hollow while the rule binds."""
    shown = [name for name in EXAMPLES if f"{name}.wanted" in arrays]
    message = "A rule holds a move back, and the move comes out in the first price after it"
    figure, axes = canvas(len(shown), 1.75 * len(shown) + 0.4, message, note, sharex=True)
    for ax, name in zip(axes, shown, strict=True):
        _example(ax, arrays, name)
        ax.set_title(EXAMPLES[name], fontsize=9.5)
    for left, text, color in (
        (0.01, "wanted", GREY), (0.15, "\N{BLACK CIRCLE} printed", BLUE),
        (0.33, "\N{WHITE CIRCLE} printed while held back", VERMILLION),
    ):  # fmt: skip
        axes[0].annotate(text, (left, 0.86), xycoords="axes fraction", color=color, fontweight="bold")
    axes[-1].set_xlabel("session, 0 = the day of the event")
    return figure


def _example(ax: Axes, arrays: Mapping[str, np.ndarray], name: str) -> None:
    wanted, printed, locked = (arrays[f"{name}.{part}"] for part in ("wanted", "printed", "locked"))
    day = np.arange(len(wanted)) - BEFORE
    ax.plot(day, wanted, color=GREY, zorder=1)
    ax.plot(day[~locked], printed[~locked], linestyle="none", marker="o", markersize=5, color=BLUE)
    ax.plot(day[locked], printed[locked], linestyle="none", marker="o", markersize=5.5, markerfacecolor="white",
            color=VERMILLION)  # fmt: skip
    low, high = min(wanted.min(), printed.min()), max(wanted.max(), printed.max())
    ax.set_ylim(low - 0.05 * (high - low), high + 0.3 * (high - low))
    ax.set_ylabel("price, %")


@styled
def phantom_by_rule(found: OtherMarkets, note: str = "") -> Figure:
    """What filling every order at the close invents under each rule, without a mask, and the part of limit-up buys."""
    rules = found.rules
    figure, (ax,) = canvas(1, 0.9 + 0.45 * len(rules), found.phantom_message(), note)
    rows = []
    for rule in rules:
        part = found.level(rule, "none", "phantom_close.limit_up_buys").times(100)
        rows.append((RULES[rule][0], [(found.phantom(rule), BLUE), (part, VERMILLION)]))
    dots(ax, rows)
    heading(ax, (("all refused orders", BLUE), ("limit-up purchases", VERMILLION)))
    ax.set_xlabel("every order filled minus executed, % a year,\nno mask, no costs, 95 % interval")
    return figure


@styled
def benefit_by_rule(found: OtherMarkets, note: str = "") -> Figure:
    """Mask minus no mask in active Sharpe ratio, executed, before and after costs, rule by rule, paired."""
    rows = [
        (RULES[rule][0], [(found.benefit(rule), BLUE), (found.benefit(rule, NET), VERMILLION)]) for rule in found.rules
    ]
    figure, (ax,) = canvas(1, 0.9 + 0.45 * len(rows), found.benefit_message(), note)
    dots(ax, rows)
    heading(ax, (("before costs", BLUE), ("after 8 bps a side", VERMILLION)))
    ax.set_xlabel("mask_skip \N{MINUS SIGN} none, Sharpe ratio over equal weight,\nat the next open, 95 % interval")
    return figure
