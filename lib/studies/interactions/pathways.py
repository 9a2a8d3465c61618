"""Pairs of factors in a fitted network: how much the first layer attends to them, and how much they interact.

Attention between two factors is a weight inside the network. Whether the prediction depends on the two together is
another question, and one that can be put to any model: the mixed difference

    d_ij(x) = f(x) - f(x without i) - f(x without j) + f(x without i and j)

is 0 wherever f is a sum of a function without i and one without j. Without a factor: at 0, the mean of a z-score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn

from lib.models.factor_transformer import FactorTransformer
from lib.models.fits import Predictor
from lib.models.training import predict

#: samples that are attended over together
BATCH = 256
#: rows that a model predicts in one call
ROWS = 4096

Pair = tuple[int, int]


def attention_scores(network: FactorTransformer, features: np.ndarray) -> np.ndarray:
    """Mean over samples [R, F] and heads of the first layer's weights, of each pair in both directions: [F, F].

    Weights from and to CLS are left out. Symmetric; the diagonal, a factor's weight of itself, is kept.
    """
    network.eval()
    with torch.no_grad():
        total = sum(network.attention(part).mean(1).sum(0) for part in torch.from_numpy(features).split(BATCH))
    weights = np.asarray(total, dtype=np.float64)[1:, 1:] / len(features)  # F F
    return (weights + weights.T) / 2


def effects(model: Predictor, features: np.ndarray) -> np.ndarray:
    """Root mean square over samples [R, F] of the mixed difference of each pair: [F, F], symmetric, diagonal 0."""
    F = features.shape[1]
    pairs = list(combinations(range(F), 2))
    whole = model(features).astype(np.float64)  # R
    one = _changed(model, features, [(i,) for i in range(F)])  # F R
    both = _changed(model, features, pairs)  # P R
    found = np.zeros((F, F))
    for (i, j), without in zip(pairs, both, strict=True):
        found[i, j] = found[j, i] = np.sqrt(np.mean((whole - one[i] - one[j] + without) ** 2))
    return found


def _changed(model: Predictor, features: np.ndarray, left_out: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Predictions [K, R] without each of K sets of factors, many sets in one call of the model."""
    found, together = [], max(1, ROWS // len(features))
    for start in range(0, len(left_out), together):
        sets = left_out[start : start + together]
        rows = np.repeat(features[None], len(sets), axis=0)  # k R F
        for place, factors in enumerate(sets):
            rows[place, :, list(factors)] = 0
        found.append(model(rows.reshape(-1, features.shape[1])).reshape(len(sets), -1))
    return np.concatenate(found).astype(np.float64)


def listed(scores: np.ndarray) -> np.ndarray:
    """The scores of the pairs i < j of [F, F], row by row: [F (F - 1) / 2]."""
    return scores[np.triu_indices(len(scores), 1)]


def rank_of(scores: np.ndarray, pair: Pair) -> float:
    """Place of a pair among all pairs, 1 for the largest score; of equals the mean place.

    >>> rank_of(np.array([[0, 3, 1], [3, 0, 2], [1, 2, 0]]), (2, 1))
    2.0
    """
    of_pairs, own = listed(scores), scores[pair]
    return float((of_pairs > own).sum() + ((of_pairs == own).sum() + 1) / 2)


def top(scores: np.ndarray, count: int) -> list[Pair]:
    """The pairs of the largest scores, the largest first."""
    rows, columns = np.triu_indices(len(scores), 1)
    order = np.argsort(-listed(scores), kind="stable")[:count]
    return [(int(rows[place]), int(columns[place])) for place in order]


def drawn(n_factors: int, count: int, rng: np.random.Generator, without: Sequence[Pair] = ()) -> list[Pair]:
    """Pairs at random, none of them one of `without`."""
    barred = {tuple(sorted(pair)) for pair in without}
    free = [pair for pair in combinations(range(n_factors), 2) if pair not in barred]
    return [free[place] for place in rng.choice(len(free), count, replace=False)]


class Hidden(nn.Module):
    """The network with some pathways of its first layer closed: neither factor of a pair attends to the other.

    The weights of a closed pathway are zero, those of the others of that token are scaled to sum to one again.
    """

    def __init__(self, network: FactorTransformer, pairs: Iterable[Pair]) -> None:
        super().__init__()
        self.network = network
        n = 1 + len(network.position)
        bias = torch.zeros(n, n)
        for i, j in pairs:
            bias[1 + i, 1 + j] = bias[1 + j, 1 + i] = -torch.inf
        self.register_buffer("bias", bias)

    def forward(self, factors: Tensor) -> Tensor:  # B F -> B
        return self.network(factors, self.bias)


def closed(network: FactorTransformer, pairs: Iterable[Pair]) -> Predictor:
    """Predictions of the network without some pathways."""
    changed = Hidden(network, pairs)
    return lambda rows: predict(changed, rows)
