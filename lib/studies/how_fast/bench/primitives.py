"""The operators in every library that has them, on one panel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lib.studies.how_fast.bench.adapters import bottleneck, kunquant, mlquantx, ours, pandas, polars
from lib.studies.how_fast.bench.contender import PRIMITIVES, TWO_SERIES, Contender, Operators, alpha_of
from lib.studies.how_fast.bench.peers import FLOOR, OURS

__all__ = ["LIBRARIES", "PRIMITIVES", "TWO_SERIES", "Contender", "alpha_of", "contenders", "prices"]

LIBRARIES: Mapping[str, Operators] = {
    OURS: ours.operators,
    FLOOR: ours.floor,
    "pandas": pandas.operators,
    "bottleneck": bottleneck.operators,
    "polars": polars.operators,
    "mlquantx": mlquantx.operators,
    "kunquant": kunquant.operators,
}


def prices(dates: int, stocks: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two independent price-like series [T, N]: random walks of 2 % a day around 20."""
    steps = np.random.default_rng(seed).standard_normal((2, dates, stocks))
    x, y = 20 * np.exp(0.02 * steps.cumsum(axis=1))
    return x, y


def contenders(name: str, x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """The operator `name` in ours and in every installed peer that has it, ours first."""
    found = {}
    for library, build in LIBRARIES.items():
        operators = build(x, y, window)
        if name in operators:
            found[library] = operators[name]
    return found
