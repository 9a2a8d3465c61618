"""Settings of the learners in a walk: the best trials of a random search by the validation IC, on markets of its own.

The study `learner_tuning` searches; no market that another study evaluates is used, and no real price. Ridge chooses
anew in each fit, between the penalty that was found, a tenth of it and ten times it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TUNED: Mapping[str, Mapping[str, Any]] = {
    "ridge": {"penalties": (0.0109, 0.109, 1.09)},
    "lightgbm": {
        "learning_rate": 0.05, "num_leaves": 31, "feature_fraction": 0.2, "bagging_fraction": 0.5,
        "min_data_share": 0.005, "lambda_l2": 0.0,
    },
    "mlp": {"learning_rate": 5e-4, "weight_decay": 1e-5, "dropout": 0.1, "batch": 8192},
}  # fmt: skip
