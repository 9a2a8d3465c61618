"""Figures of the synthetic market: one limit-up from inside, and how the market compares with real prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, end_labels, spread, styled, zero_line
from lib.reasons import Reason
from lib.studies.calibration.findings import CSI, PAPER, REAL, Calibration

if TYPE_CHECKING:
    from lib.market import Market

#: variant -> (name on the figure, colour)
LINES = {CSI: ("CSI 300", "#222222"), REAL: ("synthetic", VERMILLION), PAPER: ('"paper"', BLUE)}
BEFORE, AFTER, LONGEST = 3, 5, 3
PROFILE = list(range(-5, 11))
LAGS = [1, 2, 3, 5, 10, 15, 20, 30, 40]
LENGTHS = [1, 2, 3, 4, 5, 10, 20]


@styled
def one_limit_up(market: Market, note: str = "") -> Figure:
    """Days around one limit-up run: what the market wants, what the exchange prints, and what trades."""
    day, stock = _longest_run(market)
    days = np.arange(day - BEFORE, day + AFTER + 1)
    x, fields = days - day, {name: market.panel.fields[name][days, stock] for name in _NEEDED}
    base = fields["close"][BEFORE - 1]
    wanted = fields["close"] * np.exp(market.truth.unfilled[days, stock])
    message = "At the limit the price stops and the wish does not: what is cut off comes out at the next opens"
    figure, (top, low) = canvas(2, 5.0, message, note, sharex=True, gridspec_kw={"height_ratios": (2.3, 1)})
    for k, position in enumerate(x):
        down, up = (100 * (fields[name][k] / base - 1) for name in ("limit_down", "limit_up"))
        top.fill_between([position - 0.4, position + 0.4], down, up, color=GREY, alpha=0.13, linewidth=0)
        bottom, high, opened, close = (100 * (fields[n][k] / base - 1) for n in ("low", "high", "open", "close"))
        top.plot([position, position], [bottom, high], color=BLUE, linewidth=2.4, solid_capstyle="butt")
        top.plot([position - 0.28, position], [opened, opened], color=BLUE, linewidth=1.6)
        top.plot([position, position + 0.28], [close, close], color=BLUE, linewidth=1.6)
    top.plot(x, 100 * (wanted / base - 1), color=VERMILLION, marker="o", markersize=5, linestyle=":", zorder=4)
    top.set_ylabel("against the close\nof day \N{MINUS SIGN}1, %")
    peak = int(np.argmax(wanted / fields["close"]))
    top.annotate("what the market wants", (x[peak], 100 * (wanted[peak] / base - 1)), xytext=(-8, 2),
                 textcoords="offset points", color=VERMILLION, ha="right")  # fmt: skip
    top.annotate("open, range, close", (0.99, 0.04), xycoords="axes fraction", color=BLUE, ha="right")
    top.annotate("shaded: inside the limits", (0.01, 0.04), xycoords="axes fraction", color=GREY)
    low.bar(x, fields["turnover"], color=GREY, width=0.55)
    low.set_ylabel("turnover,\n% of float")
    low.set_xlabel("days from the first limit-up close")
    return figure


_NEEDED = ("open", "high", "low", "close", "limit_up", "limit_down", "turnover")


def _longest_run(market: Market) -> tuple[int, int]:
    """(day, stock) where the longest run of limit-up closes begins, nothing masked before and no halt around it."""
    up = (market.panel.reasons & Reason.LIMIT_UP) > 0
    run = np.zeros(up.shape, dtype=int)
    for t in range(len(up) - 2, -1, -1):
        run[t] = np.where(up[t], run[t + 1] + 1, 0)
    begins = np.where(np.vstack([np.zeros((1, up.shape[1]), bool), up[:-1]]), 0, run)
    disturbed = np.cumsum(~market.panel.traded, axis=0)
    early = np.cumsum(~market.panel.price_valid, axis=0)
    begins[: BEFORE + 1] = 0
    begins[len(up) - AFTER - 1 :] = 0
    rows = np.arange(len(up))
    first, last = np.maximum(rows - BEFORE - 1, 0), np.minimum(rows + AFTER, len(up) - 1)
    begins[disturbed[last] > disturbed[first]] = 0
    begins[1:][early[:-1] > early[first[1:]]] = 0
    begins[begins > LONGEST] = 0
    day, stock = np.unravel_index(int(begins.argmax()), begins.shape)
    return int(day), int(stock)


@styled
def around_limit_up(frame: pd.DataFrame, note: str = "") -> Figure:
    """Mean price and volume on the days around a limit-up close."""
    found = Calibration.of(frame)
    figure, (top, low) = canvas(2, 5.2, found.profile_message(), note, sharex=True)
    keys = [f"{k:+d}" for k in PROFILE]
    _lines(top, found, "profile: price, day ", keys, PROFILE, 100.0)
    top.set_ylabel("price against the\nlimit-up close, %")
    _lines(low, found, "profile: volume, day ", keys, PROFILE, 1.0)
    low.set_ylabel("log volume against\nits 20-day mean")
    low.set_xlabel("days from the limit-up close")
    for ax in (top, low):
        zero_line(ax, vertical=False)
    return figure


@styled
def spell_lengths(frame: pd.DataFrame, note: str = "") -> Figure:
    """Share of spells that last at least so many days, for halts and limit-up closes."""
    found = Calibration.of(frame)
    figure, axes = canvas(2, 5.2, found.spell_message(), note)
    panels = (("halt", "halts", LENGTHS), ("limit-up", "limit-up closes in a row", LENGTHS[:5]))
    for ax, (state, title, lengths) in zip(axes, panels, strict=True):
        _lines(ax, found, f"{state} spells: at least ", [str(k) for k in lengths], lengths, 100.0, log=True)
        ax.set_title(title)
        ax.set_ylabel("share of spells, %")
        ax.set_xticks(lengths)
    axes[-1].set_xlabel("days, at least")
    return figure


@styled
def clustering(frame: pd.DataFrame, note: str = "") -> Figure:
    """Autocorrelation of absolute returns, mean over stocks."""
    found = Calibration.of(frame)
    figure, (ax,) = canvas(1, 3.2, found.clustering_message(), note)
    _lines(ax, found, "acf of |r|, lag ", [str(k) for k in LAGS], LAGS, 1.0)
    zero_line(ax, vertical=False)
    ax.set_ylabel("autocorrelation of |r|")
    ax.set_xlabel("lag, days")
    return figure


def _lines(
    ax: Axes, found: Calibration, prefix: str, keys: list[str], x: list[int], times: float, log: bool = False
) -> None:
    """One line per variant that was measured, named at its end."""
    labels = []
    for variant, (name, color) in LINES.items():
        values = np.array(found.series(variant, prefix, keys)) * times
        if log:
            values = np.where(values > 0, values, np.nan)
        known = np.flatnonzero(np.isfinite(values))
        if len(known):
            ax.plot(np.array(x)[known], values[known], color=color, marker="o", markersize=3.5)
            labels.append((name, float(values[known[-1]]), color))
    if log:
        ax.set_yscale("log")
        _log_labels(ax, x[-1], labels)
    else:
        end_labels(ax, x[-1], labels)


def _log_labels(ax: Axes, x: float, labels: list[tuple[str, float, str]]) -> None:
    """Names beside the last values of lines on a log scale, moved apart where they would touch."""
    low, high = map(float, np.log10(ax.get_ylim()))
    logs = [float(np.log10(height)) for _, height, _ in labels]
    heights = spread(logs, [0.13 * (high - low)] * len(labels), low)
    for (name, _, color), height in zip(labels, heights, strict=True):
        ax.annotate(name, (x, 10**height), xytext=(8, 0), textcoords="offset points", color=color,
                    va="center", annotation_clip=False)  # fmt: skip
