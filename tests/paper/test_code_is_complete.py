"""The guard against holes in the digest: every function of lib that a study really calls is among those reached.

A row is computed while the interpreter reports each call, and each function called is looked up in what the walk over
the sources has found. What runs under the machinery is left out, as the digest leaves it out.
"""

from __future__ import annotations

import ast
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from lib.paper.results.study import Study
from lib.store import sources
from lib.store.code.definitions import parse_file
from lib.store.code.syntax import WHOLE, Name
from lib.store.code.walk import Package, module_name
from lib.store.marks import counting
from lib.studies import load_study, studies

ROOT = str(sources.FOLDER) + os.sep
#: parts of lib that none of these studies may need, and that ask for packages that may be missing
NOT_IMPORTED = ("lib.__main__", "lib.studies.how_fast.bench", "lib.load.fetch", "lib.paper.site")


class Calls:
    """The functions of lib that are called within a block, those under the machinery left out."""

    def __init__(self) -> None:
        self.found: set[CodeType] = set()
        self.under = threading.local()

    def __enter__(self) -> Calls:
        threading.setprofile(self._report)
        sys.setprofile(self._report)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _report(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(ROOT):
            return
        depth = getattr(self.under, "depth", 0)
        if code.co_filename.endswith(f"{os.sep}marks.py"):
            return
        if is_machinery(code):
            self.under.depth = depth + (1 if event == "call" else -1)
        elif not depth and event == "call":
            self.found.add(code)


@cache
def is_machinery(code: CodeType) -> bool:
    path = Path(code.co_filename)
    module = parse_file(*sources.stamp(path), module_name(path))
    name = code.co_qualname.partition(".")[0]
    return name in module.statements and module.definition(name).machinery


def names_of(code: CodeType) -> set[Name]:
    """The definitions that a code object belongs to: those of the statements around its line."""
    path = Path(code.co_filename)
    module = parse_file(*sources.stamp(path), module_name(path))
    return {Name(module.name, name) for name, nodes in module.statements.items() if any(holds(n, code) for n in nodes)}


def holds(node: ast.stmt, code: CodeType) -> bool:
    first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
    return first <= code.co_firstlineno <= (node.end_lineno or first)


def without_cached_results() -> None:
    """Everything is imported and every remembered result forgotten, so that a study calls all that it needs."""
    for name in Package().paths:
        if not name.startswith(NOT_IMPORTED):
            import_module(name)
    for name, module in list(sys.modules.items()):
        if sources.in_package(name) and not name.startswith("lib.store.code"):
            for item in list(vars(module).values()):
                if callable(getattr(item, "cache_clear", None)):
                    item.cache_clear()


def not_reached(
    study: Study, rows: list[dict[str, Any]], settings: dict[str, Any], warm: bool = False
) -> Iterator[str]:
    """Functions that were called for some rows, their contrast and the grid, and that the digest does not count.

    warm: compile kernels before, by millions of calls that are nobody's.
    """
    code, seen = study.code(), study.row_settings(settings)
    entries = code.entries(rows, seen)
    reached = code.reached(entries)
    without_cached_results()
    with counting(entries):
        if warm:
            study.compute(dict(rows[0]), seen)
            without_cached_results()
        with Calls() as calls:
            list(study.grid(settings))
            list(study.inputs(settings))
            results = [(row, study.compute(dict(row), seen)) for row in rows]
            if study.contrast:
                study.contrast.compute(results, seen)
    assert calls.found
    for called in calls.found:
        names = names_of(called)
        if names and not names & reached and Name(next(iter(names)).module, WHOLE) not in reached:
            yield f"{called.co_filename}:{called.co_firstlineno} {called.co_qualname}"


def rows_of(study: Study, settings: dict[str, Any], kind: Callable[[dict[str, Any]], str]) -> list[dict[str, Any]]:
    """The first row of each kind, and all that are compared with the first one."""
    rows = study.rows(settings)
    if study.contrast:
        return [row for row in rows if study.contrast.by(row) == study.contrast.by(rows[0])]
    return list({kind(row): row for row in reversed(rows)}.values())


@pytest.mark.parametrize("name", ["covariance_eigenvalue", "ewma_float32", "limit_events"])
def test_every_function_called_is_reached(name: str) -> None:
    study = load_study(name)
    settings = study.settings("smoke")
    assert sorted(not_reached(study, rows_of(study, settings, lambda row: ""), settings)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in studies() if load_study(name).evidence != "machine"])
def test_every_function_that_any_study_calls_is_reached(name: str) -> None:
    study = load_study(name)
    settings = study.settings("smoke")
    rows = rows_of(study, settings, lambda row: f"{row.get('learner')} {row.get('kind')} {row.get('source')}")
    assert sorted(not_reached(study, rows, settings, warm=True)) == []


def test_a_function_that_is_not_reached_is_found() -> None:
    """The guard can fail: a computation that calls what no source of the study names."""
    study = load_study("limit_events")
    settings = study.settings("smoke")
    row, unnamed = study.rows(settings)[0], import_module("lib.studies.window_travel.measure").example_panel

    def inputs(_: object) -> list[str]:
        unnamed(60, 25)
        return []

    inputs.__module__, inputs.__qualname__ = study.grid.__module__, study.grid.__qualname__
    found = list(not_reached(replace(study, inputs=inputs), [row], settings))
    assert any("example_panel" in text for text in found)
