"""Tables of the search for settings: every trial, and what the best of a learner gains over its defaults."""

from __future__ import annotations

import pandas as pd

from lib.studies.learner_tuning.findings import METRICS, Tuning
from lib.studies.learner_tuning.trials import DEFAULTS, RANGES


def ranges_table() -> pd.DataFrame:
    """Learner and setting down: what the trials draw from, and the value of trial 0."""
    rows = [
        {"learner": learner, "setting": name, "from": span.low, "to": span.high,
         "even on": "a logarithmic scale" if span.log else "its own scale", "default": DEFAULTS[learner][name]}
        for learner, spans in RANGES.items()
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


def gains_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Learners down: the best trial, and each IC of the defaults and of that trial."""
    found, rows = Tuning.of(frame), []
    for learner in found.learners:
        best = found.best(learner)
        row: dict[str, object] = {"learner": learner, "best trial": best, "of": len(found.trials(learner))}
        for metric, label in METRICS.items():
            row[f"{label}, defaults"] = found.value(learner, 0, metric)
            row[f"{label}, best"] = found.value(learner, best, metric)
        rows.append(row)
    return pd.DataFrame(rows).set_index("learner")


def chosen_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Settings of the best trial beside the defaults: learner and setting down."""
    found = Tuning.of(frame)
    rows = [
        {"learner": learner, "setting": name, "default": found.settings(learner, 0)[name], "best": value}
        for learner in found.learners
        for name, value in found.settings(learner, found.best(learner)).items()
    ]
    return pd.DataFrame(rows).set_index(["learner", "setting"])


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """What tuning gains, by learner."""
    return gains_table(frame)
