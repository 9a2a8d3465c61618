"""`make bench`: CPU time per cell of the primitives, as ratios against pandas in one run on one machine.

Absolute times mean little on a shared machine, so every figure is a ratio to a peer measured in the same run,
alternating the two, with its spread over the repeats.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

WINDOW = 20


@dataclass(frozen=True)
class Timing:
    """CPU nanoseconds per cell of one operation, ours and the peer's, [repeats] each."""

    name: str
    ours: np.ndarray
    peer: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """Peer over ours, repeat by repeat: how many times faster ours is."""
        return self.peer / self.ours


def measure(rows: int = 750, stocks: int = 1000, repeats: int = 5, seed: int = 0) -> list[Timing]:
    """Time the primitives against pandas on a random panel without masked cells."""
    import torch

    from lib import ops
    from lib.masked import Masked

    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, rows, stocks))
    valid = torch.ones(rows, stocks, dtype=torch.bool)
    a, b = (Masked(torch.from_numpy(values), valid) for values in (x, y))
    p, q = pd.DataFrame(x), pd.DataFrame(y)
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "ts_mean": (lambda: ops.ts_mean(a, WINDOW), lambda: p.rolling(WINDOW).mean()),
        "ts_max": (lambda: ops.ts_max(a, WINDOW), lambda: p.rolling(WINDOW).max()),
        "ts_std": (lambda: ops.ts_std(a, WINDOW), lambda: p.rolling(WINDOW).std()),
        "ts_corr": (lambda: ops.ts_corr(a, b, WINDOW), lambda: p.rolling(WINDOW).corr(q)),
        "ts_rank": (lambda: ops.ts_rank(a, WINDOW), lambda: p.rolling(WINDOW).rank(method="max", pct=True)),
        "cs_rank": (lambda: ops.cs_rank(a), lambda: p.rank(axis=1, pct=True)),
        "ewma": (lambda: ops.ewma(a, 0.1), lambda: p.ewm(alpha=0.1, adjust=False).mean()),
    }
    return [_compare(name, *pair, repeats=repeats, cells=rows * stocks) for name, pair in pairs.items()]


def _compare(
    name: str, ours: Callable[[], object], peer: Callable[[], object], *, repeats: int, cells: int
) -> Timing:
    ours(), peer()  # warm up
    times = np.array([[_cpu_seconds(ours), _cpu_seconds(peer)] for _ in range(repeats)])
    nanoseconds = np.maximum(times, np.finfo(float).tiny) / cells * 1e9
    return Timing(name, nanoseconds[:, 0], nanoseconds[:, 1])


def _cpu_seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def main(repeats: int = 5) -> None:
    """Print the table of `make bench`."""
    print(f"CPU time per cell, window {WINDOW}, 750 dates x 1000 stocks, float64, {repeats} repeats")
    print(f"{'operation':10s} {'ours, ns':>9s} {'pandas, ns':>11s} {'pandas / ours':>14s}  (least .. most)")
    for timing in measure(repeats=repeats):
        low, high = timing.ratio.min(), timing.ratio.max()
        ours, peer, ratio = (float(np.median(v)) for v in (timing.ours, timing.peer, timing.ratio))
        print(f"{timing.name:10s} {ours:9.1f} {peer:11.1f} {ratio:14.2f}  ({low:.2f} .. {high:.2f})")
