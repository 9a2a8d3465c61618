"""Which modules of this package a computation uses, and a digest of them.

A stored result is only as good as the code that made it. The modules are found without running
anything: the imports of a source file are read from its syntax tree, inside functions too, and followed
through the package. Three things that a plain import scan misses are resolved here:

- ``from lib import X`` means the module that `lib.FACE` names, not all of `lib`;
- ``run_study("NAME")`` imports ``lib.studies.NAME``, so a literal study name counts as an import, whoever calls it,
  and a source that uses `lib.studies` without naming a study depends on every study;
- a module that imports by a computed name depends on the whole of its own package.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from lib import FACE
from lib.errors import LibError, UnknownNameError

PACKAGE = "lib"
FOLDER = Path(__file__).resolve().parent

#: modules that run, store, check or display computations but contribute no number to them
MACHINERY = (
    "lib",
    "lib.__main__",
    "lib.claims",
    "lib.claims.answer",
    "lib.claims.ledger",
    "lib.claims.scoreboard",
    "lib.claims.verdicts",
    "lib.definitions",
    "lib.errors",
    "lib.figures",
    "lib.notebooks",
    "lib.parameters",
    "lib.sources",
    "lib.store",
    "lib.studies",
    "lib.studies.agreement",
    "lib.studies.base",
    "lib.studies.confirmation",
    "lib.studies.plan",
    "lib.studies.provenance",
    "lib.studies.recorded_files",
    "lib.studies.recording",
    "lib.studies.runner",
    "lib.studies.verification",
)


def closure(modules: Iterable[str], skip: Iterable[str] = ()) -> tuple[str, ...]:
    """The modules of `lib` reachable from `modules` by imports, themselves and their packages included.

    A starting module may lie outside `lib` (a study in a test file); it is then part of the answer, but
    only its imports of `lib` are followed. Modules in `skip` are left out and not followed.

    Raises UnknownNameError for a starting module whose source cannot be found.
    """
    if isinstance(modules, str):
        raise TypeError("closure() takes an iterable of module names, got one string")
    skipped = set(skip)
    found: set[str] = set()
    starts = list(modules)
    for module in starts:
        locate(module)
    waiting = [name for module in starts for name in _with_parents(module)]
    while waiting:
        name = waiting.pop()
        if name in found or name in skipped or find(name) is None:
            continue
        found.add(name)
        waiting.extend(_imports_of_module(name))
    return tuple(sorted(found))


def digest(modules: Iterable[str], skip: Iterable[str] = (), *, exact: bool = True) -> str:
    """SHA-256 (hex) of the sources of ``closure(modules, skip)`` and of the data files beside them.

    ``exact=True`` hashes bytes. ``exact=False`` hashes the syntax trees without docstrings: editing a
    comment, a docstring or the layout keeps the digest, and Python 3.11 and 3.12 agree on it.
    """
    total = hashlib.sha256()
    names = closure(modules, skip)
    for name in names:
        total.update(f"module {name} {_source_digest(*stamp(locate(name)), exact)}\n".encode())
    for path in _data_files(names):
        total.update(f"file {path.relative_to(FOLDER).as_posix()} {file_digest(path)}\n".encode())
    return total.hexdigest()


def notebook_modules(cells: Iterable[str]) -> tuple[str, ...]:
    """The modules of `lib` that the code cells of a notebook use (closure of their imports).

    >>> "lib.errors" in notebook_modules(["%matplotlib inline", "from lib.errors import closest"])
    True
    """
    source = "\n".join(_without_magics(cell) for cell in cells)
    return closure(imports(source, owner="notebook"))


def study_modules() -> tuple[str, ...]:
    """Module names of the studies: the files of lib/studies that define ``STUDY``. Nothing is imported."""
    names = (f"lib.studies.{path.stem}" for path in (FOLDER / "studies").glob("*.py"))
    return tuple(sorted(name for name in names if _is_study(name)))


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


def files_digest(parts: Iterable[str]) -> str:
    """SHA-256 (hex) of the bytes of some files, and of all source files of some folders, of this package.

    Nothing is parsed and no import followed, so it takes milliseconds.
    """
    total = hashlib.sha256()
    for part in parts:
        path = FOLDER / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            total.update(f"{file.relative_to(FOLDER).as_posix()} {file_digest(file)}\n".encode())
    return total.hexdigest()


def locate(module: str) -> Path:
    """The file of a module. Raises UnknownNameError when it has none."""
    path = find(module)
    if path is None:
        raise UnknownNameError(
            f"module {module!r} has no source file: expected a module of lib or one imported from a file"
        )
    return path


def imports(source: str, owner: str) -> set[str]:
    """Modules of `lib` that one source text imports, by the three rules at the head of this file.

    `owner` is the module the text belongs to, needed for relative imports; any other word for a notebook.
    """
    tree = ast.parse(source)
    found: set[str] = set()
    for node in ast.walk(tree):
        found.update(_imports_of_node(node, owner))
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            found.update(_resolve(PACKAGE, node.attr))
    if owner not in MACHINERY:
        found.update(_studies_run(tree))
    if "lib.studies" in found and owner not in MACHINERY and not _is_study(owner):
        found.update(_studies_named(tree))
    if owner not in MACHINERY and _in_package(owner) and _imports_by_computed_name(tree):
        found.update(_siblings(owner))
    return {name for module in found for name in _with_parents(module)}


# ------------------------------------------------------------------------------------------ one node


def _imports_of_node(node: ast.AST, owner: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _in_package(alias.name))
    elif isinstance(node, ast.ImportFrom):
        base = absolute(node, owner)
        if _in_package(base):
            for alias in node.names:
                yield from _resolve(base, alias.name)
    elif isinstance(node, ast.Call) and _called(node) == "import_module" and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and _in_package(first.value):
            yield first.value


def _resolve(base: str, name: str) -> Iterator[str]:
    """Modules meant by ``from base import name``."""
    if base == PACKAGE and name in FACE:
        yield FACE[name]
    elif find(f"{base}.{name}"):
        yield f"{base}.{name}"
    else:
        yield base


def absolute(node: ast.ImportFrom, owner: str) -> str:
    """The module that an import names, dots in front resolved for the module that imports."""
    if node.level == 0:
        return node.module or ""
    parts = owner.split(".")
    depth = node.level - 1 if _is_package(owner) else node.level
    parts = parts[: len(parts) - depth]
    return ".".join(parts + ([node.module] if node.module else []))


def _aliases(tree: ast.AST) -> set[str]:
    """Names bound to the package itself: ``import lib``, ``import lib.x``, ``import lib as l``."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == PACKAGE or (_in_package(alias.name) and alias.asname is None):
                    names.add(alias.asname or PACKAGE)
    return names


