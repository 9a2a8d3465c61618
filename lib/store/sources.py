"""The source files of this package: where a module is, which modules are studies, and digests of files.

Nothing here imports what it reads. Which definitions a computation uses is found in `lib.store.code`.
"""

from __future__ import annotations

import hashlib
import re
import sys
from functools import lru_cache
from pathlib import Path

from lib.errors import LibError, UnknownNameError
from lib.store.marks import machinery

PACKAGE = "lib"
FOLDER = Path(__file__).resolve().parents[1]


@machinery
def file_digest(path: Path | str) -> str:
    """SHA-256 (hex) of a file's bytes, or of the names and bytes of all files of a folder.

    A file is read again only when its size or time of change differs.
    """
    path = Path(path)
    if not path.is_dir():
        return _file_digest(*stamp(path))
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = (f"{file.relative_to(path).as_posix()} {_file_digest(*stamp(file))}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@machinery
def stamps() -> tuple[tuple[Path, int, int], ...]:
    """Every file of the package that is no compiled one, with its size and time of change."""
    files = sorted(path for path in FOLDER.rglob("*") if path.suffix != ".pyc" and path.is_file())
    return tuple(stamp(path) for path in files)


def study_modules() -> tuple[str, ...]:
    """Module names of the studies: the folders of lib/studies that declare a ``STUDY``. Nothing is imported."""
    names = (f"lib.studies.{path.parent.name}" for path in (FOLDER / "studies").glob("*/__init__.py"))
    return tuple(sorted(name for name in names if is_study(name)))


def is_study(module: str) -> bool:
    """Whether a module defines ``STUDY``."""
    path = find(module) if module.startswith("lib.studies.") else None
    return path is not None and _declares_study(*stamp(path))


@lru_cache(maxsize=256)
def _declares_study(path: Path, size: int, changed: int) -> bool:
    return re.search(r"^STUDY\b", path.read_text(encoding="utf-8"), re.MULTILINE) is not None


def locate(module: str) -> Path:
    """The file of a module. Raises UnknownNameError when it has none."""
    path = find(module)
    if path is None:
        raise UnknownNameError(
            f"module {module!r} has no source file: expected a module of lib or one imported from a file"
        )
    return path


def find(module: str) -> Path | None:
    """The file of a module; None when it has none."""
    if not in_package(module):
        loaded = getattr(sys.modules.get(module), "__file__", None)
        return Path(loaded) if loaded else None
    base = FOLDER.joinpath(*module.split(".")[1:])
    candidates = [base / "__init__.py"] if module == PACKAGE else [base / "__init__.py", base.with_suffix(".py")]
    return next((path for path in candidates if path.is_file()), None)


def in_package(module: str) -> bool:
    """Whether a name is that of this package or of something in it."""
    return module == PACKAGE or module.startswith(PACKAGE + ".")


def modules_of(package: str) -> tuple[str, ...]:
    """The modules in the folder of a package, itself first."""
    files = sorted(locate(package).parent.glob("*.py"))
    return (package, *(f"{package}.{path.stem}" for path in files if path.stem != "__init__"))


def stamp(path: Path) -> tuple[Path, int, int]:
    """A file with its size and time of change, to remember what was read from it."""
    try:
        status = path.stat()
    except OSError as error:
        raise LibError(f"cannot read {path}: {error.strerror}") from None
    return path, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=1 << 16)  # a folder of prices has a file a stock
def _file_digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
