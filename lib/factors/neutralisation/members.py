"""What every block of factors reads of the exposures, prepared once and kept with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib.factors.neutralisation.exposures import Exposures


@dataclass(frozen=True)
class Members:
    """The stocks that can take part, with their industry and size, on one device.

    T dates, N stocks. codes: int64 [T,N], the industry, 0 where there is none. size: float64 [T,N], log market value
    less the mean of the day's members, 0 where there is no member. part: bool [T,N], the members. n_groups: industries.
    """

    codes: Tensor
    size: Tensor
    part: Tensor
    n_groups: int

    def rows(self, start: int, stop: int) -> Members:
        """Dates start..stop-1, as views."""
        return Members(self.codes[start:stop], self.size[start:stop], self.part[start:stop], self.n_groups)

    def powers(self, k: int) -> tuple[Tensor, ...]:
        """z, z^2, .. up to the k-th power, [T,1,N] each, of the size z; their span with the dummies is log size's."""
        powers = [self.size[:, None]]
        while len(powers) < k:
            powers.append(powers[-1] * powers[0])
        return tuple(powers[:k])


def members_of(exposures: Exposures, *, sized: bool, device: torch.device) -> Members:
    """The members of `exposures`, which need a market value if `sized`; made at the first call, kept for the next.

    An Exposures cannot change, so what is kept cannot grow stale. It takes 17 bytes a date and stock, for each
    device and each answer to `sized` that was asked for, and goes when the exposures go.
    """
    key = (str(device), sized)
    if key not in exposures.prepared:
        exposures.prepared[key] = _prepared(exposures, sized, device)
    found: Members = exposures.prepared[key]
    return found


def _prepared(exposures: Exposures, sized: bool, device: torch.device) -> Members:
    part = exposures.codes >= 0
    size = np.zeros(exposures.shape)
    if sized and exposures.log_cap is not None:
        part &= np.isfinite(exposures.log_cap)
        np.copyto(size, exposures.log_cap, where=part)
        size -= size.sum(axis=1, keepdims=True) / np.maximum(part.sum(axis=1, keepdims=True), 1)
        size *= part
    codes = np.maximum(exposures.codes, 0).astype(np.int64)
    there = [torch.from_numpy(array).to(device) for array in (codes, size, part)]
    return Members(there[0], there[1], there[2], n_groups=int(codes.max(initial=0)) + 1)
