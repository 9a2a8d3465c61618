"""The information coefficient: the daily correlation, across stocks, of predictions with what came after."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lib.arrays import BoolArray, Matrix
from lib.errors import StatisticsError
from lib.stats.checks import Series
from lib.stats.rows import masked_ranks, row_correlation


def ic(
    prediction: ArrayLike,
    outcome: ArrayLike,
    cells: ArrayLike,
    *,
    kind: Literal["pearson", "spearman"] = "pearson",
    min_cells: int = 20,
) -> Series:
    """Daily information coefficient [T] of `prediction` [T, N] with `outcome` [T, N] over `cells` [T, N].

    Pearson correlation per day, or of average ranks (spearman); in [-1, 1]. NaN on a day with fewer than
    `min_cells` cells or where one side is constant: undefined days are counted by the caller, not zero.
    Values outside `cells` are never read. Raises: StatisticsError for shapes that differ and for a value
    inside `cells` that is not finite (take such cells out of `cells`, where the loss is counted).

    >>> ic([[1., 2., 9.]], [[3., 5., np.nan]], [[True, True, False]], min_cells=2).round(12).tolist()
    [1.0]
    """
    if kind not in ("pearson", "spearman"):
        raise StatisticsError(f"ic: unknown kind {kind!r}; expected 'pearson' or 'spearman'")
    if min_cells < 2:
        raise StatisticsError(f"ic: a correlation needs at least 2 cells, got min_cells={min_cells}")
    scored = np.asarray(cells, dtype=bool)
    x, y = _inside(prediction, scored, "prediction"), _inside(outcome, scored, "outcome")
    if kind == "spearman":
        x, y = masked_ranks(x, scored), masked_ranks(y, scored)
    return row_correlation(x, y, scored, min_cells)


def _inside(values: ArrayLike, cells: BoolArray, name: str) -> Matrix:
    x = np.asarray(values)
    if x.ndim != 2 or x.shape != cells.shape or x.size == 0:
        raise StatisticsError(
            f"ic: {name} is {x.shape} but cells {cells.shape}; expected the same [T, N], T and N >= 1"
        )
    x = np.where(cells, x, 0.0).astype(np.float64)
    if not np.isfinite(x).all():
        where = np.argwhere(~np.isfinite(x))
        raise StatisticsError(
            f"ic: {len(where)} scored cells hold {name}s that are not finite, the first at "
            f"{tuple(map(int, where[0]))}; take them out of cells"
        )
    return x
