"""The sums behind least squares on the labelled samples of a span of days, added up as a walk goes on."""

from __future__ import annotations

import numpy as np

from lib.models.dataset import Dataset

#: days added at once: their features in double precision should stay in the cache
BLOCK_DAYS = 8


class NormalEquations:
    """X'X [F, F], X'y [F] and the number of labelled samples, in double precision."""

    def __init__(self, data: Dataset) -> None:
        self._data = data
        self._begin(0)

    def _begin(self, start: int) -> None:
        width = self._data.features.shape[1]
        self._start = self._stop = start
        self._gram, self._moment, self._count = np.zeros((width, width)), np.zeros(width), 0

    def between(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, int]:
        """The sums over the days [start, stop); days that an earlier call with the same start has read stay read."""
        if start != self._start or stop < self._stop:
            self._begin(start)
        for first in range(self._stop, stop, BLOCK_DAYS):
            features, label = self._data.training(first, min(first + BLOCK_DAYS, stop))
            wide = features.astype(np.float64)
            self._gram += wide.T @ wide
            self._moment += label @ wide
            self._count += len(label)
        self._stop = max(start, stop)
        return self._gram.copy(), self._moment.copy(), self._count
