"""Builds the book: brings every executed notebook up to date, then the site.

    python -m lib.paper.site.book build --scale smoke [--data FILE_OR_FOLDER] [--jobs N]  notebooks and site
    python -m lib.paper.site.book run NAME [-p NAME VALUE] [-r NAME TEXT] [-y YAML] [-o FILE]  one, into out/

What is up to date is left alone. A notebook that fails says so in one line, the others are still executed,
and the site stays as it was. Of two builds at once the second waits for the first.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

from lib.errors import LibError, LoadError
from lib.paper.site import site
from lib.paper.site.notebooks import ROOT, Notebook, NotebookError, execute
from lib.paper.site.pages import files_named, parsed
from lib.store.files import alone, sweep

#: used when they lie beside the data file, or in the folder DATA_DIR: the market without price limits, and the file
#: with the fields that the long one lacks
CONTROL_FILE, VWAP_FILE = "us_sp500_2013_2018.parquet", "cn_csi300_baostock_2020_2025.parquet"
COMPANIONS = {"us_path": CONTROL_FILE, "vwap_path": VWAP_FILE}
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook: `error` is None if all is well, `seconds` 0 if nothing had to run."""

    name: str
    executed: bool
    seconds: float = 0.0
    error: str | None = None

    def __str__(self) -> str:
        if self.error is not None:
            return f"{self.name}: {self.error}"
        return f"{self.name}: executed ({self.seconds:.0f} s)" if self.executed else f"{self.name}: unchanged"


def names(root: Path = ROOT) -> list[str]:
    """The notebooks, in the order of the table of contents, then those that are not in it."""
    there = [path.stem for path in sorted((root / "notebooks").glob("*.ipynb"))]
    toc = (root / "book" / "_toc.yml").read_text(encoding="utf-8")
    listed = [Path(file).name for file in _files_of(yaml.safe_load(toc)) if file.startswith("run/")]
    return [name for name in listed if name in there] + [name for name in there if name not in listed]


def build_notebooks(given: Values, *, jobs: int = 1, root: Path = ROOT) -> Iterator[Outcome]:
    """Bring every executed copy up to date; a notebook gets those of the parameters `given` it declares."""
    notebooks = [Notebook(name, root) for name in names(root)]
    _drop_orphans(notebooks, root)
    for last in (False, True):
        wave = []
        for item in notebooks:
            if item.reads_others() == last:
                values = _those_declared(item, given)
                known = _unchanged(item.name, values, root)  # here: every process reads the code of the package anew
                if known is None:
                    wave.append((item.name, values))
                else:
                    yield known
        yield from _together(wave, jobs, root) if jobs > 1 and len(wave) > 1 else _in_turn(wave, root)


def update(name: str, given: Values, root: Path = ROOT) -> Outcome:
    """Execute one notebook of the book unless its executed copy is fresh."""
    began = time.monotonic()
    known = _unchanged(name, given, root)
    if known is not None:
        return known
    notebook = Notebook(name, root)
    try:
        print(f"notebooks: {name}: executing ...", flush=True)
        execute(notebook, given, notebook.executed)
    except LibError as error:
        return Outcome(name, executed=True, error=str(error))
    return Outcome(name, executed=True, seconds=time.monotonic() - began)


def _unchanged(name: str, given: Values, root: Path) -> Outcome | None:
    """What became of a notebook that need not be executed, or cannot be; None for one that must."""
    notebook = Notebook(name, root)
    try:
        return Outcome(name, executed=False) if notebook.is_fresh(notebook.key(given)) else None
    except LibError as error:
        return Outcome(name, executed=True, error=str(error))


def _in_turn(wave: Iterable[tuple[str, Values]], root: Path) -> Iterator[Outcome]:
    return (update(name, given, root) for name, given in wave)


def _together(wave: Iterable[tuple[str, Values]], jobs: int, root: Path) -> Iterator[Outcome]:
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from (task.result() for task in as_completed(pool.submit(update, *item, root) for item in wave))


def _those_declared(notebook: Notebook, given: Values) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in notebook.parameters}


def _drop_orphans(notebooks: list[Notebook], root: Path) -> None:
    """Remove executed copies whose notebook is gone: a page must not outlive its source."""
    sweep(root / "book" / "run")
    kept = {item.executed for item in notebooks}
    for path in (root / "book" / "run").glob("*.ipynb"):
        if path not in kept:
            path.unlink()


