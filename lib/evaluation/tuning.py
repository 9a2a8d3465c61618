"""What a search for settings found: trials by their validation IC, the best one, what it gains, as tables.

The rows of a search are named "LEARNER trial N" and have the metrics of `METRICS` and "setting NAME"; trial 0 has the
default settings. Validation days choose, test days and the truth say what the choice is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from lib.stats.keys import Key
from lib.stats.over_seeds import mean_over_seeds

TRIAL = Key("{learner} trial {trial}")
#: metric -> label
METRICS = {"validation_ic": "validation IC", "test_ic": "test IC", "truth_ic": "truth IC"}
SETTING = "setting "


class Span(Protocol):
    """What trials draw a setting from: values from low to high, even on their logarithms or on their own scale."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def log(self) -> bool: ...


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


def gains_table(found: Tuning, names: Mapping[str, str]) -> pd.DataFrame:
    """Learners and ICs down: of the default settings, of the best trial, and the difference."""
    rows = [
        {"learner": names[learner], "measured by": label, "defaults": found.value(learner, 0, metric),
         "best": found.value(learner, found.best(learner), metric),
         **mean_over_seeds(found.gains(learner, metric)).columns("gain"),
         "best trial": found.best(learner), "of": len(found.trials(learner))}
        for learner in found.learners
        for metric, label in METRICS.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index(["learner", "measured by"])


def settings_table(
    found: Tuning,
    names: Mapping[str, str],
    ranges: Mapping[str, Mapping[str, Span]],
    defaults: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Learner and setting down: what the trials draw from, the default, and the value of the best trial."""
    rows = [
        {"learner": names[learner], "setting": name, "from": span.low, "to": span.high,
         "scale": "logarithmic" if span.log else "its own", "default": defaults[learner][name],
         "best": found.settings(learner, found.best(learner))[name]}
        for learner, spans in ranges.items() if learner in found.learners
        for name, span in spans.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index(["learner", "setting"])


def trials_table(found: Tuning, learner: str) -> pd.DataFrame:
    """Trials of a learner down, the best validation IC first; ICs and settings across, means over markets."""
    rows = [
        {"trial": trial, **{METRICS[m]: found.value(learner, trial, m) for m in METRICS}}
        | found.settings(learner, trial)
        for trial in found.ranked(learner)
    ]
    return pd.DataFrame(rows).set_index("trial")
