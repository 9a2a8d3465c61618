"""Walk a learner forward through time: fit on the past of each test span, predict the span."""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.models.dataset import Dataset
from lib.models.learners import find_learner
from lib.models.splits import walk_forward


def walk_predictions(
    data: Dataset,
    dates: np.ndarray,
    *,
    learner: str,
    first_test_year: int,
    refit_every: int = 1,
    seed: int = 0,
    **options: Any,
) -> np.ndarray:
    """Out-of-sample predictions [T, N], NaN where the variant makes none.

    options: settings of the learner, such as the MLP's epochs. The fit for a test span sees the days before it, less
    the purge; a day's prediction reads that day's features.
    """
    fit = find_learner(learner)(data, seed, **options)
    prediction = np.full(data.shape, np.nan)
    for split in walk_forward(dates, first_test_year=first_test_year, refit_every=refit_every):
        rows = data.to_predict(split.test_start, split.test_stop)
        data.grid(rows, fit(split.train_stop)(data.features[rows]), prediction)
    return prediction
