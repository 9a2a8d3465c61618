"""What the first call in a fresh process costs: what is imported, compiled or fetched from a cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lib.store.sources import FOLDER
from lib.studies.how_fast.bench.timing import Sample, sample_whole

#: environment variable: where compiled kernels are kept
CACHE = "LIB_KERNEL_CACHE"
DAYS, STOCKS = 30, 20
PROGRAM = """
from lib.studies.how_fast.bench.workloads import bench_panel
from lib import compute_factors, factor_names
compute_factors(bench_panel({days}, {stocks}), factor_names(){which})
"""
EVERY_KERNEL = "from lib.factors.prepare import compile_kernels; compile_kernels()"


def start_ups(repeats: int) -> dict[str, list[Sample]]:
    """Seconds of whole processes: those whose cache is empty, those that find it filled, and those that only import.

    The first two compute one factor of a panel of DAYS x STOCKS. With three repeats or more also every kernel compiled
    once, and all factors of that panel afterwards.
    """
    one, every = (PROGRAM.format(days=DAYS, stocks=STOCKS, which=which) for which in ("[-1:]", ""))
    with tempfile.TemporaryDirectory() as folder:
        caches = [Path(folder) / name for name in ("a", "b", "all")]
        found = {"compile": [process(one, cache) for cache in caches[: min(repeats, 2)]]}
        found["cached"] = [process(one, caches[0]) for _ in range(repeats)]
        found["import"] = [process("import lib.factors", caches[0]) for _ in range(repeats)]
        if repeats >= 3:
            found["compile all"] = [process(EVERY_KERNEL, caches[2])]
            found["cached all"] = [process(every, caches[2]) for _ in range(repeats)]
    return found


def process(program: str, cache: Path) -> Sample:
    """CPU and wall seconds of a Python process."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    options = {"cwd": FOLDER.parent, "env": os.environ | {CACHE: str(cache)}}
    return sample_whole(lambda: subprocess.run(command, check=True, capture_output=True, **options))  # type: ignore[call-overload]
