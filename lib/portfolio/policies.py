"""Policies: from what is known at a close to the weights wanted.

A policy is a function of `Past` alone, so it cannot look ahead. It returns target weights [N]:
a number is an order to hold that share of equity, 0 sells everything, NaN is no order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.arrays import Vector
from lib.errors import ParameterError

Flags = NDArray[np.bool_]

#: A holding of less than this share of its slot (a buy that cash cut short) leaves the slot open.
FILLED = 0.5
#: The buffer of `top_k_buffer`, in multiples of k.
BUFFER_MULTIPLE = 2.0


@dataclass(frozen=True)
class Past:
    """What a policy may know at the close of `date`; copies of single rows, never the panel.

    prediction [N]: NaN where there is none. universe [N]: member today. orderable [N]: orders allowed
    today. weights [N]: drifted holdings as shares of equity. cash: the share not invested.
    """

    date: np.datetime64
    prediction: Vector
    universe: Flags
    orderable: Flags
    weights: Vector
    cash: float


Policy = Callable[[Past], Vector]


def top_k_buffer(
    k: int | None = None,
    buffer: int | None = None,
    *,
    multiple: float = BUFFER_MULTIPLE,
    outside: Literal["hold", "drop"] = "hold",
) -> Policy:
    """Equal-weight top k with a buffer against needless turnover.

    Names are ranked by prediction among members with a prediction that may be ordered (ties: the earlier
    column first). A held name stays, without an order, while its rank is at most `buffer`, and is sold
    once it falls below; free slots go to the best-ranked names not held, each bought at 1/k of equity.
    A held name without a prediction gets no order and keeps its slot (outside="hold"), or is sold
    (outside="drop": a literal masked optimiser). Held names that left the universe are sold.
    Defaults: k = 50, or a tenth of today's universe where that is smaller; buffer = `multiple` times k, rounded down.
    Raises: ParameterError for k < 1, buffer < k, multiple < 1 or an unknown `outside`.
    """
    if k is not None and k < 1:
        raise ParameterError(f"top_k_buffer: expected k >= 1, got {k}")
    if buffer is not None and (k is None or buffer < k):
        raise ParameterError(f"top_k_buffer: a buffer needs k and k <= buffer, got k={k} and buffer={buffer}")
    if not multiple >= 1:
        raise ParameterError(f"top_k_buffer: expected multiple >= 1, got {multiple}")
    if outside not in ("hold", "drop"):
        raise ParameterError(f"top_k_buffer: expected outside='hold' or 'drop', got {outside!r}")

    def policy(past: Past) -> Vector:
        slots = default_k(past.universe) if k is None else k
        order, rank = _ranking(past)
        scored, held = np.isfinite(rank), past.weights > 0
        leaves = held & (~past.universe | (scored & (rank > (buffer or int(multiple * slots)))))
        if outside == "drop":
            leaves |= held & ~scored
        filled = past.weights >= FILLED / slots
        free = max(slots - int(np.count_nonzero(filled & ~leaves)), 0)
        target = np.where(leaves, 0.0, np.nan)
        target[order[~filled[order]][:free]] = 1.0 / slots
        return target

    return policy


def default_k(universe: Flags) -> int:
    """50 names, or a tenth of a smaller universe, at least one.

    >>> default_k(np.ones(300, dtype=bool)), default_k(np.ones(3000, dtype=bool))
    (30, 50)
    """
    return min(max(int(np.count_nonzero(universe)) // 10, 1), 50)


def direct(past: Past) -> Vector:
    """The prediction IS the target weight (an optimiser's output); NaN is no order."""
    return past.prediction


def equal_weight_all(past: Past) -> Vector:
    """Every member at the same weight, rebalanced daily."""
    members = max(int(np.count_nonzero(past.universe)), 1)
    return np.where(past.universe, 1.0 / members, 0.0)


def buy_and_hold(weights: ArrayLike) -> Policy:
    """Buys `weights` [N] with the cash at hand on the first day, then never orders again."""
    wanted = np.asarray(weights, dtype=np.float64)

    def policy(past: Past) -> Vector:
        invested = bool((past.weights > 0).any())
        return np.full(wanted.shape, np.nan) if invested else np.where(wanted > 0, wanted, np.nan)

    return policy


def _ranking(past: Past) -> tuple[NDArray[np.intp], Vector]:
    """Columns from best to worst among the candidates, and rank 1.. of every column (infinite: none)."""
    candidates = np.flatnonzero(past.universe & past.orderable & np.isfinite(past.prediction))
    order = candidates[np.argsort(-past.prediction[candidates], kind="stable")]
    rank = np.full(past.prediction.shape, np.inf)
    rank[order] = np.arange(1, order.size + 1)
    return order, rank
