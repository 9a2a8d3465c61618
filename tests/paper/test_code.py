"""The digest of the code behind a number: edits are planted in a small package, and digests compared."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from toy_package import FILES, edit, write

from lib.errors import UnknownNameError
from lib.store import sources
from lib.store.code import digests, notebook_digest
from lib.store.code.digests import Code
from lib.store.code.syntax import Name
from lib.store.code.walk import Package

#: (file, text, its replacement) that changes what `first` computes
REACHED = {
    "constant": ("constants.py", "SHIFT = 1", "SHIFT = 9"),
    "method": ("model.py", "return SHIFT", "return -SHIFT"),
    "class attribute": ("model.py", "size: int = 3", "size: int = 4"),
    "annotation in a class": ("model.py", "size: int", "size: ClassVar[int]"),
    "base class": ("base.py", "return 1", "return 2"),
    "default argument": ("model.py", "times=2", "times=3"),
    "decorator": ("decorators.py", "2 * function", "4 * function"),
    "another decorator": ("model.py", "@doubled\n", ""),
    "constant of a module that shows": ("page.py", '["ridge", "tree"]', '["tree"]'),
    "by way of a module": ("tools.py", "len(row)", "2 * len(row)"),
    "constant beside it": ("tools.py", "WEIGHT = 4", "WEIGHT = 5"),
    "statement with an effect": ("tools.py", '"THREADS", "1"', '"THREADS", "2"'),
    "by way of a package that passes it on": ("deep/scale.py", "return _loop(x)", "return -_loop(x)"),
    "compiled loop": ("deep/scale.py", "x * 3", "x * 4"),
    "import inside a function": ("late.py", "return 7", "return 6"),
    "name loaded on first use": ("far.py", "return 8", "return 9"),
    "class that only an annotation names": ("hints.py", "width = 1", "width = 2"),
    "entry of a registry": ("learners.py", "DEPTH = 5", "DEPTH = 6"),
    "lookup in a registry": ("learners.py", "return LEARNERS[name]", "return LEARNERS[name.lower()]"),
    "argument that is a lambda": ("studies/first/__init__.py", 'settings["path"]', 'settings["other"]'),
    "table that is read": ("tables/rates.csv", "1", "2"),
    "module of another package": ("studies/first/__init__.py", "import numpy as np", "import torch as np"),
    "the same name from elsewhere": ("hub.py", "lib.deep.scale import scaled", "lib.late import late as scaled"),
    "type of a constant": ("constants.py", "SHIFT = 1", "SHIFT = 1.0"),
    "assignment under a condition": ("constants.py", "UNUSED", "if UNUSED:\n    SHIFT = 3\nUNUSED"),
    "item of a table": ("page.py", "TITLE =", "POLICY[0] = 'tree'\nTITLE ="),
}
#: the same for edits that change nothing
UNREACHED = {
    "constant": ("constants.py", "UNUSED = 2", "UNUSED = 3"),
    "function": ("model.py", "return UNUSED", "return -UNUSED"),
    "page code": ("page.py", "return TITLE, frame", "return frame"),
    "another function of a module": ("tools.py", "return sys.argv", "return sys.path"),
    "docstring": ("model.py", "A model.", "A large model."),
    "docstring of a method": ("model.py", '        """Its value."""\n', ""),
    "comment": ("model.py", "# days", "# sessions"),
    "layout": ("model.py", "return model.value() * times", "return (model.value()\n            * times)"),
    "annotation": ("late.py", "def late():", "def late() -> int:"),
    "name that a local one hides": ("studies/first/__init__.py", "return 2", "return 3"),
    "new definition": ("constants.py", "SHIFT = 1", "NEW = 4\nSHIFT = 1"),
    "order": ("constants.py", "SHIFT = 1\nUNUSED = 2", "UNUSED = 2\nSHIFT = 1"),
    "import that nothing uses": ("constants.py", "SHIFT = 1", "from lib.page import TITLE\nSHIFT = 1"),
    "what the file is run for": ("constants.py", "UNUSED = 2", "if __name__ == '__main__':\n    SHIFT = 5"),
    "another name for an import": ("hub.py", "TITLE\n", "TITLE as HEADING\n"),
    "table that is not read": ("tables/other.csv", "1", "2"),
    "title of the study": ("studies/first/__init__.py", 'name="first"', 'name="first", title="One"'),
}
FIRST = ("_grid", "_compute", "STUDY:inputs")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package in place of `lib`, so that what is reached can be seen at a glance."""
    folder = tmp_path / "lib"
    for name, text in FILES.items():
        write(folder / name, text)
    monkeypatch.setattr(sources, "FOLDER", folder)
    return folder


