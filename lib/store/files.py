"""Results on disk that are whole or absent.

A file is written under a temporary name in its own folder, flushed to the disk and renamed over its
target; a kill at any moment leaves the old file or the new one, and at worst an orphan temporary file,
which the next run sweeps away. A stored row is one file::

    sha256 of everything below (64 hex digits)
    {"records": [...], "meta": {...}}          one line of JSON
    npz archive of the arrays                  nothing when there are none

so the checksum covers records and arrays together, and two processes that compute the same row replace
each other's identical file. Nothing read back is ever unpickled.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import socket
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from lib.errors import StoreError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SUFFIX = ".row"

_TEMPORARY = re.compile(r"\..+\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-(?P<token>[0-9a-f]{8})-[0-9a-f]{8}\.tmp")
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_TOKEN = secrets.token_hex(4)
_ABANDONED_AFTER = 24 * 3600.0  # seconds; temporary files of other machines are judged by age


class StoreWarning(UserWarning):
    """A stored result was damaged and is not used."""


@dataclass(frozen=True)
class StoredRow:
    """One stored result: `records` and `meta` are JSON values, `arrays` plain NumPy arrays by name."""

    records: list[dict[str, Any]]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


class Store:
    """Rows by key in one folder; the folder is made on the first `save`.

    Keys match ``[a-z0-9][a-z0-9_-]{0,63}`` and resolve under the folder.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """The file of `key`. Raises StoreError for a key that is no safe name."""
        return safe_path(self.folder, key, SUFFIX)

    def save(self, key: str, row: StoredRow) -> None:
        """Write one row, whole or not at all. Raises StoreError: disk full, read-only, object arrays."""
        write_bytes(self.path(key), _encode(key, row))

    def load(self, key: str) -> StoredRow | None:
        """The row of `key`; None when there is none, or, with a StoreWarning, when it is damaged."""
        path = self.path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read stored row {path}: {error.strerror}") from None
        try:
            return _decode(content)
        except StoreError as error:
            warnings.warn(f"stored row {path.name} is damaged ({error}): computed again", StoreWarning, 2)
            return None

    def sweep(self) -> int:
        """Remove temporary files that killed processes left here; returns how many."""
        return sweep(self.folder)


def safe_path(root: Path | str, name: str, suffix: str = "") -> Path:
    """``root/name + suffix`` for a safe name that stays under `root`, symbolic links followed.

    >>> safe_path("recorded", "../x")
    Traceback (most recent call last):
    ...
    lib.errors.StoreError: unsafe name '../x': expected at most 64 of a-z, 0-9, _ and -
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise StoreError(f"unsafe name {name!r}: expected at most 64 of a-z, 0-9, _ and -")
    path = Path(root) / (name + suffix)
    if not path.resolve().is_relative_to(Path(root).resolve()):
        raise StoreError(f"unsafe name {name!r}: it leads outside {root}")
    return path


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a file atomically; its folder is made. Raises StoreError and leaves nothing half-written."""
    with replacing(path) as temporary, _one_line_errors(Path(path)), temporary.open("wb") as stream:
        stream.write(content)


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary path in the folder of `path`; on a clean exit it is flushed and renamed over `path`.

    For writers that want a file name, such as ``frame.to_parquet``. When the body fails, the temporary
    file is removed and the target is left as it was.
    """
    path = Path(path)
    with _one_line_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{_HOST}-{os.getpid()}-{_TOKEN}-{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with _one_line_errors(path):
            _flush(temporary)
            os.replace(temporary, path)
            _flush_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def alone(path: Path | str, told: Callable[[str], None]) -> Iterator[None]:
    """Whoever enters second waits for the first, in another process as well; the lock ends with its process.

    path: the lock's file, which stays. told: is called with one line before a wait.
    """
    with _one_line_errors(Path(path)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        told(f"waiting for another process that works on the same ({path})")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def sweep(folder: Path | str) -> int:
    """Remove the temporary files in `folder` whose writers are gone; returns how many."""
    folder = Path(folder)
    if not folder.is_dir():
        return 0
    orphans = [path for path in folder.iterdir() if _is_orphan(path)]
    removed = 0
    for path in orphans:
        with suppress(OSError):
            path.unlink()
            removed += 1
    return removed


# -------------------------------------------------------------------------------------------- format


def _encode(key: str, row: StoredRow) -> bytes:
    for name, array in row.arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise StoreError(f"row {key}: array {name!r} holds Python objects; expected plain values")
    try:
        head = json.dumps({"records": row.records, "meta": dict(row.meta)})
    except TypeError as error:
        raise StoreError(f"row {key}: records must be JSON values: {error}") from None
    body = head.encode() + b"\n" + _archive(row.arrays)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _archive(arrays: Mapping[str, np.ndarray]) -> bytes:
    if not arrays:
        return b""
    stream = io.BytesIO()
    prefixed: dict[str, Any] = {f"a_{name}": np.asarray(array) for name, array in arrays.items()}
    np.savez(stream, allow_pickle=False, **prefixed)
    return stream.getvalue()


def _decode(content: bytes) -> StoredRow:
    checksum, _, body = content.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        raise StoreError("its checksum does not match its content")
    try:
        head, _, archive = body.partition(b"\n")
        fields = json.loads(head)
        return StoredRow(fields["records"], _unarchive(archive), fields["meta"])
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise StoreError(f"its format is not the one expected: {error}") from None


def _unarchive(archive: bytes) -> dict[str, np.ndarray]:
    if not archive:
        return {}
    with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
        return {name.removeprefix("a_"): arrays[name] for name in arrays.files}


# ------------------------------------------------------------------------------------ temporary files


@contextmanager
def _one_line_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"cannot write {path}: {reason}; nothing was changed there") from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable; some file systems do not offer it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_orphan(path: Path) -> bool:
    match = _TEMPORARY.fullmatch(path.name)
    if match is None:
        return False
    if match["host"] == _HOST:
        mine = int(match["pid"]) == os.getpid()
        return match["token"] != _TOKEN if mine else not _is_alive(int(match["pid"]))
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED_AFTER
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
