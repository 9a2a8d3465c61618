"""The supervised sample: one row per (day, stock) cell, its factors and the return of the next day.

Labels are raw total returns close / pre_close - 1 of day t + 1. Which cells may be trained on and which
are predicted is decided by masks and given from outside; nothing here looks at a price that a mask hides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lib.errors import ParameterError
from lib.stats.forward import ahead

if TYPE_CHECKING:
    from lib.factors import FactorSet
    from lib.panel import Panel

JOINS = ("per_factor", "intersect")
GATHERED_DAYS = 4


def next_return(panel: Panel) -> np.ndarray:
    """Return earned from the close of t to the close of t + 1, [T, N]; NaN on the last day and where there is none."""
    return ahead(panel.returns)


def both_days(cells: np.ndarray) -> np.ndarray:
    """Cells [T, N] that hold on t and on t + 1 (False on the last day)."""
    return np.asarray(cells & ahead(cells))


@dataclass(frozen=True)
class Dataset:
    """Samples sorted by day: rows r of (day[r], stock[r]).

    features: float32 [R, F], standardised, 0 where a factor is invalid. label: float64 [R], NaN where the cell may
    not be trained on. day, stock: int [R], positions in the panel. shape: (T, N) of the panel.
    predicted: bool [R], samples that get a prediction; None is all of them.
    """

    features: np.ndarray
    label: np.ndarray
    day: np.ndarray
    stock: np.ndarray
    shape: tuple[int, int]
    predicted: np.ndarray | None = None

    def rows(self, start: int, stop: int) -> slice:
        """Samples of the days [start, stop)."""
        low, high = np.searchsorted(self.day, [start, stop])
        return slice(int(low), int(high))

    def training(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """(features, label) of the labelled samples of the days [start, stop)."""
        rows = self.rows(start, stop)
        labelled = np.isfinite(self.label[rows])
        return self.features[rows][labelled], self.label[rows][labelled]

    def to_predict(self, start: int, stop: int) -> np.ndarray:
        """Positions of the samples of the days [start, stop) that get a prediction."""
        rows = self.rows(start, stop)
        positions = np.arange(rows.start, rows.stop)
        return positions if self.predicted is None else positions[self.predicted[rows]]

    def grid(self, rows: slice | np.ndarray, values: np.ndarray, out: np.ndarray) -> None:
        """Write values of some samples to their cells of a [T, N] array."""
        out[self.day[rows], self.stock[rows]] = values


def build_dataset(
    factors: FactorSet,
    label: np.ndarray,
    *,
    predicted: np.ndarray,
    labelled: np.ndarray,
    join: str = "per_factor",
    extra: np.ndarray | None = None,
) -> Dataset:
    """Gather the samples of a variant.

    Parameters
    ----------
    factors: standardised factors [T, N, F]. label: outcome [T, N]. predicted: bool [T, N], cells that get a
        prediction. labelled: bool [T, N], cells that are trained on where the outcome exists.
    join: "per_factor" keeps a cell with any valid factor and sets the invalid ones to 0, the mean of a z-score;
        "intersect" keeps only cells where every factor is valid (the papers).
    extra: further features float [T, N, E] that need no standardising, such as flags.

    Labels are centred per day over the labelled cells: the market's move is not a cross-sectional prediction.
    """
    if join not in JOINS:
        raise ParameterError(f"join: got {join!r}; expected one of {', '.join(JOINS)}")
    has = factors.valid.all(axis=-1) if join == "intersect" else factors.valid.any(axis=-1)
    usable = labelled & np.isfinite(label)
    day, stock = np.nonzero((predicted | usable) & has)
    features = _gathered(factors.values, day, stock, 0 if extra is None else extra.shape[-1])
    if extra is not None:
        features[:, factors.values.shape[-1] :] = extra[day, stock]
    outcome = np.where(usable, label, np.nan)[day, stock]
    return Dataset(features, _centred(outcome, day), day, stock, factors.values.shape[:2], predicted[day, stock])


def _gathered(values: np.ndarray, day: np.ndarray, stock: np.ndarray, extra: int) -> np.ndarray:
    """Cells of [T, N, F], sorted by day, as rows [R, F + extra]; the extra columns are not set."""
    rows = np.empty((len(day), values.shape[-1] + extra), dtype=np.float32)
    # a few days at a time: factors lie one after the other in memory, and a block of them stays in the cache
    for first in range(0, values.shape[0], GATHERED_DAYS):
        low, high = np.searchsorted(day, [first, first + GATHERED_DAYS])
        block = np.ascontiguousarray(values[first : first + GATHERED_DAYS])
        rows[low:high, : values.shape[-1]] = block[day[low:high] - first, stock[low:high]]
    return rows


def _centred(outcome: np.ndarray, day: np.ndarray) -> np.ndarray:
    known = np.isfinite(outcome)
    days = int(day[-1]) + 1 if len(day) else 0
    count = np.bincount(day[known], minlength=days)
    total = np.bincount(day[known], weights=outcome[known], minlength=days)
    mean = np.divide(total, count, out=np.zeros(days), where=count > 0)
    return outcome - mean[day]