def _studies_named(tree: ast.AST) -> set[str]:
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    strings = {value for value in constants if isinstance(value, str)}
    everything = study_modules()
    return {name for name in everything if name.rpartition(".")[2] in strings} or set(everything)


def _studies_run(tree: ast.AST) -> Iterator[str]:
    """Studies whose rows are asked for by name: they make the numbers of the one that asks."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "run_study" and node.args:
            name = getattr(node.args[0], "value", None)
            if isinstance(name, str) and _is_study(f"lib.studies.{name}"):
                yield f"lib.studies.{name}"


def _imports_by_computed_name(tree: ast.AST) -> bool:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    computed = (node for node in calls if not node.args or not isinstance(node.args[0], ast.Constant))
    return any(_called(node) == "import_module" for node in computed)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


# --------------------------------------------------------------------------------- modules and files


def _imports_of_module(name: str) -> frozenset[str]:
    return _imports_of_file(*stamp(locate(name)), name)


@lru_cache(maxsize=1024)
def _imports_of_file(path: Path, size: int, changed: int, owner: str) -> frozenset[str]:
    return frozenset(imports(path.read_text(encoding="utf-8"), owner))


def find(module: str) -> Path | None:
    """The file of a module; None when it has none."""
    if not _in_package(module):
        loaded = getattr(sys.modules.get(module), "__file__", None)
        return Path(loaded) if loaded else None
    base = FOLDER.joinpath(*module.split(".")[1:])
    candidates = (
        [base / "__init__.py"] if module == PACKAGE else [base / "__init__.py", base.with_suffix(".py")]
    )
    return next((path for path in candidates if path.is_file()), None)


def _with_parents(module: str) -> list[str]:
    """The module and the packages whose __init__ runs when it is imported."""
    parts = module.split(".") if _in_package(module) else [module]
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _siblings(module: str) -> set[str]:
    package = module if _is_package(module) else module.rpartition(".")[0]
    folder = locate(package).parent
    return {f"{package}.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__"}


def _data_files(modules: Iterable[str]) -> list[Path]:
    """Tables and the like that lie in the packages of `modules`."""
    folders = {locate(name).parent for name in modules if _in_package(name) and _is_package(name)}
    files = (path for folder in folders for path in folder.iterdir() if path.is_file())
    other = {".py", ".pyc", ".md", ".tmp"}
    return sorted(path for path in files if not path.name.startswith(".") and path.suffix not in other)


def _in_package(module: str) -> bool:
    return module == PACKAGE or module.startswith(PACKAGE + ".")


def _is_package(module: str) -> bool:
    path = find(module)
    return path is not None and path.name == "__init__.py"


def _is_study(module: str) -> bool:
    path = find(module) if module.startswith("lib.studies.") else None
    return path is not None and _declares_study(*stamp(path))


@lru_cache(maxsize=256)
def _declares_study(path: Path, size: int, changed: int) -> bool:
    return re.search(r"^STUDY\b", path.read_text(encoding="utf-8"), re.MULTILINE) is not None


def _without_magics(cell: str) -> str:
    """Python of a cell: IPython's line magics become blank, a cell in another language becomes empty."""
    first = cell.lstrip()
    if first.startswith("%%") and not first.startswith(("%%time", "%%capture")):
        return ""
    return "\n".join(_python_line(line) for line in cell.splitlines())


def _python_line(line: str) -> str:
    stripped = line.lstrip()
    indent = line[: len(line) - len(stripped)]
    if stripped.startswith("%time "):
        return indent + stripped.removeprefix("%time ").lstrip()
    return indent + "pass" if stripped.startswith(("%", "!", "?")) else line


# ------------------------------------------------------------------------------------------- digests


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


@lru_cache(maxsize=1024)
def _source_digest(path: Path, size: int, changed: int, exact: bool) -> str:
    content = path.read_bytes()
    if not exact:
        content = canonical(ast.parse(content)).encode()
    return hashlib.sha256(content).hexdigest()


def canonical(item: object) -> str:
    """A text for a syntax tree: no positions, no docstrings, no empty fields (Python versions add some)."""
    if isinstance(item, ast.Constant):
        return f"{type(item.value).__name__}:{item.value!r}"
    if isinstance(item, ast.AST):
        fields = ((name, _without_docstring(item, name, value)) for name, value in ast.iter_fields(item))
        texts = (f"{name}={canonical(value)}" for name, value in fields if value not in (None, []))
        return f"{type(item).__name__}({','.join(texts)})"
    if isinstance(item, list):
        return f"[{','.join(map(canonical, item))}]"
    return repr(item)


def _without_docstring(node: ast.AST, name: str, value: object) -> object:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if name == "body" and isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
        return node.body[1:]
    return value
