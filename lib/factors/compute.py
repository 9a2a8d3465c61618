"""Compute factors on a panel: formulas in, a [T, N, F] block of values with its own masks out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from lib.engine.stream import Consumer, Places, Stream
from lib.factors.factor_set import FactorSet
from lib.factors.leaves import Leaves
from lib.factors.request import Request
from lib.factors.target import ArrayTarget, DirectoryTarget
from lib.store.code import digest_of
from lib.store.marks import machinery

if TYPE_CHECKING:
    from lib.panel import Panel

#: cells of a block: few enough for the caches and for memory, many enough for the days before it that are read again
BLOCK_CELLS = 80 * 2**10
#: days between two checkpoints of a computation that goes to disk
CHECKPOINT_DAYS = 512


def compute_factors(
    panel: Panel,
    names: Sequence[str] | None = None,
    *,
    window: str = "strict",
    min_share: float = 0.5,
    standardise: str | None = None,
    max_gap: int = 1,
    out: str | Path | None = None,
    threads: int | None = None,
    block_days: int | None = None,
    device: torch.device | str = "cpu",
) -> FactorSet:
    """Compute factors with masks threaded through every operator.

    Parameters
    ----------
    panel: its `mask` decides which cells formulas may look at; its `universe` whom they compare.
    names: factor names; None computes every factor whose fields exist and names the skipped ones in one warning.
    window: "strict" (every cell of a window valid), "skip" (today valid and at least `min_share` of the window),
        or "raw": strict on every listed cell with a price, limit closes and halts included - the counter-example.
    standardise: None, "zscore" (per date over the universe) or "rank" (percentile rank minus 1/2, in (-1/2, 1/2]).
    max_gap: days that one-day changes of the close may bridge over masked cells; 1 bridges none.
    out: directory for results that need not fit in memory, which must not exist; meta.json is written last. The
        same call after a kill goes on at the last checkpoint.
    threads: blocks of days in work at the same time (default: torch's number of threads).
    block_days: days of a block (default: so that a block stays in the cache). No bit depends on it or on threads.
    device: where to compute.

    Numbers read from the panel are compared in all their bits. Computed ones, which adjusted prices of a panel with
    `pre_close` are too, are compared by ranks, extremes and <, <=, >, >=, equal after rounding to 30 binary digits (20
    where float32 is enough), and a sum or difference below that share of what cancelled in it is 0: round-off decides
    no tie and no sign (`lib.kernels.precision`). On a CPU the formulas run compiled loops, with the same bits on any
    processor and any number of threads.

    A result in memory that is dropped leaves its memory to the next one of its size, within the bounds of
    `lib.kernels.memory`.

    Raises UnknownNameError for a factor that does not exist or, when asked for by name, whose field is missing.
    Warns once of factors whose window is longer than the panel.
    """
    request = Request.of(
        panel, names, window=window, min_share=min_share, standardise=standardise, max_gap=max_gap
    )
    request.warn_if_too_short(len(panel.dates))
    days, stocks = panel.shape
    run = _Run(
        request, request.view(panel), threads or torch.get_num_threads(), block_days or days_per_block(stocks), device
    )
    shape = (len(request.nodes), days, stocks)
    return run.in_memory(shape) if out is None else run.on_disk(Path(out), shape)


@machinery
def _code() -> str:
    """Digest of the code that a result on disk depends on: a killed run is taken up by the same code."""
    return digest_of(compute_factors)


def days_per_block(stocks: int) -> int:
    """Days of a block of so many stocks that stays in the cache."""
    return int(np.clip(BLOCK_CELLS // stocks, 64, 256))


class _Run:
    """One computation over a whole panel."""

    def __init__(
        self, request: Request, panel: Panel, threads: int, block_days: int, device: torch.device | str
    ) -> None:
        self.request, self.panel, self.threads, self.block_days = request, panel, threads, block_days
        self.leaves = Leaves(panel, request.fields, device)
        self.stream = Stream(request.nodes, window=request.window)

    def in_memory(self, shape: tuple[int, int, int]) -> FactorSet:
        target = ArrayTarget(shape)
        with self._progress() as bar:
            self._until(shape[1], target.put, bar.update, target.place if self.leaves.on_cpu else None)
        values, valid = np.moveaxis(target.values, 0, -1), np.moveaxis(target.valid, 0, -1)
        return FactorSet(values, valid, self.request.names, self.request.skipped)

    def on_disk(self, out: Path, shape: tuple[int, int, int]) -> FactorSet:
        target = DirectoryTarget(out, self._key(), shape)
        if target.state is not None:
            self.stream.restore(target.state)
        try:
            with self._progress() as bar:
                for stop in range(self.stream.day + CHECKPOINT_DAYS, shape[1], CHECKPOINT_DAYS):
                    self._until(stop, target.put, bar.update)
                    target.checkpoint(self.stream.state())
                self._until(shape[1], target.put, bar.update)
            target.finish(self._meta(shape))
        finally:
            target.close()
        return FactorSet.load(out)

    def _until(
        self, stop: int, put: Consumer, advanced: Callable[[int], object], places: Places | None = None
    ) -> None:
        self.stream.run(
            self.leaves.rows,
            stop,
            put,
            rows=self.block_days,
            threads=self.threads,
            advanced=advanced,
            places=places,
        )

    def _progress(self) -> tqdm[Any]:
        return tqdm(total=len(self.panel.dates), initial=self.stream.day, unit="day", desc="factors", disable=None)

    def _key(self) -> str:
        """Says which computation this is: request, data and code."""
        code = _code()
        return hashlib.sha256(f"{self.request.describe()} {self.panel.fingerprint()} {code}".encode()).hexdigest()

    def _meta(self, shape: tuple[int, int, int]) -> dict[str, object]:
        formulas = [factor.formula for factor in self.request.factors]
        return {"names": self.request.names, "formulas": formulas, "skipped": self.request.skipped, "shape": shape}
