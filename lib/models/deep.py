"""The networks of `lib.models.architectures` as learners; torch is imported when one is fitted, not before."""

from __future__ import annotations

from typing import Any

from lib.models.dataset import Dataset
from lib.models.fits import Fit


def deep(data: Dataset, seed: int, *, network: str, **settings: Any) -> Fit:
    """`lib.models.neural.neural` with that network. One that reads time takes `lib.models.windows.windowed` samples."""
    from lib.models.neural import neural

    return neural(data, seed, network=network, **settings)
