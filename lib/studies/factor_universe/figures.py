"""Figures of the factor universe: the funnel, the count at other thresholds, and what happens afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, interval, styled, zero_line
from lib.stats.estimates import Estimate, signed
from lib.studies.factor_universe.findings import PAPER_COUNT, Universe

#: thresholds, left, left in the null market
Curve: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]

#: what a test asks, in the few words that fit beside a bar
SHORT = {
    "coverage": "has values", "flat": "ranks stocks", "distribution": "keeps its scale", "ic": "mean IC",
    "ir": "IC over its deviation", "stability": "same sign by quarter", "decay": "lasts 20 days",
    "sensitivity": "neighbours agree", "turnover": "ranking lasts", "redundant": "no twin",
}  # fmt: skip


@styled
def funnel(frame: pd.DataFrame, note: str = "") -> Figure:
    """Candidates left after each test, beside those left in the null market, and the paper's count."""
    found = Universe.of(frame)
    figure, (ax,) = canvas(1, 0.9 + 0.34 * (len(found.tests) + 1), found.message(), note)
    rows = [("candidates", found.count("candidates").value, Estimate(math.nan))]
    rows += [(SHORT[t], found.count(f"left after {t}").value, found.count(f"null after {t}")) for t in found.tests]
    for row, (_, left, luck) in enumerate(rows):
        ax.barh(row, left, height=0.62, color="#8FBBD9")
        ax.annotate(f"{left:,.0f}", (left, row), xytext=(4, 0), textcoords="offset points", va="center", color=BLUE,
                    fontweight="bold")  # fmt: skip
        interval(ax, luck.value, row + 0.22, luck.low, luck.high, "#222222", markersize=4)
    _paper_line(ax, len(rows) - 0.5)
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
    ax.set_ylim(len(rows) - 0.4, -1.3)
    ax.set_xlim(0, 1.12 * max(rows[0][1], PAPER_COUNT))
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("candidates left after the test and all above;\nblack: if nothing were predictable, 95 % of draws")
    return figure


def _paper_line(ax: Axes, bottom: float) -> None:
    ax.plot([PAPER_COUNT, PAPER_COUNT], [-0.6, bottom], color=VERMILLION, linewidth=1.2, linestyle=(0, (4, 2)))
    ax.annotate(f"paper A: {PAPER_COUNT}", (PAPER_COUNT, -0.75), color=VERMILLION, ha="center", va="bottom", fontsize=9)


@styled
def strictness(frame: pd.DataFrame, note: str = "") -> Figure:
    """Candidates left when all thresholds are moved together, from asking nothing to half as strict again."""
    found = Universe.of(frame)
    figure, (ax,) = canvas(1, 3.3, found.paper_message(), note)
    steps, left, null = found.curve()
    ax.plot(100 * steps, left, color=BLUE)
    ax.plot(100 * steps, null, color=GREY, linestyle=(0, (5, 2)))
    ax.axhline(PAPER_COUNT, color=VERMILLION, linewidth=1.0, linestyle=(0, (4, 2)))
    ax.axvline(100, color=GREY, linewidth=0.8, zorder=0)
    top = 1.08 * max(float(left.max()), PAPER_COUNT)
    ax.set_ylim(0, top)
    ax.annotate(f"paper A: {PAPER_COUNT}", (150, PAPER_COUNT), xytext=(0, 3), textcoords="offset points",
                color=VERMILLION, ha="right", fontsize=9)  # fmt: skip
    ax.annotate("as declared", (100, top), xytext=(0, 2), textcoords="offset points", color=GREY, ha="center",
                fontsize=9)  # fmt: skip
    _key(ax, (("this market", BLUE), ("if nothing were predictable", GREY)))
    ax.set_xlabel("strictness of all tests together, % of the declared thresholds")
    ax.set_ylabel("candidates left")
    return figure


def _key(ax: Axes, names: Sequence[tuple[str, str]]) -> None:
    """Coloured names over the axes, from the left edge on."""
    left = 0.0
    for name, color in names:
        text = f"\N{BLACK CIRCLE} {name}"
        ax.annotate(text, (0, 1), xycoords="axes fraction", xytext=(left, 15), textcoords="offset points", color=color,
                    fontweight="bold", fontsize=9)  # fmt: skip
        left += 6.1 * len(text) + 8


@styled
def each_threshold(frame: pd.DataFrame, note: str = "") -> Figure:
    """Candidates left at other thresholds of one test at a time, the others as declared; red: the declared one."""
    found = Universe.of(frame)
    tests = [test for test in found.tests if test != "redundant"]
    curves = {test: found.curve(test) for test in tests}
    most = max(float(max(left.max(), null.max())) for _, left, null in curves.values())
    moves = max(tests, key=lambda test: float(curves[test][1].max()))
    title = f"The test of '{SHORT[moves]}' matters most: without it {curves[moves][1].max():,.0f} are left"
    rows = math.ceil(len(tests) / 3)
    figure, columns = canvas(rows, 5.6, title, note)
    for ax in columns:
        figure.delaxes(ax)
    for place, test in enumerate(tests):
        ax = figure.add_subplot(rows, 3, place + 1)
        _small(ax, test, curves[test], found.count(f"threshold {test}").value, most)
        if place % 3:
            ax.set_yticklabels([])
    return figure


def _small(ax: Axes, test: str, curve: Curve, declared: float, most: float) -> None:
    steps, left, null = curve
    ax.plot(steps, left, color=BLUE)
    ax.plot(steps, null, color=GREY, linestyle=(0, (5, 2)))
    ax.axvline(declared, color=VERMILLION, linewidth=1.0)
    ax.set_ylim(0, 1.05 * max(most, 1))
    ax.set_title(SHORT[test], fontsize=9.5)
    ax.tick_params(labelsize=8.5)


@styled
def afterwards(frame: pd.DataFrame, note: str = "") -> Figure:
    """Mean IC of those kept, and of those dropped by each test, in the training and the test period."""
    found = Universe.of(frame)
    reasons = [r for r in ("kept", "redundant", *SHORT) if (f"{found.source} {r}", "test_ic") in found.numbers]
    reasons = list(dict.fromkeys(reasons))
    figure, (ax,) = canvas(1, 1.2 + 0.42 * len(reasons), found.holdout_message(), note)
    zero_line(ax)
    for row, reason in enumerate(reasons):
        for metric, color, aside in (("train_ic", GREY, -0.16), ("test_ic", BLUE, 0.16)):
            item = found.numbers.find(f"{found.source} {reason}", metric)
            interval(ax, item.value, row + aside, item.low, item.high, color)
            ax.annotate(signed(item.value, 4), (1.01, row + aside), xycoords=ax.get_yaxis_transform(), color=color,
                        va="center", fontsize=8.5, annotation_clip=False)  # fmt: skip
    ax.set_yticks(range(len(reasons)), [_group(found, reason) for reason in reasons])
    ax.set_ylim(len(reasons) - 0.5, -0.9)
    ax.tick_params(axis="y", length=0)
    _key(ax, (("training period", GREY), ("test period", BLUE)))
    ax.set_xlabel("mean daily IC in the direction of\nthe training period, with 95 % interval")
    return figure


def _group(found: Universe, reason: str) -> str:
    metric = "left after redundant" if reason == "kept" else f"first {reason}"
    name = {"kept": "kept", "redundant": "twins of the kept"}.get(reason) or f"fails: {SHORT[reason]}"
    return f"{name} ({found.count(metric).value:,.0f})"
