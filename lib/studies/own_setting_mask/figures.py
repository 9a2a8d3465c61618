"""Figures of the mask ablation in the papers' own setting."""

from __future__ import annotations

from matplotlib.figure import Figure

from lib.paper.pages.rows import dots
from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, styled
from lib.studies.own_setting_mask.findings import COST, POLICIES, OwnSetting

#: what is drawn of full - none, and its colour
PARTS = {"gross": ("0bps.sharpe", BLUE), "cost saved": (f"{COST}.saved_sharpe", GREEN), "net": (f"{COST}.sharpe", GREY)}


@styled
def masked_minus_unmasked(found: OwnSetting, note: str = "") -> Figure:
    """full - none in Sharpe ratio, by policy: gross, saved cost, net; the papers' difference as a line."""
    rows = [
        (policy, [(found.step("full", "none", f"{policy}.{metric}"), color) for metric, color in PARTS.values()])
        for policy in POLICIES
    ]
    title = "Full mask minus no mask, by what happens to a name without a prediction"
    figure, (ax,) = canvas(1, 2.9, title, note)
    dots(ax, rows)
    ax.axvline(found.claimed, color=VERMILLION, linewidth=0.9, linestyle=":", zorder=0)
    ax.annotate("paper B", (found.claimed, 0), xycoords=ax.get_xaxis_transform(), xytext=(3, 3),
                textcoords="offset points", color=VERMILLION, va="bottom")  # fmt: skip
    for place, (name, (_, color)) in enumerate(PARTS.items()):
        ax.annotate(name, (0.02 + 0.25 * place, 1.02), xycoords="axes fraction", color=color, va="bottom")
    ax.set_xlabel("difference in annual Sharpe ratio, at 8 bps where net")
    return figure
