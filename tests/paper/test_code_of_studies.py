"""Evidence goes stale when it must: edits are planted in a copy of the package, and digests of the studies compared."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.store import sources
from lib.studies import load_study

OF_ABLATION = ["mask_ablation", "phantom_alpha"]
Edit = tuple[str, str, str, list[str]]
#: (file, text, its replacement, studies whose numbers it changes)
CHANGES_NUMBERS = [
    ("studies/coverage/measure.py", '"skip": 0.5', '"skip": 0.6', ["coverage"]),
    ("studies/coverage/measure.py", "0.025, 0.05)", "0.025, 0.06)", ["coverage"]),
    ("studies/cases/measure.py", '"2022-04-26"', '"2022-04-27"', ["cases"]),
    ("studies/rank_denominator/measure.py", "PICTURED = 100", "PICTURED = 90", ["rank_denominator"]),
    ("studies/ewma_float32/measure.py", "SPANS = (", "SPANS = (7, ", ["ewma_float32"]),
    ("studies/regimes/measure.py", '("bear", "rally")', '("rally", "bear")', ["regimes"]),
    ("studies/phantom_alpha/measure.py", '("none", "row_deletion", "mask_skip")', '("none",)', ["phantom_alpha"]),
    ("evaluation/conditions.py", '["ranks"]', '["orders"]', OF_ABLATION),
    # a study that reads another one's rows depends on the code that makes them
    ("models/training.py", "clip_norm: float = 1.0", "clip_norm: float = 2.0", OF_ABLATION),
    ("studies/mask_ablation/__init__.py", "Parameter(int, 1000, low=1", "Parameter(int, 900, low=1", OF_ABLATION[1:]),
    # deep below: a compiled loop, a formula, a rule of the exchange
    ("kernels/compiled/sums.py", "@compiled\n", "@compiled\n@staticmethod\n", ["coverage", "mask_ablation"]),
    ("factors/formulas/alpha.py", "delta(close, 1)", "delta(close, 2)", ["coverage", "mask_ablation"]),
    ("market/config.py", "STOCKS: Final = ", "STOCKS: Final = 1 + ", ["covariance_eigenvalue", "mask_ablation"]),
]  # fmt: skip
#: the end of the last entry of the table of learners
NETWORK = "mlp, **NETWORK),"
#: the same for edits that change no number of theirs
CHANGES_NONE = [
    ("studies/coverage/page.py", "return joined_table(frame)", "return joined_table(frame).iloc[:5]", ["coverage"]),
    ("studies/cases/page.py", "QUESTION = ", "ASKED = 1\nQUESTION = ", ["cases"]),
    ("studies/phantom_alpha/page.py", "STORY = (", 'STORY = (("truth_ic", 1), ', ["phantom_alpha"]),
    ("studies/mask_ablation/tables.py", "JUDGED = (", "JUDGED = (0, ", OF_ABLATION),
    ("studies/mask_ablation/measure.py", "def compute(", "ADDED = 1\n\n\ndef compute(", OF_ABLATION),
    ("portfolio/costs.py", "\n\nclass ", "\n\nADDED = 1\n\n\nclass ", ["covariance_eigenvalue", "coverage"]),
    ("paper/results/runner.py", '"n": "Int64"', '"n": "Float64"', ["phantom_alpha"]),
    ("paper/claims/scoreboard.py", "def scoreboard(", "def new() -> None: ...\n\n\ndef scoreboard(", ["coverage"]),
    ("models/learners.py", NETWORK, f'{NETWORK}\n    "other": ridge,', ["coverage", "covariance_eigenvalue"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy") / "lib"
    return Path(shutil.copytree(sources.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def package(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package whose sources are digested in place of the one that runs; every edit is taken back."""
    monkeypatch.setattr(sources, "FOLDER", copy)
    return copy


def digests_around(package: Path, edit: Edit) -> Iterator[tuple[str, str, str]]:
    """Each study with its digest before and after the edit."""
    file, old, new, names = edit
    before = [load_study(name).source_digest() for name in names]
    path, text = package / file, (package / file).read_text(encoding="utf-8")
    assert old in text, f"{file} no longer holds {old!r}: plant another edit"
    written(path, text.replace(old, new, 1))
    after = [load_study(name).source_digest() for name in names]
    written(path, text)
    yield from zip(names, before, after, strict=True)


def written(path: Path, text: str) -> None:
    later = path.stat().st_mtime_ns + 10**9  # whatever the clock of the file system
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(later, later))


@pytest.mark.parametrize("edit", CHANGES_NUMBERS, ids=lambda edit: f"{edit[0]}: {edit[1]}")
def test_an_edit_that_changes_numbers_makes_them_stale(package: Path, edit: Edit) -> None:
    for name, before, after in digests_around(package, edit):
        assert before != after, name


@pytest.mark.parametrize("edit", CHANGES_NONE, ids=lambda edit: f"{edit[0]}: {edit[1]}")
def test_an_edit_that_changes_none_does_not(package: Path, edit: Edit) -> None:
    for name, before, after in digests_around(package, edit):
        assert before == after, name


def test_a_new_learner_or_factor_leaves_rows_of_the_others_fresh(package: Path) -> None:
    rows = [{"learner": "ridge", "factors": "core"}, {"learner": "mlp", "factors": "core"}, {"factors": "all"}]

    def digests() -> list[str]:
        return load_study("mask_ablation").source_digests([[row] for row in rows], [{}] * len(rows))

    before = digests()
    assert len(set(before)) == 3 or before[0] == before[1] != before[2]
    learners, factors = package / "models" / "learners.py", package / "factors" / "formulas" / "change.py"
    texts = learners.read_text(encoding="utf-8"), factors.read_text(encoding="utf-8")
    written(learners, texts[0].replace(NETWORK, f'{NETWORK}\n    "other": ridge,'))
    written(factors, texts[1] + 'change("change_999", close, "theme", "source")\n')
    after = digests()
    written(learners, texts[0])
    written(factors, texts[1])
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False]


def test_no_module_does_anything_when_it_is_imported_but_define(package: Path) -> None:
    """The digest counts effects of modules of which something is used, and cannot see those of others."""
    from lib.store.code.walk import Package

    known = Package()
    found = {name for name in known.paths if known.module(name).effects}
    assert found - known.entry_modules == {"lib"}


def test_definitions_are_reached_by_name_only(package: Path) -> None:
    """Ways to be called without being named, which the walk does not know."""
    hidden = re.compile(r"\.register\b|singledispatch|__init_subclass__|__subclasses__|metaclass=|import \*")
    texts = {path: path.read_text(encoding="utf-8") for path in sources.FOLDER.rglob("*.py")}
    assert [str(path) for path, text in texts.items() if hidden.search(text)] == []
