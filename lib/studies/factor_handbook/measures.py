"""What is measured of one factor on a panel: coverage, information, persistence, distinct values.

Everything is computed among the members of the day. Days are stored as [T, M], M the largest number of members of
a day, so that a panel of many past members costs no more than the index itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lib.evaluation.scoring import MINIMUM_CELLS, scored_cells
from lib.models.dataset import next_return
from lib.stats import ic, newey_west_error, normal_interval
from lib.store.rows import Record, records

if TYPE_CHECKING:
    from lib.panel import Panel

#: values that differ by less than this share of the day's largest are one value
SAME = 1e-6
#: days that an interval of a mean IC needs
ENOUGH_DAYS = 60



@dataclass(frozen=True)
class Ground:
    """What every factor of a panel is measured against.

    columns: int [T, M], the stocks that are members of the day. listed: members with a price, [T, M]. outcome: next
    day's return. scored: members whose entry at today's close could be executed and that have an outcome.
    days: positions of the sampled days, [S].
    """

    columns: np.ndarray
    listed: np.ndarray
    outcome: np.ndarray
    scored: np.ndarray
    days: np.ndarray

    @classmethod
    def of(cls, panel: Panel, n_sampled: int) -> Ground:
        columns, inside = member_columns(panel.universe)
        label, scored = next_return(panel), scored_cells(panel)["m1"]

        def among(values: np.ndarray) -> np.ndarray:
            return np.take_along_axis(values, columns, axis=1)

        listed = among(panel.observed) & inside
        return cls(columns, listed, among(label), among(scored) & inside, sampled_days(panel.shape[0], n_sampled))

    def among_members(self, values: np.ndarray) -> np.ndarray:
        """The members' values [T, M] of an array [T, N]."""
        return np.take_along_axis(values, self.columns, axis=1)


def member_columns(universe: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions [T, M] of each day's members, and which of them are members (the rest fills the row).

    >>> columns, inside = member_columns(np.array([[False, True, True], [False, False, True]]))
    >>> columns.tolist(), inside.tolist()
    ([[1, 2], [2, 0]], [[True, True], [True, False]])
    """
    width = max(int(universe.sum(axis=1).max(initial=0)), 1)
    columns = np.argsort(~universe, axis=1, kind="stable")[:, :width]
    return columns, np.take_along_axis(universe, columns, axis=1)


def sampled_days(n_days: int, n_sampled: int) -> np.ndarray:
    """At most n_sampled days, evenly spread, from the second half of the first year (or of the panel) on.

    >>> sampled_days(1000, 4).tolist(), sampled_days(10, 3).tolist()
    ([260, 506, 752, 999], [5, 7, 9])
    """
    return np.unique(np.linspace(min(260, n_days // 2), n_days - 1, n_sampled).astype(int))


def measure(ground: Ground, values: np.ndarray, valid: np.ndarray) -> Iterator[Record]:
    """Records of one factor from its values and validity, [T, N] each.

    coverage: share of listed members whose value is valid. rank_ic: mean daily Spearman correlation with the next
    day's return where today's close could be bought; from 60 days on with a Newey-West 95 % interval. persistence:
    mean rank correlation with the day before. distinct: median number of different values among a day's members.
    """
    x = ground.among_members(values)
    known = ground.among_members(valid) & ground.listed
    listed = int(ground.listed.sum())
    yield {"metric": "coverage", "value": float(known.sum() / listed), "n": listed}
    yield from _information(ic(x, ground.outcome, known & ground.scored, kind="spearman", min_cells=MINIMUM_CELLS))
    yield from _persistence(ground, values, valid)
    yield from _distinct(x[ground.days], known[ground.days])


def _information(daily: np.ndarray) -> Iterator[Record]:
    series = daily[np.isfinite(daily)]
    if len(series) == 0:
        return
    mean = float(series.mean())
    if len(series) < ENOUGH_DAYS or float(np.ptp(series)) == 0.0:
        yield from records({"rank_ic": mean}, len(series))
    else:
        yield from records(normal_interval(mean, newey_west_error(series)).columns("rank_ic"), len(series))


def _persistence(ground: Ground, values: np.ndarray, valid: np.ndarray) -> Iterator[Record]:
    days, before = ground.days, ground.days - 1
    columns, listed = ground.columns[days], ground.listed[days]
    now, then = (np.take_along_axis(values[rows], columns, axis=1) for rows in (days, before))
    both = [np.take_along_axis(valid[rows], columns, axis=1) for rows in (days, before)]
    daily = ic(now, then, both[0] & both[1] & listed, kind="spearman", min_cells=MINIMUM_CELLS)
    known = daily[np.isfinite(daily)]
    if len(known):
        yield {"metric": "persistence", "value": float(known.mean()), "n": len(known)}


def _distinct(x: np.ndarray, known: np.ndarray) -> Iterator[Record]:
    counts = [distinct(row[cells]) for row, cells in zip(x, known, strict=True) if cells.sum() >= MINIMUM_CELLS]
    if counts:
        yield {"metric": "distinct", "value": float(np.median(counts)), "n": len(counts)}


def distinct(values: np.ndarray) -> int:
    """How many different values there are; a gap of 1e-6 of the largest or less is round-off.

    >>> distinct(np.array([0.2, 0.2 + 1e-9, 1.0]))
    2
    """
    ordered = np.sort(values.astype(np.float64))
    return 1 + int((np.diff(ordered) > SAME * np.abs(ordered).max(initial=0.0)).sum())
