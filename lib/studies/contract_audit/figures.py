"""The figure of the contract audit: families down, rules across, one matrix for each package."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, styled
from lib.studies.contract_audit.findings import OURS, THEIRS, ContractAudit


@styled
def contract_matrix(frame: pd.DataFrame, sizes: dict[str, int], note: str = "") -> Figure:
    """Factors of each family that break each rule, ours beside theirs. sizes: factors of each family."""
    audit = ContractAudit.of(frame)
    subjects = [name for name in (OURS, THEIRS) if name in audit.subjects]
    figure, (first, *_) = canvas(1, 4.3, audit.message(), note)
    first.remove()
    panels = figure.subplots(1, len(subjects), sharey=True, squeeze=False)[0]
    for ax, subject, color in zip(panels, subjects, (BLUE, VERMILLION), strict=False):
        _matrix(ax, audit.by_family(subject), sizes, color)
        title = "this book" if subject == OURS else subject
        ax.set_title(title, color=color, fontweight="bold")
    panels[0].set_yticks(range(len(sizes)), [f"{family} ({n})" for family, n in sizes.items()])
    panels[0].set_ylabel("family (its factors)")
    figure.supxlabel("factors that break the rule" + (f"\n{note}" if note else ""), fontsize=9)
    return figure


def _matrix(ax: Axes, counts: pd.DataFrame, sizes: dict[str, int], color: str) -> None:
    """A square per family and rule, filled by the share of the family's factors that break it."""
    for y, family in enumerate(sizes):
        for x, kind in enumerate(counts.columns):
            n = int(counts.to_dict()[kind][family])
            share = n / sizes[family]
            ax.barh(y, 0.92, left=x - 0.46, height=0.92, color=color, alpha=0.08 + 0.85 * share if n else 0.05)
            ink = "white" if share > 0.75 else "#333333" if n else GREY
            ax.annotate(str(n), (x, y), ha="center", va="center", fontsize=9, color=ink)
    ax.set_xticks(range(len(counts.columns)), list(counts.columns), rotation=50, ha="right", rotation_mode="anchor")
    ax.set_xlim(-0.5, len(counts.columns) - 0.5)
    ax.set_ylim(len(sizes) - 0.5, -0.5)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
