"""Lasso, whose penalty is chosen by cross-validation forward in time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import cast

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.fits import Fit
from lib.models.fitted import Fitted, shares
from lib.models.normal_equations import NormalEquations
from lib.models.splits import Split
from lib.models.validation import Validation

#: penalties tried, in units of the smallest one that leaves no factor
PENALTIES = np.logspace(0, -3, 16)
#: below this share of the largest eigenvalue a direction of the factors counts as none
FLAT = 1e-10


def lasso(data: Dataset, seed: int, *, blocks: int = 5) -> Fit:
    """Lasso: minimises |y - X w|^2 / (2 R) + a |w|_1 (Tibshirani 1996), no intercept: labels are centred per day.

    The penalty is the one of PENALTIES with the best mean IC over forward folds: the fit days are cut into `blocks`,
    each block but the first is predicted from all before it, less the purge, and the validation days from all fit
    days. Deterministic, the seed is not used. Raises ParameterError when there is nothing to fit.
    """
    sums = NormalEquations(data)

    def fit(split: Split) -> Fitted:
        folds = [(path(*sums.between(split.fit_start, stop)), held) for stop, held in _folds(data, split, blocks)]
        scores = [[held.ic(held.features.astype(np.float64) @ slope) for slope in slopes.T] for slopes, held in folds]
        best = int(np.argmax(np.mean(scores, axis=0)))
        slope = folds[-1][0][:, best]
        return Fitted(lambda rows: np.einsum("rf,f->r", rows.astype(np.float64), slope), shares(slope))

    return fit


def path(gram: np.ndarray, moment: np.ndarray, count: int) -> np.ndarray:
    """Coefficients [F, penalties] from X'X [F, F], X'y [F] and the number of samples R.

    Coordinate descent needs X and y only through these: a matrix A with A'A = X'X / R and a vector b with
    A'b = X'y / R give the same problem.
    """
    from sklearn.linear_model import lasso_path

    if not count:
        raise ParameterError("lasso needs samples: got none on the fit days; take more days or stocks")
    values, vectors = np.linalg.eigh(gram / count)
    kept = values > FLAT * values[-1]
    root = np.sqrt(values[kept])
    a, b = root[:, None] * vectors[:, kept].T, (vectors[:, kept].T @ moment) / (count * root)
    width, largest = len(b), float(np.abs(moment).max()) / count
    if not largest:
        return np.zeros((len(moment), len(PENALTIES)))
    scaled = np.sqrt(width)  # lasso_path divides by the number of rows of a
    found = lasso_path(scaled * a, scaled * b, alphas=largest * PENALTIES, tol=1e-9, max_iter=20_000)
    return cast(np.ndarray, found[1])


def _folds(data: Dataset, split: Split, blocks: int) -> Iterator[tuple[int, Validation]]:
    """(end of the fit days, days that judge), forward in time; the validation days last."""
    purge = split.validation_start - split.fit_stop
    edges = np.linspace(split.fit_start, split.fit_stop, blocks + 1).astype(int)
    for start, stop in pairwise(edges[1:].tolist()):
        rows = data.rows(start, stop)
        enough = np.isfinite(data.label[rows]).any() and data.training(split.fit_start, start - purge)[1].size
        if enough:
            yield start - purge, Validation(data.features[rows], data.label[rows], data.day[rows])
    yield split.fit_stop, Validation.of(data, split)
