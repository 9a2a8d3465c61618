"""The command line: what it prints, its exit codes, and one line for every error."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import toy_study

import lib.paper.results.recording
from lib.__main__ import main
from lib.errors import LoadError
from lib.paper.results.verification import Verification
from lib.store import sources

ROOT = sources.FOLDER.parent
STUDIES = sys.modules["lib.studies"]  # the package; as an attribute of lib, `studies` is the function


@pytest.fixture()
def toy(tmp_path, monkeypatch):
    """The toy study under its name in the registry, and its rows in a temporary folder."""
    real = STUDIES.load_study

    def load_study(name):
        return toy_study.STUDY if name == "toy" else real(name)

    monkeypatch.setattr(STUDIES, "load_study", load_study)
    monkeypatch.setattr(STUDIES, "studies", lambda: ["toy"])
    monkeypatch.setenv("LIB_CACHE", str(tmp_path / "cache"))


def refused(capsys, arguments, message):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and message in err, err


def test_alone_it_lists_its_commands(capsys, monkeypatch):
    assert main([]) == 0
    monkeypatch.setattr(sys, "argv", ["lib"])
    assert main() == 0
    out = capsys.readouterr().out
    for command in ("list", "run", "record", "verify", "confirm", "bench", "load", "fetch"):
        assert out.count(f"\n    {command} ") == 2


def test_list_shows_studies_and_parameters(toy, capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "toy: A toy" in out and "    days = 50  an int of at least 2" in out and "    seeds = None" in out


def test_run_prints_the_table_and_writes_the_frame(toy, capsys, tmp_path):
    path = tmp_path / "out.csv"
    arguments = ["run", "toy", "--scale", "smoke", "--seeds", "2,5", "--set", "shift=1.5", "--csv", str(path)]
    assert main([*arguments, "--set", 'variants=["plain", "other"]']) == 0
    out = capsys.readouterr().out
    assert "variant" in out and "other - plain" in out and str(path) in out
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "study,variant,seed,metric,value,n,setting"
    assert {line.split(",")[2] for line in lines[1:]} == {"2", "5"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "tooy"], "unknown study 'tooy'"),
        (["run", "toy", "--scale", "lapto"], "did you mean 'laptop'"),
        (["run", "toy", "--seeds", "x"], "--seeds 'x'"),
        (["run", "toy", "--seeds", "0"], "seeds = 0"),
        (["run", "toy", "--set", "dys=1"], "did you mean 'days'"),
        (["run", "toy", "--set", "days"], "expected NAME=VALUE"),
        (["run", "toy", "--set", "days=many"], "days = 'many'"),
        (["run", "toy", "--set", "seeds=3"], "'seeds' is no parameter of a study"),
        (["run", "toy", "--set", "cache=x"], "'cache' is no parameter of a study"),
        (["run", "toy", "--set", "data_path=absent.parquet"], "absent.parquet"),
        (["run", "toy", "--jobs", "0"], "jobs = 0"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(toy, capsys, arguments, message):
    refused(capsys, arguments, message)


def test_a_table_that_cannot_be_written_is_one_line_too(toy, capsys):
    assert main(["run", "toy", "--csv", "/proc/self/fdinfo/x.csv"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("StoreError: cannot write /proc") and err.count("\n") == 1


def test_an_error_inside_a_row_names_the_row(toy, capsys, monkeypatch):
    def compute(row, settings):
        raise LoadError("too few\nlimit closes")

    compute.__module__, compute.__qualname__ = toy_study.__name__, "compute"  # in place of the study\'s own
    monkeypatch.setattr(toy_study, "STUDY", replace(toy_study.STUDY, compute=compute))
    refused(capsys, ["run", "toy"], "LoadError: too few limit closes (in study 'toy', row {")


def test_record_refuses_a_dirty_tree_in_one_line(toy, capsys, monkeypatch):
    monkeypatch.setattr(lib.paper.results.recording, "head_commit", lambda: "0" * 40)
    monkeypatch.setattr(lib.paper.results.recording, "repository_top", lambda: ROOT)
    monkeypatch.setattr(lib.paper.results.recording, "changed_files", lambda: ["lib/ops.py"])
    refused(capsys, ["record", "toy"], "1 files differ from the commit (first: lib/ops.py)")


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_verify_passes_its_options_and_its_verdict(monkeypatch, capsys, ok, code):
    asked = {}

    def verify(of, **options):
        asked.update(options, of=of)
        return Verification(ok, "what was done")

    monkeypatch.setattr(STUDIES, "verify", verify)
    assert main(["verify", "toy", "--commit", "abc", "--limit", "5", "--scale", "smoke"]) == code
    assert asked == {"of": ["toy"], "commit": "abc", "limit": 5.0, "data": None, "scale": "smoke"}
    assert capsys.readouterr().out == "what was done\n"


@pytest.mark.parametrize(("differs", "code"), [(False, 0), (True, 1)])
def test_confirm_prints_every_study_and_fails_if_one_differs(monkeypatch, capsys, differs, code):
    asked = {}

    def confirm(of, **options):
        asked.update(options, of=of)
        yield Verification(not differs, "first")
        yield Verification(True, "second")

    monkeypatch.setattr(STUDIES, "confirm", confirm)
    assert main(["confirm", "toy", "--jobs", "2"]) == code
    assert asked == {"of": ["toy"], "data": None, "jobs": 2, "backend": None}
    assert capsys.readouterr().out == "first\nsecond\n"


def test_load_and_bench_are_handed_on(monkeypatch, capsys):
    monkeypatch.setitem(
        sys.modules,
        "lib.load.quality.report",
        SimpleNamespace(report=lambda path, market, kind: f"{path} {market} {kind}"),
    )
    asked = []
    report = SimpleNamespace(main=lambda **options: asked.append(options))
    monkeypatch.setitem(sys.modules, "lib.studies.how_fast.report", report)
    assert main(["load", "x.parquet", "--market", "none"]) == 0
    assert capsys.readouterr().out == "x.parquet none auto\n"
    assert main(["bench"]) == main(["bench", "--quick", "--whole-panel", "--record", "--out", "x.json"]) == 0
    assert asked == [
        {"scale": "paper", "whole_panel": False, "record": False, "out": "out/bench.json"},
        {"scale": "smoke", "whole_panel": True, "record": True, "out": "x.json"},
    ]


def test_a_bad_file_is_one_line(monkeypatch, capsys):
    def report(path, market, kind):
        raise LoadError("the file is\nempty")

    monkeypatch.setitem(sys.modules, "lib.load.quality.report", SimpleNamespace(report=report))
    refused(capsys, ["load", "x.parquet"], "LoadError: the file is empty")


def test_as_a_program():
    command = [sys.executable, "-W", "error", "-m", "lib"]
    done = subprocess.run([*command, "run", "nothing"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "unknown study 'nothing'" in done.stderr and done.stderr.count("\n") == 1
    done = subprocess.run([*command, "dance"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
