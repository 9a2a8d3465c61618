"""Learners by name, with the settings that were found for them; an option of a call comes before its setting.

The settings are the best trials of a random search by the validation IC, the study `learner_tuning`, on markets that no
other study evaluates and on no real price. Adding a learner means a function in `lib.models.fits`, a line in `LEARNERS`
and its ranges in the search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lib.errors import UnknownNameError, closest
from lib.models.fits import Fit, boosted_trees, mlp, ridge
from lib.store.marks import registry, used

Learner = Callable[..., Fit]

#: chosen from in each fit: the penalty that was found, a tenth of it and ten times it
RIDGE_PENALTIES = (0.0109, 0.109, 1.09)
TREES: Mapping[str, Any] = {
    "learning_rate": 0.012, "num_leaves": 58, "feature_fraction": 0.627, "bagging_fraction": 0.4,
    "min_data_share": 0.0405, "lambda_l2": 458.0,
}  # fmt: skip
NETWORK: Mapping[str, Any] = {"learning_rate": 0.00149, "weight_decay": 1.07e-6, "dropout": 0.48, "batch": 3813}

LEARNERS: dict[str, Learner] = registry("learners", {
    "ridge": partial(ridge, penalties=RIDGE_PENALTIES),
    "lightgbm": partial(boosted_trees, **TREES),
    "mlp": partial(mlp, **NETWORK),
})  # fmt: skip
#: learners fitted in many small steps: another processor rounds otherwise and ends with slightly other weights
TRAINED = frozenset({"lightgbm", "mlp"})


def find_learner(name: str) -> Learner:
    """The learner of that name. Raises UnknownNameError."""
    if name not in LEARNERS:
        known = ", ".join(LEARNERS)
        raise UnknownNameError(f"learner {name!r} does not exist; expected {known}{closest(name, LEARNERS)}")
    used("learners", [name])
    return LEARNERS[name]
