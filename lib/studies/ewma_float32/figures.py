"""Figures of the study of float32 averages: the weights and the error, the masked days, the cost."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.paper.claims import load_ledger
from lib.paper.pages.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    canvas,
    end_labels,
    interval,
    styled,
)
from lib.studies.ewma_float32.findings import Smoothing

LINES = (
    ("recursion, float32", "recursion", BLUE),
    ("chunks of 64, float32", "chunks of 64", GREEN),
    ("growing weights, float32", "growing\nweights", VERMILLION),
    ("TF32 product", "TF32", ORANGE),
    ("float16 recursion", "float16", PURPLE),
)
#: largest numbers of the two floating types, as powers of ten
LARGEST = (("float32", 38.53), ("float64", 308.25))


@styled
def weights_and_errors(frame: pd.DataFrame, source: str = "", note: str = "", span: int = 60) -> Figure:
    """The weight (1-a)^-t against the day with the largest floats; the largest relative error against the day."""
    found = Smoothing.of(frame, source)
    figure, (top, bottom) = canvas(2, 5.9, found.message(), note)
    _weights(top, found)
    _errors(bottom, found, span)
    return figure


def _weights(ax: Axes, found: Smoothing) -> None:
    last = found.steps[-1]
    days = np.linspace(0, last, 200)
    top = LARGEST[0][1] * 1.5
    for span, color in zip(found.spans, (VERMILLION, ORANGE, BLUE, GREY), strict=False):
        grown = -days * np.log10(1 - 2 / (span + 1))
        ax.plot(days[grown <= top], grown[grown <= top], color=color)
        at = min(last, top / grown[-1] * last)
        x, y = 0.8 * at, 0.8 * grown[-1] * at / last
        ax.annotate(f"span {span}", (x, y), xytext=(5, -3), textcoords="offset points", color=color, va="top")
    name, power = LARGEST[0]
    ax.axhline(power, color=GREY, linestyle="--", linewidth=1)
    ax.annotate(f"largest {name}", (last, power), xytext=(0, 3), textcoords="offset points", ha="right", color=GREY)
    ax.set_ylim(0, top)
    ax.set_xlabel("day")
    ax.set_ylabel("weight, power of ten")
    ax.set_title("A closed form needs weights that grow for ever")


def _errors(ax: Axes, found: Smoothing, span: int) -> None:
    claimed = _claimed("B.story.ewma") / 100
    labels = []
    for method, label, color in LINES:
        errors = np.array([found.worst(span, method, f"error at {step}") for step in found.steps])
        known = np.isfinite(errors)
        ax.plot(np.array(found.steps)[known], errors[known], color=color, marker="o", markersize=4)
        labels.append((label, float(np.log10(errors[known][-1])), color))
    bound = found.worst(span, "bound")
    for height, text in ((claimed, f"the paper's {100 * claimed:g} %"), (bound, "bound 4u/a")):
        ax.axhline(height, color=GREY, linestyle="--", linewidth=1)
        ax.annotate(text, (found.steps[0], height), xytext=(0, -3), textcoords="offset points", color=GREY, va="top")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(2e-8, 5e-2)
    ax.set_xlabel("day")
    ax.set_ylabel("relative error, worst stock")
    ax.set_title(f"A recursion forgets its rounding (span {span})")
    _log_labels(ax, found.steps[-1], labels)


def _log_labels(ax: Axes, x: float, labels: list[tuple[str, float, str]]) -> None:
    """`end_labels` on a logarithmic axis: heights are powers of ten."""
    twin = ax.twinx()
    twin.set_ylim(*np.log10(ax.get_ylim()))
    twin.axis("off")
    end_labels(twin, x, labels)


@styled
def masked_days(frame: pd.DataFrame, source: str = "", note: str = "") -> Figure:
    """Distance of other rules for masked days from ours, by span: median to 99th percentile."""
    found = Smoothing.of(frame, source)
    rules = found.rules
    figure, axes = canvas(1, 1.1 + 0.75 * len(rules), _plain(found.rules_message()), note)
    (ax,) = axes
    colors = (SKY, GREEN, ORANGE, VERMILLION)
    for row, rule in enumerate(rules):
        for place, (span, color) in enumerate(zip(found.spans, colors, strict=False)):
            median, high = (max(found.rule(span, rule, metric), 1e-9) for metric in ("median", "p99"))
            y = row + 0.18 * (place - 1.5)
            ax.plot([median, high], [y, y], color=color, linewidth=1.8, alpha=0.75)
            ax.plot([median], [y], marker="o", color=color, markersize=5)
            if row == len(rules) - 1:
                ax.annotate(f"span {span}", (high, y), xytext=(5, 0), textcoords="offset points", color=color,
                            va="center", fontsize=8.5)  # fmt: skip
    claimed = _claimed("B.story.ewma") / 100
    ax.axvline(claimed, color=GREY, linestyle="--", linewidth=1)
    ax.annotate(f"{100 * claimed:g} %", (claimed, -0.65), xytext=(3, 0), textcoords="offset points", color=GREY)
    ax.set_xscale("log")
    ax.set_xlim(5e-10, 8)
    ax.set_yticks(range(len(rules)), ["\n".join(textwrap.wrap(rule, 16)) for rule in rules])
    ax.set_ylim(len(rules) - 0.4, -0.8)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("relative distance from the rule that keeps the level;\ndot: median, line: to the 99th percentile")
    return figure


@styled
def cost(frame: pd.DataFrame, source: str = "", note: str = "") -> Figure:
    """Loss of IC by span, in float32 and with given relative errors of the average, with 95 % intervals."""
    found = Smoothing.of(frame, source)
    figure, (ax,) = canvas(1, 3.3, found.cost_message(), note)
    claimed = _claimed("B.story.ewma_ic")
    ax.axvline(0, color=GREY, linewidth=0.9, zorder=0)
    ax.axvline(claimed, color=GREY, linestyle="--", linewidth=1)
    ax.annotate(f"the paper's {claimed:g}", (claimed, -0.62), xytext=(-3, 0), textcoords="offset points", color=GREY,
                ha="right")  # fmt: skip
    series = [("float32", "loss float32", BLUE)]
    series += [(f"error {100 * size:g} %", f"loss error {size:g}", color)
               for size, color in zip(found.noise, (GREEN, ORANGE, VERMILLION), strict=False)]  # fmt: skip
    for row, span in enumerate(found.spans):
        for place, (label, metric, color) in enumerate(series):
            item = found.factor(span, metric)
            y = row + 0.2 * (place - 1.5)
            interval(ax, item.value, y, item.low, item.high, color)
            if row == 0:
                ax.annotate(label, (1.01, y), xycoords=ax.get_yaxis_transform(), color=color, va="center", fontsize=8.5,
                            annotation_clip=False)  # fmt: skip
    ax.set_yticks(range(len(found.spans)), [f"span {span}" for span in found.spans])
    ax.set_ylim(len(found.spans) - 0.4, -0.8)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.set_xlabel("loss of mean daily IC of close / average \N{MINUS SIGN} 1")
    return figure


def _claimed(claim_id: str) -> float:
    """What the papers state."""
    return next(claim.claimed for claim in load_ledger() if claim.id == claim_id and claim.claimed is not None)


def _plain(text: str) -> str:
    return text.replace("*", "")
