"""The operators of the authors' package; a masked cell is false in its mask and holds 0, as its loaders leave it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lib.studies.how_fast.bench.contender import PRIMITIVES, TWO_SERIES, Contender, further_arguments
from lib.studies.how_fast.bench.peers import load


def operators(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """All but the mean of a group; its neutralisation is a regression."""
    theirs = load("mlquantx", "features.tensor_factors")
    if theirs is None:
        return {}
    known = np.isfinite(x) & np.isfinite(y)
    mask = torch.from_numpy(known)
    a, b = (torch.from_numpy(np.where(known, values, 0).astype(values.dtype)) for values in (x, y))

    def contender(name: str) -> Contender:
        operator = getattr(theirs, name)
        series = (a, b, mask) if name in TWO_SERIES else (a, mask)
        return Contender(lambda: operator(*series, *further_arguments(name, window)), _values)

    return {name: contender(name) for name in PRIMITIVES if hasattr(theirs, name)}


def _values(pair: Any) -> np.ndarray:
    values, mask = pair
    return np.where(mask.numpy(), values.numpy(), np.nan)
