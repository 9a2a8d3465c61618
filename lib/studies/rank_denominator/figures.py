"""Figures of the study of the rank denominator: the moving ceiling, who can notice, what is gained."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.paper.claims import load_ledger
from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, end_labels, interval, styled, zero_line
from lib.stats.estimates import signed
from lib.studies.rank_denominator.findings import PICK, Denominator

FLOOR = 1e-7  # where a change of exactly zero is drawn
ROWS = (
    ("mean rank IC in a day,\nall factors that rank", "gain all", BLUE),
    ("those that can notice", "gain can", GREEN),
    ("correlation over all\ncells of all days", "pooled gain", VERMILLION),
)
NAMES = {"constant": "every day", "waves": "in waves", "storm": "in a storm", "as it is": "as they are"}


@styled
def ceiling(found: Denominator, note: str = "") -> Figure:
    """By day: the range of ranks under both denominators, and what a fixed threshold picks."""
    figure, (top, bottom) = canvas(2, 5.2, found.ceiling_message(), note, sharex=True)
    share = found.shares("storm")
    days = np.arange(len(share))
    top.fill_between(days, 0, share, step="post", color="#C9DDEB")
    top.step(days, share, where="post", color=VERMILLION)
    top.step(days, np.ones_like(share), where="post", color=BLUE)
    top.set_ylim(0, 1.1)
    top.set_ylabel("highest rank of the day")
    top.set_title("The ceiling of the rank, a third of stocks halted in waves")
    end_labels(top, days[-1], [("by valid", 1.0, BLUE), ("by all", float(share[-1]) - 0.1, VERMILLION)])
    right, wrong = (1 - PICK) * share, np.maximum(share - PICK, 0)
    bottom.step(days, 100 * right, where="post", color=BLUE)
    bottom.step(days, 100 * wrong, where="post", color=VERMILLION)
    bottom.set_ylim(0, 12.5)
    bottom.set_ylabel("% of all stocks")
    bottom.set_xlabel("day")
    bottom.set_title(f"Stocks with a rank above {PICK:g}")
    end_labels(bottom, days[-1], [("by valid", 100 * right[-1], BLUE), ("by all", 100 * wrong[-1] - 2, VERMILLION)])
    return figure


@styled
def who_can_notice(found: Denominator, note: str = "") -> Figure:
    """Largest change of a day's rank IC per factor, those that a proof exempts apart."""
    figure, (ax,) = canvas(1, 3.4, found.who_message(), note)
    order = sorted(found.factors, key=lambda name: (name not in found.cannot, found.change(name)))
    for row, name in enumerate(order):
        exempt = name in found.cannot
        ax.plot([row], [max(found.change(name), FLOOR)], marker="o", markersize=4, color=BLUE if exempt else VERMILLION)
    ax.set_yscale("log")
    ax.set_ylim(FLOOR / 3, 3)
    ax.set_yticks([FLOOR, 1e-5, 1e-3, 1e-1], ["exactly 0", "0.00001", "0.001", "0.1"])
    count = sum(name in found.cannot for name in order)
    ax.annotate("cannot notice, by the formula", (0, FLOOR), xytext=(0, 9), textcoords="offset points", color=BLUE)
    ax.annotate("may notice", (count - 1, 0.5), color=VERMILLION, ha="right", va="center")
    ax.set_xlabel("factors that rank stocks, in order")
    ax.set_ylabel("largest change of a day's rank IC")
    return figure


@styled
def gains(found: Denominator, scenarios: list[str], note: str = "") -> Figure:
    """Mean gains by the right denominator, by scenario and by where masked stocks are sorted, with 95 % intervals."""
    rows = [(scenario, masked) for scenario in scenarios for masked in ("last", "first")]
    figure, (ax,) = canvas(1, 1.3 + 0.62 * len(rows), found.gain_message(), note)
    zero_line(ax)
    claimed = next(c.claimed for c in load_ledger() if c.id == "B.story.rank_denominator")
    assert claimed is not None
    ax.axvline(claimed, color=GREY, linestyle="--", linewidth=1)
    ax.annotate(f"the paper's {signed(claimed, 3)}", (claimed, -0.72), xytext=(4, 0), textcoords="offset points",
                color=GREY, va="center", fontsize=8.5)  # fmt: skip
    for row, (scenario, masked) in enumerate(rows):
        for place, (label, metric, color) in enumerate(ROWS):
            item = found.gain(scenario, f"{metric} {masked}")
            interval(ax, item.value, row + 0.24 * (place - 1), item.low, item.high, color)
            if row == 0:
                _name(ax, label, row + 0.5 * (place - 0.5), color)
    ax.set_yticks(range(len(rows)), [f"halts {NAMES[s]},\nmasked sorted {m}" for s, m in rows])
    ax.set_ylim(len(rows) - 0.45, -1.0)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.set_xlabel("gain by dividing by the valid count")
    return figure


def _name(ax: Axes, label: str, y: float, color: str) -> None:
    ax.annotate(label, (1.01, y), xycoords=ax.get_yaxis_transform(), color=color, va="center", fontsize=8.5,
                annotation_clip=False)  # fmt: skip
