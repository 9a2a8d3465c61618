"""Figure of the search for settings: every trial of every learner, the defaults and the chosen one."""

from __future__ import annotations

from matplotlib.figure import Figure

from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, styled
from lib.studies.learner_tuning.findings import NAMES, Tuning


@styled
def tuned(found: Tuning, note: str = "") -> Figure:
    """Learners down; truth IC of each trial on test days, means over markets."""
    figure, (ax,) = canvas(1, 0.9 + 0.75 * len(found.learners), found.gain_message(), note)
    for row, learner in enumerate(found.learners):
        best, truth = found.best(learner), {k: found.value(learner, k, "truth_ic") for k in found.trials(learner)}
        ax.plot(list(truth.values()), [row] * len(truth), "o", color=GREY, markersize=4, alpha=0.6)
        for trial, label, color, height in ((0, "defaults", VERMILLION, 11), (best, "best validation IC", BLUE, -11)):
            ax.plot([truth[trial]], [row], "o", color=color, markersize=7)
            ax.annotate(label, (truth[trial], row), xytext=(0, height), textcoords="offset points", color=color,
                        ha="center", va="center", fontsize=8.5)  # fmt: skip
    ax.set_yticks(range(len(found.learners)), [NAMES[learner] for learner in found.learners])
    ax.set_ylim(len(found.learners) - 0.4, -0.6)
    ax.margins(x=0.18)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("truth IC on test days, one dot a trial")
    return figure
