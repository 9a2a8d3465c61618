"""The module closure and the digests that decide whether a stored result is still current."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lib import sources
from lib.errors import UnknownNameError

FILES = {
    "__init__.py": "",
    "errors.py": "class E(ValueError): ...\n",
    "leaf.py": "'''doc'''\nX = 1  # one\n",
    "late.py": "def f():\n    from lib import leaf\n    import lib.absent\n    return leaf.X\n",
    "pack/__init__.py": "from .inner import y\n",
    "pack/inner.py": "from .. import leaf\nfrom . import other\ny = 2\n",
    "pack/other.py": "import lib.late\n",
    "dynamic/__init__.py": "from importlib import import_module as i\nimport importlib as j\n"
    "def g(n):\n    return j.import_module(f'lib.dynamic.{n}')\n",
    "dynamic/a.py": "",
    "dynamic/b.py": "import lib.leaf\n",
    "dynamic/table.csv": "a,b\n1,2\n",
    "market.py": "",
    "studies/__init__.py": "def run_study(name): ...\n",
    "studies/base.py": "",
    "studies/first.py": "from lib.pack import y\nfrom lib.studies.base import Study\nSTUDY = Study()\n",
    "studies/second.py": "from lib.dynamic import a\nSTUDY: object = a\n",
    "studies/helper.py": "def f():\n    STUDY = 1\n",
    "uses_none.py": "import numpy as np\nfrom lib import make_market\n",
}


@pytest.fixture()
def package(tmp_path, monkeypatch):
    """A small package in place of `lib`, so that the expected closures can be written by hand."""
    folder = tmp_path / "lib"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(sources, "FOLDER", folder)
    return folder


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("lib.leaf", {"leaf"}),
        ("lib.late", {"late", "leaf"}),
        ("lib.pack.other", {"pack", "pack.inner", "pack.other", "late", "leaf"}),
        ("lib.pack", {"pack", "pack.inner", "pack.other", "late", "leaf"}),
        ("lib.dynamic", {"dynamic", "dynamic.a", "dynamic.b", "leaf"}),
        ("lib.uses_none", {"uses_none", "market"}),
    ],
)
def test_closure_follows_imports(package, module, expected):
    assert set(sources.closure([module])) == {"lib"} | {f"lib.{name}" for name in expected}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("import lib\nlib.run_study('first')", {"first"}),
        ("from lib import run_study\nrun_study(name='second')", {"second"}),
        ("import lib as l\nNAME = 'second'\nl.run_study(NAME)", {"second"}),
        (
            "%time from lib.studies import run_study\nfor n in ['first', 'second']: run_study(n)",
            {"first", "second"},
        ),
        ("from lib import studies\nprint(studies())", {"first", "second"}),
        ("from lib import leaf", set()),
        ("print('first')", set()),
    ],
)
def test_a_study_name_counts_as_an_import(package, cell, expected):
    found = {name for name in sources.notebook_modules([cell]) if name in sources.study_modules()}
    assert found == {f"lib.studies.{name}" for name in expected}


def test_study_modules_leave_out_machinery_and_helpers(package):
    assert sources.study_modules() == ("lib.studies.first", "lib.studies.second")


def test_magics_and_other_languages_are_no_obstacle(package):
    cells = [
        "%%bash\nfrom lib import nonsense (",
        "!ls\n%matplotlib inline\nif True:\n    %pwd\nfrom lib import late",
    ]
    assert sources.notebook_modules(cells) == ("lib", "lib.late", "lib.leaf")


def test_skipped_modules_are_not_followed(package):
    assert sources.closure(["lib.late"], skip=["lib.leaf", "lib"]) == ("lib.late",)
    assert sources.closure(["lib.pack"], skip=["lib", "lib.pack.inner"]) == ("lib.pack",)


def test_a_module_outside_the_package_is_a_start_only(package):
    assert __name__ in sources.closure([__name__])
    with pytest.raises(UnknownNameError, match="no source file"):
        sources.closure(["json_that_does_not_exist"])
    with pytest.raises(UnknownNameError, match=r"lib\.absent"):
        sources.closure(["lib.absent"])


@pytest.mark.parametrize(
    ("name", "text", "bytes_differ", "code_differs"),
    [
        ("leaf.py", "'''other'''\nX = 1\n", True, False),
        ("leaf.py", "X = (1)\n", True, False),
        ("leaf.py", "X = 2\n", True, True),
        ("leaf.py", "X = 1.0\n", True, True),
        ("leaf.py", "X = True\n", True, True),
        ("dynamic/table.csv", "a,b\n1,3\n", True, True),
        ("market.py", "Z = 3\n", False, False),
    ],
)
def test_digest_sees_what_it_should(package, name, text, bytes_differ, code_differs):
    start = ["lib.dynamic"]
    before = sources.digest(start), sources.digest(start, exact=False)
    (package / name).write_text(text, encoding="utf-8")
    after = sources.digest(start), sources.digest(start, exact=False)
    assert (after[0] != before[0], after[1] != before[1]) == (bytes_differ, code_differs)


def test_docstrings_of_functions_and_classes_do_not_count(package):
    path = package / "leaf.py"
    path.write_text(
        "class A:\n    '''one'''\n    def f(self):\n        '''two'''\n        return 1\n", encoding="utf-8"
    )
    before = sources.digest(["lib.leaf"], exact=False)
    path.write_text("class A:\n    def f(self):\n        # two\n        return 1\n", encoding="utf-8")
    assert sources.digest(["lib.leaf"], exact=False) == before
    path.write_text("class A:\n    def f(self):\n        x = '''two'''\n        return 1\n", encoding="utf-8")
    assert sources.digest(["lib.leaf"], exact=False) != before


def test_file_digest_follows_the_content(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"abc")
    assert sources.file_digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"abcd")
    assert sources.file_digest(path).startswith("88d4266fd4e6338d")


@pytest.mark.parametrize("module", ["lib.sources", "lib.__main__", "lib.factors", *sources.study_modules()])
def test_every_import_really_made_is_in_the_closure(module):
    """The syntax-tree scan against the interpreter: import a module and look at sys.modules."""
    code = f"import sys, {module}; print(*[m for m in sys.modules if m == 'lib' or m.startswith('lib.')])"
    root = Path(sources.__file__).resolve().parent.parent
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert module in loaded
    assert loaded <= set(sources.closure([module]))


def test_a_helper_of_the_studies_counts_and_the_machinery_does_not():
    for study in sources.study_modules():
        kept = sources.closure([study], skip=sources.MACHINERY)
        assert study in kept and not set(kept) & set(sources.MACHINERY)
    assert all(name == "lib" or sources.find(name) or name == "lib.figures" for name in sources.MACHINERY)
