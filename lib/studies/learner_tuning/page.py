"""The page "learner_tuning": what a random search for settings gains each learner on days that chose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.evaluation import tuning
from lib.evaluation.tuning import METRICS, Tuning
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.stats.over_seeds import ENOUGH_SEEDS
from lib.studies.learner_tuning.trials import DEFAULTS, RANGES

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "How much better do ridge, LightGBM and a small neural network (MLP) predict after the same search for settings, "
    "and would default settings make a comparison of them unfair?"
)
ADVICE = (
    "Stop training and choose settings by what the predictions are used for, here the information coefficient (IC). A "
    "mean squared error is nearly all variance of the label.",
    "Give every learner the same fit days, validation days, refits and number of trials. Otherwise a difference "
    "between learners may be a difference in care.",
    "Search again on real prices, on years before the test years: the simulated market can be predicted better than "
    "members of the CSI 300, so stronger penalties may be needed there.",
)
NAMES = {"ridge": "ridge", "lightgbm": "LightGBM", "mlp": "MLP"}
IN_TEXT = {**NAMES, "mlp": "the MLP"}
#: a truth IC counts as changed by the search from this share of that of the defaults on
CLEAR = 0.05


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says; of a learner that was not run, nothing."""
    found = Tuning.of(frame)
    return [_of_learner(found, learner) for learner in ("lightgbm", "mlp", "ridge") if learner in found.learners] + [
        _order(found)
    ]


def _of_learner(found: Tuning, learner: str) -> Finding:
    """What the search does to one learner, by the truth IC on test days, in all markets or not in all."""
    gains, default = found.gains(learner, "truth_ic"), found.value(learner, 0, "truth_ic")
    name, best = IN_TEXT[learner], found.value(learner, found.best(learner), "truth_ic")
    clear = CLEAR * abs(default)
    numbers: dict[str, Any] = {"default": default, "best": best}
    return first([
        Finding(
            f"The search raises the truth IC of {name} on test days from {{default:.3f}} with default settings to "
            "{best:.3f}: a comparison with default settings would undervalue this learner.",
            **numbers, holds=bool(gains.min() > 0 and gains.mean() > clear),
        ),
        Finding(
            f"For {name} the search hardly matters: its truth IC on test days is {{default:.3f}} with the default "
            "setting and {best:.3f} with the best trial.",
            **numbers, holds=bool(np.abs(gains).max() <= clear),
        ),
        Finding(
            f"For {name} the search does not pay in every market: its truth IC on test days is {{default:.3f}} with "
            "default settings and {best:.3f} with the best trial.",
            **numbers, holds=True,
        ),
    ])  # fmt: skip


def _order(found: Tuning) -> Finding:
    """How the learners stand beside each other before and after the search."""
    after = {name: found.value(name, found.best(name), "truth_ic") for name in found.learners}
    before = {name: found.value(name, 0, "truth_ic") for name in found.learners}
    apart = [max(side.values()) - min(side.values()) for side in (before, after)]
    numbers: dict[str, Any] = dict(zip(("before", "after"), apart, strict=True))
    return first([
        Finding(
            "Equal care brings the learners together: the best and the worst of them are {before:.3f} apart in truth "
            "IC with default settings, and {after:.3f} after the search.",
            **numbers, holds=apart[1] < apart[0],
        ),
        Finding(
            "The search does not bring the learners together: the best and the worst of them are {before:.3f} apart "
            "in truth IC with default settings, and {after:.3f} after it.",
            **numbers, holds=apart[1] >= apart[0],
        ),
    ])  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE, basis=_basis(shown))


def _basis(shown: PageResult) -> str:
    few = "; so few that no intervals are shown" if shown.count < ENOUGH_SEEDS else ""
    which = f"{shown.markets[:1].upper()}{shown.markets[1:]}"
    return f"{which}, simulated for searches and used by no comparison of models; numbers are means over markets{few}."


# ------------------------------------------------------------------------------------------- figures


def every_trial(shown: PageResult) -> HTML:
    """Learners down: truth IC of each trial on test days, the defaults and the chosen trial named."""
    title = findings(shown.rows)[-1].title("Truth IC of every trial on test days")
    return plot(tuned(Tuning.of(shown.rows), title, shown.markets))


def tuned(found: Tuning, title: str, note: str = "") -> Figure:
    """Every trial of every learner as a dot, means over markets; the defaults and the chosen trial in colour."""
    from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, styled

    @styled
    def draw() -> Figure:
        figure, (ax,) = canvas(1, 0.9 + 0.75 * len(found.learners), title, note)
        for row, learner in enumerate(found.learners):
            best = found.best(learner)
            truth = {trial: found.value(learner, trial, "truth_ic") for trial in found.trials(learner)}
            ax.plot(list(truth.values()), [row] * len(truth), "o", color=GREY, markersize=4, alpha=0.6)
            named = ((0, "defaults", VERMILLION, 11), (best, "best validation IC", BLUE, -11))
            for trial, label, color, height in named:
                ax.plot([truth[trial]], [row], "o", color=color, markersize=7)
                ax.annotate(label, (truth[trial], row), xytext=(0, height), textcoords="offset points", color=color,
                            ha="center", va="center", fontsize=8.5)  # fmt: skip
        ax.set_yticks(range(len(found.learners)), [NAMES[learner] for learner in found.learners])
        ax.set_ylim(len(found.learners) - 0.4, -0.6)
        ax.margins(x=0.18)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("truth IC on test days, one dot a trial")
        return figure

    return draw()


# -------------------------------------------------------------------------------------------- tables


def gains_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Learners and ICs down: of the default settings, of the best trial, and the difference."""
    return tuning.gains_table(Tuning.of(frame), NAMES)


def settings_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Learner and setting down: what the trials draw from, the default, and the value of the best trial."""
    return tuning.settings_table(Tuning.of(frame), NAMES, RANGES, DEFAULTS)


def trials_table(frame: pd.DataFrame, learner: str) -> pd.DataFrame:
    """Trials of a learner down, the best validation IC first; ICs and settings across, means over markets."""
    return tuning.trials_table(Tuning.of(frame), learner)


def gains(shown: PageResult) -> HTML:
    """Each IC of the defaults and of the best trial."""
    heads = {"learner": "learner", "measured by": "mean over markets of", "defaults": "default settings",
             "best": "best trial", "gain": "gain"}  # fmt: skip
    formats = {"defaults": ".4f", "best": ".4f", "gain": "+.4f"}
    return table(gains_table(shown.rows), "learner_tuning_gains", columns=heads, formats=formats,
                 caption=shown.markets)  # fmt: skip


def chosen(shown: PageResult) -> HTML:
    """Ranges, defaults and chosen values of every setting."""
    formats = dict.fromkeys(("from", "to", "default", "best"), ".6g")
    heads = {"learner": "learner", "setting": "setting", "from": "from", "to": "to", "default": "default",
             "best": "best trial"}  # fmt: skip
    return table(settings_table(shown.rows), "learner_tuning_chosen", columns=heads, formats=formats,
                 caption="range searched, default, and setting of the trial with the best validation IC")  # fmt: skip


def trials(shown: PageResult) -> HTML:
    """ICs of every trial, the best validation IC first, a tab for each learner; the CSV has their settings."""
    heads = {"trial": "trial", **{label: label for label in METRICS.values()}}
    return tabs({
        NAMES[learner]: table(trials_table(shown.rows, learner), f"learner_tuning_{learner}", columns=heads,
                              formats=dict.fromkeys(METRICS.values(), ".4f"), caption=shown.markets)
        for learner in Tuning.of(shown.rows).learners
    })  # fmt: skip
