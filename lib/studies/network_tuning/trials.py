"""The trials of the search for the networks' settings: ranges, defaults, and what each trial draws."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from lib.studies.learner_tuning.trials import Range

#: of every network: fields of `lib.models.training.Protocol`, and dropout
_SETTINGS: Mapping[str, Range] = {
    "learning_rate": Range(1e-4, 5e-3), "weight_decay": Range(1e-6, 1), "dropout": Range(0, 0.6, log=False),
    "batch": Range(128, 1024, whole=True),
}  # fmt: skip
#: one range for all: each is searched with the same care
RANGES: Mapping[str, Mapping[str, Range]] = dict.fromkeys(
    ("mlp", "residual", "factor_transformer", "time_transformer", "lstm", "gru"), _SETTINGS
)
#: trial 0: the papers' protocol with smaller batches, and the dropout that each network has if nobody says otherwise
_PLAIN: Mapping[str, float] = {"learning_rate": 5e-4, "weight_decay": 1e-5, "dropout": 0.1, "batch": 512}
DEFAULTS: Mapping[str, Mapping[str, float]] = {
    name: {**_PLAIN, "dropout": 0.0} if name == "factor_transformer" else _PLAIN for name in RANGES
}


def trial_settings(network: str, trial: int) -> dict[str, float]:
    """Settings of a trial: the same on every market, and whatever the number of trials.

    >>> trial_settings("factor_transformer", 0)["dropout"]
    0.0
    """
    if trial == 0:
        return dict(DEFAULTS[network])
    rng = np.random.default_rng([zlib.crc32(network.encode()), trial])
    return {name: span.draw(rng) for name, span in RANGES[network].items()}
