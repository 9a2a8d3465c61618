"""The sums behind least squares on the labelled samples of all days so far, added up as a walk goes on."""

from __future__ import annotations

import numpy as np

from lib.models.dataset import Dataset

#: days added at once: their features in double precision should stay in the cache
BLOCK_DAYS = 8


class NormalEquations:
    """X'X [F, F], X'y [F] and the number of labelled samples, in double precision."""

    def __init__(self, data: Dataset) -> None:
        self._data = data
        self._clear()

    def _clear(self) -> None:
        width = self._data.features.shape[1]
        self._stop, self._gram, self._moment, self._count = 0, np.zeros((width, width)), np.zeros(width), 0

    def until(self, stop: int) -> tuple[np.ndarray, np.ndarray, int]:
        """The sums over the days [0, stop); days that an earlier call has read are not read again."""
        if stop < self._stop:
            self._clear()
        for first in range(self._stop, stop, BLOCK_DAYS):
            features, label = self._data.training(first, min(first + BLOCK_DAYS, stop))
            wide = features.astype(np.float64)
            self._gram += wide.T @ wide
            self._moment += label @ wide
            self._count += len(label)
        self._stop = stop
        return self._gram.copy(), self._moment.copy(), self._count
