"""The robust option: Huber's M-estimate by iteratively reweighted least squares (paper A, eq. 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from lib.errors import ParameterError
from lib.factors.neutralisation.regression import Design, design

#: median |e| of a normal distribution, in standard deviations
NORMAL_MEDIAN: Final = 0.6744897501960817


@dataclass(frozen=True)
class Huber:
    """Huber's weights, w = min(1, tuning * s / |e|) with s = median |e| / 0.6745, refitted `iterations` times.

    tuning: 1.345 keeps 95 % of the efficiency of least squares under normal errors. iterations: a fixed number, so
    that no row's result depends on how fast another converges; the paper names neither.
    """

    tuning: float = 1.345
    iterations: int = 20

    def __post_init__(self) -> None:
        if not self.tuning > 0 or self.iterations < 1:
            raise ParameterError(f"Huber: got {self}; expected tuning > 0 and at least one iteration")

    def residual(self, y: Tensor, rest: Tensor, plain: Design) -> Tensor:
        """Residual [B,F,N] of the robust fit of y, starting from the residual `rest` of least squares."""
        ones = plain.ones.expand_as(y)
        for _ in range(self.iterations):
            weight = self.weights(rest, ones)
            rest = design(plain.codes, plain.mass.shape[2], plain.sizes, ones, weight).residual(y)
        return rest

    def weights(self, rest: Tensor, ones: Tensor) -> Tensor:
        """Weight of every cell, 0 outside; all 1 where half of the residuals are 0, which leaves no scale."""
        size = rest.abs()
        bound = self.tuning / NORMAL_MEDIAN * _median(size, ones > 0)  # B F 1
        large = (size > bound) & (bound > 0)
        return torch.where(large, bound / size, 1.0) * ones


def _median(x: Tensor, inside: Tensor) -> Tensor:
    """Median of the inside cells of each row, [B,F,1]; 0 in a row without any."""
    n = inside.sum(dim=-1, keepdim=True)
    ordered = _sorted(torch.where(inside, x, torch.inf))  # the others come last
    low = ordered.gather(-1, ((n - 1) // 2).clamp(min=0))
    high = ordered.gather(-1, (n // 2).clamp(max=x.shape[-1] - 1))
    return torch.where(n > 0, (low + high) / 2, 0.0)


def _sorted(x: Tensor) -> Tensor:
    """Rows in ascending order; numpy's sort is several times faster than torch's on a CPU."""
    if x.device.type == "cpu":
        return torch.from_numpy(np.sort(x.numpy(), axis=-1))
    return torch.sort(x, dim=-1).values
