"""Covariances in factor form, Sigma = F'F + diag(a): never an n x n matrix.

    returns X [T, N] of T days, each column centred over its valid days; a masked day counts as the mean, and the
    column is scaled by sqrt(T / valid days), so that its variance is that of the valid days. S = X'X / T.

    sample         F = X / sqrt(T), a = 0
    ledoit_wolf    (1 - s) S + s m I with m = tr(S) / N and the shrinkage s of Ledoit and Wolf (2004), from the T x T
                   matrix G = XX' alone: sum of squares of S is |G|^2 / T^2, and the sum over pairs of
                   x_ti^2 x_tj^2 is G_tt^2
    diagonal       the variances alone

Source: paper B, section 3.6 (Ledoit-Wolf on 120 days); Ledoit and Wolf, Journal of Multivariate Analysis 88 (2004).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lib.arrays import Matrix, Vector
from lib.errors import ParameterError

#: days with a valid return that a stock needs at least
LEAST_DAYS = 2


@dataclass(frozen=True)
class Covariance:
    """Sigma = factors' factors + diag(diagonal).

    factors [K, N] and diagonal [N] in squared returns a day. shrinkage: weight of the identity, where there is one.
    """

    factors: Matrix
    diagonal: Vector
    shrinkage: float = 0.0

    def times(self, weights: ArrayLike) -> Vector:
        """Sigma w [N]."""
        w = np.asarray(weights, dtype=float)
        return self.factors.T @ (self.factors @ w) + self.diagonal * w

    def variance(self, weights: ArrayLike) -> float:
        """w' Sigma w, squared returns a day."""
        w = np.asarray(weights, dtype=float)
        exposures = self.factors @ w
        return float(exposures @ exposures + self.diagonal @ (w * w))

    def dense(self) -> Matrix:
        """The matrix [N, N], for tests and small problems."""
        return self.factors.T @ self.factors + np.diag(self.diagonal)


def centred(returns: ArrayLike) -> Matrix:
    """Returns [T, N] centred over the valid days of each stock, masked days (NaN) 0, variances kept.

    Raises ParameterError for fewer than two days, and for a stock with fewer than two valid ones, by its column.
    """
    x = np.asarray(returns, dtype=float)
    if x.ndim != 2 or len(x) < LEAST_DAYS:
        raise ParameterError(f"covariance: returns have shape {x.shape}; expected [days, stocks] with at least 2 days")
    valid = np.isfinite(x)
    count = valid.sum(axis=0)
    if (count < LEAST_DAYS).any():
        stock = int(np.argmax(count < LEAST_DAYS))
        raise ParameterError(
            f"covariance: the stock in column {stock} has {count[stock]} valid returns of {len(x)} days; expected at "
            f"least {LEAST_DAYS}: leave it out, or take more days"
        )
    filled = np.where(valid, x, 0.0)
    moved = np.where(valid, filled - filled.sum(axis=0) / count, 0.0)
    return moved * np.sqrt(len(x) / count)


def sample(returns: ArrayLike) -> Covariance:
    """X'X / T."""
    x = centred(returns)
    return Covariance(x / np.sqrt(len(x)), np.zeros(x.shape[1]))


def diagonal(returns: ArrayLike) -> Covariance:
    """Variances alone."""
    x = centred(returns)
    return Covariance(np.zeros((1, x.shape[1])), np.einsum("tn,tn->n", x, x) / len(x))


def ledoit_wolf(returns: ArrayLike) -> Covariance:
    """(1 - s) S + s m I; positive definite unless all variances are 0.

    Raises ParameterError when no stock varies.
    """
    x = centred(returns)
    days, stocks = x.shape
    gram = x @ x.T  # T T
    own = np.einsum("tt->t", gram)
    mean_variance = float(own.sum()) / (days * stocks)
    if not mean_variance > 0:
        raise ParameterError(f"covariance: none of {stocks} stocks varies over {days} days; expected other returns")
    squares = float(np.einsum("ts,ts->", gram, gram)) / days**2  # sum of all S_ij^2
    distance = squares / stocks - mean_variance**2  # of S from m I, per stock
    noise = (float(own @ own) / days - squares) / (days * stocks)
    shrinkage = min(noise, distance) / distance if distance > 0 and noise > 0 else float(distance <= 0)
    factors = np.sqrt((1 - shrinkage) / days) * x
    return Covariance(factors, np.full(stocks, shrinkage * mean_variance), shrinkage)


#: name -> estimator
ESTIMATORS: dict[str, Callable[[ArrayLike], Covariance]] = {
    "sample": sample, "ledoit_wolf": ledoit_wolf, "diagonal": diagonal,
}  # fmt: skip
