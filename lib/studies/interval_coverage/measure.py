"""Do the 95 % intervals of this book cover in 95 of 100 cases? Simulated, where the truth is known.

Two kinds of intervals over days are used in the book. That of a level says where one further path of the papers' length
would land: here one of 756 days, from a history of 2,900 days that ends a year earlier. That of a mean or a difference
says how precisely it is known: its truth is a number of the process. Both are drawn with the blocks of the book and
with those of the automatic length for a mean (Politis & White), which daily returns without memory in their level make
one to three days long.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from lib.arrays import FloatArray
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats import (
    Estimate,
    annual_return,
    bootstrap_interval,
    max_drawdown,
    optimal_block,
    prediction_interval,
    sharpe,
    sharpe_difference_interval,
)
from lib.stats.keys import Key
from lib.store.rows import Record, records
from lib.studies.interval_coverage.processes import PROCESSES, books, truth

COVERED = Key("{process} {statistic} {blocks}")
#: kinds of blocks: the automatic ones for a mean, and those of the book
BLOCKS = ("automatic", "book")
PERIODS = 252
APART = 252  # days between the history and the further path, which memory does not bridge
#: level of one path -> its statistic
LEVELS: dict[str, Callable[[FloatArray], float]] = {
    "sharpe": lambda path: sharpe(path, periods=PERIODS),
    "drawdown": max_drawdown,
    "return": lambda path: annual_return(path, periods=PERIODS),
}


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        yield from ({"variant": process, "seed": seed} for process in PROCESSES)


def compute(row: Config, settings: Settings) -> RowResult:
    """Shares of intervals that cover, and their mean half-widths, over the repetitions of one process."""
    process, repetitions = row["variant"], settings["repetitions"]
    rng = np.random.default_rng([zlib.crc32(process.encode()), row["seed"]])
    days = settings["history"] + APART + settings["path"]
    a, b = books(process, days, repetitions, rng)
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for one, other in zip(a.T, b.T, strict=True):
        for blocks in BLOCKS:
            for statistic, target, interval in _intervals(process, one, other, blocks, settings, rng):
                inside = interval.low <= target <= interval.high
                found[statistic, blocks].append((float(inside), interval.half_width))
    rows: list[Record] = []
    for (statistic, blocks), numbers in found.items():
        covered, width = np.mean(numbers, axis=0)
        name = COVERED.name(process=process, statistic=statistic, blocks=blocks)
        rows += records({"covered": covered, "half_width": width}, repetitions, name)
    return RowResult(rows)


def _intervals(
    process: str, a: FloatArray, b: FloatArray, blocks: str, settings: Settings, rng: np.random.Generator
) -> Iterator[tuple[str, float, Estimate]]:
    """(statistic, what it should cover, interval) of one history [T] of the two books."""
    past, path, true = settings["history"], settings["path"], truth(process)
    n = settings["samples"]
    for name, statistic in LEVELS.items():
        size = _block(a[:past], blocks)
        found = prediction_interval(a[:past], statistic, length=path, rng=rng, n_samples=n, block=size)
        yield f"path_{name}", statistic(a[-path:]), found
    for length, days in (("short", path), ("long", past)):
        one, both = a[:days], np.column_stack([a[:days], b[:days]])
        found = bootstrap_interval(one, np.mean, rng=rng, n_samples=n, block=_block(one, blocks))
        yield f"mean_{length}", true.mean, found
        size = _block(both, blocks)
        found = sharpe_difference_interval(one, b[:days], rng=rng, n_samples=n, block=size, periods=PERIODS)
        yield f"sharpe_difference_{length}", true.sharpe_difference * PERIODS**0.5, found


def _block(x: FloatArray, blocks: str) -> float | None:
    """Days of a block for [T] or [T, 2]: the automatic ones for a mean, or None: those that the book takes."""
    return None if blocks == "book" else max(optimal_block(column) for column in x.reshape(len(x), -1).T)
