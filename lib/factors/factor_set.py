"""The result of a computation: factors of a panel with their own masks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.errors import LibError

#: cells that are counted for a repr; a map of a larger file would be read from disk
MANY = 200_000_000


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

    def __repr__(self) -> str:
        t, n, f = self.values.shape
        shown = " ".join(self.names[:3]) + (" ..." if f > 3 else "")
        left_out = f", {len(self.skipped)} skipped for want of fields" if self.skipped else ""
        kept = f"{self.valid.mean():.1%} of cells valid, " if self.valid.size < MANY else ""
        return f"FactorSet({t} dates x {n} symbols x {f} factors, {kept}names: {shown}{left_out})"

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
