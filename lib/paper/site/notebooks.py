"""A notebook of the book: what it declares, what it depends on, and its strict, all-or-nothing execution.

papermill does the work. Around it: a parameter that the notebook does not declare is an error; an executed
copy carries a key made of everything it depends on (cells, parameters, definitions of `lib` used, package
versions, input files) and is fresh while the key holds; a failed run writes nothing and says why in one line.

A notebook may declare in its metadata ``"inputs": ["book/claims.csv", "book/recorded/*"]``: files it
reads, relative to the project, whose bytes join the key. One that reads another's executed copy names it
there too (``"book/run/NAME.ipynb"``) and is executed last. ``"outputs"`` lists files it writes; they must
exist for the copy to count as fresh. A parameter whose name ends in ``_path`` names an input file.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import nbformat

from lib.errors import LibError, LoadError, ParameterError, UnknownNameError, closest
from lib.paper.site.pages import files_named, finish
from lib.parameters import unknown_names
from lib.store.code import notebook_digest
from lib.store.files import write_bytes
from lib.store.sources import FOLDER, file_digest

ROOT = FOLDER.parent
Values = Mapping[str, Any]

#: bytes of a folder's name that leave room for a socket in it: the system allows 104 to 108 in all
LONGEST_FOLDER = 80

_KEY_FORMAT = 3  # part of every key: raise it when the form of an executed copy changes


class NotebookError(LibError):
    """A notebook that stopped with an error."""


# ------------------------------------------------------------------------------------- one notebook


@dataclass(frozen=True)
class Notebook:
    """A source notebook: `name` is its file in notebooks/ without the ending."""

    name: str
    root: Path = ROOT

    @property
    def source(self) -> Path:
        return self.root / "notebooks" / f"{self.name}.ipynb"

    @property
    def executed(self) -> Path:
        return self.root / "book" / "run" / f"{self.name}.ipynb"

    @cached_property
    def node(self) -> nbformat.NotebookNode:
        """The notebook as nbformat reads it. Raises LoadError if it is not a notebook."""
        try:
            return nbformat.read(self.source, as_version=4)
        except FileNotFoundError:
            known = [path.stem for path in sorted(self.source.parent.glob("*.ipynb"))]
            hint = closest(self.name, known) or f"; there are: {', '.join(known) or 'none'}"
            raise UnknownNameError(f"unknown notebook {self.name!r}{hint}") from None
        except (ValueError, nbformat.reader.NotJSONError) as error:
            raise LoadError(f"{self.source.name} is not a notebook: {str(error).splitlines()[0]}") from None

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Names and defaults assigned in the cell tagged ``parameters``; empty if there is none."""
        cells = [cell for cell in self.node.cells if "parameters" in cell.metadata.get("tags", [])]
        return dict(assignments(cells[0].source, self.name)) if cells else {}

    def declared(self, key: str) -> list[str]:
        """The files listed in the notebook's metadata under "inputs" or "outputs"."""
        return list(self.node.metadata.get(key, []))

    def settings(self, given: Values) -> dict[str, Any]:
        """Every parameter with its value: the defaults, then `given`.

        Raises ParameterError for a name the notebook does not declare, LoadError for a missing file.
        """
        problems = list(unknown_names(given, self.parameters))
        if problems:
            raise ParameterError("; ".join(problems))
        values = {**self.parameters, **given}
        for name, path in files_named(values).items():
            if not path.exists():
                raise LoadError(f"{name}: no such file: {path}")
        return values

    def key(self, given: Values) -> str:
        """SHA-256 over all that the executed copy depends on."""
        values = self.settings(given)
        contents = {name: [path.name, file_digest(path)] for name, path in files_named(values).items()}
        code = [cell.source for cell in self.node.cells if cell.cell_type == "code"]
        parts = {
            "format": _KEY_FORMAT,
            "cells": [[cell.cell_type, cell.source, cell.metadata] for cell in self.node.cells],
            "parameters": {**values, **contents},
            "code": notebook_digest(code),
            "packages": installed(),
            "inputs": [[str(path.relative_to(self.root)), file_digest(path)] for path in self._inputs()],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def is_fresh(self, key: str) -> bool:
        """Whether the executed copy exists, was made under `key`, and its outputs are still there."""
        try:
            found = json.loads(self.executed.read_text(encoding="utf-8"))["metadata"]["provenance"]["key"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return bool(found == key) and all((self.root / name).is_file() for name in self.declared("outputs"))

    def reads_others(self) -> bool:
        """Whether it reads what other notebooks write, and so comes after them."""
        return any(pattern.startswith("book/run/") for pattern in self.declared("inputs"))

    def _inputs(self) -> list[Path]:
        found = {path for pattern in self.declared("inputs") for path in self.root.glob(pattern)}
        return sorted(path for path in found if path.is_file())


def assignments(source: str, name: str) -> Iterator[tuple[str, Any]]:
    """Name and value of each plain assignment of a parameters cell.

    Raises ParameterError for anything else: papermill can only replace plain values.

    >>> dict(assignments("scale = 'smoke'  # size", "page"))
    {'scale': 'smoke'}
    """
    for line in ast.parse(source).body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        try:
            if not isinstance(target, ast.Name) or not isinstance(line, ast.Assign | ast.AnnAssign):
                raise ValueError
            yield target.id, ast.literal_eval(line.value or ast.Constant(None))
        except ValueError:
            text = f"its parameters cell may only assign plain values, got: {ast.unparse(line)}"
            raise ParameterError(f"notebook {name}: {text}") from None


@lru_cache(maxsize=1)
def installed() -> list[str]:
    """``name==version`` of every installed package, and of Python."""
    packages = {f"{item.name}=={item.version}" for item in distributions()}
    return [f"python=={sys.version.split()[0]}", *sorted(packages, key=str.lower)]


# ---------------------------------------------------------------------------------------- execution


def execute(notebook: Notebook, given: Values, target: Path) -> None:
    """Run a notebook with the parameters `given` and put the finished copy at `target`.

    Nothing is written before everything ran. Raises ParameterError, LoadError, or NotebookError with the
    one line that matters of what went wrong inside.
    """
    settings, key = notebook.settings(given), notebook.key(given)
    node = _run(notebook, given)
    finish(node, notebook.name, settings, key)
    write_bytes(target, nbformat.writes(node).encode())


def _run(notebook: Notebook, given: Values) -> nbformat.NotebookNode:
    # imported here: papermill takes a second, and a build with nothing changed does not need it
    from papermill import PapermillExecutionError, execute_notebook
    from traitlets.config import Config
    from zmq import ZMQError

    with TemporaryDirectory(dir=_socket_folder()) as sockets:
        # the kernel is reached through socket files of its own: no port is opened, none can clash
        transport = {"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}
        # a failed notebook gets one line from us; the kernel's remark on being stopped is not it
        quiet = {"NotebookClient": {"extra_arguments": ["--IPKernelApp.log_level=CRITICAL"]}}
        options = {"kernel_name": "python3", "progress_bar": False, "config": Config(transport | quiet)}
        try:
            source, folder = str(notebook.source), str(notebook.root)
            return execute_notebook(source, None, dict(given), cwd=folder, **options)
        except PapermillExecutionError as error:
            raise NotebookError(_one_line(notebook, error)) from None
        except (OSError, ZMQError) as error:
            folders = f"TMPDIR ({sockets}) and JUPYTER_RUNTIME_DIR"
            raise NotebookError(f"its kernel cannot be reached: {error}; are {folders} writable and short?") from None
        except RuntimeError as error:  # the process died, or never answered
            raise NotebookError(f"{error}: most often memory ran out; use a smaller scale") from None


def _socket_folder() -> str:
    """A temporary folder whose name is short enough for sockets in it: TMPDIR if it can be, else one of the system.

    Raises NotebookError when there is none.
    """
    wanted = gettempdir()
    for folder in (wanted, "/tmp", "/var/tmp"):
        path = os.path.abspath(folder)
        if len(os.fsencode(path)) <= LONGEST_FOLDER and os.access(path, os.W_OK | os.X_OK):
            return path
    raise NotebookError(
        f"TMPDIR is too long for the sockets of a notebook: {len(os.fsencode(wanted))} bytes ({wanted}), expected at "
        f"most {LONGEST_FOLDER}; set TMPDIR to a shorter folder"
    )


def _one_line(notebook: Notebook, error: Any) -> str:
    reason = f"{error.ename}: {next(iter(error.evalue.strip().splitlines()), '(no message)')}"
    if error.ename in _expected_errors():
        return reason
    from papermill.exceptions import strip_color

    log = notebook.root / ".cache" / "failed" / f"{notebook.name}.txt"
    write_bytes(log, strip_color("\n".join(error.traceback)).encode())
    begins = error.source.strip().splitlines()[0]
    return f"{reason} (in the cell that begins {begins!r}; traceback in {log.relative_to(notebook.root)})"


def _expected_errors() -> set[str]:
    """Names of the errors that `lib` raises on purpose: their message says it all."""
    import lib.errors

    return {name for name, item in vars(lib.errors).items() if isinstance(item, type) and issubclass(item, LibError)}
