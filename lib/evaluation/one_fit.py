"""One fit on few samples: what networks that take minutes are given, and every learner that is compared with them.

The days before the test span are divided once. Of the fit days some keep their labels, whole days drawn at random, and
of the validation days as many; all test days are predicted by that fit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lib.models.dataset import Dataset
from lib.models.fits import Predictor
from lib.models.fitted import thinned
from lib.models.splits import HOLDOUT, Split, walk_forward

ONE_FIT = 100  # years


def one_split(dates: np.ndarray, first_test_year: int, holdout: float = HOLDOUT) -> Split:
    """The split whose test span is everything from the first session of `first_test_year` on."""
    return next(walk_forward(dates, first_test_year=first_test_year, refit_every=ONE_FIT, holdout=holdout))


def few_samples(data: Dataset, split: Split, rows: int, seed: int) -> Dataset:
    """The same samples, of which about `rows` of the fit days keep their labels, and of the validation days as many."""
    held_out = replace(split, fit_start=split.validation_start, fit_stop=split.validation_stop)
    return thinned(thinned(data, split, rows, seed), held_out, rows, seed)


def predict_span(data: Dataset, split: Split, predict: Predictor, every: int = 1) -> np.ndarray:
    """Predictions [T, N] of the test days, or of every so many of them; NaN elsewhere."""
    prediction = np.full(data.shape, np.nan)
    rows = data.to_predict(split.test_start, split.test_stop)
    rows = rows[data.day[rows] % every == 0]
    data.grid(rows, predict(data.features[rows]), prediction)
    return prediction