def code(module: str = "lib.studies.first", names: tuple[str, ...] = FIRST) -> Code:
    roots = tuple(Name(module, name) for name in names)
    return Code(Package(), roots, roots[1:] or roots)


def digest(module: str = "lib.studies.first", names: tuple[str, ...] = FIRST) -> str:
    return code(module, names).digest({})


@pytest.mark.parametrize("what", REACHED)
def test_what_is_reached_counts(package: Path, what: str) -> None:
    before = digest()
    edit(package, *REACHED[what])
    assert digest() != before


@pytest.mark.parametrize("what", UNREACHED)
def test_nothing_else_does(package: Path, what: str) -> None:
    before = digest()
    edit(package, *UNREACHED[what])
    assert digest() == before


def test_a_definition_that_moves_keeps_the_digest(package: Path) -> None:
    before = digest()
    write(package / "new" / "place.py", "SHIFT = 1\n")
    write(package / "new" / "__init__.py", "from lib.new.place import SHIFT\n")
    edit(package, "constants.py", "SHIFT = 1\n", "")
    edit(package, "model.py", "from lib.constants import SHIFT, UNUSED", "from lib.new import SHIFT as SHIFT")
    edit(package, "factors/one.py", "lib.constants", "lib.new")
    assert digest() == before
    edit(package, "new/place.py", "1", "2")
    assert digest() != before


def test_a_module_of_another_name_keeps_the_digest(package: Path) -> None:
    before = digest()
    shutil.move(package / "tools.py", package / "deep" / "means.py")
    imports = "from lib import far\nfrom lib.deep import means"
    edit(package, "studies/first/__init__.py", "from lib import far, tools", imports)
    edit(package, "studies/first/__init__.py", "tools.total", "means.total")
    assert digest() == before
    shutil.move(package / "deep", package / "depth")
    edit(package, "hub.py", "lib.deep", "lib.depth")
    edit(package, "studies/first/__init__.py", "lib.deep", "lib.depth")
    assert digest() == before


@pytest.mark.parametrize(
    "name, new, files",
    [
        ("SHIFT", "OFFSET", ("constants.py", "model.py", "factors/one.py")),
        ("Child", "Grown", ("model.py", "studies/first/__init__.py")),
        ("scaled", "stretched", ("deep/scale.py", "hub.py", "studies/first/__init__.py")),
        ("_compute", "compute", ("studies/first/__init__.py",)),
    ],
)
def test_a_definition_of_another_name_keeps_the_digest(
    package: Path, name: str, new: str, files: tuple[str, ...]
) -> None:
    before = digest()
    for file in files:
        text = (package / file).read_text(encoding="utf-8")
        assert re.search(rf"\b{name}\b", text), file
        write(package / file, re.sub(rf"\b{name}\b", new, text))
    assert digest(names=tuple(new if own == name else own for own in FIRST)) == before


def test_two_names_of_one_statement_are_told_apart(package: Path) -> None:
    edit(package, "constants.py", "SHIFT = 1\nUNUSED = 2", "SHIFT, UNUSED = 1, 2")
    before = digest()
    edit(package, "constants.py", "SHIFT, UNUSED", "UNUSED, SHIFT")
    assert digest() != before


def test_two_definitions_that_change_places_do_not(package: Path) -> None:
    """Both are reached before and after; only which name stands for which has changed."""
    edit(package, "studies/first/__init__.py", "late() + ", "late() + swapped() + ")
    edit(package, "studies/first/__init__.py", "from lib.late import late", "from lib.late import late, one as swapped")
    write(package / "late.py", "def late():\n    return 7\n\ndef one():\n    return 1\n")
    before = digest()
    edit(package, "studies/first/__init__.py", "late, one as swapped", "one as late, late as swapped")
    assert digest() != before


