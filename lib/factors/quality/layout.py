"""The day's scored stocks side by side: [T, N] with holes becomes [T, M], M the largest number scored on one day.

In an index of 300 whose members were once 750, most cells of a row never count; sorting them costs the most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Where the scored cells of each day are.

    index: int [T, M], columns of the panel. used: bool [T, M]; the rest of a short row is filling.
    previous: int [T, M], the place of the same stock in the row before. carried: bool [T, M], it was scored there too.
    """

    index: np.ndarray
    used: np.ndarray
    previous: np.ndarray
    carried: np.ndarray

    @classmethod
    def of(cls, cells: np.ndarray) -> Layout:
        """From bool [T, N], the cells that are scored."""
        count = cells.sum(axis=1)
        width = int(count.max(initial=0))
        index = np.argsort(~cells, axis=1, kind="stable")[:, :width]
        used = np.arange(width) < count[:, None]
        place = np.cumsum(cells, axis=1) - 1  # T N, in the row of the day
        before, was = np.roll(place, 1, axis=0), np.roll(cells, 1, axis=0)
        was[:1] = False
        carried = used & np.take_along_axis(was, index, axis=1)
        previous = np.where(carried, np.take_along_axis(before, index, axis=1), 0)
        return cls(index, used, previous, carried)

    def gather(self, values: np.ndarray) -> np.ndarray:
        """The cells of [T, N] in this layout, [T, M]."""
        return np.take_along_axis(values, self.index, axis=1)

    def yesterday(self, rows: np.ndarray) -> np.ndarray:
        """For each cell, what [T, M] holds for the same stock the day before; meaningless where not `carried`."""
        return np.take_along_axis(np.roll(rows, 1, axis=0), self.previous, axis=1)
