"""The worked examples of CONTRIBUTING.md, executed as they stand in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python (\w+) ?(\S*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SECTIONS = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "lib", folder / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_there_is_an_example_of_each_kind() -> None:
    assert SECTIONS == ["A factor", "A source of prices", "A loss", "A model", "A study"]
    assert [kind for kind, _, _ in BLOCKS].count("run") == len(SECTIONS)


def test_every_other_block_says_what_to_do_with_it() -> None:
    assert len(re.findall(r"^```\w", TEXT, re.MULTILINE)) == len(BLOCKS)


def test_the_examples_run_as_they_stand(project: Path, tmp_path: Path) -> None:
    for kind, name, text in BLOCKS:
        path = project / name
        if kind == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif kind == "append":
            path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        elif kind == "replace":
            before, after = text.rstrip("\n").split("\n---\n")
            source = path.read_text(encoding="utf-8")
            assert source.count(before) == 1, f"{name}: {before}"
            path.write_text(source.replace(before, after), encoding="utf-8")
        else:
            run(text, project, tmp_path)


def run(text: str, project: Path, folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(project), "LIB_CACHE": str(folder / "cache")}
    call = [sys.executable, "-c", text]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{text}\n{done.stderr[-2000:]}"