def test_a_name_that_stands_for_something_else_counts(package: Path) -> None:
    """The order in which definitions are reached is the same."""
    edit(package, "studies/first/__init__.py", "late() + ", "late() + one() + another() + ")
    edit(package, "studies/first/__init__.py", "import late", "import late, one, late as another")
    write(package / "late.py", "def late():\n    return 7\n\ndef one():\n    return 1\n")
    before = digest()
    edit(package, "studies/first/__init__.py", "late as another", "one as another")
    assert digest() != before


def test_a_study_whose_rows_are_asked_for_counts_with_its_grid_and_what_it_computes(package: Path) -> None:
    second = "lib.studies.second", ("_compute",)
    before = digest(*second)
    for what in ("page code", "function", "title of the study"):
        edit(package, *UNREACHED[what])
    edit(package, "paper/results/runner.py", 'given["other"]', 'given["more"]')
    assert digest(*second) == before
    edit(package, *REACHED["method"])
    assert digest(*second) != before


def test_a_study_asked_for_by_a_name_that_is_not_written_counts_with_every_other(package: Path) -> None:
    edit(package, "studies/second/__init__.py", 'run_study("first"', "run_study(row")
    second = "lib.studies.second", ("_compute",)
    before = digest(*second)
    edit(package, "studies/first/__init__.py", "shadow = 1", "shadow = 3")
    assert digest(*second) != before


@pytest.mark.parametrize(
    ("module", "names", "change"),
    [
        ("lib.value", ("run",), ("constants.py", "UNUSED = 2", "UNUSED = 3")),
        ("lib.dynamic", ("load",), ("dynamic/inner.py", "VALUE = 1", "VALUE = 2")),
        ("lib.state", ("ALL",), ("state.py", 'Entry("first")', 'Entry("second")')),
        ("lib.uses_all", ("run",), ("factors/two.py", "2)", "3)")),
        ("lib.uses_all", ("run",), ("factors/one.py", "WIDTH = 5", "WIDTH = 6")),
    ],
)
def test_what_cannot_be_followed_counts_whole(
    package: Path, module: str, names: tuple[str, ...], change: tuple[str, str, str]
) -> None:
    before = digest(module, names)
    edit(package, *change)
    assert digest(module, names) != before


def test_a_row_counts_the_entries_that_it_names(package: Path) -> None:
    edit(package, "page.py", '["ridge", "tree"]', "list(range(2))")

    def of(row: dict[str, object]) -> str:
        return code().digest(code().entries([row], {}))

    rows = {"learner": "ridge"}, {"learner": "tree"}, {"learners": ["ridge", "tree"]}, {"learner": "every"}, {}
    before = [of(row) for row in rows]
    assert len(set(before)) == 3, "what is no entry, and nothing at all, count whole"
    edit(package, "learners.py", "DEPTH = 5", "DEPTH = 6")
    assert [of(row) == old for row, old in zip(rows, before, strict=True)] == [True, False, False, False, False]


def test_a_new_entry_changes_only_what_counts_whole(package: Path) -> None:
    def of(row: dict[str, object], settings: dict[str, object], module: str, *names: str) -> str:
        own = code(module, names or FIRST)
        return own.digest(own.entries([row], settings))

    asked = (
        ({"learner": "ridge"}, {}, "lib.studies.first"),
        ({}, {"learners": ["tree"]}, "lib.studies.first"),
        ({}, {}, "lib.uses_some", "run"),
        ({"factors": "core"}, {}, "lib.uses_some", "run"),
        ({"factors": "all"}, {}, "lib.uses_some", "run"),  # a constant of that name that holds no entry
        ({}, {}, "lib.uses_all", "run"),
    )
    before = [of(*question) for question in asked]
    edit(package, "learners.py", '"tree": tree', '"tree": tree, "forest": find')
    edit(package, "factors/two.py", "two('two_1', 2)", "two('two_1', 2)\ntwo('two_2', 2)")
    write(package / "factors" / "three.py", "from lib.factors.one import one\n\none('three_1', 3)\n")
    edit(package, "factors/registry.py", '"two": "two"', '"two": "two", "three": "three"')
    same = [of(*question) == old for question, old in zip(asked, before, strict=True)]
    assert same == [True, True, True, True, False, False]


def test_entries_that_the_code_names_count_whatever_the_row_says(package: Path) -> None:
    own = code("lib.uses_some", ("run",))
    assert own.entries([{}], {}) == {"factors": {"one_1"}}
    assert own.entries([{"factors": ["one_2"]}], {}) == {"factors": {"one_1", "one_2"}}
    assert own.entries([{"factors": "two_1[d=5]"}], {}) == {"factors": {"one_1", "two_1"}}


