"""Samples in batches: rows in any order, or whole days where the loss is a mean over days."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lib.errors import ParameterError


def row_batches(rows: int, size: int, shuffle: torch.Generator) -> list[Tensor]:
    """All rows once, shuffled, at most `size` at a time."""
    return list(torch.randperm(rows, generator=shuffle).split(size))


def day_batches(day: Tensor, size: int, shuffle: torch.Generator) -> list[Tensor]:
    """All rows once, days shuffled and never divided, at most `size` rows at a time or one day where it has more.

    day: int64 [R], sorted. Raises ParameterError when it is not.
    """
    if (day[1:] < day[:-1]).any():
        raise ParameterError("day: got rows that are not in order of their days; sort them, as a Dataset is")
    days = torch.arange(len(day)).split(torch.unique_consecutive(day, return_counts=True)[1].tolist())
    order = torch.randperm(len(days), generator=shuffle).tolist()
    return [torch.cat(group) for group in grouped([days[number] for number in order], size)]


def parts(rows: Tensor, day: Tensor | None, size: int | None) -> list[Tensor]:
    """A batch divided so that at most `size` rows meet the network at once; between days only where `day` is given.

    day: int64 [B], of each of `rows`, those of a day one after the other.
    """
    if size is None or size >= len(rows):
        return [rows]
    if day is None:
        return list(rows.split(size))
    days = rows.split(torch.unique_consecutive(day, return_counts=True)[1].tolist())
    return [torch.cat(group) for group in grouped(list(days), size)]


def grouped(items: list[Tensor], size: int) -> Iterator[list[Tensor]]:
    """Neighbours together as long as their lengths sum to at most `size`; a longer one alone.

    >>> [[len(item) for item in group] for group in grouped([torch.zeros(n) for n in (3, 2, 7, 1, 1)], 5)]
    [[3, 2], [7], [1, 1]]
    """
    group: list[Tensor] = []
    held = 0
    for item in items:
        if group and held + len(item) > size:
            yield group
            group, held = [], 0
        group.append(item)
        held += len(item)
    if group:
        yield group


def day_of(day: np.ndarray | None, rows: int) -> Tensor:
    """Days as a tensor; all the same where none are given.

    Raises ParameterError unless there is one for each row.
    """
    if day is None:
        return torch.zeros(rows, dtype=torch.int64)
    if len(day) != rows:
        raise ParameterError(f"day: got {len(day)} for {rows} samples; expected one for each")
    return torch.from_numpy(np.asarray(day, dtype=np.int64))
