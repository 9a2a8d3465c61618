"""The runner: strict parameters, freshness by content, all or nothing, pages without noise."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lib.errors import LoadError, ParameterError, UnknownNameError
from lib.paper.pages.layout import CODE_HERE
from lib.paper.results.study import RowResult, Study, study_inputs
from lib.paper.site import book, notebooks
from lib.paper.site.notebooks import Notebook, NotebookError, execute
from lib.paper.site.pages import finish, parsed, rerun_line
from lib.store import sources
from lib.store.sources import file_digest

PARAMETERS = "scale = 'laptop'\nseeds = 2  # how many\ndata_path: str | None = None"


def make(
    root: Path, name: str = "page", code: str = "scale, seeds", parameters: str = PARAMETERS, **metadata: Any
) -> Notebook:
    """A source notebook in a small project of its own."""
    cells = [
        nbformat.v4.new_markdown_cell("# Page", id="title"),
        nbformat.v4.new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(code, id="code"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    node = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, **metadata})
    for folder in ("notebooks", "book"):
        (root / folder).mkdir(exist_ok=True)
    toc = root / "book" / "_toc.yml"
    if not toc.exists():
        toc.write_text("format: jb-book\nroot: index\n")
    nbformat.write(node, root / "notebooks" / f"{name}.ipynb")
    return Notebook(name, root)


def outputs(path: Path) -> str:
    node = nbformat.read(path, as_version=4)
    return "".join(json.dumps(cell.outputs) for cell in node.cells if cell.cell_type == "code")


# ---------------------------------------------------------------------------------- what a notebook says


def test_parameters_of_a_notebook(tmp_path: Path) -> None:
    assert make(tmp_path).parameters == {"scale": "laptop", "seeds": 2, "data_path": None}


@pytest.mark.parametrize("line", ["seeds = list(range(3))", "import os", "seeds += 1", "a, b = 1, 2"])
def test_a_parameters_cell_only_assigns_plain_values(tmp_path: Path, line: str) -> None:
    with pytest.raises(ParameterError, match="plain values"):
        _ = make(tmp_path, parameters=f"seeds = 1\n{line}").parameters


def test_an_unknown_parameter_is_refused_with_the_closest_name(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="unknown parameter 'sedes'; did you mean 'seeds'"):
        make(tmp_path).settings({"sedes": 3})


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="data_path: no such file"):
        make(tmp_path).settings({"data_path": str(tmp_path / "nowhere.parquet")})


def test_an_unknown_notebook_is_refused_with_the_closest_name(tmp_path: Path) -> None:
    make(tmp_path, "limit_events")
    with pytest.raises(UnknownNameError, match="did you mean 'limit_events'"):
        _ = Notebook("limit_event", tmp_path).node


def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    notebook = make(tmp_path)
    notebook.source.write_text("{broken")
    with pytest.raises(LoadError, match=r"page.ipynb is not a notebook"):
        _ = Notebook("page", tmp_path).node


# ------------------------------------------------------------------------------------------------ its key


def test_the_key_is_the_same_for_the_same_notebook(tmp_path: Path) -> None:
    assert make(tmp_path).key({"seeds": 3}) == make(tmp_path).key({"seeds": 3})


def test_the_key_depends_on_cells_parameters_and_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [make(tmp_path).key({}), make(tmp_path).key({"seeds": 3}), make(tmp_path, code="seeds").key({})]
    monkeypatch.setattr(notebooks, "installed", lambda: ["numpy==0"])
    assert len({*keys, make(tmp_path).key({})}) == 4


def test_the_key_depends_on_the_bytes_of_a_data_file_and_not_on_its_folder(tmp_path: Path) -> None:
    notebook, keys = make(tmp_path), []
    for folder, text in (("a", "1"), ("b", "1"), ("c", "22")):
        path = tmp_path / folder / "prices.csv"
        path.parent.mkdir()
        path.write_text(text)
        keys.append(notebook.key({"data_path": str(path)}))
    assert keys[0] == keys[1] != keys[2]


def test_the_key_depends_on_declared_inputs(tmp_path: Path) -> None:
    notebook = make(tmp_path, inputs=["book/recorded/*"])
    (tmp_path / "book" / "recorded").mkdir()
    keys = [notebook.key({})]
    for name, text in (("a.csv", "1"), ("a.csv", "22"), ("b.csv", "1")):
        (tmp_path / "book" / "recorded" / name).write_text(text)
        keys.append(notebook.key({}))
    assert len(set(keys)) == 4


def test_the_key_depends_on_the_definitions_used_and_on_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = shutil.copytree(sources.FOLDER, tmp_path / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "FOLDER", package)
    one = make(tmp_path, "one", code="from lib.masked import Masked\nMasked")
    two = make(tmp_path, "two", code="from lib.masked import settled\nfrom lib.errors import closest\nclosest")
    before = one.key({}), two.key({})
    masked = package / "masked.py"
    masked.write_text(masked.read_text(encoding="utf-8").replace("class Masked", "class Masked_", 1), encoding="utf-8")
    after = one.key({}), two.key({})
    assert before[0] != after[0]
    assert before[1] == after[1]


# -------------------------------------------------------------------------------------------- execution


def test_an_executed_page_is_fresh_clean_and_reproducible(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text("1")
    given = {"seeds": 3, "data_path": str(prices)}
    notebook = make(tmp_path, code="print(scale, seeds, data_path)", outputs=["book/run/page.csv"])
    assert book.update("page", given, tmp_path).executed
    first = notebook.executed.read_bytes()
    page = nbformat.reads(first.decode(), as_version=4)
    ids = [cell.id for cell in page.cells]
    assert "laptop 3 prices.csv" in outputs(notebook.executed)
    assert ids == ["title", "parameters", "injected-parameters", "code", "provenance"]
    assert "remove-input" in page.cells[2].metadata["tags"], "code stands at the end of a page"
    assert "-p scale laptop -p seeds 3 -p data_path prices.csv" in page.cells[-1].source
    assert str(tmp_path) not in first.decode()
    assert b"papermill" not in first.replace(b"papermill notebooks/page.ipynb", b"")
    assert sorted(path.name for path in notebook.executed.parent.iterdir()) == ["page.ipynb"]

    assert book.update("page", given, tmp_path).executed, "its declared output is missing"
    assert notebook.executed.read_bytes() == first
    (notebook.executed.parent / "page.csv").write_text("x")
    assert not book.update("page", given, tmp_path).executed
    assert not notebook.is_fresh(notebook.key({**given, "seeds": 4}))


def test_a_failing_notebook_says_why_in_one_line_and_leaves_the_old_page(tmp_path: Path) -> None:
    notebook = make(tmp_path, code="total = 1\ntotal / 0")
    notebook.executed.parent.mkdir()
    notebook.executed.write_text("old")
    outcome = book.update("page", {"seeds": 3}, tmp_path)
    assert outcome.error is not None
    assert outcome.error.startswith("ZeroDivisionError: division by zero (in the cell that begins 'total = 1'")
    assert "\n" not in outcome.error
    assert [path.name for path in notebook.executed.parent.iterdir()] == ["page.ipynb"]
    assert notebook.executed.read_text() == "old"
    assert "ZeroDivisionError" in (tmp_path / ".cache" / "failed" / "page.txt").read_text()


def test_the_error_of_a_bad_parameter_is_told_as_it_is(tmp_path: Path) -> None:
    lines = [
        "from lib.parameters import Parameter, check_parameters",
        "schema = {'seeds': Parameter(int, 1), 'scale': Parameter(str, '')}",
        "check_parameters(globals(), schema)",
    ]
    notebook = make(tmp_path, code="\n".join(lines), parameters="scale = 'smoke'\nseeds = 1")
    with pytest.raises(NotebookError) as caught:
        execute(notebook, {"seeds": True}, tmp_path / "out.ipynb")
    assert str(caught.value) == "ParameterError: seeds = True (bool): expected an int"
    assert not (tmp_path / "out.ipynb").exists()


def test_a_process_that_dies_is_an_error(tmp_path: Path) -> None:
    notebook = make(tmp_path, code="import os\nos._exit(1)")
    with pytest.raises(NotebookError, match="Kernel died: most often memory ran out"):
        execute(notebook, {}, notebook.executed)
    assert not notebook.executed.exists()


# ----------------------------------------------------------------------------------------- the whole book


def test_order_is_that_of_the_contents_and_readers_of_others_come_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "claims", inputs=["book/run/b.ipynb"])
    make(tmp_path, "a")
    make(tmp_path, "b")
    toc = "root: index\nparts:\n- chapters:\n  - file: run/claims\n  - file: run/b\n"
    (tmp_path / "book" / "_toc.yml").write_text(toc)
    assert book.names(tmp_path) == ["claims", "b", "a"]
    seen = []
    monkeypatch.setattr(book, "update", lambda name, given, root: seen.append((name, given)))
    list(book.build_notebooks({"scale": "smoke", "us_path": "x"}, root=tmp_path))
    assert seen == [(name, {"scale": "smoke"}) for name in ("b", "a", "claims")]


def test_a_page_does_not_outlive_its_notebook(tmp_path: Path) -> None:
    make(tmp_path)
    orphan = tmp_path / "book" / "run" / "gone.ipynb"
    orphan.parent.mkdir()
    orphan.write_text("{}")
    next(book.build_notebooks({"data_path": "nowhere"}, root=tmp_path))
    assert not orphan.exists()


def test_notebooks_side_by_side(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path, name)
    outcomes = list(book.build_notebooks({"scale": "smoke"}, jobs=2, root=tmp_path))
    assert {(item.name, item.executed, item.error) for item in outcomes} == {
        ("one", True, None),
        ("two", True, None),
    }
    again = list(book.build_notebooks({"scale": "smoke"}, root=tmp_path))
    assert [str(item) for item in again] == ["one: unchanged", "two: unchanged"]


def test_the_control_market_lies_beside_the_data_or_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATA_DIR", raising=False)
    data, other = tmp_path / "cn.parquet", tmp_path / "other"
    data.write_text("x")
    other.mkdir()
    assert book.common_values("smoke", None) == {"scale": "smoke"}
    assert book.common_values("smoke", data) == {"scale": "smoke", "data_path": str(data.resolve())}
    (other / book.CONTROL_FILE).write_text("x")
    monkeypatch.setenv("DATA_DIR", str(other))
    assert book.common_values("smoke", data)["us_path"] == str((other / book.CONTROL_FILE).resolve())
    (tmp_path / book.CONTROL_FILE).write_text("x")
    assert book.common_values("smoke", data)["us_path"] == str((tmp_path / book.CONTROL_FILE).resolve())


def test_a_folder_of_prices_is_taken_wherever_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make book DATA=FOLDER`: the parameters, the page that names it, and the study that reads it."""
    monkeypatch.delenv("DATA_DIR", raising=False)
    folder = tmp_path / "prices"
    folder.mkdir()
    (folder / "600000.csv").write_text("a")
    assert book.common_values("smoke", folder) == {"scale": "smoke", "data_path": str(folder.resolve())}
    notebook, given = make(tmp_path), {"data_path": str(folder)}
    first = (file_digest(folder), notebook.key(given))
    node = nbformat.from_dict(notebook.node)
    finish(node, "page", notebook.settings(given), first[1])
    assert first[0][:16] in node.cells[-1].source
    study = Study("toy", "Toy", lambda s: [], compute=lambda r, s: RowResult([]), inputs=lambda s: [s["data_path"]])
    assert [item.sha256 for item in study_inputs(study, given)] == [first[0]]
    (folder / "600001.csv").write_text("b")
    assert file_digest(folder) != first[0] and notebook.key(given) != first[1]


