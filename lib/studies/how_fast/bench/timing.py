"""CPU time of competing calls, in alternating repeats; ratios with their spread; the machine they ran on.

CPU time is user plus system time over all threads of the process, so that waiting for a core that somebody else
has does not count, and neither does an advantage in the number of threads.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from lib.stats.estimates import Estimate

Call = Callable[[], object]
Taken = TypeVar("Taken")

#: a sample lasts at least this long, in CPU seconds, so that the clock's grain and a stray interrupt do not matter
LEAST = 0.02
MOST_CALLS = 50
#: unmeasured samples of a short call, and how many samples' length is not short
WARM, SHORT = 8, 5


class Sample(NamedTuple):
    """One measurement, in seconds per call."""

    cpu: float
    wall: float


def sample(call: Call, calls: int = 1) -> Sample:
    """Seconds per call over `calls` calls in a row, garbage collection held back meanwhile."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            call()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        if collecting:
            gc.enable()
    # a clock that did not move: the smallest number keeps ratios finite
    return Sample(max(cpu / calls, 1e-12), max(wall / calls, 1e-12))


def sample_whole(call: Call) -> Sample:
    """Seconds of one call with all processes that it starts and waits for."""
    import resource

    def cpu() -> float:
        used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(item.ru_utime + item.ru_stime for item in used)

    before, start = cpu(), time.perf_counter()
    call()
    return Sample(cpu() - before, time.perf_counter() - start)


def alternate(
    calls: Mapping[str, Call], repeats: int, *, least: float = LEAST, warm: bool = False
) -> dict[str, list[Sample]]:
    """`repeats` samples of each call, taken in turn: a slow spell of the machine meets all of them alike.

    Every second round runs in reverse order, so that none always follows the same neighbour. Each call runs once
    before anything is measured: that warms it up and says how many calls make a sample of `least` CPU seconds.
    `least` = 0: nothing runs beforehand and a sample is one call, for what takes long.
    warm: each sample comes right after an unmeasured call of the same. Between two turns of a large piece of work the
    others run for minutes and the machine takes its memory back, which then costs more than the work.
    """
    counts = {name: _calls_per_sample(call, least) if least else 1 for name, call in calls.items()}

    def take(name: str) -> Sample:
        if warm:
            calls[name]()
        return sample(calls[name], counts[name])

    return in_turn({name: partial(take, name) for name in calls}, repeats)


def in_turn(
    takes: Mapping[str, Callable[[], Taken]], repeats: int, fewer: Mapping[str, int] | None = None, desc: str = ""
) -> dict[str, list[Taken]]:
    """`repeats` samples of each, in turn, every second round in reverse order.

    fewer: name -> rounds that it takes part in, the first ones. desc: with it a progress bar is shown.
    """
    from tqdm import tqdm

    rounds = dict.fromkeys(takes, repeats) | dict(fewer or {})
    samples: dict[str, list[Taken]] = {name: [] for name in takes}
    with tqdm(total=sum(rounds.values()), desc=desc, leave=False, disable=None if desc else True) as bar:
        for round_ in range(repeats):
            for name in list(takes)[:: 1 if round_ % 2 == 0 else -1]:
                if round_ < rounds[name]:
                    bar.set_postfix_str(name)
                    samples[name].append(takes[name]())
                    bar.update()
    return samples


def _calls_per_sample(call: Call, least: float) -> int:
    """Enough calls for a sample of `least` seconds. A short call runs for WARM such samples before it is counted: the
    first ones pay, up to several times their own time, for memory that the process has never held."""
    taken = sample(call).cpu
    for _ in range(WARM if taken < SHORT * least else 0):
        taken = sample(call, min(MOST_CALLS, max(1, math.ceil(least / taken)))).cpu
    return min(MOST_CALLS, max(1, math.ceil(least / taken)))


def spread(values: list[float]) -> Estimate:
    """Median, and where 95 % of further repeats would lie (Student's t on the logarithms); NaN where one cannot say.

    >>> spread([2.0, 2.0, 2.0])
    Estimate(value=2.0, low=2.0, high=2.0)
    """
    median = float(np.median(values))
    if len(values) < 2:
        return Estimate(median)
    from lib.stats.inference import path_interval
    from lib.stats.over_seeds import interval

    found = interval(np.log(np.asarray(values) / median), path_interval)  # equal values give exactly 0, hence a point
    return Estimate(median, median * math.exp(found.low), median * math.exp(found.high))


def ratios(ours: list[Sample], theirs: list[Sample]) -> list[float]:
    """Their CPU time over ours, repeat by repeat: how many times faster ours is. Who took part less has fewer."""
    return [b.cpu / a.cpu for a, b in zip(ours, theirs, strict=False)]


# ----------------------------------------------------------------------------------------- the machine

CALIBRATION_CELLS = 1 << 20
#: larger than the caches of any one core
BANDWIDTH_CELLS = 1 << 25


def calibration(repeats: int = 5) -> list[Sample]:
    """A fixed piece of work, so that absolute times of two machines can be compared: a sort and a logarithm."""
    values = np.random.default_rng(0).random(CALIBRATION_CELLS)
    return alternate({"calibration": lambda: np.log(np.sort(values)).sum()}, repeats)["calibration"]


def bandwidth(repeats: int = 5) -> float:
    """Bytes per CPU second that a copy reads and writes, for arrays beyond the caches; the median of repeats."""
    source = np.ones(BANDWIDTH_CELLS, dtype=np.float32)
    target = np.empty_like(source)
    samples = alternate({"copy": lambda: np.copyto(target, source)}, repeats)["copy"]
    return 2 * source.nbytes / float(np.median([item.cpu for item in samples]))
