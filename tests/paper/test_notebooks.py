"""The source notebooks: no outputs, one parameters cell, short cells, imports of lib only."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lib.market import MarketConfig
from lib.paper.site.book import names
from lib.paper.site.notebooks import ROOT, Notebook
from lib.studies import load_study, studies

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL_LINES = 15
PARAMETERS = 20  # lines of the parameters cell: a list of names, which holds no logic
ALLOWED_IMPORTS = ("lib", "pandas", "IPython.display", "__future__")


def problems(text: str) -> Iterator[str]:
    """What is wrong with a source notebook, given as the text of its file."""
    node = json.loads(text)
    cells, ids = node["cells"], [cell.get("id") for cell in node["cells"]]
    if node["metadata"].get("kernelspec", {}).get("name") != "python3":
        yield "its kernel is not python3"
    if (node["nbformat"], node["nbformat_minor"]) < (4, 5) or not all(ids):
        yield "cells without an id"
    if len(set(ids)) < len(ids):
        yield "two cells with the same id"
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells tagged parameters"
    for cell in cells:
        if cell["cell_type"] == "code":
            yield from (f"cell {cell.get('id')}: {text}" for text in _problems_of_code(cell))


def _problems_of_code(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["outputs"] or cell["execution_count"] is not None:
        yield "has outputs or an execution count"
    most = PARAMETERS if "parameters" in cell["metadata"].get("tags", []) else CELL_LINES
    if len(source.splitlines()) > most:
        yield f"longer than {most} lines: move logic to lib"
    for name in _imports(source):
        if not any(name == allowed or name.startswith(allowed + ".") for allowed in ALLOWED_IMPORTS):
            yield f"imports {name}"


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_source_notebook(path: Path) -> None:
    assert not list(problems(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_parameters_can_be_read(path: Path) -> None:
    assert Notebook(path.stem).parameters


def test_every_notebook_is_a_page() -> None:
    toc = (ROOT / "book" / "_toc.yml").read_text(encoding="utf-8")
    assert [name for name in names() if f"run/{name}" not in toc] == []
    assert toc.count("run/") == len(NOTEBOOKS)


def test_what_the_market_plants_is_a_parameter_of_every_study_of_it() -> None:
    """With the market's own defaults, and in the study's notebook; studies without a market lack it."""
    found = {name: load_study(name) for name in studies()}
    of_a_market = {name for name, study in found.items() if "alpha" in study.parameters}
    without = {"contract_audit", "how_fast", "interval_coverage", "learner_tuning", "mask_ablation_real", "solver"}
    without |= {"own_setting_mask", "own_setting_learning", "own_setting_ladder", "deflated_sharpe"}
    assert set(found) - of_a_market <= without
    for name in of_a_market:
        parameters = Notebook(name).parameters
        for planted in ("alpha", "reversal"):
            assert found[name].parameters[planted].default == getattr(MarketConfig, planted)
            assert parameters[planted] is None, f"{name}: as the scale says"


def good() -> dict[str, Any]:
    """A notebook that breaks no rule."""
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3"}},
        "cells": [
            {"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# Title"]},
            {**code, "id": "first", "metadata": {"tags": ["parameters"]}, "source": ["scale = 'smoke'"]},
            {**code, "id": "run", "metadata": {}, "source": ["from lib import x\n", "import pandas as pd"]},
        ],
    }


def test_a_good_notebook_passes() -> None:
    assert not list(problems(json.dumps(good())))


BREAKS: dict[str, Callable[[dict[str, Any]], object]] = {
    "kernel": lambda node: node["metadata"].update(kernelspec={"name": "ir"}),
    "without an id": lambda node: node["cells"][0].pop("id"),
    "same id": lambda node: node["cells"][0].update(id="run"),
    "0 cells tagged": lambda node: node["cells"][1].update(metadata={}),
    "2 cells tagged": lambda node: node["cells"][2].update(metadata={"tags": ["parameters"]}),
    "has outputs": lambda node: node["cells"][2].update(outputs=[{"output_type": "stream"}]),
    "execution count": lambda node: node["cells"][2].update(execution_count=3),
    "longer than": lambda node: node["cells"][2].update(source=["x = 1\n"] * 16),
    "imports numpy": lambda node: node["cells"][2].update(source=["import numpy.linalg"]),
    "imports libido": lambda node: node["cells"][2].update(source=["from libido import x"]),
}


@pytest.mark.parametrize("words", BREAKS)
def test_each_rule_can_be_broken(words: str) -> None:
    node = good()
    BREAKS[words](node)
    found = list(problems(json.dumps(node)))
    assert len(found) == 1
    assert words in found[0]