def _files_of(item: Any) -> Iterator[str]:
    if isinstance(item, dict):
        yield from [item["file"]] if "file" in item else []
        yield from (file for value in item.values() for file in _files_of(value))
    elif isinstance(item, list):
        yield from (file for value in item for file in _files_of(value))


def common_values(scale: str, data: Path | None) -> dict[str, Any]:
    """The parameters a build offers to every notebook; data is a file or a folder, as `load_panel` takes it.

    Raises LoadError if it is not there.
    """
    if data is None:
        return {"scale": scale}
    data = data.expanduser()
    if not data.exists():
        raise LoadError(f"DATA: no such file or folder: {data}")
    values = {"scale": scale, "data_path": str(data.resolve())}
    folders = [data.resolve().parent, Path(os.environ.get("DATA_DIR") or data.parent).resolve()]
    for name, file in COMPANIONS.items():
        found = next((folder / file for folder in folders if (folder / file).is_file()), None)
        if found is not None and found != data.resolve():
            values[name] = str(found)
    return values


# --------------------------------------------------------------------------------------- command line


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help()
        return 0
    options = parser.parse_args(arguments)
    _quiet_environment(getattr(options, "jobs", 1))
    try:
        return _build(options) if options.command == "build" else _run_one(options)
    except LibError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped; what was finished is kept", file=sys.stderr)
    return 1


def _build(options: argparse.Namespace) -> int:
    given = common_values(options.scale, options.data)
    with alone(ROOT / ".cache" / "build.lock", lambda text: print(f"book: {text}", flush=True)):
        return _build_alone(given, options.jobs)


def _build_alone(given: Values, jobs: int) -> int:
    began = time.monotonic()
    failed = executed = 0
    for number, outcome in enumerate(build_notebooks(given, jobs=jobs), 1):
        text = f"notebooks: [{number}/{len(names())}] {outcome}"
        print(text, file=sys.stderr if outcome.error else sys.stdout, flush=True)
        failed, executed = failed + bool(outcome.error), executed + outcome.executed
    if failed:
        raise NotebookError(f"{failed} of the notebooks failed, the site is left as it was")
    if not executed:
        print("notebooks: nothing changed, nothing executed", flush=True)
    print("site: building and checking ...", flush=True)
    print(f"site: {site.build(ROOT)}")
    print(f"book: {ROOT / 'book' / '_build' / 'html' / 'index.html'} ({time.monotonic() - began:.0f} s)")
    return 0


def _run_one(options: argparse.Namespace) -> int:
    notebook = Notebook(options.name)
    given = {name: parsed(text) for name, text in options.parameter} | dict(options.raw)
    given |= {name: value for text in options.yaml for name, value in yaml.safe_load(text).items()}
    target = options.output or notebook.root / "out" / f"{notebook.name}.ipynb"
    print(f"{notebook.name}: executing ...", flush=True)
    try:
        execute(notebook, given | _absolute(given), target)
    except LibError as error:
        raise NotebookError(f"{notebook.name}: {error}") from None
    print(f"{notebook.name}: {target}")
    return 0


def _absolute(given: Values) -> dict[str, str]:
    """Input files as seen from here: the notebook runs in the folder of the project."""
    return {name: str(path.expanduser().resolve()) for name, path in files_named(given).items()}


def _quiet_environment(jobs: int) -> None:
    threads = max(1, (os.cpu_count() or 1) // jobs)
    for name, value in {
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "passive",  # idle threads sleep
        "LIB_PROGRESS": "0",  # a bar is no part of a page
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of this environment, not one installed for the user
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }.items():
        os.environ.setdefault(name, value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.book", description="Executes and builds the book.")
    commands = parser.add_subparsers(dest="command", required=True)
    book = commands.add_parser("build", help="every notebook that is not up to date, then the site")
    book.add_argument("--scale", choices=("smoke", "laptop", "paper"), default="laptop")
    book.add_argument("--data", type=Path, help="file or folder of prices for every notebook that takes data_path")
    book.add_argument("--jobs", type=int, default=1, help="notebooks executed at the same time")
    one = commands.add_parser("run", help="one notebook, into out/")
    one.add_argument("name")
    one.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    one.add_argument("-r", "--raw", nargs=2, action="append", default=[], metavar=("NAME", "TEXT"))
    one.add_argument("-y", "--yaml", action="append", default=[], metavar="YAML")
    one.add_argument("-o", "--output", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
