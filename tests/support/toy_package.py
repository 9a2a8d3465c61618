"""A small package in place of `lib`, in which every way to reach a definition occurs, and edits of it."""

from __future__ import annotations

import os
from pathlib import Path

FILES = {
    "__init__.py": 'FACE = {"far": "lib.far"}\n\n\ndef __getattr__(name):\n    return FACE[name]\n',
    "studies/__init__.py": """
from lib.sources import study_modules

def studies():
    return study_modules()
""",
    "paper/__init__.py": "",
    "paper/results/__init__.py": "",
    "paper/results/runner.py": """
@machinery
def run_study(study: str | object, **given):
    return given["other"]
""",
    "studies/first/__init__.py": """
from __future__ import annotations
from typing import TYPE_CHECKING
import numpy as np
from lib import far, tools
from lib.hub import scaled
from lib.learners import find
from lib.model import Child, fit
from lib.page import POLICY, summary
from lib.tables import read

if TYPE_CHECKING:
    from lib.hints import Hint

def _grid(settings):
    return [{"learner": name} for name in POLICY]

def _compute(row, settings):
    from lib.late import late
    model: Hint = Child()
    shadow = 1
    return np.float64(fit(model)) + tools.total(row) + scaled(shadow) + late() + find(row["learner"])() + far() + read()

def shadow():
    return 2

SHOWN = Page(table=summary)
STUDY = Study(name="first", grid=_grid, compute=_compute, page=SHOWN, inputs=lambda settings: [settings["path"]])
""",
    "studies/second/__init__.py": """
from lib.page import summary
from lib.paper.results.runner import run_study

SCALES = {"smoke": 1}

def _compute(row, settings):
    return run_study("first", jobs=1)

STUDY = Study(name="second", grid=_compute, compute=_compute, scales=SCALES, page=Page(table=summary))
""",
    "page.py": """
POLICY = ["ridge", "tree"]
TITLE = "Table"

def summary(frame):
    return TITLE, frame
""",
    "model.py": '''
from lib.base import Parent
from lib.constants import SHIFT, UNUSED
from lib.decorators import doubled

class Child(Parent):
    """A model."""

    size: int = 3

    def value(self):
        """Its value."""
        return SHIFT  # days

@doubled
def fit(model, times=2):
    return model.value() * times

def unreached():
    return UNUSED
''',
    "base.py": "class Parent:\n    def start(self):\n        return 1\n",
    "constants.py": "SHIFT = 1\nUNUSED = 2\n",
    "decorators.py": "def doubled(function):\n    return lambda *given: 2 * function(*given)\n",
    "hints.py": "class Hint:\n    width = 1\n",
    "late.py": "def late():\n    return 7\n",
    "far.py": "def far():\n    return 8\n",
    "hub.py": "from lib.deep.scale import scaled\nfrom lib.page import TITLE\n",
    "deep/__init__.py": "",
    "deep/scale.py": """
import numba

@numba.njit
def _loop(x):
    return x * 3

def scaled(x):
    return _loop(x)
""",
    "tools.py": """
import os
import sys

os.environ.setdefault("THREADS", "1")
WEIGHT = 4

def total(row):
    return len(row) * WEIGHT

def other():
    return sys.argv
""",
    "learners.py": """
from lib.marks import registry

def ridge():
    return 1

def tree():
    return DEPTH

DEPTH = 5

LEARNERS = registry("learners", {"ridge": ridge, "tree": tree})

def find(name):
    return LEARNERS[name]
""",
    "tables/__init__.py": """
from pathlib import Path

def read():
    return Path(__file__).with_name("rates.csv").read_text()

def unread():
    return Path(__file__).with_name("other.csv").read_text()
""",
    "tables/rates.csv": "1\n",
    "tables/other.csv": "1\n",
    "factors/__init__.py": "",
    "factors/registry.py": """
from importlib import import_module
from lib.marks import registry

MODULES = registry("factors", {"one": "one", "two": "two"}, listed_by=("names",))

class Family:
    catalogue = {}

    def __call__(self, name, value):
        self.catalogue[name] = value

def names():
    return [import_module(f"lib.factors.{name}") for name in MODULES]

def find_factors(wanted):
    return [factor for factor in names() if factor in wanted]
""",
    "factors/one.py": """
from lib.factors.registry import Family
from lib.constants import SHIFT

one = Family()
WIDTH = 5
one("one_1", WIDTH)
one("one_2", SHIFT)
""",
    "factors/two.py": "from lib.factors.registry import Family\n\ntwo = Family()\ntwo('two_1', 2)\n",
    "uses_all.py": "from lib.factors.registry import names\n\ndef run():\n    return names(), 'one_1'\n",
    "uses_some.py": """
from lib.factors.registry import find_factors

CORE = ("one_1",)
ALL = ("nothing",)

def run():
    return find_factors(CORE or ALL)
""",
    "dynamic/__init__.py": """
from importlib import import_module

def load(name):
    return import_module(f"lib.dynamic.{name}")
""",
    "dynamic/inner.py": "VALUE = 1\n",
    "value.py": "from lib import constants\n\ndef run(name):\n    return getattr(constants, name)\n",
    "state.py": """
class Entry:
    registry = {}

    def __init__(self, name):
        self.registry[name] = self

first = Entry("first")
ALL = Entry.registry
""",
}  # fmt: skip


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.lstrip("\n"), encoding="utf-8")


def edit(package: Path, file: str, old: str, new: str) -> None:
    path = package / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} no longer holds {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    later = path.stat().st_mtime_ns + 10**9  # whatever the clock of the file system
    os.utime(path, ns=(later, later))
