"""Figures of the regimes: one market as it goes through them, levels, and where the mask helps."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.rows import dots, forest, heading
from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, end_labels, styled
from lib.stats.estimates import MINUS, signed
from lib.studies.regimes.findings import GROSS, UNITS, Regimes

SHADES = {"bear": "#FBE3D6", "calm": "#F4F4F4", "rally": "#DCEFE7"}
#: pairs in the order of reading, and what they change
CAUSES = {
    ("mask_paper", "none"): "all at once",
    ("mask_skip", "none"): "all, windows skip",
    ("row_deletion", "none"): "rows only",
    ("mask_skip", "row_deletion"): "windows only",
}


@styled
def one_market(arrays: Mapping[str, np.ndarray], note: str = "") -> Figure:
    """One market through its regimes: the index, how many closes are at a limit, and what refused orders add up to."""
    total, part = 100 * arrays["phantom"], 100 * arrays["limit_up_buys"]
    message = (
        f"Money from orders that nobody could fill: {signed(total[-1], 0)} % over these {len(total)} days, "
        f"{signed(part[-1], 0)} % of it from limit-up purchases"
    )
    figure, axes = canvas(3, 5.2, message, note, sharex=True)
    days = np.arange(len(total))
    for ax in axes:
        _shade(ax, arrays["regime"])
    axes[0].plot(days, arrays["index"], color=GREY)
    axes[0].set_ylabel("index,\nequal weight")
    axes[1].fill_between(days, 100 * arrays["limit_rate"], color=VERMILLION, linewidth=0)
    axes[1].set_ylabel("closes at\na limit, %")
    axes[2].plot(days, total, color=BLUE)
    axes[2].plot(days, part, color=VERMILLION)
    names = (("all refused\norders", total[-1], BLUE), ("limit-up\npurchases", part[-1], VERMILLION))
    end_labels(axes[2], len(total), names)
    axes[2].set_ylabel("filled minus\nexecuted, %, sum")
    axes[2].set_xlabel("session of the test span, no mask, no costs")
    _name_regimes(axes[0], arrays["regime"])
    return figure


def _spells(regime: np.ndarray) -> list[tuple[int, int, str]]:
    edges = np.flatnonzero(regime[1:] != regime[:-1]) + 1
    bounds = [0, *edges.tolist(), len(regime)]
    return [(a, b, str(regime[a])) for a, b in pairwise(bounds)]


def _shade(ax: Axes, regime: np.ndarray) -> None:
    for start, stop, name in _spells(regime):
        ax.axvspan(start, stop, color=SHADES[name], linewidth=0, zorder=0)
    ax.set_xlim(0, len(regime))


def _name_regimes(ax: Axes, regime: np.ndarray) -> None:
    for start, stop, name in _spells(regime):
        ax.annotate(name, ((start + stop) / 2, 1.02), xycoords=ax.get_xaxis_transform(), ha="center", fontsize=9.5)


@styled
def sharpe_by_regime(found: Regimes, note: str = "") -> Figure:
    """Sharpe ratio of each pipeline by regime, every order filled and as executed at the next open."""
    names = ("none", "row_deletion", "mask_skip", "mask_paper")
    count = len(found.regimes)
    figure, axes = canvas(count, 1.5 * count + 0.6, found.phantom_message(), note, sharex=True)
    for ax, regime in zip(axes, found.regimes, strict=True):
        metrics = (("naive_close.sharpe", VERMILLION), ("executed_open.sharpe", BLUE))
        dots(ax, [(name, [(found.level(name, regime, m), c) for m, c in metrics]) for name in names])
        rate = 100 * found.market(regime, "limit_rate").value
        ax.set_title(f"{regime}: {rate:.1f} % of closes at a limit", fontsize=9.5)
    heading(axes[0], (("every order filled", VERMILLION), ("executed, next open", BLUE)), 22)
    axes[-1].set_xlabel("Sharpe ratio a year, with 95 % interval")
    return figure


@styled
def benefit(found: Regimes, metric: str = GROSS, note: str = "") -> Figure:
    """Paired differences by regime, and how the difference itself differs between regimes."""
    what, factor, digits, unit = UNITS[metric]
    groups = [*found.regimes, "bear - calm", "bear - rally"]
    figure, axes = canvas(len(CAUSES), 1.45 * len(CAUSES), found.volatile_message(metric), note, sharex=True)
    for ax, ((left, right), cause) in zip(axes, CAUSES.items(), strict=True):
        items = {name.replace("-", MINUS): found.difference(left, right, name, metric) for name in groups}
        forest(ax, [(name, item.times(factor)) for name, item in items.items()], digits)
        ax.axhline(len(found.regimes) - 0.5, color=GREEN, linewidth=0.9)
        ax.set_title(f"{cause}: {left} {MINUS} {right}", fontsize=9.5)
    axes[-1].set_xlabel(f"difference in {what}{',' if unit else ''}{unit},\nexecuted at the next open, 95 % interval")
    return figure
