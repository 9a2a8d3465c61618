"""Every code block and every command of the README runs as it stands.

Python blocks run one after the other in a folder with a small file of prices. Commands that build everything are asked
what they would call (`make -n`), and the arguments of that call are checked; the others run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from lib import make_market
from lib.__main__ import _parser, main
from lib.paper.site import book
from lib.paper.site.notebooks import Notebook
from lib.studies.your_data.examples import long_rows

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
LINES = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines()]
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL))
COMMANDS = [line.partition("   #")[0].strip() for line in (*LINES, *INLINE)
            if re.match(r"make\b|python |papermill |pip |\.venv/", line)]  # fmt: skip
#: target of make -> what it must call
CALLS = {
    "setup": "-m lib compile",
    "": "make book",
    "test": "-m pytest",
    "book": "-m lib.book build --scale",
    "notebook": "-m lib.book run limit_events -p scale smoke -p seeds 4",
    "serve": "-m http.server",
    "bench": "-m lib bench",
    "lock": "pip compile",
}


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """A small file of prices: what every source has, and no more."""
    rows = long_rows(make_market(12, 90, seed=3).panel)[["date", "symbol", "open", "high", "low", "close", "volume"]]
    (tmp_path / "prices").mkdir()
    rows.to_parquet(tmp_path / "prices" / "cn.parquet", index=False)
    return tmp_path / "prices" / "cn.parquet"


def test_there_are_blocks_of_both_kinds_and_no_others() -> None:
    assert {language for language, _ in BLOCKS} == {"bash", "python", "text"}
    assert len(PYTHON) == 3 and len(COMMANDS) >= 12


def test_the_python_blocks_run_one_after_the_other(prices: Path, tmp_path: Path) -> None:
    program = tmp_path / "readme.py"
    inline = [text for text in INLINE if text.startswith("compute_factors(")]
    assert inline
    checks = [
        "assert today.values.shape[:2] == (1, 12) and pure.values.shape == factors.values.shape",
        "assert 'FactorSet(90 dates x 12 symbols x' in repr(factors) and len(repr(market)) < 200",
    ]
    program.write_text("\n".join([*PYTHON, *inline, *checks]), encoding="utf-8")
    call = [sys.executable, str(program)]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, env=_environment(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "factors" / "meta.json").exists()


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "LIB_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("command", [text for text in COMMANDS if text.startswith("make")])
def test_a_make_command_calls_what_it_says(command: str, prices: Path) -> None:
    words = shlex.split(command.replace("=FILE", f"={prices}"))
    target = next((word for word in words[1:] if "=" not in word), "")
    always = ["-B"] if target == "setup" else []  # whether or not it was done before
    done = subprocess.run([words[0], "-n", *always, *words[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert CALLS[target] in done.stdout
    if target == "serve":
        assert "lib.book build" not in done.stdout
    if target == "book":
        call = next(line for line in done.stdout.splitlines() if "-m lib.book" in line)
        options = book._parser().parse_args(shlex.split(call.partition("-m lib.book ")[2]))
        assert options.data in (None, prices)
        assert book.common_values(options.scale, options.data)["scale"] in ("smoke", "laptop")


def test_the_papermill_line_runs_in_the_folder_of_the_project(tmp_path: Path) -> None:
    (line,) = (text for text in COMMANDS if "papermill" in text)
    program, source, target, *options = shlex.split(line)
    assert program == ".venv/bin/papermill"
    assert set(options[1::3]) <= set(Notebook(Path(source).stem).parameters)
    for name in ("lib", "notebooks"):  # the folder, without what a run would leave in it
        (tmp_path / name).symlink_to(ROOT / name)
    call = [str(Path(sys.executable).parent / "papermill"), source, target, *options]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, env=_environment(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / target).exists()


@pytest.mark.parametrize("command", [text for text in COMMANDS if text.startswith("python -m lib ")])
def test_a_command_of_the_package_runs(command: str, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = command.replace("FILE", str(prices)).replace("package.module:function", "builtins:repr")
    words = shlex.split(known)[3:]
    if words == ["fetch"]:  # its options are checked, nothing is downloaded
        with pytest.raises(SystemExit) as stopped:
            _parser().parse_args(["fetch", "--help"])
        assert stopped.value.code == 0
    elif words[0] == "audit":  # of a function that is no factor: it is found, run and refused
        assert main(words) == 2 and "audit: repr" in capsys.readouterr().err
        return
    else:
        assert main(words) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("command", [text for text in COMMANDS if "pip install" in text])
def test_the_extras_that_it_names_exist(command: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r"\[([\w,]+)\]", command)
    names = extras.split(",")
    assert names and set(names) <= set(project["optional-dependencies"])


def test_the_check_of_a_signal_runs(prices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = (text for text in COMMANDS if " -m lib check " in text)
    rows = pd.read_parquet(prices)
    signal = rows.assign(value=rows.groupby("symbol")["close"].pct_change(5))[["date", "symbol", "value"]]
    signal.to_csv(tmp_path / "my_signal.csv", index=False)
    program, *words = shlex.split(command)
    assert program == ".venv/bin/python"
    places = {"my_signal.csv": str(tmp_path / "my_signal.csv"), "prices/cn.parquet": str(prices)}
    assert main([places.get(word, word) for word in words[2:]] + ["--out", str(tmp_path / "signal")]) == 0
    assert (tmp_path / "signal.html").exists() and "of 20 trials" in capsys.readouterr().out


def test_no_command_is_left_out() -> None:
    check = ".venv/bin/python -m lib check "
    known = ("make", "python -m lib ", check, ".venv/bin/papermill ", ".venv/bin/pip install", "pip install")
    assert [text for text in COMMANDS if not text.startswith(known)] == []
    assert all(shutil.which(name) for name in ("make", "bash"))


def test_every_path_of_the_layout_is_there() -> None:
    layout = TEXT.partition("## Layout")[2].partition("## ")[0]
    for cell in re.findall(r"^\| ((?:`[^|]+)) \|", layout, re.MULTILINE):
        paths = re.findall(r"`([^`]+)`", cell)
        first = paths[0].removesuffix("/")
        folder = Path(first).parent if first.startswith("lib/") else Path()
        for path in paths:
            there = ROOT / path if "/" in path and path.startswith(("lib", "book", "tests", "notebooks")) else None
            place = Path(str(there or ROOT / folder / path).replace("NAME", "contamination"))  # any study
            assert place.exists(), path
