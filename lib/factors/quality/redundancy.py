"""Near-duplicate factors: candidates that rank the same stocks alike, of which one is enough."""

from __future__ import annotations

import numpy as np


def rank_correlation(ranks: np.ndarray) -> np.ndarray:
    """Correlation of each pair of candidates over stocks, pooled over sampled days: [F, F] from [D, M, F].

    Sum of products of centred ranks over the cells that both have, by the root of the sums of their squares over the
    same cells. NaN where two candidates share no cell.
    """
    size = ranks.shape[-1]
    product, square = np.zeros((size, size)), np.zeros((size, size))
    for day in ranks:
        has = np.isfinite(day).astype(np.float32)
        z = np.nan_to_num(day)
        product += z.T @ z
        square += (z * z).T @ has  # i's squares over the cells of j
    scale = np.sqrt(square * square.T)
    return np.divide(product, scale, out=np.full_like(product, np.nan), where=scale > 0)


def distinct(correlation: np.ndarray, strength: np.ndarray, eligible: np.ndarray, limit: float) -> np.ndarray:
    """Leader of each candidate's cluster, [F]: itself if it is kept, -1 where it is not eligible.

    Candidates come in the order of strength (of equal ones the first declared). One whose absolute correlation with a
    kept candidate exceeds `limit` joins the strongest such; otherwise it is kept and leads a cluster of its own.
    """
    leader = np.full(len(strength), -1)
    kept: list[int] = []
    for candidate in np.argsort(-np.where(eligible, strength, -np.inf), kind="stable"):
        if not eligible[candidate]:
            break
        close = np.abs(correlation[candidate, kept]) > limit
        if close.any():
            leader[candidate] = kept[int(close.argmax())]
        else:
            leader[candidate] = candidate
            kept.append(int(candidate))
    return leader
