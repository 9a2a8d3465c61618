"""Which factors say the same: rank correlations across the stocks of a day, on a sample of days.

The matrix of all pairs comes from ranks taken once per factor, among its own valid cells, and correlated on the cells
that both share: four matrix products a day. Pairs that come out almost alike are ranked again on their common cells,
where one order means a correlation of exactly 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lib.stats import ic, masked_ranks

#: relatives named for each factor; correlation from which a pair counts as twins; where twins are looked for
CLOSEST, TWIN, CANDIDATE = 3, 0.99, 0.97
MINIMUM = 20  # common stocks that a day's correlation needs


@dataclass(frozen=True)
class Sample:
    """Factors on sampled days: values float32 [F, S, M] and valid bool [F, S, M] of the day's M members."""

    values: np.ndarray
    valid: np.ndarray

    def __len__(self) -> int:
        return len(self.values)


def rank_correlations(sample: Sample) -> np.ndarray:
    """Mean over the days of the cross-sectional rank correlation of every pair, [F, F]; NaN below half of the days.

    Ranks are those among a factor's own valid cells; sums run over the cells that both factors have.
    """
    factors, days, _ = sample.values.shape
    ranks, valid = _centred_ranks(sample), sample.valid
    total, count = np.zeros((factors, factors)), np.zeros((factors, factors))
    for day in range(days):
        daily = _day_correlations(ranks[:, day], valid[:, day])
        known = np.isfinite(daily)
        total += np.where(known, daily, 0.0)
        count += known
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count >= max(1, days / 2))


def _centred_ranks(sample: Sample) -> np.ndarray:
    """Ranks in (-1/2, 1/2) per factor and day [F, S, M], 0 in invalid cells."""
    ranks = np.zeros(sample.values.shape)
    for f in range(len(sample)):
        valid = sample.valid[f]
        number = np.maximum(valid.sum(axis=1, keepdims=True), 1)
        ranks[f] = np.where(valid, (masked_ranks(sample.values[f], valid) - 0.5) / number - 0.5, 0.0)
    return ranks


def _day_correlations(x: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Pearson correlation of the rows of x [F, M] over the cells that both rows have, [F, F]: all pairs by products."""
    v = valid.astype(np.float64)
    n = np.maximum(v @ v.T, 1.0)
    sums, squares = x @ v.T, (x * x) @ v.T  # [F, G]: over the cells that G has as well
    covariance = x @ x.T - sums * sums.T / n
    variance = squares - sums * sums / n
    scale = np.sqrt(np.maximum(variance, 0.0) * np.maximum(variance.T, 0.0))
    known = (v @ v.T >= MINIMUM) & (scale > 1e-9 * n)
    return np.clip(np.divide(covariance, scale, out=np.full_like(scale, np.nan), where=known), -1.0, 1.0)


def closest(correlations: np.ndarray, position: int, among: Sequence[int] | None = None) -> list[int]:
    """Positions of the CLOSEST factors by absolute correlation with one, the closest first; ties in catalogue order."""
    row = np.abs(correlations[position])
    others = [k for k in (range(len(row)) if among is None else among) if k != position and np.isfinite(row[k])]
    return sorted(others, key=lambda k: (-round(float(row[k]), 6), k))[:CLOSEST]


def twins(sample: Sample, correlations: np.ndarray) -> dict[tuple[int, int], float]:
    """Pairs i < j whose orders agree: mean rank correlation on common cells, at least TWIN in absolute value."""
    found = {}
    with np.errstate(invalid="ignore"):
        candidates = np.argwhere(np.triu(np.abs(correlations) >= CANDIDATE, k=1))
    for i, j in candidates:
        daily = ic(sample.values[i], sample.values[j], sample.valid[i] & sample.valid[j], kind="spearman",
                   min_cells=MINIMUM)  # fmt: skip
        value = float(np.nanmean(daily)) if np.isfinite(daily).any() else 0.0
        if abs(value) >= TWIN:
            found[int(i), int(j)] = value
    return found


def family_correlations(correlations: np.ndarray, families: Sequence[str]) -> Iterator[tuple[str, str, float, int]]:
    """(family, family, mean absolute correlation, pairs) over the pairs of different factors; each pair of families
    once, in the order given."""
    labels, size = np.array(families), np.abs(correlations)
    different = ~np.eye(len(labels), dtype=bool)
    names = list(dict.fromkeys(families))
    for place, one in enumerate(names):
        for other in names[place:]:
            block = np.outer(labels == one, labels == other) & different & np.isfinite(size)
            if block.any():
                yield one, other, float(size[block].mean()), int(block.sum())
