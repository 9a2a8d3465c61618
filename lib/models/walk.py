"""Walk a learner forward through time: fit and validate on the past of each test span, predict the span."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.fits import Fit
from lib.models.learners import find_learner
from lib.models.splits import Split, walk_forward


def walk_predictions(
    data: Dataset,
    dates: np.ndarray,
    *,
    learner: str,
    splits: Sequence[Split] | None = None,
    first_test_year: int | None = None,
    refit_every: int = 1,
    seed: int = 0,
    **options: Any,
) -> np.ndarray:
    """Out-of-sample predictions [T, N], NaN where the variant makes none.

    splits: rows to fit, validate and predict, such as `[fixed_split(dates)]`; or else first_test_year, and
    refit_every for fits that serve several years: `walk_forward`. options: of the learner, such as the MLP's epochs;
    they come before its settings in `lib.models.learners`. The fit for a test span sees the days before it, less the
    purge; a day's prediction reads that day's features. Raises ParameterError unless exactly one of splits and
    first_test_year is given.
    """
    if (splits is None) == (first_test_year is None):
        got = "neither" if splits is None else "both"
        raise ParameterError(f"splits, first_test_year: got {got}; expected exactly one of them")
    if splits is None:
        assert first_test_year is not None
        splits = list(walk_forward(dates, first_test_year=first_test_year, refit_every=refit_every))
    fit = find_learner(learner)(data, seed, **options)
    prediction = np.full(data.shape, np.nan)
    for split in splits:
        rows = data.to_predict(split.test_start, split.test_stop)
        data.grid(rows, fit(split)(data.features[rows]), prediction)
    return prediction


def walked(data: Dataset, fit: Fit, splits: Sequence[Split]) -> np.ndarray:
    """The same for a learner that is at hand, such as one of `lib.models.baselines`."""
    prediction = np.full(data.shape, np.nan)
    for split in splits:
        rows = data.to_predict(split.test_start, split.test_stop)
        data.grid(rows, fit(split)(data.features[rows]), prediction)
    return prediction