def test_a_list_of_all_entries_must_be_there(package: Path) -> None:
    edit(package, "factors/registry.py", 'listed_by=("names",)', 'listed_by=("everything",)')
    with pytest.raises(UnknownNameError, match=r"'everything', which lib\.factors\.registry does not"):
        digest()


def test_the_definitions_say_what_changed(package: Path) -> None:
    before = code().definitions()
    assert {"constants.SHIFT", "model.Child", "learners.tree", "tools.total"} <= before.keys()
    assert not {"constants.UNUSED", "page.summary", "model.unreached"} & before.keys()
    edit(package, *REACHED["method"])
    after = code().definitions()
    assert {name for name in before | after if before.get(name) != after.get(name)} == {"model.Child"}


# ------------------------------------------------------------------------------------------ notebooks

CELLS = {
    "import lib\nlib.run_study('first')": {"first"},
    "from lib.paper.results.runner import run_study\nrun_study('second')": {"first", "second"},
    "import lib.paper.results.runner as l\nNAME = 'first'\nl.run_study(NAME)": {"first"},
    "%time from lib.paper.results.runner import run_study\nfor n in NAMES: run_study(n)": {"first", "second"},
    "from lib import studies\nprint(studies.studies())": {"first", "second"},
    "from lib.helper import shown\nshown('first')": {"first"},
    "from lib.helper import shown\nshown(NAME)": {"first", "second"},
    "from lib import far": set(),
    "%%bash\nfrom lib import nonsense (": set(),
    "!ls\n%matplotlib inline\nif True:\n    %pwd\nprint('x')": set(),
}


def add_helpers(package: Path) -> None:
    """Two further ways to run a study: from the package itself, and through a function that takes its name."""
    edit(package, "__init__.py", '"far": "lib.far"', '"far": "lib.far", "run_study": "lib.paper.results.runner"')
    text = "from lib.paper.results.runner import run_study\n\ndef shown(name):\n    return run_study(name)\n"
    write(package / "helper.py", text)


@pytest.mark.parametrize("cell", CELLS)
def test_a_notebook_depends_on_the_studies_that_it_names_and_how_they_are_shown(package: Path, cell: str) -> None:
    add_helpers(package)
    for study in ("first", "second"):
        before = notebook_digest([cell])
        edit(package, f"studies/{study}/__init__.py", 'STUDY = Study(name="', 'STUDY = Study(title="x", name="')
        assert (notebook_digest([cell]) != before) == (study in CELLS[cell] or study in reads(cell)), study


@pytest.mark.parametrize("cell", CELLS)
def test_what_notebooks_share_changes_no_digest(package: Path, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    add_helpers(package)
    shared = notebook_digest([cell])
    monkeypatch.setattr(digests, "_package", lambda stamps, pages=False, cells=None: Package(pages, cells))
    assert notebook_digest([cell]) == shared


def reads(cell: str) -> set[str]:
    """The second study reads the rows of the first."""
    return {"first"} if "second" in CELLS[cell] else set()


def test_a_notebook_depends_on_page_code_and_machinery(package: Path) -> None:
    cell = "from lib.paper.results.runner import run_study\nrun_study('first')"
    before = notebook_digest([cell])
    edit(package, *UNREACHED["function"])
    assert notebook_digest([cell]) == before
    edit(package, *UNREACHED["page code"])
    between = notebook_digest([cell])
    edit(package, "paper/results/runner.py", 'given["other"]', 'given["more"]')
    assert before != between != notebook_digest([cell])


# ---------------------------------------------------------------------------------------------- files


def test_studies_are_the_modules_that_declare_one(package: Path) -> None:
    write(package / "studies" / "helper.py", "def f():\n    STUDY = 1\n")
    assert sources.study_modules() == ("lib.studies.first", "lib.studies.second")


def test_a_module_without_a_file_is_an_error(package: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"lib\.absent"):
        sources.locate("lib.absent")
    with pytest.raises(UnknownNameError, match="no source file"):
        sources.locate("json_that_does_not_exist")


def test_file_digest_follows_the_content(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"abc")
    assert sources.file_digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"abcd")
    assert sources.file_digest(path).startswith("88d4266fd4e6338d")
