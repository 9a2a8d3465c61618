"""Figure of the ablation on markets of more or less planted alpha."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, canvas, end_labels, styled, zero_line
from lib.stats.estimates import Estimate
from lib.studies.mask_ablation.findings import AlphaLevels, alpha_title

COLORS = {"none": VERMILLION, "row_deletion": ORANGE, "mask_skip": BLUE, "mask_paper": GREEN}
PANELS = ("mean daily IC,\ncells that can be bought", "active Sharpe ratio,\ngross, next open")


@styled
def alpha_sensitivity(
    found: AlphaLevels, real: Mapping[str, tuple[Estimate, Estimate]] | None = None, note: str = ""
) -> Figure:
    """IC (above) and gross active Sharpe ratio (below) of each variant by the alpha that its markets plant.

    real: the same of a price file, whose alpha nobody knows: level lines, of the unmasked variant.
    """
    of_file = (real or {}).get("none")
    figure, axes = canvas(2, 4.6, alpha_title(found), note, sharex=True)
    for panel, (ax, label) in enumerate(zip(axes, PANELS, strict=True)):
        zero_line(ax, vertical=False)
        for mask, levels in found.items():
            _line(ax, {alpha: pair[panel] for alpha, pair in sorted(levels.items())}, COLORS.get(mask, GREY))
        ends = [(mask, levels[max(levels)][panel].value, COLORS.get(mask, GREY)) for mask, levels in found.items()]
        if of_file is not None:
            ax.axhline(of_file[panel].value, color=GREY, linestyle="--", linewidth=1.2)
            ends.append(("CSI 300, no mask", of_file[panel].value, GREY))
        alphas = sorted({alpha for levels in found.values() for alpha in levels})
        ax.set_xlim(0, 1.02 * alphas[-1])
        ax.margins(y=0.15)
        ax.set_ylabel(label)
        end_labels(ax, 1.02 * alphas[-1], ends)
    axes[-1].set_xticks(alphas, [f"{alpha:g}" for alpha in alphas])
    axes[-1].set_xlabel("planted alpha, in units of a stock's volatility")
    return figure


def _line(ax: Axes, levels: Mapping[float, Estimate], color: str) -> None:
    ax.plot(list(levels), [item.value for item in levels.values()], color=color, marker="o", markersize=5)
    for alpha, item in levels.items():
        ax.plot([alpha, alpha], [item.low, item.high], color=color, linewidth=1.6, alpha=0.6, solid_capstyle="butt")