def test_a_long_temporary_folder_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets have names of about 100 bytes; scratch folders of clusters are longer."""
    long = tmp_path / ("scratch-" * 15)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    execute(make(tmp_path), {}, tmp_path / "out.ipynb")
    assert (tmp_path / "out.ipynb").exists()
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) == str(long))  # and no other folder can be written
    with pytest.raises(NotebookError, match=r"TMPDIR is too long .* expected at most 80; set TMPDIR") as caught:
        execute(make(tmp_path), {}, tmp_path / "other.ipynb")
    assert "\n" not in str(caught.value) and str(long) in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "--data", "nowhere.parquet"], "DATA: no such file or folder: nowhere.parquet"),
        (["run", "no_such_notebook"], "no_such_notebook: unknown notebook"),
    ],
)
def test_the_command_line_fails_with_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert book.main(arguments) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


# ---------------------------------------------------------------------------------------------- the page


def test_progress_bars_and_times_are_removed() -> None:
    stream = {"output_type": "stream", "name": "stderr"}
    cell = nbformat.v4.new_code_cell("x", metadata={"execution": {"t": "1"}, "papermill": {}, "tags": []})
    cell.outputs = [nbformat.from_dict({**stream, "text": text}) for text in ("\r 50%|##", "a warning\n")]
    node = nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"duration": 1}})
    finish(node, "page", {}, "key")
    assert [output.text for output in node.cells[0].outputs] == ["a warning\n"]
    assert node.cells[0].metadata == {"tags": ["remove-input"]}
    assert dict(node.metadata) == {"provenance": {"key": "key"}}


def test_code_stands_at_the_end_of_the_page_unless_the_page_is_about_it() -> None:
    place = nbformat.v4.new_output("display_data", {"text/html": f"<p>made</p>{CODE_HERE}"})
    cells = [nbformat.v4.new_code_cell("a = 1"), nbformat.v4.new_code_cell("b < 2", metadata={"tags": ["shown"]}),
             nbformat.v4.new_code_cell("how_made(shown)", outputs=[place])]  # fmt: skip
    node = nbformat.v4.new_notebook(cells=cells)
    finish(node, "page", {"seeds": 3}, "key")
    assert [cell.metadata["tags"] for cell in node.cells] == [["remove-input"], ["shown"], ["remove-input"]]
    text = node.cells[-1].outputs[0]["data"]["text/html"]
    assert len(node.cells) == 3 and CODE_HERE not in text and "notebooks/page.ipynb" in text and "&lt;" in text


def test_the_rerun_line_gives_the_values_back() -> None:
    line = rerun_line("page", {"a": "4", "b": 4, "c": True, "d": "x y", "e": [0, 1], "f": None, "g": 0.5})
    expected = "-r a 4 -p b 4 -p c True -p d 'x y' -y '{\"e\": [0, 1]}' -p g 0.5"
    assert line == f"papermill notebooks/page.ipynb out.ipynb {expected}"


def test_values_are_read_as_papermill_reads_them() -> None:
    from papermill.cli import _resolve_type

    for text in ("4", "-1", "0.5", "1e3", "True", "False", "None", "true", "four", "", "2020-01-02"):
        assert repr(parsed(text)) == repr(_resolve_type(text))


def test_a_build_says_which_notebook_of_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, "one", code="1"), make(tmp_path, "two", code="2")
    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.setattr(book, "names", lambda root=tmp_path: ["one", "two"])
    build = book.build_notebooks
    monkeypatch.setattr(book, "build_notebooks", lambda given, jobs: build(given, jobs=jobs, root=tmp_path))
    monkeypatch.setattr(book.site, "build", lambda root: "built")
    assert book.main(["build", "--scale", "smoke"]) == 0
    out = capsys.readouterr().out
    assert "one: executing ..." in out and "[1/2] one: executed" in out and "[2/2] two: executed" in out


WAITS = """
import sys, time
from lib.store.files import alone
with alone(sys.argv[1], lambda text: print(text, flush=True)):
    print("in", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_the_second_of_two_builds_waits_and_says_so(tmp_path: Path) -> None:
    """Also when the first one is killed: its lock ends with it."""
    lock = tmp_path / "cache" / "build.lock"

    def start(seconds: float) -> subprocess.Popen[str]:
        call = [sys.executable, "-c", WAITS, str(lock), str(seconds)]
        return subprocess.Popen(call, stdout=subprocess.PIPE, text=True)

    with start(600) as first:
        assert first.stdout is not None and first.stdout.readline() == "in\n"
        with start(0) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"waiting for another process that works on the same ({lock})\n"
            assert second.poll() is None
            first.kill()
            assert second.stdout.readline() == "in\n"
    assert second.returncode == 0


def test_two_builds_take_the_same_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Path] = []

    @contextmanager
    def alone(path: Path, told: object) -> Iterator[None]:
        held.append(path)
        yield

    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.setattr(book, "alone", alone)
    monkeypatch.setattr(book, "_build_alone", lambda given, jobs: 0 if held else 1)
    assert book.main(["build"]) == 0
    assert held == [tmp_path / ".cache" / "build.lock"]


def test_without_a_command_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert book.main([]) == 0
    assert "build" in capsys.readouterr().out
