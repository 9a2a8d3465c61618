"""Compile every kernel once, before anybody waits for it: what `make setup` and `python -m lib compile` do."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lib.factors.target import store
from lib.graph import SKIP, STRICT, Block, Primitive
from lib.kernels.compiled.build import cache_folder
from lib.masked import Cells
from lib.ops import PRIMITIVES
from lib.store.sources import FOLDER

#: an example of every numeric parameter
NUMBERS = {"d": 3, "k": 1, "alpha": 0.5, "a": 1.0}
#: the powers that have a kernel of their own, beside a series of exponents
POWERS = (2.0, 0.5, 0.3)
DAYS, STOCKS = 6, 4
#: primitives whose kernels take about half of the time: compiled beside the others by a second process
HALF = (
    "cs_rank", "ts_sum", "ts_mean", "decay_linear", "ts_argmax", "ts_argmin", "ts_max", "ts_min", "ts_rank", "ewma",
)  # fmt: skip
DTYPES = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Prepared:
    """folder: where the machine code is kept, None where nothing can be; compiled: variants made now; seconds."""

    folder: Path | None
    compiled: int
    seconds: float

    def describe(self) -> str:
        """One line."""
        if self.folder is None:
            return "kernels: no folder can be written, so every process compiles what it calls"
        if self.compiled == 0:
            return "kernels: ready, compiled for this processor before"
        return f"kernels: compiled for this processor ({self.compiled} variants, {self.seconds:.0f} s)"


def compile_kernels() -> Prepared:
    """Call every compiled primitive with every type of number it can get; what earlier sources left is removed."""
    began, folder = time.perf_counter(), cache_folder()
    before = _variants(folder)
    other = subprocess.Popen([sys.executable, "-c", SECOND], cwd=FOLDER.parent) if folder and not before else None
    for half in (False, True):  # the second finds its kernels compiled by then, or compiles them
        call_kernels(half)
        if other is not None:
            other.wait()
    _remove_older(folder)
    return Prepared(folder, _variants(folder) - before, time.perf_counter() - began)


SECOND = "from lib.factors.prepare import call_kernels; call_kernels(True)"


def call_kernels(half: bool) -> None:
    """Call the kernels of the primitives in HALF, or all others."""
    for primitive, arguments, block in _calls():
        if (primitive.name in HALF) == half:
            primitive.step(arguments, block)
    for dtype in () if half else DTYPES:
        values, valid = np.empty((DAYS, STOCKS), np.float32), np.empty((DAYS, STOCKS), np.bool_)
        store(_series(dtype, False), values, valid)


def _remove_older(folder: Path | None) -> None:
    for other in [] if folder is None else folder.parent.iterdir():
        if other.is_dir() and other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _variants(folder: Path | None) -> int:
    return 0 if folder is None else len(list(folder.rglob("*.nbc")))


def _calls() -> Iterator[tuple[Primitive, list[Any], Block]]:
    for primitive in PRIMITIVES.values():
        if primitive.compiled is None:
            continue
        for dtype in DTYPES:
            for wanted in DTYPES if dtype == torch.float64 else (dtype,):  # what was computed is never widened
                for window in (STRICT, SKIP) if primitive.windowed else (STRICT,):
                    for exact in (True, False):
                        for arguments in _arguments(primitive, dtype, exact):
                            yield primitive, arguments, Block(DAYS, window, None, {}, wanted)


def _arguments(primitive: Primitive, dtype: torch.dtype, exact: bool) -> Iterator[list[Any]]:
    """Series as the primitive takes them, some of their cells masked, and an operand that overflows."""
    numbers = [NUMBERS[name] for name in primitive.parameter_names]
    series: list[Any] = [_series(dtype, exact) for _ in range(primitive.series)]
    yield series + numbers
    if primitive.name in ("power", "signedpower"):
        yield from ([series[0], power] for power in POWERS)
    if primitive.name == "*":
        huge = torch.full((DAYS, STOCKS), torch.finfo(dtype).max, dtype=dtype)
        yield [Cells(huge, series[0].valid), Cells(huge, series[0].valid)]


def _series(dtype: torch.dtype, exact: bool) -> Cells:
    values = torch.arange(1.0, DAYS * STOCKS + 1, dtype=dtype).reshape(DAYS, STOCKS)
    valid = torch.ones(DAYS, STOCKS, dtype=torch.bool)
    valid[0, 0] = False
    return Cells(values, valid, exact)
