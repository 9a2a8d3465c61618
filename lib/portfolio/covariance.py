"""Covariances in factor form, Sigma = F'F + diag(a): never an n x n matrix.

    returns X [T, N] of T days, each column centred over its valid days; a masked day counts as the mean, and the
    column is scaled by sqrt(T / valid days), so that its variance is that of the valid days. S = X'X / T.

    sample         F = X / sqrt(T), a = 0
    ledoit_wolf    (1 - s) S + s m I with m = tr(S) / N and the shrinkage s of Ledoit and Wolf (2004), from the T x T
                   matrix G = XX' alone: sum of squares of S is |G|^2 / T^2, and the sum over pairs of
                   x_ti^2 x_tj^2 is G_tt^2
    diagonal       the variances alone
    pca            the largest eigenvectors of S, from those of G, and what is left of each variance
    factor_model   B Omega B' + Delta (paper A, eq. 28) with exponentially weighted Omega (eq. 29) and Delta
    ridge          Sigma + e I (paper A, eq. 30)

Source: paper B, section 3.6 (Ledoit-Wolf on 120 days); Ledoit and Wolf, Journal of Multivariate Analysis 88 (2004);
paper A, section 3.F.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from lib.arrays import BoolArray, IntArray, Matrix, Vector
from lib.errors import ParameterError

#: days with a valid return that a stock needs at least
LEAST_DAYS = 2
#: deviations from the mean up to this share of it are round-off: the stock does not vary
ROUND_OFF = 1e-14


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
    if np.isfinite(x.sum()):  # no masked day
        mean = x.mean(axis=0)
        moved = x - mean
    else:
        valid = np.isfinite(x)
        count = valid.sum(axis=0)
        _enough(count, len(x))
        filled = np.where(valid, x, 0.0)
        mean = filled.sum(axis=0) / count
        moved = np.where(valid, filled - mean, 0.0) * np.sqrt(len(x) / count)
    constant = np.einsum("tn,tn->n", moved, moved) <= len(x) * (ROUND_OFF * mean) ** 2
    if constant.any():
        moved[:, constant] = 0.0
    return moved


def _enough(count: IntArray, days: int) -> None:
    if (count < LEAST_DAYS).any():
        stock = int(np.argmax(count < LEAST_DAYS))
        raise ParameterError(
            f"covariance: the stock in column {stock} has {count[stock]} valid returns of {days} days; expected at "
            f"least {LEAST_DAYS}: leave it out, or take more days"
        )


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
    squares = float(np.vdot(gram, gram)) / days**2  # sum of all S_ij^2
    distance = squares / stocks - mean_variance**2  # of S from m I, per stock
    noise = (float(own @ own) / days - squares) / (days * stocks)
    shrinkage = min(noise, distance) / distance if distance > 0 and noise > 0 else float(distance <= 0)
    factors = np.sqrt((1 - shrinkage) / days) * x
    return Covariance(factors, np.full(stocks, shrinkage * mean_variance), shrinkage)


def pca(returns: ArrayLike, components: int = 10) -> Covariance:
    """V L V' + diag(S - V L V'): the `components` largest eigenvalues L of S (all, where it has fewer) with their
    eigenvectors, and of what is left the variances alone, so that every variance stays that of S.

    Raises ParameterError for fewer than one component.
    """
    if components < 1:
        raise ParameterError(f"covariance: {components} components; expected at least 1")
    x = centred(returns)
    _, vectors = np.linalg.eigh(x @ x.T)  # of the days, the largest last
    factors = vectors[:, -components:].T @ x / np.sqrt(len(x))
    rest = (np.einsum("tn,tn->n", x, x) / len(x)) - np.einsum("kn,kn->n", factors, factors)
    return Covariance(factors, np.maximum(rest, 0.0))


def factor_model(returns: ArrayLike, loadings: ArrayLike, decay: float = 0.97) -> Covariance:
    """B Omega B' + Delta of given loadings B [N, K] (paper A, eq. 28).

    Factor returns f_t are the least squares of day t's returns on the loadings, over its valid stocks. Omega is the sum
    of f f' with weights (1 - decay) decay^s of s days ago (eq. 29), Delta the same of the squared residuals over the
    valid days of a stock; both weights are scaled to sum to 1 over the days there are. Nothing is centred there.

    Raises ParameterError for shapes that do not fit, a decay outside (0, 1], loadings that are not finite, and a stock
    with fewer than two valid returns.
    """
    x, b = np.asarray(returns, dtype=float), np.asarray(loadings, dtype=float)
    if x.ndim != 2 or len(x) < LEAST_DAYS or b.ndim != 2 or len(b) != x.shape[1] or not np.isfinite(b).all():
        raise ParameterError(
            f"covariance: returns have shape {x.shape} and loadings {b.shape}; expected [days, stocks] with at least 2 "
            f"days, and finite [stocks, factors]"
        )
    if not 0 < decay <= 1:
        raise ParameterError(f"covariance: decay is {decay}; expected a number above 0 and at most 1")
    valid = np.isfinite(x)
    _enough(valid.sum(axis=0), len(x))
    filled = np.where(valid, x, 0.0)
    found = np.array([np.linalg.lstsq(b[ok], row[ok], rcond=None)[0] for row, ok in zip(filled, valid, strict=True)])
    share = decay ** np.arange(len(x))[::-1]
    residual = np.where(valid, filled - found @ b.T, 0.0)
    own = (share @ residual**2) / (share @ valid)
    root = np.linalg.qr(found * np.sqrt(share / share.sum())[:, None], mode="r")  # root'root = Omega
    return Covariance(root @ b.T, own)


def ridge(covariance: Covariance, size: float) -> Covariance:
    """Sigma + size I (paper A, eq. 30). Raises ParameterError for a negative size."""
    if not size >= 0:
        raise ParameterError(f"covariance: a ridge of {size}; expected a number of at least 0")
    return replace(covariance, diagonal=covariance.diagonal + size)


#: name -> estimator
ESTIMATORS: dict[str, Callable[[ArrayLike], Covariance]] = {
    "sample": sample, "ledoit_wolf": ledoit_wolf, "diagonal": diagonal, "pca": pca,
}  # fmt: skip


def estimate(estimator: Callable[[ArrayLike], Covariance], returns: Matrix, used: BoolArray) -> Covariance:
    """The estimate of the stocks in use [N], as one of all stocks: the others get the mean variance of their own, no
    covariance with anything, and no part in the estimate."""
    if used.all():
        return estimator(returns)
    _enough(np.where(used, np.isfinite(returns).sum(axis=0), LEAST_DAYS), len(returns))  # by its column among all
    own = estimator(returns[:, used])
    factors, diagonal_ = np.zeros((len(own.factors), used.size)), np.full(used.size, float(own.diagonal.mean()))
    factors[:, used], diagonal_[used] = own.factors, own.diagonal
    return Covariance(factors, diagonal_, own.shrinkage)
