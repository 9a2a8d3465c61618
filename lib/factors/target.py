"""Where computed factors go: arrays in memory, or files that appear under their name only when complete.

On disk the work in progress lies beside the result, in a hidden folder that is named after it and knows which
computation it belongs to. A run that was killed is taken up at its last checkpoint by the same call; what another
computation left there is thrown away. The files are written, not mapped, so that they need no resident memory.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from lib.errors import LibError
from lib.kernels.compiled import stores
from lib.kernels.memory import taken
from lib.masked import Cells


def store(cells: Cells, values: np.ndarray, valid: np.ndarray) -> None:
    """Write cells as they are kept: float32, 0 where invalid; what float32 cannot hold is invalid."""
    stores.put(_array(cells.values), _array(cells.valid), values, valid)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().contiguous().numpy()


class ArrayTarget:
    """values float32 and valid bool, [F, T, N]."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.values = taken(shape, np.float32)  # every cell is written
        self.valid = taken(shape, np.bool_)

    def place(self, position: int, day: int, days: int) -> tuple[Tensor, Tensor]:
        """Where some days of one factor are kept: what is written there need not be stored."""
        rows = slice(day, day + days)
        return torch.from_numpy(self.values[position, rows]), torch.from_numpy(self.valid[position, rows])

    def put(self, position: int, day: int, cells: Cells) -> None:
        """Store the days of one factor from `day` on, unless they are there."""
        values, valid = self.place(position, day, len(cells.valid))
        if cells.values.data_ptr() != values.data_ptr():
            store(cells, values.numpy(), valid.numpy())


class DirectoryTarget:
    """values.npy and valid.npy, [F, T, N], in a hidden folder until `finish` gives it its name.

    out: the folder that will appear. key: says which computation this is; shape: (F, T, N).
    Raises LibError where `out` exists or another process is writing it.
    """

    def __init__(self, out: Path, key: str, shape: tuple[int, int, int]) -> None:
        if out.exists():
            raise LibError(f"{out}: exists already; remove it or choose another `out`")
        self.out, self.shape, self.key = out, shape, key
        self.work = out.parent / f".{out.name}.unfinished"
        self.work.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.work / "lock")  # ends with the process, even a killed one
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise LibError(f"{self.work}: another process is computing this result; wait for it") from None
        self.state = self._found()
        if self.state is None:
            for name in (*FILES, CHECKPOINT):
                (self.work / name).unlink(missing_ok=True)
        self._files = [_File(self.work / name, dtype, shape) for name, dtype in FILES.items()]

    def _found(self) -> dict[str, Tensor] | None:
        """The checkpoint of an earlier run of the same computation."""
        stored = self.work / CHECKPOINT
        if not stored.exists():
            return None
        with np.load(stored, allow_pickle=False) as file:
            if str(file["key"]) != self.key:
                return None
            return {name: torch.from_numpy(file[name]) for name in file.files if name != "key"}

    def put(self, position: int, day: int, cells: Cells) -> None:
        """Store the days of one factor from `day` on."""
        arrays = tuple(np.empty(tuple(cells.valid.shape), dtype) for dtype in FILES.values())
        store(cells, *arrays)
        cell = (position * self.shape[1] + day) * self.shape[2]
        for file, array in zip(self._files, arrays, strict=True):
            file.write(array, cell)

    def checkpoint(self, state: Mapping[str, Tensor]) -> None:
        """All days before state["day"] are stored: a later run may go on from here."""
        for file in self._files:
            file.sync()
        fresh = self.work / "checkpoint.new.npz"
        arrays: dict[str, Any] = {name: tensor.cpu().numpy() for name, tensor in state.items()}
        np.savez(fresh, key=np.array(self.key), **arrays)
        os.replace(fresh, self.work / CHECKPOINT)

    def finish(self, meta: Mapping[str, Any]) -> None:
        """Write meta.json last and give the folder its name."""
        for file in self._files:
            file.sync()
        for name in (CHECKPOINT, "lock"):
            (self.work / name).unlink(missing_ok=True)
        with open(self.work / "meta.json", "w") as file_:
            json.dump(dict(meta), file_, indent=1)
            file_.flush()
            os.fsync(file_.fileno())
        os.replace(self.work, self.out)

    def close(self) -> None:
        """Let go of the files. What was not finished stays if there is a checkpoint to go on from."""
        for file in self._files:
            file.close()
        if self.work.exists() and not (self.work / CHECKPOINT).exists():
            shutil.rmtree(self.work)
        self._lock.release()


CHECKPOINT = "checkpoint.npz"
FILES = {"values.npy": np.dtype(np.float32), "valid.npy": np.dtype(np.bool_)}


class _File:
    """One .npy file of a known shape that several threads write into."""

    def __init__(self, path: Path, dtype: np.dtype[Any], shape: tuple[int, int, int]) -> None:
        cells = int(np.prod(shape))
        if not path.exists():
            with open(path, "wb") as file:
                np.lib.format.write_array_header_1_0(file, {"descr": dtype.str, "fortran_order": False, "shape": shape})
                file.truncate(file.tell() + cells * dtype.itemsize)
        self._size = dtype.itemsize
        self._start = path.stat().st_size - cells * dtype.itemsize
        self._descriptor = os.open(path, os.O_RDWR)

    def write(self, array: np.ndarray, cell: int) -> None:
        """Store consecutive cells from the given one on."""
        data, place = memoryview(np.ascontiguousarray(array).data).cast("B"), self._start + cell * self._size
        while data:  # a write may stop early
            written = os.pwrite(self._descriptor, data, place)
            data, place = data[written:], place + written

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
