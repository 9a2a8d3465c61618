"""requirements.in, requirements.lock, pyproject.toml and environment.yml name the same packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK_TEXT = (ROOT / "requirements.lock").read_text()
LOCK_LINES = [line for line in LOCK_TEXT.splitlines() if line and not line.startswith("#")]
LOCK = [Requirement(line) for line in LOCK_LINES]


def direct() -> tuple[list[str], list[str]]:
    """The lines of requirements.in: what runs the book, and what develops it."""
    text = (ROOT / "requirements.in").read_text()
    runtime, _, development = text.partition("# development\n")
    return _packages(runtime), _packages(development)


def _packages(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_pyproject_has_the_lines_of_requirements_in() -> None:
    runtime, development = direct()
    assert PYPROJECT["project"]["dependencies"] == runtime
    assert PYPROJECT["project"]["optional-dependencies"]["dev"] == development


@pytest.mark.parametrize("python", ["3.11", "3.12"])
@pytest.mark.parametrize("line", [*direct()[0], *direct()[1]])
def test_the_lock_pins_each_direct_package_once(line: str, python: str) -> None:
    wanted = Requirement(line)
    environment = {"python_version": python, "python_full_version": f"{python}.5", "sys_platform": "linux"}
    pins = [
        pin for pin in LOCK
        if canonicalize_name(pin.name) == canonicalize_name(wanted.name)
        and (pin.marker is None or pin.marker.evaluate(environment))
    ]  # fmt: skip
    assert len(pins) == 1
    assert wanted.specifier.contains(next(iter(pins[0].specifier)).version)


def test_every_line_of_the_lock_is_one_version_and_no_address() -> None:
    for line in LOCK_LINES:
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9A-Za-z.]*( ; .+)?", line), line


def test_the_lock_leaves_the_gpu_libraries_to_torch() -> None:
    assert not [pin.name for pin in LOCK if re.match(r"nvidia-|cuda-|triton", pin.name)]


def test_conda_installs_the_lock() -> None:
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    *packages, pip = conda["dependencies"]
    assert conda["name"] == PYPROJECT["project"]["name"]
    assert f"python {PYPROJECT['project']['requires-python']}" in packages
    assert pip == {"pip": ["-r requirements.lock", "-e ."]}


def test_no_package_index_is_named() -> None:
    for name in ("requirements.in", "requirements.lock", "pyproject.toml", "environment.yml"):
        text = (ROOT / name).read_text()
        assert "://" not in text and "index-url" not in text and "find-links" not in text, name
