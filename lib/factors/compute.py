"""Compute factors on a panel: formulas in, a [T, N, F] block of values with its own masks out."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lib.errors import LibError, ParameterError, UnknownNameError
from lib.factors.leaves import available_fields, bridge_gaps, panel_leaves
from lib.factors.registry import Factor, factor_names, find_factors
from lib.graph import Node, Window, evaluate
from lib.masked import Masked
from lib.ops import cs_rank, cs_zscore

if TYPE_CHECKING:
    from lib.panel import Panel

STANDARDISATIONS = (None, "zscore", "rank")


@dataclass(frozen=True)
class FactorSet:
    """Factors of a panel.

    values: float32 [T, N, F], 0 in invalid cells. valid: bool [T, N, F], each factor its own mask.
    names: the F factors, in order. skipped: factor name -> the fields it would have needed.
    """

    values: np.ndarray
    valid: np.ndarray
    names: tuple[str, ...]
    skipped: dict[str, tuple[str, ...]]

    @property
    def coverage(self) -> np.ndarray:
        """Share of valid cells of each factor, [F]."""
        return self.valid.mean(axis=(0, 1))

    @classmethod
    def load(cls, directory: str | Path) -> FactorSet:
        """Open a finished result of `compute_factors(..., out=directory)` as memory maps."""
        folder = Path(directory)
        meta_file = folder / "meta.json"
        if not meta_file.exists():
            raise LibError(f"{folder}: no meta.json, so the factors there are unfinished; compute them again")
        meta = json.loads(meta_file.read_text())
        values = np.load(folder / "values.npy", mmap_mode="r", allow_pickle=False)
        valid = np.load(folder / "valid.npy", mmap_mode="r", allow_pickle=False)
        skipped = {name: tuple(fields) for name, fields in meta["skipped"].items()}
        return cls(np.moveaxis(values, 0, -1), np.moveaxis(valid, 0, -1), tuple(meta["names"]), skipped)


def compute_factors(
    panel: Panel,
    names: Sequence[str] | None = None,
    *,
    window: str = "strict",
    min_share: float = 0.5,
    standardise: str | None = None,
    max_gap: int = 1,
    out: str | Path | None = None,
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
    out: directory for memory-mapped results, which must not exist; meta.json is written last.

    Raises UnknownNameError for a factor that does not exist or, when asked for by name, whose field is missing.
    """
    if standardise not in STANDARDISATIONS:
        raise ParameterError(f"standardise: got {standardise!r}; expected None, 'zscore' or 'rank'")
    policy = Window("strict" if window == "raw" else window, min_share)
    panel = panel.with_mask("observed") if window == "raw" else panel
    factors, skipped = _computable(panel, names)
    nodes = [_prepared(factor.node, standardise, max_gap) for factor in factors]
    leaves = panel_leaves(panel, {name for node in nodes for name in node.fields}, max_gap=max_gap)
    universe = torch.from_numpy(panel.universe.copy())
    with _Target(out, (len(nodes), *panel.shape), factors, skipped) as target:
        evaluate(nodes, leaves, window=policy, universe=universe, consume=target.put)
    return target.result()


def _computable(panel: Panel, names: Sequence[str] | None) -> tuple[list[Factor], dict[str, tuple[str, ...]]]:
    have = available_fields(panel)
    factors = find_factors(factor_names() if names is None else names)
    lacking = {f.name: tuple(sorted(set(f.fields) - have)) for f in factors if not set(f.fields) <= have}
    if lacking and names is not None:
        name, fields = next(iter(lacking.items()))
        raise UnknownNameError(
            f"factor {name!r} needs {', '.join(fields)}, which the panel lacks; {len(lacking)} of the "
            f"{len(factors)} requested factors cannot be computed: drop them or pass names=None"
        )
    if lacking:
        missing = sorted({field for fields in lacking.values() for field in fields})
        warnings.warn(
            f"{len(lacking)} of {len(factors)} factors skipped, the panel lacks {', '.join(missing)}", stacklevel=3
        )
    return [factor for factor in factors if factor.name not in lacking], lacking


def _prepared(node: Node, standardise: str | None, max_gap: int) -> Node:
    if max_gap > 1:
        node = bridge_gaps(node)
    if standardise == "zscore":
        return cs_zscore(node)
    if standardise == "rank":
        return cs_rank(node) - 0.5
    return node


class _Target:
    """Where results go: arrays in memory, or a directory that appears under its name only when complete."""

    def __init__(
        self,
        out: str | Path | None,
        shape: tuple[int, int, int],
        factors: list[Factor],
        skipped: dict[str, tuple[str, ...]],
    ) -> None:
        self.out = Path(out) if out is not None else None
        self.names = tuple(factor.name for factor in factors)
        self.formulas = [factor.formula for factor in factors]
        self.skipped = skipped
        if self.out is None:
            self.values = np.zeros(shape, dtype=np.float32)
            self.valid = np.zeros(shape, dtype=bool)
            return
        if self.out.exists():
            raise LibError(f"{self.out}: exists already; remove it or choose another `out`")
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f".{self.out.name}-", dir=self.out.parent))
        create = np.lib.format.open_memmap
        self.values = create(self.folder / "values.npy", mode="w+", dtype=np.float32, shape=shape)
        self.valid = create(self.folder / "valid.npy", mode="w+", dtype=np.bool_, shape=shape)

    def put(self, position: int, factor: Masked) -> None:
        self.values[position] = factor.values.to(torch.float32).numpy()
        self.valid[position] = factor.valid.numpy()

    def __enter__(self) -> _Target:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if self.out is None:
            return
        if kind is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        for array in (self.values, self.valid):
            if isinstance(array, np.memmap):
                array.flush()
        meta = {"names": self.names, "formulas": self.formulas, "skipped": self.skipped, "shape": self.values.shape}
        with open(self.folder / "meta.json", "w") as file:
            json.dump(meta, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.folder, self.out)

    def result(self) -> FactorSet:
        if self.out is not None:
            return FactorSet.load(self.out)
        return FactorSet(np.moveaxis(self.values, 0, -1), np.moveaxis(self.valid, 0, -1), self.names, self.skipped)
