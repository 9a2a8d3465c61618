"""The page "network_tuning": what the same random search gains each neural network on days that chose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.evaluation import tuning
from lib.evaluation.tuning import METRICS, Tuning
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, outcome
from lib.paper.pages.layout import opening, tabs
from lib.stats.estimates import Estimate
from lib.studies.network_tuning.trials import DEFAULTS, RANGES

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Networks are compared with each other on samples that the slowest of them can be fitted to. What does the same "
    "search for settings gain each, and which of them predicts best after it?"
)
ADVICE = (
    "Search again when the sample changes: a learning rate and a batch that suit a million samples give too few steps "
    "on twenty thousand.",
    "Draw the vector that identifies a factor in a Transformer over factors as large as the token it is added to. "
    "With vectors of a fiftieth of that size the prediction hardly depends, for a hundred steps and more, on which "
    "value belongs to which factor.",
)
NAMES = {
    "mlp": "MLP", "residual": "residual network", "factor_transformer": "Transformer over factors",
    "time_transformer": "Transformer over days", "lstm": "LSTM", "gru": "GRU",
}  # fmt: skip
#: a truth IC counts as changed by the search from this share of that of the defaults on
CLEAR = 0.05


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: whom the search helps, who is best after it, how wide the trials of a network lie."""
    found = Tuning.of(frame)
    return [_helped(found), _order(found), _spread(found)]


def _helped(found: Tuning) -> Finding:
    """Networks whose truth IC on test days the search raises, and lowers, by more than CLEAR of the default's."""
    change = {name: found.gains(name, "truth_ic") for name in found.learners}
    clear = {name: CLEAR * abs(found.value(name, 0, "truth_ic")) for name in change}
    up = sum(bool(gain.mean() > clear[name]) for name, gain in change.items())
    down = sum(bool(gain.mean() < -clear[name]) for name, gain in change.items())
    shown: dict[str, Any] = {
        "up": float(up), "down": float(down), "all": float(len(change)),
        "gain": float(np.mean([gain.mean() for gain in change.values()])),
    }  # fmt: skip
    return outcome({
        "The search pays: it raises the truth IC on test days of {up:.0f} of {all:.0f} networks by more than 5 % "
        "and lowers that of {down:.0f} by as much; the mean change is {gain:+.3f}. With the papers' settings most "
        "would be undervalued.":
            up > down and shown["gain"] > 0,
        "That the search pays is not shown: it raises the truth IC on test days of {up:.0f} of {all:.0f} networks by "
        "more than 5 % and lowers that of {down:.0f} by as much; the mean change is {gain:+.3f}.": True,
    }, **shown)  # fmt: skip


def _order(found: Tuning) -> Finding:
    """The best network after the search beside the factor-axis Transformer, by the truth IC."""
    after = {name: found.value(name, found.best(name), "truth_ic") for name in found.learners}
    best = max(after, key=lambda name: (not np.isnan(after[name]), after[name]))
    said = f"After the search the {NAMES[best]} predicts best, with a truth IC of {{best:.3f}}"
    if best == "factor_transformer":
        return Finding(f"{said}.", best=after[best], holds=True)
    transformer = after.get("factor_transformer", float("nan"))
    said += "; the Transformer over factors has {transformer:.3f}."
    return Finding(said, best=after[best], transformer=transformer, holds=True)


def _spread(found: Tuning) -> Finding:
    """The papers found their system not very sensitive to these settings (B s3.5.3)."""
    of = {name: [found.value(name, trial, "truth_ic") for trial in found.trials(name)] for name in found.learners}
    widest = max(of, key=lambda name: max(of[name]) - min(of[name]))
    low, high = min(of[widest]), max(of[widest])
    shown: dict[str, Any] = {"name": NAMES[widest], "low": low, "high": high}
    return outcome({
        "The settings matter, though paper B found its system not very sensitive to them: over the trials of the "
        "{name} the truth IC runs from {low:.3f} to {high:.3f}, by more than half of its best value.":
            high > 0 and high - low > high / 2,
        "The settings change the truth IC by at most half of its best value: over the trials of the {name}, where it "
        "changes most, it runs from {low:.3f} to {high:.3f}. Paper B found its system not very sensitive to them.":
            True,
    }, **shown)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    which = f"{shown.markets[:1].upper()}{shown.markets[1:]}"
    basis = f"{which}, used by no comparison of models; numbers are means over markets, without intervals."
    return opening(shown, QUESTION, findings(shown.rows), ADVICE, basis=basis)


# ------------------------------------------------------------------------------------------- figures


def before_and_after(shown: PageResult) -> HTML:
    """Networks down: truth IC on test days with default settings and with those of the best trial."""
    from lib.paper.pages.forms import forest

    found = Tuning.of(shown.rows)
    rows = {
        NAMES[name]: [Estimate(found.value(name, trial, "truth_ic")) for trial in (0, found.best(name))]
        for name in found.learners
    }
    neutral = "Truth IC of every network before and after the search"
    title = neutral if shown.no_answer() else findings(shown.rows)[0].title(neutral)
    return plot(forest(rows, title, "truth IC on test days", series=("default settings", "best validation IC"),
                       note=shown.markets))  # fmt: skip


# -------------------------------------------------------------------------------------------- tables


def gains_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Networks and ICs down: of the default settings, of the best trial, and the difference."""
    return tuning.gains_table(Tuning.of(frame), NAMES)


def settings_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Network and setting down: what the trials draw from, the default, and the value of the best trial."""
    return tuning.settings_table(Tuning.of(frame), NAMES, RANGES, DEFAULTS)


def gains(shown: PageResult) -> HTML:
    """Each IC of the defaults and of the best trial."""
    heads = {"learner": "network", "measured by": "mean over markets of", "defaults": "default settings",
             "best": "best trial", "gain": "gain"}  # fmt: skip
    formats = {"defaults": ".4f", "best": ".4f", "gain": "+.4f"}
    return table(gains_table(shown.rows), "network_tuning_gains", columns=heads, formats=formats,
                 caption=shown.markets)  # fmt: skip


def chosen(shown: PageResult) -> HTML:
    """Ranges, defaults and chosen values of every setting."""
    names = ("from", "to", "default", "best")
    heads = {"learner": "network", "setting": "setting", "from": "from", "to": "to",
             "default": "default", "best": "best trial"}  # fmt: skip
    return table(settings_table(shown.rows), "network_tuning_chosen", columns=heads,
                 formats=dict.fromkeys(names, ".6g"),
                 caption="range searched, default, and setting of the trial with the best validation IC")  # fmt: skip


def trials(shown: PageResult) -> HTML:
    """ICs of every trial, the best validation IC first, a tab for each network; the CSV has their settings."""
    heads, found = {"trial": "trial", **{label: label for label in METRICS.values()}}, Tuning.of(shown.rows)
    return tabs({
        NAMES[name]: table(tuning.trials_table(found, name), f"network_tuning_{name}", columns=heads,
                           formats=dict.fromkeys(METRICS.values(), ".4f"), caption=shown.markets)
        for name in found.learners
    })  # fmt: skip
