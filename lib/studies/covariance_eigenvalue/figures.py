"""Figures of the study of covariance eigenvalues: one day's spectra, who is refused, what a repair would need."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lib.paper.pages.style import BLUE, GREY, ORANGE, VERMILLION, canvas, end_labels, styled
from lib.studies.covariance_eigenvalue.findings import Eigenvalue

#: smallest distance from zero that the picture tells apart from zero
LEAST = 1e-8
#: estimator, its name in the picture, colour, where the name stands: share of the way, points above the line
SPECTRA = (
    ("ledoit-wolf", "Ledoit-Wolf", BLUE, 0.03, 8),
    ("sample", "sample", GREY, 0.3, 8),
    ("sample float32", "sample, float32", ORANGE, 0.02, -16),
    ("pairwise", "pairwise", VERMILLION, 0.05, -16),
)
ROWS = {
    "sample": "sample", "sample float32": "sample, float32", "ledoit-wolf": "Ledoit-Wolf",
    "ledoit-wolf float32": "Ledoit-Wolf, float32", "complete": "Ledoit-Wolf of\ncomplete stocks",
    "filled": "Ledoit-Wolf,\nmasked filled", "pairwise": "pairwise", "pairwise shrunk": "pairwise, shrunk",
}  # fmt: skip


@styled
def one_day(spectra: Mapping[str, np.ndarray], length: int, note: str = "") -> Figure:
    """Eigenvalues of one day's estimates, rising, as shares of their mean; tiny ones are drawn at zero."""
    size = len(spectra["sample"])
    below = int((spectra["pairwise"] < -LEAST).sum())
    title = (
        f"{size} stocks and {length} days: the sample has {size - length + 1} eigenvalues of zero, shrinking lifts "
        f"them all, and of a pairwise matrix {below} are below zero"
    )
    figure, (ax,) = canvas(1, 3.6, title, note)
    for name, label, color, place, shift in SPECTRA:
        values = spectra[name]
        ax.plot(np.arange(1, size + 1), values, color=color)
        at = int(place * size)
        ax.annotate(label, (at + 1, values[at]), xytext=(0, shift), textcoords="offset points", color=color,
                    fontsize=9, fontweight="bold")  # fmt: skip
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    ax.set_yscale("symlog", linthresh=LEAST, linscale=0.5)
    ticks = (-1.0, -1e-4, 0.0, 1e-4, 1.0, 100.0)
    ax.set_yticks(ticks, ["-1", "-0.0001", "0", "0.0001", "1", "100"])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("eigenvalue, from the lowest")
    ax.set_ylabel("share of the mean eigenvalue")
    return figure


@styled
def refusals(found: Eigenvalue, note: str = "") -> Figure:
    """Share of days on which cvxpy refuses the estimate, by estimate and number of stocks."""
    sizes = found.sizes
    share = np.array([[100 * found.find(name, "refused", size).value for size in sizes] for name in ROWS])
    figure, (ax,) = canvas(1, 3.5, found.message(), note)
    # drawn as shapes, not as a picture: sharp at every size, the same bytes everywhere
    ax.pcolormesh(np.nan_to_num(share), cmap="Oranges", vmin=0, vmax=140, edgecolors="white", linewidth=1.5)
    for (row, column), value in np.ndenumerate(share):
        text = "none so\ncomplete" if np.isnan(value) else f"{value:.1f}".removesuffix(".0")
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=9 if len(text) < 6 else 7,
                color="white" if value > 80 else "#333333")  # fmt: skip
    ax.invert_yaxis()
    ax.set_xticks(np.arange(len(sizes)) + 0.5, [str(size) for size in sizes])
    ax.set_yticks(np.arange(len(ROWS)) + 0.5, list(ROWS.values()))
    ax.tick_params(length=0)
    ax.set_xlabel("stocks in the covariance")
    ax.set_title("% of days on which cvxpy refuses it")
    return figure


@styled
def repair(found: Eigenvalue, note: str = "") -> Figure:
    """Intensity that the formula finds, and the least that leaves no eigenvalue of the pairwise matrix below zero."""
    figure, (ax,) = canvas(1, 2.8, found.needed_message(), note)
    labels = []
    for label, name, metric, color in (("needed", "pairwise", "needed", VERMILLION),
                                       ("given", "pairwise shrunk", "intensity", BLUE)):  # fmt: skip
        values = [found.find(name, metric, size) for size in found.sizes]
        ax.plot(found.sizes, [item.value for item in values], color=color, marker="o", markersize=5, linewidth=1)
        for size, item in zip(found.sizes, values, strict=True):
            ax.plot([size, size], [item.low, item.high], color=color, linewidth=1.8, alpha=0.75)
        labels.append((label, values[-1].value, color))
    ax.set_xscale("log")
    ax.set_xticks(found.sizes, [str(size) for size in found.sizes])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(0, max(height for _, height, _ in labels) * 1.25)
    ax.set_xlabel("stocks in the covariance")
    ax.set_ylabel("intensity of shrinking")
    end_labels(ax, found.sizes[-1], labels)
    return figure
