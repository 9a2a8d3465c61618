"""What a network is given of some samples: rows of factors, or whatever else can say what a batch of rows is."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor


class Inputs(Protocol):
    """Samples in order; `batch` gives the arguments of the network for some of them."""

    def __len__(self) -> int: ...

    def batch(self, rows: Tensor, device: str) -> tuple[Tensor, ...]:
        """The arguments for the samples at these positions, int64 [B], on a device."""
        ...

    def to(self, device: str) -> Self:
        """Held on a device, where that is possible."""
        ...


class Rows:
    """Factors of each sample, float32 [R, F]; a network is given [B, F]."""

    def __init__(self, features: Tensor) -> None:
        self.features = features

    def __len__(self) -> int:
        return len(self.features)

    def batch(self, rows: Tensor, device: str) -> tuple[Tensor, ...]:
        return (self.features[rows.to(self.features.device)].to(device),)

    def to(self, device: str) -> Rows:
        return Rows(self.features.to(device))


def as_inputs(features: np.ndarray | Inputs) -> Inputs:
    """An array [R, F] as rows; what knows its batches stays as it is."""
    return Rows(torch.from_numpy(features)) if isinstance(features, np.ndarray) else features
