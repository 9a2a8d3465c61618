"""What the first call in a fresh process costs: what is imported, compiled or fetched from a cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lib.bench.timing import Sample, sample_whole
from lib.sources import FOLDER

#: where numba keeps what it compiled
CACHE = "NUMBA_CACHE_DIR"
DAYS, STOCKS = 30, 20
PROGRAM = """
from lib.bench.workloads import bench_panel
from lib import compute_factors, factor_names
compute_factors(bench_panel({days}, {stocks}), factor_names()[-1:])
"""


def start_ups(repeats: int) -> dict[str, list[Sample]]:
    """Seconds of whole processes: those whose cache is empty, those that find it filled, and those that only import.

    The first two compute one factor of a panel of DAYS x STOCKS.
    """
    program = PROGRAM.format(days=DAYS, stocks=STOCKS)
    with tempfile.TemporaryDirectory() as folder:
        empty = [process(program, Path(folder) / f"cache{i}") for i in range(min(repeats, 2))]
        filled = [process(program, Path(folder) / "cache0") for _ in range(repeats)]
        imports = [process("import lib.factors", Path(folder) / "cache0") for _ in range(repeats)]
    return {"compile": empty, "cached": filled, "import": imports}


def process(program: str, cache: Path) -> Sample:
    """CPU and wall seconds of a Python process."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    options = {"cwd": FOLDER.parent, "env": os.environ | {CACHE: str(cache)}}
    return sample_whole(lambda: subprocess.run(command, check=True, capture_output=True, **options))  # type: ignore[call-overload]
