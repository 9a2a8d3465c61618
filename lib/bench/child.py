"""All factors in a process of their own: time, and the peak of resident memory, which only a fresh process shows.

Times of whole factor sets are taken here too. Gigabytes come and go in them, and what one library leaves behind in a
process (its settings of the allocator, memory that is still warm) changes the time of the next by half.

    python -m lib.bench.child '{"implementation": "ours", "dates": 750, "stocks": 1000}'

prints one line of JSON; `run_child` starts it and reads the line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lib.errors import LibError
from lib.sources import FOLDER

STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class ChildRun:
    """What a child measured: seconds of the call, bytes resident at its peak and before it."""

    cpu: float
    wall: float
    peak: int
    before: int


def run_child(
    implementation: str, dates: int, stocks: int, *, seed: int = 0, to_disk: bool = False, warm: bool = False
) -> ChildRun:
    """All 213 factors of a panel of that size by one implementation, in a fresh process.

    to_disk: the result goes to a folder of memory maps, which is removed afterwards; only ours can do that.
    warm: the second call is measured, on one thread; otherwise the first, on all of them.

    Raises LibError with the last line of what the child said when it failed.
    """
    task = {"implementation": implementation, "dates": dates, "stocks": stocks, "seed": seed}
    task |= {"to_disk": to_disk, "warm": warm}
    command = [sys.executable, "-m", "lib.bench.child", json.dumps(task)]
    done = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["killed: most often memory ran out"])[-1]
        raise LibError(f"benchmark of {implementation}, {dates} x {stocks}, exit code {done.returncode}: {reason}")
    return ChildRun(**json.loads(done.stdout.splitlines()[-1]))


def measure(implementation: str, dates: int, stocks: int, seed: int, to_disk: bool, warm: bool) -> ChildRun:
    """The measurement itself; run it in a fresh process, because a peak counts from its start."""
    from lib.bench.timing import sample
    from lib.bench.workloads import bench_panel, factor_calls, one_thread, quietly, warm_up_factors

    with quietly(), one_thread() if warm else nullcontext():
        warm_up_factors(implementation)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "factors" if to_disk else None
            call = factor_calls(bench_panel(dates, stocks, seed), out, only=implementation)[implementation]
            if warm:
                call()
            _forget_peak()
            before = memory("VmRSS")
            taken = sample(call)
            return ChildRun(taken.cpu, taken.wall, memory("VmHWM"), before)


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
    print(json.dumps(asdict(measure(**json.loads(task)))))


if __name__ == "__main__":
    main(sys.argv[1])
