"""Real-data tests: skipped without data, run with it, and never skipped silently when it is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_uses_the_folder(data_dir):
    assert data_dir.is_dir()

@pytest.mark.data
def test_skips_itself():
    pytest.skip("file not found")

def test_other():
    pytest.skip("no reason to fail")
"""


def run(folder: Path, data: Path | None) -> str:
    (folder / "test_x.py").write_text(TESTS)
    (folder / "conftest.py").write_text((Path(__file__).parents[1] / "conftest.py").read_text())
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = data\n")
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DIR"}
    environment |= {"DATA_DIR": str(data)} if data else {}
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-c", "pytest.ini", "."]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True).stdout


def test_without_data_they_are_skipped_with_a_reason(tmp_path: Path) -> None:
    output = run(tmp_path, None)
    assert "3 skipped" in output
    assert "set DATA_DIR" in output


def test_with_data_a_skip_is_a_failure(tmp_path: Path) -> None:
    output = run(tmp_path, tmp_path)
    assert "1 failed, 1 passed, 1 skipped" in output
    assert "skipped although DATA_DIR is set" in output


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "passed" not in run(tmp_path, tmp_path / "nowhere")


@pytest.mark.data
def test_the_price_files_are_there(data_dir: Path) -> None:
    assert sorted(data_dir.glob("*.parquet"))
