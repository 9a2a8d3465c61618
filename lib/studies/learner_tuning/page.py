"""The page "learner_tuning": what a random search for settings gains each learner on days that chose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.stats.over_seeds import ENOUGH_SEEDS, mean_over_seeds
from lib.studies.learner_tuning.trials import DEFAULTS, RANGES, TRIAL

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "A comparison of masks says something about masks only when each learner is used as well as it can be. What do "
    "ridge, LightGBM and a small neural network (MLP) gain from the same search for settings?"
)
ADVICE = (
    "Stop training and choose settings by what the predictions are used for, here the information coefficient (IC). A "
    "mean squared error is nearly all variance of the label.",
    "Give every learner the same fit days, validation days, refits and number of trials. Otherwise a difference "
    "between learners may be a difference in care.",
    "Search again on real prices, on years before the test years: the simulated market can be predicted better than "
    "members of the CSI 300, so stronger penalties may be needed there.",
)
#: metric -> label
METRICS = {"validation_ic": "validation IC", "test_ic": "test IC", "truth_ic": "truth IC"}
NAMES = {"ridge": "ridge", "lightgbm": "LightGBM", "mlp": "MLP"}
IN_TEXT = {**NAMES, "mlp": "the MLP"}
SETTING = "setting "
#: a truth IC counts as changed by the search from this share of that of the defaults on
CLEAR = 0.05


@dataclass(frozen=True)
class Tuning:
    """The numbers of the search: (learner, trial, metric) -> one number per market."""

    values: Mapping[tuple[str, int, str], np.ndarray]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Tuning:
        values: dict[tuple[str, int, str], np.ndarray] = {}
        for (variant, metric), part in frame.groupby(["variant", "metric"], sort=False):
            parts = TRIAL.parts(str(variant))
            assert parts is not None, variant
            values[parts["learner"], int(parts["trial"]), str(metric)] = part["value"].to_numpy(dtype=float)
        return cls(values)

    @property
    def learners(self) -> list[str]:
        """In the order of the frame."""
        return list(dict.fromkeys(learner for learner, _, _ in self.values))

    def trials(self, learner: str) -> list[int]:
        """In the order of the frame."""
        return list(dict.fromkeys(trial for who, trial, _ in self.values if who == learner))

    def value(self, learner: str, trial: int, metric: str) -> float:
        """Mean over markets; NaN when a market has no number."""
        return float(self.values.get((learner, trial, metric), np.array([np.nan])).mean())

    def ranked(self, learner: str) -> list[int]:
        """Trials by mean validation IC, the best first; of equals the lower number; undefined ones last."""
        score = {trial: self.value(learner, trial, "validation_ic") for trial in self.trials(learner)}
        return sorted(score, key=lambda trial: (np.isnan(score[trial]), -score[trial], trial))

    def best(self, learner: str) -> int:
        """The trial whose settings are taken."""
        return self.ranked(learner)[0]

    def settings(self, learner: str, trial: int) -> dict[str, float]:
        """Setting -> value, the same on every market."""
        return {
            metric.removeprefix(SETTING): float(values[0])
            for (who, number, metric), values in self.values.items()
            if (who, number) == (learner, trial) and metric.startswith(SETTING)
        }

    def gains(self, learner: str, metric: str) -> np.ndarray:
        """Of the best trial over the defaults, market by market."""
        best, default = (self.values[learner, trial, metric] for trial in (self.best(learner), 0))
        return np.asarray(best - default)


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
    return f"{which}, simulated for this page and used by no other; numbers are means over markets{few}."


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
    found = Tuning.of(frame)
    rows = [
        {"learner": NAMES[learner], "measured by": label, "defaults": found.value(learner, 0, metric),
         "best": found.value(learner, found.best(learner), metric),
         **mean_over_seeds(found.gains(learner, metric)).columns("gain"),
         "best trial": found.best(learner), "of": len(found.trials(learner))}
        for learner in found.learners
        for metric, label in METRICS.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index(["learner", "measured by"])


def settings_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Learner and setting down: what the trials draw from, the default, and the value of the best trial."""
    found = Tuning.of(frame)
    rows = [
        {"learner": NAMES[learner], "setting": name, "from": span.low, "to": span.high,
         "scale": "logarithmic" if span.log else "its own", "default": DEFAULTS[learner][name],
         "best": found.settings(learner, found.best(learner))[name]}
        for learner, spans in RANGES.items() if learner in found.learners
        for name, span in spans.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index(["learner", "setting"])


def trials_table(frame: pd.DataFrame, learner: str) -> pd.DataFrame:
    """Trials of a learner down, the best validation IC first; ICs and settings across, means over markets."""
    found = Tuning.of(frame)
    rows = [
        {"trial": trial, **{METRICS[m]: found.value(learner, trial, m) for m in METRICS}}
        | found.settings(learner, trial)
        for trial in found.ranked(learner)
    ]
    return pd.DataFrame(rows).set_index("trial")


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
    return table(settings_table(shown.rows), "learner_tuning_chosen", columns=heads, formats=formats)


def trials(shown: PageResult) -> HTML:
    """ICs of every trial, the best validation IC first, a tab for each learner; the CSV has their settings."""
    heads = {"trial": "trial", **{label: label for label in METRICS.values()}}
    return tabs({
        NAMES[learner]: table(trials_table(shown.rows, learner), f"learner_tuning_{learner}", columns=heads,
                              formats=dict.fromkeys(METRICS.values(), ".4f"), caption=shown.markets)
        for learner in Tuning.of(shown.rows).learners
    })  # fmt: skip
