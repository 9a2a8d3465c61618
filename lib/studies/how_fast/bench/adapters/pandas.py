"""The operators in pandas; a masked cell is NaN."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.studies.how_fast.bench.contender import Contender, alpha_of, groups
from lib.studies.how_fast.bench.timing import Call


def operators(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """Rolling windows down the columns, ranks and groups along the rows; there is no rolling position."""
    p, q, labels = pd.DataFrame(x), pd.DataFrame(y), groups(x.shape[1])
    calls: dict[str, Call] = {
        "ts_mean": lambda: p.rolling(window).mean(),
        "ts_sum": lambda: p.rolling(window).sum(),
        "ts_max": lambda: p.rolling(window).max(),
        "ts_min": lambda: p.rolling(window).min(),
        "ts_std": lambda: p.rolling(window).std(),
        "ts_corr": lambda: p.rolling(window).corr(q),
        "ts_rank": lambda: p.rolling(window).rank(method="max", pct=True),
        # rolling.apply with a dot product takes many times as long
        "decay_linear": lambda: _weighted(p, window),
        "ewma": lambda: p.ewm(alpha=alpha_of(window), adjust=False).mean(),
        "cs_rank": lambda: p.rank(axis=1, pct=True),
        "cs_zscore": lambda: p.sub(p.mean(axis=1), axis=0).div(p.std(axis=1, ddof=0), axis=0),
        "group_neutralize": lambda: p - p.T.groupby(labels).transform("mean").T,
    }
    return {name: Contender(call, lambda frame: frame.to_numpy()) for name, call in calls.items()}


def _weighted(p: pd.DataFrame, window: int) -> pd.DataFrame:
    """Mean with weights w, .., 1 from today backwards, as a sum of shifted frames."""
    total = p * window
    for age in range(1, window):
        total = total + p.shift(age) * (window - age)
    return total / (window * (window + 1) / 2)
