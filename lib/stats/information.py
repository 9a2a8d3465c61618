"""The information coefficient: the daily correlation, across stocks, of predictions with what came after."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import StatisticsError
from lib.stats.checks import Series, finite, numbers, series
from lib.stats.inference import newey_west_t

Matrix = NDArray[np.float64]
Cells = NDArray[np.bool_]


class ICSummary(NamedTuple):
    """Mean, deviation (ddof=1) and Newey-West t of a daily IC over its defined days; counts of days."""

    mean: float
    deviation: float
    t: float
    days: int
    undefined: int


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
    return _row_correlation(x, y, scored, min_cells)


@finite
def ic_summary(daily: ArrayLike, *, horizon: int = 1, lags: int | None = None) -> ICSummary:
    """Mean daily IC with its Newey-West t over the days of `daily` [T]; NaN days are counted.

    `horizon`: days a label spans; at least horizon - 1 lags are used.
    """
    values = numbers(daily, "daily IC")
    defined = series(values[~np.isnan(values)], "daily IC")
    t = newey_west_t(defined, lags, horizon=horizon)
    undefined = values.size - defined.size
    return ICSummary(float(defined.mean()), float(defined.std(ddof=1)), t, defined.size, undefined)


def masked_ranks(values: Matrix, cells: Cells) -> Matrix:
    """Ranks 1..n within the `cells` of each row [T, N]; ties share their average rank; 0 outside.

    >>> masked_ranks(np.array([[5., 5., 7., 1.]]), np.array([[True, True, True, False]])).tolist()
    [[1.5, 1.5, 3.0, 0.0]]
    """
    x = np.where(cells, values, np.inf)  # T N, the rest sorts last
    order = np.argsort(x, axis=1, kind="stable")
    ordered = np.take_along_axis(x, order, axis=1)
    position = np.broadcast_to(np.arange(x.shape[1]), x.shape)
    starts = np.ones(x.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = np.ones(x.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, position, 0), axis=1)  # T N, where the tie begins
    last = np.minimum.accumulate(np.where(ends, position, x.shape[1])[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(x.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    return np.where(cells, ranks, 0.0)


def _inside(values: ArrayLike, cells: Cells, name: str) -> Matrix:
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


def _row_correlation(x: Matrix, y: Matrix, cells: Cells, min_cells: int) -> Series:
    count = cells.sum(axis=1)  # T
    x, y = _scaled(x), _scaled(y)
    enough = count >= min_cells
    per_row = np.where(enough, count, 1)[:, None]
    dx = np.where(cells, x - x.sum(axis=1, keepdims=True) / per_row, 0.0)
    dy = np.where(cells, y - y.sum(axis=1, keepdims=True) / per_row, 0.0)
    defined = enough & _varies(x, cells) & _varies(y, cells)
    scale = np.sqrt((dx**2).sum(axis=1)) * np.sqrt((dy**2).sum(axis=1))
    defined &= scale > 0
    correlation = np.divide((dx * dy).sum(axis=1), scale, out=np.full(count.shape, np.nan), where=defined)
    return np.clip(correlation, -1.0, 1.0)


def _scaled(x: Matrix) -> Matrix:
    """Rows divided by the power of two above their largest value: exact, and squares neither overflow nor vanish."""
    _, exponent = np.frexp(np.abs(x).max(axis=1, initial=0.0))
    return np.asarray(np.ldexp(x, -exponent[:, None]))


def _varies(x: Matrix, cells: Cells) -> Cells:
    # exact: a constant row has a rounding-sized, not a zero, sum of squares
    high = np.where(cells, x, -np.inf).max(axis=1, initial=-np.inf)
    return np.asarray(high > np.where(cells, x, np.inf).min(axis=1, initial=np.inf))
