"""Covariances as pipelines estimate them from a window of masked returns, and whether each can be a covariance.

Ledoit and Wolf (2004): Sigma = (1 - d) S + d m I, with S the sample covariance, m the mean of its diagonal and d the
intensity that the data ask for. The identity moves every eigenvalue to (1 - d) e + d m and leaves its vector alone, so
with S positive semi-definite no eigenvalue is below d m, and no matrix needs to be decomposed to know it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray, FloatArray

Matrix = NDArray[np.floating]


@dataclass(frozen=True)
class MaskedReturns:
    """Returns [W, n] of a window, 0 where there is none, and the cells [W, n] in which they could be earned."""

    returns: FloatArray
    valid: BoolArray


@dataclass(frozen=True)
class Covariance:
    """An estimate [n, n], its intensity (0: not shrunk) and the mean of the diagonal that it was shrunk towards."""

    matrix: Matrix
    intensity: float
    level: float


def sample(window: MaskedReturns, dtype: type[np.floating] = np.float64) -> Covariance:
    """X'X / W of returns less their mean; every return counts, also those of halts and limits."""
    x = window.returns.astype(dtype)
    x -= x.mean(axis=0)
    matrix = x.T @ x / dtype(len(x))
    return Covariance(matrix, 0.0, float(np.trace(matrix)) / len(matrix))


def ledoit_wolf(window: MaskedReturns, dtype: type[np.floating] = np.float64) -> Covariance:
    """scikit-learn's, which keeps the type it is given, of every return."""
    return _shrunk(window.returns.astype(dtype))


def complete(window: MaskedReturns) -> Covariance:
    """Ledoit-Wolf of the stocks without a single masked return; n shrinks."""
    return _shrunk(window.returns[:, window.valid.all(axis=0)])


def filled(window: MaskedReturns) -> Covariance:
    """Ledoit-Wolf with masked returns at the mean of the stock's others, which counts them as days without risk."""
    return _shrunk(np.where(window.valid, window.returns, _means(window)))


def pairwise(window: MaskedReturns) -> Covariance:
    """Every pair over the days that both stocks have, as pandas does; no one set of days made this matrix."""
    import pandas as pd

    days = window.valid.T.astype(float) @ window.valid  # of each pair; pandas divides by one less
    x = np.where(window.valid, window.returns, np.nan)
    matrix = pd.DataFrame(x).cov(min_periods=2, ddof=1).to_numpy() * (days - 1) / days
    return Covariance(matrix, 0.0, float(np.trace(matrix)) / len(matrix))


def pairwise_shrunk(window: MaskedReturns) -> Covariance:
    """The same towards m I, with the intensity that Ledoit and Wolf's formula finds for the filled returns."""
    raw, intensity = pairwise(window), filled(window).intensity
    matrix = (1 - intensity) * raw.matrix
    matrix[np.diag_indices(len(matrix))] += intensity * raw.level
    return Covariance(matrix, intensity, raw.level)


def _shrunk(x: Matrix) -> Covariance:
    import sklearn.covariance

    matrix, intensity = sklearn.covariance.ledoit_wolf(x)
    return Covariance(matrix, float(intensity), float(np.trace(matrix)) / len(matrix))


def _means(window: MaskedReturns) -> FloatArray:
    count = window.valid.sum(axis=0)
    total = np.where(window.valid, window.returns, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


#: name -> estimator; those that read the mask come last
ESTIMATORS: Mapping[str, Callable[[MaskedReturns], Covariance]] = {
    "sample": sample,
    "sample float32": lambda window: sample(window, np.float32),
    "ledoit-wolf": ledoit_wolf,
    "ledoit-wolf float32": lambda window: ledoit_wolf(window, np.float32),
    "complete": complete,
    "filled": filled,
    "pairwise": pairwise,
    "pairwise shrunk": pairwise_shrunk,
}


def needed_intensity(lowest: float, level: float) -> float:
    """The least intensity at which no eigenvalue is negative, given the lowest one e and the mean m: e / (e - m).

    >>> needed_intensity(-0.5, 1.0) == 1 / 3, needed_intensity(0.25, 1.0)
    (True, 0.0)
    """
    return max(0.0, lowest / (lowest - level)) if lowest < 0 else 0.0


def refused(matrix: Matrix) -> bool:
    """Whether cvxpy refuses to call the matrix positive semi-definite, and so the problem convex.

    Its test allows eigenvalues down to a fixed -1e-10; failing to find the lowest one counts as a refusal.
    """
    import cvxpy as cp
    from scipy.sparse.linalg import ArpackNoConvergence

    try:
        return not cp.Constant(matrix).is_psd()
    except ArpackNoConvergence:
        return True
