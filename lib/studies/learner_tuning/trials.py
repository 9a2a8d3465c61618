"""The trials of the search for settings: ranges, defaults, and what each trial draws."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lib.models.fits import NETWORK, PENALTY, TREES
from lib.stats.keys import Key


@dataclass(frozen=True)
class Range:
    """Values from low to high, even on their own scale or on that of their logarithms; whole numbers if asked."""

    low: float
    high: float
    log: bool = True
    whole: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """One value, of three significant digits."""
        share = rng.random()
        value = self.low * (self.high / self.low) ** share if self.log else self.low + share * (self.high - self.low)
        return round(value) if self.whole else float(f"{value:.3g}")


RANGES: Mapping[str, Mapping[str, Range]] = {
    "ridge": {"penalty": Range(1e-4, 100)},
    "lightgbm": {
        "learning_rate": Range(0.01, 0.2), "num_leaves": Range(8, 128, whole=True),
        "feature_fraction": Range(0.1, 1, log=False), "bagging_fraction": Range(0.3, 1, log=False),
        "min_data_share": Range(1e-4, 0.05), "lambda_l2": Range(1, 10_000),
    },
    "mlp": {
        "learning_rate": Range(1e-4, 1e-2), "weight_decay": Range(1e-6, 1), "dropout": Range(0, 0.6, log=False),
        "batch": Range(512, 16_384, whole=True),
    },
}  # fmt: skip
#: variant of a trial
TRIAL = Key("{learner} trial {trial}", learner=RANGES)
#: trial 0: one per cent of shrinkage; LightGBM's own defaults; the papers' protocol
DEFAULTS: Mapping[str, Mapping[str, float]] = {"ridge": {"penalty": PENALTY}, "lightgbm": TREES, "mlp": NETWORK}


def trial_settings(learner: str, trial: int) -> dict[str, float]:
    """Settings of a trial: the same on every market, and whatever the number of trials.

    >>> trial_settings("ridge", 0)
    {'penalty': 0.01}
    """
    if trial == 0:
        return dict(DEFAULTS[learner])
    rng = np.random.default_rng([zlib.crc32(learner.encode()), trial])
    return {name: span.draw(rng) for name, span in RANGES[learner].items()}
