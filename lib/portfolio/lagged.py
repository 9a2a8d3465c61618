"""The papers' own back-test (B s3.7): weights of one close times the returns of the next, minus a linear cost.

    r_p(t+1) = sum_i w_i(t) r_i(t+1) - c sum_i |w_i(t) - w_i(t-1)|,   w(-1) = 0

Every order fills at the close, whatever the exchange says, and weights do not drift between two days: a book that
keeps its names pays nothing. Weights are 1 / k on the k names with the highest predictions. The papers do not say what
happens to a name without a prediction; `OUTSIDE` names the three answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Matrix, Vector
from lib.errors import ParameterError

#: what happens to a name without a prediction
OUTSIDE: Final = {
    "held": "a held name keeps its weight, another one is not bought",
    "sold": "a held name is sold, another one is not bought",
    "zero": "its prediction is 0, and it is ranked with the others",
}
BPS: Final = 1e-4


@dataclass(frozen=True, eq=False)
class LaggedBook:
    """A back-test of D decision days: day t holds what the weights of its close earn until the next close.

    gross [D]: w(t)'r(t+1), before costs. turnover [D]: sum |w(t) - w(t-1)|; the first day buys the whole book.
    invested [D]: sum of the weights. unpredicted [D]: weight of the names without a prediction.
    """

    gross: Vector
    turnover: Vector
    invested: Vector
    unpredicted: Vector

    def net(self, cost_bps: float) -> Vector:
        """Daily returns [D] after a cost of so many basis points of the value traded."""
        return self.gross - BPS * cost_bps * self.turnover


def top_k_weights(prediction: ArrayLike, k: int, *, outside: str = "sold", buffer: int | None = None) -> Matrix:
    """Equal weights [D, N], 1 / k on k names a day, ranked by prediction [D, N] (NaN: none).

    Ties: the earlier column first. Fewer than k candidates leave the rest in cash. buffer: a held name with a
    prediction stays while its rank is at most `buffer`, which lowers turnover; None ranks every day anew.
    outside: a key of `OUTSIDE`. A day reads its own predictions and the names held the day before, nothing later.
    Raises ParameterError for k < 1, buffer < k, an unknown `outside` or an infinite prediction.

    >>> top_k_weights([[3.0, 2.0, 1.0], [np.nan, 2.0, 3.0]], 1, outside="held").tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    >>> top_k_weights([[3.0, 2.0, 1.0], [np.nan, 2.0, 3.0]], 1, outside="sold").tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    scores = np.array(prediction, dtype=np.float64)
    _check(scores, k, outside, buffer)
    if outside == "zero":
        scores[np.isnan(scores)] = 0.0
    weights = np.zeros(scores.shape)
    held = np.zeros(scores.shape[1], dtype=bool)
    for today, row in zip(scores, weights, strict=True):
        held = _choose(today, held, k, outside == "held", buffer)
        row[held] = 1.0 / k
    return weights


def _choose(scores: Vector, held: NDArray[np.bool_], k: int, freeze: bool, buffer: int | None) -> NDArray[np.bool_]:
    """The names [N] held after a close; never more than k, because no more than k were held before."""
    candidate = np.isfinite(scores)
    order = np.argsort(-scores, kind="stable")[: np.count_nonzero(candidate)]  # NaN comes last
    chosen = held & ~candidate if freeze else np.zeros_like(held)
    if buffer is not None:
        best = order[:buffer]
        chosen[best[held[best]]] = True
    free = k - np.count_nonzero(chosen)
    chosen[order[~chosen[order]][:free]] = True
    return chosen


def _check(scores: Matrix, k: int, outside: str, buffer: int | None) -> None:
    if scores.ndim != 2:
        raise ParameterError(f"top_k_weights: prediction has shape {scores.shape}; expected [D, N]")
    if k < 1 or (buffer is not None and buffer < k):
        raise ParameterError(f"top_k_weights: got k={k} and buffer={buffer}; expected k >= 1 and buffer >= k or None")
    if outside not in OUTSIDE:
        raise ParameterError(f"top_k_weights: outside={outside!r}; expected one of {', '.join(OUTSIDE)}")
    if np.isinf(scores).any():
        day, name = np.argwhere(np.isinf(scores))[0]
        raise ParameterError(f"top_k_weights: prediction is infinite on day {day}, column {name}; NaN means none")


def lagged_book(weights: ArrayLike, next_return: ArrayLike, predicted: ArrayLike | None = None) -> LaggedBook:
    """The back-test of weights [D, N] on the returns from each close to the next, next_return [D, N].

    A name without a return (NaN) keeps its value. What stands in cells of weight 0 is not looked at. predicted
    [D, N]: cells with a prediction; by default all. Raises ParameterError for shapes that differ, for weights that are
    not finite and for an infinite return of a name that is held.

    >>> book = lagged_book([[1.0, 0.0], [0.0, 1.0]], [[0.1, 0.2], [0.3, -0.1]])
    >>> book.gross.tolist(), book.turnover.tolist(), book.net(100).round(3).tolist()
    ([0.1, -0.1], [1.0, 2.0], [0.09, -0.12])
    """
    w, r = np.asarray(weights, dtype=np.float64), np.asarray(next_return, dtype=np.float64)
    known = np.ones(w.shape, dtype=bool) if predicted is None else np.asarray(predicted, dtype=bool)
    if w.ndim != 2 or not w.shape == r.shape == known.shape:
        got = f"weights {w.shape}, returns {r.shape}, predicted {known.shape}"
        raise ParameterError(f"lagged_book: shapes differ: {got}")
    if not np.isfinite(w).all():
        raise ParameterError("lagged_book: a weight is not finite; write 0 for a name that is not held")
    earned = np.where((w != 0) & ~np.isnan(r), r, 0.0)
    if np.isinf(earned).any():
        day, name = np.argwhere(np.isinf(earned))[0]
        raise ParameterError(f"lagged_book: the return of a held name is infinite on day {day}, column {name}")
    traded = np.abs(np.diff(w, axis=0, prepend=np.zeros((1, w.shape[1]))))
    return LaggedBook((w * earned).sum(axis=1), traded.sum(axis=1), w.sum(axis=1), (w * ~known).sum(axis=1))
