"""Samples of a measurement as the rows of a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lib.store.rows import Record, records


def times(samples: Mapping[str, Any], cells: int | None = None) -> Iterator[Record]:
    """CPU and wall seconds of each contender, nanoseconds per cell, and how many times the CPU time of ours."""
    from lib.studies.how_fast.bench.peers import OURS
    from lib.studies.how_fast.bench.timing import ratios

    for name, taken in samples.items():
        yield from of_spread(f"{name}: cpu", [item.cpu for item in taken])
        yield from of_spread(f"{name}: wall", [item.wall for item in taken])
        if cells:
            yield from of_spread(f"{name}: ns per cell", [item.cpu / cells * 1e9 for item in taken])
        if OURS in samples and name != OURS:
            yield from of_spread(f"{name}: ratio", ratios(samples[OURS], taken))


def of_spread(metric: str, values: Sequence[float]) -> Iterator[Record]:
    from lib.studies.how_fast.bench.timing import spread

    yield from records(spread(list(values)).columns(metric), len(values))
