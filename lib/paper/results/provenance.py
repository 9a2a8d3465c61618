"""Where a number comes from: the commit, the packages and the machine, without names of places."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lib.errors import StoreError
from lib.store.sources import FOLDER

ROOT = FOLDER.parent

#: packages whose version can move a result
PACKAGES = ("numpy", "pandas", "scipy", "torch", "scikit-learn", "cvxpy", "lightgbm", "xgboost-cpu")
#: packages whose speed is measured
MEASURED = ("bottleneck", "polars", "mlquantx")


def now() -> str:
    """The time, UTC, to the second: 2025-03-01T12:00:00+00:00."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """Versions of the packages that can move a result, and the hardware."""
    return {"versions": dict(_versions()), "hardware": _hardware()}


def repository_state() -> dict[str, Any]:
    """Commit of the project and whether files differ from it; commit None outside a repository."""
    try:
        return {"commit": head_commit(), "dirty": bool(changed_files())}
    except StoreError:
        return {"commit": None, "dirty": None}


def head_commit(root: Path | str | None = None) -> str:
    """Hash of the current commit. Raises StoreError outside a git repository."""
    return _git(root, "rev-parse", "HEAD").strip()


def repository_top(root: Path | str | None = None) -> Path:
    """Top folder of the repository."""
    return Path(_git(root, "rev-parse", "--show-toplevel").strip())


def changed_files(root: Path | str | None = None) -> list[str]:
    """Paths that differ from the commit, untracked ones included, relative to the top of the repository."""
    entries = _git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames").split("\0")
    return [entry[3:] for entry in entries if entry]


def _git(root: Path | str | None, *arguments: str) -> str:
    command = ["git", "-C", str(root or ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise StoreError("git is not installed; it is needed to know which commit makes a result") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1:] or ["no message"]
        raise StoreError(f"git {arguments[0]} failed: {reason[0]}; a result needs a commit") from None
    return done.stdout


@lru_cache(maxsize=1)
def _versions() -> tuple[tuple[str, str], ...]:
    found = [("python", platform.python_version())]
    for package in (*PACKAGES, *MEASURED):
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def _hardware() -> str:
    parts = [_processor(), f"{os.cpu_count()} cores"]
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name(0))
    return ", ".join(parts)


@lru_cache(maxsize=1)
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
