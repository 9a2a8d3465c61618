"""Evidence goes stale when it must: edits are planted in a copy of the package, and digests of the studies compared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib import sources
from lib.studies import load_study

OF_ABLATION = ["mask_ablation", "paradox", "phantom_alpha"]
#: (file, text, its replacement, studies whose numbers it changes)
CHANGES_NUMBERS = [
    ("studies/coverage_tables.py", '"skip": 0.5', '"skip": 0.6', ["coverage"]),
    ("studies/coverage_tables.py", "0.025, 0.05)", "0.025, 0.06)", ["coverage"]),
    ("studies/cases_tables.py", '"2022-04-26"', '"2022-04-27"', ["cases"]),
    ("studies/rank_denominator_tables.py", "PICTURED = 100", "PICTURED = 90", ["rank_denominator"]),
    ("studies/ewma_float32_tables.py", "SPANS = (", "SPANS = (7, ", ["ewma_float32"]),
    ("studies/regimes_tables.py", '("bear", "rally"))', '("rally", "bear"))', ["regimes", "cases", "other_markets"]),
    ("studies/other_markets_tables.py", '"breaker_7":', '"breaker_8":', ["other_markets"]),
    ("studies/paradox_tables.py", '(("none", "halt_only"), ', '(("none", "none"), ', ["paradox"]),
    ("studies/phantom_alpha_tables.py", '("none", "row_deletion", "mask_skip")', '("none",)', ["phantom_alpha"]),
    ("studies/mask_ablation_synthetic_tables.py", '["ranks"]', '["orders"]', OF_ABLATION),
    ("findings/paper_panel.py", '"planted market"', '"a planted market"', ["paper_panel"]),
    # whoever reads another study's rows depends on the code that makes them
    ("studies/mask_ablation.py", "def _compute(", "ADDED = 1\n\n\ndef _compute(", OF_ABLATION),
    ("models/training.py", "clip_norm: float = 1.0", "clip_norm: float = 2.0", OF_ABLATION),
]  # fmt: skip
#: (file, text, its replacement, studies that only show it)
ONLY_SHOWS = [
    ("studies/coverage_tables.py", "return joined_table(frame)", "return joined_table(frame).iloc[:5]", ["coverage"]),
    ("studies/cases_tables.py", "SCRIPTED = (", "SCRIPTED = (  # by hand\n", ["cases"]),
    ("studies/paradox_tables.py", "apparent IC falls", "the apparent IC falls", ["paradox"]),
    ("studies/phantom_alpha_tables.py", "STORY = (", 'STORY = (("truth_ic", 1), ', ["phantom_alpha"]),
    ("studies/mask_ablation_synthetic_tables.py", "JUDGED = (", 'JUDGED = ("m1_ic", ', ["mask_ablation", "paradox"]),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy") / "lib"
    return Path(shutil.copytree(sources.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def package(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package whose sources are digested in place of the one that runs; every edit is taken back."""
    monkeypatch.setattr(sources, "FOLDER", copy)
    return copy


def digests_around(package: Path, edit: tuple[str, str, str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """Each study with its digest before and after the edit."""
    file, old, new, names = edit
    before = [load_study(name).source_digest() for name in names]
    text = (package / file).read_text(encoding="utf-8")
    assert old in text, f"{file} no longer holds {old!r}: plant another edit"
    (package / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    after = [load_study(name).source_digest() for name in names]
    (package / file).write_text(text, encoding="utf-8")
    yield from zip(names, before, after, strict=True)


@pytest.mark.parametrize("edit", CHANGES_NUMBERS, ids=lambda edit: f"{edit[0]}: {edit[1]}")
def test_an_edit_that_changes_numbers_makes_them_stale(package: Path, edit: tuple[str, str, str, list[str]]) -> None:
    for name, before, after in digests_around(package, edit):
        assert before != after, name


@pytest.mark.parametrize("edit", ONLY_SHOWS, ids=lambda edit: f"{edit[0]}: {edit[1]}")
def test_an_edit_that_only_shows_them_does_not(package: Path, edit: tuple[str, str, str, list[str]]) -> None:
    for name, before, after in digests_around(package, edit):
        assert before == after, name


def test_what_a_borrowed_definition_uses_counts_as_well(package: Path) -> None:
    """A constant by way of another constant, and by way of a module that was never measured."""
    shows = package / "studies" / "coverage_tables.py"
    original = shows.read_text(encoding="utf-8")
    (package / "far.py").write_text("SHARE = 0.5\n", encoding="utf-8")
    text = original.replace('"skip": 0.5}', '"skip": HALF}', 1)
    text = text.replace("POLICIES =", "from lib.far import SHARE\n\nHALF = SHARE\nPOLICIES =", 1)
    shows.write_text(text, encoding="utf-8")
    before = load_study("coverage").source_digest()
    (package / "far.py").write_text("SHARE = 0.6\n", encoding="utf-8")
    assert load_study("coverage").source_digest() != before
    shows.write_text(original, encoding="utf-8")


def test_a_module_that_is_shown_only_leaves_the_digest_as_it_was() -> None:
    study = load_study("factor_universe")  # takes nothing but its table and its answers from there
    modules = [study.compute.__module__, study.grid.__module__]
    plain = sources.digest(modules, skip=(*sources.MACHINERY, *study.presentation), exact=False)
    assert study.source_digest() == plain
