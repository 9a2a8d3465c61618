"""The mean of several learners' standardised scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lib.models.dataset import Dataset
from lib.models.fits import Fit, Predictor
from lib.models.splits import Split
from lib.models.validation import Validation


def ensemble(data: Dataset, seed: int, *, members: Sequence[Callable[..., Fit]], **options: Any) -> Fit:
    """Mean over members of prediction / deviation, the deviation being that of its predictions of the validation days.

    So a member's scale, which a loss or a penalty sets, gives it no weight, and no later day decides one. A member that
    predicts one number counts for nothing. options: of every member.
    """
    fits = [member(data, seed, **options) for member in members]

    def fit(split: Split) -> Predictor:
        held_out = Validation.of(data, split).features
        found = [member(split) for member in fits]
        deviations = [float(np.std(predict(held_out))) for predict in found]
        parts = [(predict, deviation) for predict, deviation in zip(found, deviations, strict=True) if deviation > 0]
        return lambda rows: sum((predict(rows) / d for predict, d in parts), np.zeros(len(rows))) / len(fits)

    return fit
