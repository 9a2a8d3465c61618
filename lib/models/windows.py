"""The last sessions of each sample, for networks that read time: gathered batch by batch, never stored.

A window ends with the sample's own day and reads earlier samples of the same stock. A session of which the dataset has
no sample, because it was masked, is absent: its factors are 0 and `valid` says so. Nothing later than the sample's day
is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from lib.errors import ParameterError
from lib.models.dataset import Dataset

#: of a window: calendar days before the sample's day, calendar days since the session before, weekday (Monday is 0)
CALENDAR = ("age", "gap", "weekday")


@dataclass(frozen=True)
class Windows:
    """Windows of R samples, indexable like an array [R, L, F].

    features: float32 [S, F] of all samples of the dataset. position: int32 [T, N], where in `features` a cell stands,
    -1 where it has no sample. ordinal: int64 [T], the calendar day of each session. day, stock: int [R].
    """

    features: np.ndarray
    position: np.ndarray
    ordinal: np.ndarray
    length: int
    day: np.ndarray
    stock: np.ndarray

    def __len__(self) -> int:
        return len(self.day)

    def __getitem__(self, rows: Any) -> Windows:
        return replace(self, day=self.day[rows], stock=self.stock[rows])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(R, L, F)."""
        return len(self.day), self.length, self.features.shape[1]

    def batch(self, rows: Tensor, device: str) -> tuple[Tensor, ...]:
        """Factors float32 [B, L, F], valid bool [B, L], and the calendar float32 [B, L, 3], columns `CALENDAR`."""
        at = rows.cpu().numpy()
        day = self.day[at, None] + np.arange(1 - self.length, 1)  # B L
        known = np.maximum(day, 0)  # B L
        position = np.where(day >= 0, self.position[known, self.stock[at, None]], -1)  # B L
        valid = position >= 0  # B L
        factors = np.where(valid[..., None], self.features[np.maximum(position, 0)], np.float32(0))  # B L F
        parts = factors, valid, self._calendar(known)
        return tuple(torch.from_numpy(part).to(device) for part in parts)

    def to(self, device: str) -> Windows:
        """Itself: windows are gathered where the samples are, and only a batch goes to the device."""
        return self

    def _calendar(self, day: np.ndarray) -> np.ndarray:  # B L -> B L 3
        ordinal = self.ordinal[day]
        gap = ordinal - self.ordinal[np.maximum(day - 1, 0)]
        weekday = (ordinal + 3) % 7  # day 0, 1970-01-01, was a Thursday; Monday is 0
        return np.stack([ordinal[:, -1:] - ordinal, gap, weekday], axis=-1).astype(np.float32)


def windowed(data: Dataset, length: int, dates: np.ndarray | None = None) -> Dataset:
    """The same samples with windows of `length` sessions as their features.

    dates: datetime64[D] [T], of the sessions; without them a session is a calendar day, from a Monday on.
    Raises ParameterError for a length below 1 and for dates of another panel.
    """
    if length < 1:
        raise ParameterError(f"length: got {length}; expected at least 1 session (A s4.C tries 10 to 60)")
    days = data.shape[0]
    if dates is not None and len(dates) != days:
        raise ParameterError(f"dates: got {len(dates)} for {days} sessions; expected one for each")
    ordinal = np.arange(days) + 4 if dates is None else dates.astype("datetime64[D]").astype(np.int64)
    position = np.full(data.shape, -1, dtype=np.int32)
    position[data.day, data.stock] = np.arange(len(data.day))
    windows = Windows(data.features, position, ordinal, length, data.day, data.stock)
    # it is indexed as an array is, and nothing else is done with the features of a dataset
    return replace(data, features=cast(np.ndarray, windows))
