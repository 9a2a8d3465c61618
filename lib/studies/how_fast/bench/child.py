"""All factors in a process of their own: time, and the peak of resident memory, which only a fresh process shows.

Times of whole factor sets are taken here too. Gigabytes come and go in them, and what one library leaves behind in a
process (its settings of the allocator, memory that is still warm) changes the time of the next by half.

    python -m lib.studies.how_fast.bench.child '{"implementation": "ours", "dates": 750, "stocks": 1000}'

prints one line of JSON; `run_child` starts it and reads the line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lib.errors import LibError
from lib.store.sources import FOLDER
from lib.studies.how_fast.bench.timing import Call, Sample, sample

STATUS = Path("/proc/self/status")
#: where libraries look up how many threads they may use
THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class ChildRun:
    """What a child measured: seconds of the first call, bytes resident at its peak and before; and of later calls."""

    cpu: float
    wall: float
    peak: int
    before: int
    again: tuple[Sample, ...] = ()
    peak_again: int = 0


@dataclass(frozen=True)
class Task:
    """One implementation on one panel of random walks.

    to_disk: the result of the first call goes to a folder of memory maps, which is removed afterwards; only ours can
    do that. single: on one thread, and the first call is the first that the library makes; otherwise on all threads
    after a warm-up on a small panel. again: so many more calls in memory are measured, each after another of its kind.
    alphas: these formulas on a panel without a masked cell, `library` being KunQuant's file; else the 213.
    """

    implementation: str
    dates: int
    stocks: int
    seed: int = 0
    to_disk: bool = False
    single: bool = False
    again: int = 0
    alphas: tuple[str, ...] = ()
    library: str = ""


def run_child(task: Task) -> ChildRun:
    """The task in a fresh process. Raises LibError with the last line of what the child said when it failed."""
    command = [sys.executable, "-m", "lib.studies.how_fast.bench.child", json.dumps(asdict(task))]
    environment = os.environ | (dict.fromkeys(THREADS, "1") if task.single else {})
    done = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, env=environment)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["killed: most often memory ran out"])[-1]
        what = f"benchmark of {task.implementation}, {task.dates} x {task.stocks}"
        raise LibError(f"{what}, exit code {done.returncode}: {reason}")
    found = json.loads(done.stdout.splitlines()[-1])
    return ChildRun(**found | {"again": tuple(Sample(*item) for item in found["again"])})


def measure(task: Task) -> ChildRun:
    """The measurement itself; run it in a fresh process, because a peak counts from its start."""
    from lib.studies.how_fast.bench.workloads import one_thread, quietly, warm_up_factors

    with quietly(), one_thread() if task.single else nullcontext(), tempfile.TemporaryDirectory() as folder:
        if not task.single:
            warm_up_factors(task.implementation)
        first, later = _calls(task, Path(folder) / "factors" if task.to_disk else None)
        _forget_peak()
        before = memory("VmRSS")
        taken = sample(first)
        peak = memory("VmHWM")
        if task.again and task.to_disk:
            later()  # the first call of its kind
        _forget_peak()
        again = tuple(sample(later) for _ in range(task.again))
        return ChildRun(taken.cpu, taken.wall, peak, before, again, memory("VmHWM") if again else 0)


def _calls(task: Task, out: Path | None) -> tuple[Call, Call]:
    """The first call, and what the others are."""
    from lib.studies.how_fast.bench.alphas import Alphas, alpha_call
    from lib.studies.how_fast.bench.workloads import bench_panel, factor_calls

    panel = bench_panel(task.dates, task.stocks, task.seed, masked=not task.alphas)
    if task.alphas:
        call = alpha_call(task.implementation, panel, Alphas(list(task.alphas), Path(task.library)))
        return call, call
    first, later = (factor_calls(panel, where, only=task.implementation)[task.implementation] for where in (out, None))
    return first, later


def memory(what: str) -> int:
    """Bytes of this process: VmRSS resident now, VmHWM the most so far.

    Not getrusage: its maximum is inherited from the process that started this one.
    """
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return _elsewhere()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(f"{what}:"))
    return int(kilobytes) * 1024


def _forget_peak() -> None:
    """Let the peak count from here: making the panel is no part of the work. Not every system allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _elsewhere() -> int:
    """Where there is no /proc."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(task: str) -> None:
    """Measure the task, given as JSON, and print the result as one line of JSON."""
    print(json.dumps(asdict(measure(Task(**json.loads(task))))))


if __name__ == "__main__":
    main(sys.argv[1])
