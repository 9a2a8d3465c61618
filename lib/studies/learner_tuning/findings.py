"""What the search for settings says: the best trial of each learner, and what it gains on days that chose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.stats.estimates import signed

#: metric -> label
METRICS = {"validation_ic": "validation IC", "test_ic": "test IC", "truth_ic": "truth IC"}
NAMES = {"ridge": "ridge", "lightgbm": "LightGBM", "mlp": "the MLP"}
SETTING = "setting "


@dataclass(frozen=True)
class Tuning:
    """The numbers of the study `learner_tuning`: (learner, trial, metric) -> one number per market."""

    values: Mapping[tuple[str, int, str], np.ndarray]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Tuning:
        values: dict[tuple[str, int, str], np.ndarray] = {}
        for (variant, metric), part in frame.groupby(["variant", "metric"], sort=False):
            learner, _, trial = str(variant).partition(" trial ")
            values[learner, int(trial), str(metric)] = part["value"].to_numpy(dtype=float)
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
        return float(self.values[learner, trial, metric].mean())

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

    def gain(self, learner: str, metric: str) -> float:
        """Of the best trial over the defaults."""
        return self.value(learner, self.best(learner), metric) - self.value(learner, 0, metric)

    def gain_message(self) -> str:
        """What tuning gains in truth IC, learner by learner."""
        gains = (f"{signed(self.gain(learner, 'truth_ic'), 3)} for {NAMES[learner]}" for learner in self.learners)
        return f"Over the default settings, the best trials change the truth IC on test days by {', '.join(gains)}"
