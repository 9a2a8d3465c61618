"""The moving windows of bottleneck; a masked cell is NaN."""

from __future__ import annotations

from functools import partial

import numpy as np

from lib.studies.how_fast.bench.contender import Contender
from lib.studies.how_fast.bench.peers import load
from lib.studies.how_fast.bench.timing import Call


def operators(x: np.ndarray, y: np.ndarray, window: int) -> dict[str, Contender]:
    """Windows of one series, and the rank of a row."""
    bn = load("bottleneck")
    if bn is None:
        return {}
    by_stock = np.ascontiguousarray(x.T)  # time is contiguous: its moving windows like that best
    calls: dict[str, Call] = {
        "ts_mean": lambda: bn.move_mean(by_stock, window, axis=1),
        "ts_sum": lambda: bn.move_sum(by_stock, window, axis=1),
        "ts_max": lambda: bn.move_max(by_stock, window, axis=1),
        "ts_min": lambda: bn.move_min(by_stock, window, axis=1),
        "ts_std": lambda: bn.move_std(by_stock, window, axis=1, ddof=1),
    }
    found = {name: Contender(call, lambda values: values.T) for name, call in calls.items()}
    # its positions count backwards from today, its rank of today runs from -1 to 1
    for name, move in {"ts_argmax": bn.move_argmax, "ts_argmin": bn.move_argmin}.items():
        found[name] = Contender(partial(move, by_stock, window, axis=1), lambda values: window - values.T)
    found["ts_rank"] = Contender(
        lambda: bn.move_rank(by_stock, window, axis=1), lambda r: ((r.T + 1) / 2 * (window - 1) + 1) / window
    )
    known = np.isfinite(x).sum(axis=1, keepdims=True)
    ranked = bn.nanrankdata if np.isnan(x).any() else bn.rankdata
    found["cs_rank"] = Contender(lambda: ranked(x, axis=1), lambda ranks: ranks / known)
    return found
