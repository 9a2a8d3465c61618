"""Figure of contrasts between books: gross of costs, net of costs, and net at matched turnover."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from lib.evaluation.ablation import CAUSES, Ablation
from lib.evaluation.books import COST, FILLS
from lib.paper.pages.rows import dots, heading
from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, styled
from lib.stats.estimates import MINUS

SERIES = (("gross", BLUE), ("net", VERMILLION), ("net, matched", GREEN))


@styled
def gross_before_net(
    frame: pd.DataFrame, learner: str = "ridge", run: str = "executed_open", note: str = ""
) -> Figure:
    """Paired differences of active Sharpe ratios, with 95 % intervals; on the right, both turnovers a day."""
    found = Ablation.of(frame, learner)
    rows = found.every_book(run)
    figure, (ax,) = canvas(1, 1.1 + 0.5 * len(rows), f"{found.cheaper_message(run)} ({learner})", note)
    labelled = [
        (f"{CAUSES[name]}\n{name.replace('-', MINUS)}",
         [(item, color) for item, (_, color) in zip((b.gross, b.net, b.matched), SERIES, strict=True)])
        for name, b in rows.items()
    ]  # fmt: skip
    dots(ax, labelled)
    for row, item in enumerate(rows.values()):
        text = f"{100 * item.left:.0f} | {100 * item.right:.0f}"
        ax.annotate(text, (1.01, row), xycoords=ax.get_yaxis_transform(), va="center", color=GREY, fontsize=8.5,
                    annotation_clip=False)  # fmt: skip
    ax.annotate("turnover, %\nleft | right", (1.01, 1), xycoords="axes fraction", xytext=(0, 6),
                textcoords="offset points", color=GREY, fontsize=8, annotation_clip=False)  # fmt: skip
    heading(ax, SERIES)
    ax.tick_params(axis="y", labelsize=8.5)
    costs = f"net: {COST} bps a side; matched: equal turnovers"
    ax.set_xlabel(f"difference in active Sharpe ratio,\n{FILLS[run]}\n{costs}")
    return figure
