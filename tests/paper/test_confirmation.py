"""Confirming stale rows: one of every kind is computed again, and one difference is enough to confirm nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import toy_study
from toy_repository import TOY, check, commit, fail_at, git, keep, log, look, new_repository, other_code

from lib.errors import StoreError
from lib.paper.results import confirmation, recorded_files
from lib.paper.results.recording import Recorded
from lib.studies import confirm


@pytest.fixture()
def repository(tmp_path, monkeypatch):
    return new_repository(tmp_path, monkeypatch)


def again(root, study=TOY, **keywords):
    (found,) = confirm([study], folder=root / "book" / "recorded", **keywords)
    return found


def shifted(share):
    """The toy study with another first number in its rows of variant `plain`."""

    def wrong(row, settings):
        result = toy_study.compute(row, settings)
        factor = 1 + share * (row["variant"] == "plain")
        first = {**result.records[0], "value": result.records[0]["value"] * factor}
        return replace(result, records=[first, *result.records[1:]])

    wrong.__module__, wrong.__qualname__ = toy_study.__name__, "compute"  # in place of the study\'s own
    return replace(TOY, compute=wrong)


def test_one_row_of_every_kind_confirms_them_all(repository, monkeypatch):
    keep(repository, seeds=3)
    computed = len(log(repository))
    assert "not stale" in again(repository).message
    other_code(monkeypatch, "1")
    assert len(look(repository).stale_rows()) == 9
    found = again(repository)
    assert found.ok and "3 of 9 rows computed again" in found.message, "two variants and their contrast"
    new = [line.split()[0] for line in log(repository)[computed:]]
    assert sorted(new) == sorted({line.split()[0] for line in log(repository)}), "each variant once"
    assert not look(repository).stale
    assert "3 of them computed again at commit" in look(repository).describe()
    assert "numbers agree" in check(repository, commit="0").message
    before = len(log(repository))
    keep(repository, seeds=3)
    assert len(log(repository)) == before, "what is confirmed is not recorded again"
    other_code(monkeypatch, "2")
    assert len(look(repository).stale_rows()) == 9, "the next change counts again"
    assert "3 of 9" in again(repository).message and not look(repository).stale


@pytest.mark.parametrize(("changed", "kinds", "computed"), [
    (["kernels.ranks.row_ranks", "days.as_day"], 3, 2), (["load.grid.Grid", "models.splits.Split"], 1, 1),
    (["kernels.ranks.row_ranks", "models.loop.fit"], 1, 3), (["studies.toy.measure.compute"], 1, 3), ([], 1, 3),
])  # fmt: skip
def test_some_kinds_speak_for_all_where_only_what_every_row_runs_has_changed(
    repository, monkeypatch, changed, kinds, computed
):
    keep(repository, seeds=3)
    other_code(monkeypatch, "1")
    monkeypatch.setattr(Recorded, "changed", lambda _: changed)
    monkeypatch.setattr(confirmation, "KINDS", kinds)
    before = len(log(repository))
    assert f"{computed} of 9 rows computed again" in again(repository).message
    assert len(log(repository)) - before == min(computed, 2), "a contrast has two rows, which are computed once"
    assert not look(repository).stale, "contrasts follow from their rows"
    other_code(monkeypatch, "2")
    assert len(look(repository).stale_rows()) == 9


def test_every_kind_is_computed_where_it_was_not_kept_what_the_code_was(repository, monkeypatch):
    keep(repository, seeds=3)
    path = repository / "book" / "recorded" / "toy.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"code": {}}), encoding="utf-8")
    other_code(monkeypatch, "1")
    monkeypatch.setattr(Recorded, "changed", lambda _: ["kernels.ranks.row_ranks"])
    assert "3 of 9 rows computed again" in again(repository).message


def test_the_commit_chooses_rows_at_equal_distances():
    rows = list("abcdefg")
    assert confirmation._chosen(rows, 3, "0") == ["a", "c", "e"] and confirmation._chosen(rows, 1, "9") == ["c"]
    assert confirmation._chosen(rows, 3, "6") == ["g", "b", "d"] and sorted(confirmation._chosen(rows, 9, "3")) == rows


@pytest.mark.parametrize("number", range(3))
def test_a_row_that_differs_confirms_nothing(repository, monkeypatch, number):
    keep(repository, seeds=3)
    other_code(monkeypatch, "1")
    monkeypatch.setattr(confirmation, "clean_commit", lambda *_: f"{number:x}")
    found = again(repository, shifted(3e-6))
    assert not found.ok and "MISMATCH" in found.message and "plain mean: recorded" in found.message
    assert len(look(repository).stale_rows()) == 9
    assert again(repository, replace(shifted(3e-6), tolerances={"mean": 1e-5})).ok


def test_rows_of_two_codes_are_both_computed_again(repository, monkeypatch):
    keep(repository, seeds=[0])
    other_code(monkeypatch, "1")
    keep(repository, seeds=[1])
    other_code(monkeypatch, "2")
    assert "6 of 6 rows" in again(repository).message
    assert not look(repository).stale


def test_rows_that_come_later_from_other_code_are_not_covered(repository, monkeypatch):
    keep(repository, seeds=[0])
    other_code(monkeypatch, "1")
    assert again(repository).ok
    other_code(monkeypatch, "2")
    keep(repository, seeds=[1])
    other_code(monkeypatch, "1")
    assert len(look(repository).stale_rows()) == 3


def test_a_confirmation_without_rows_to_speak_for_is_not_told(repository, monkeypatch):
    keep(repository)
    other_code(monkeypatch, "1")
    again(repository)
    assert look(repository).confirmation() is not None
    other_code(monkeypatch, "2")
    keep(repository)
    other_code(monkeypatch, "1")
    again(repository)
    monkeypatch.setattr(recorded_files, "holds_for", lambda *_: False)
    keep(repository)  # every row anew, by the code that confirmed them
    assert look(repository).confirmation() is None and "computed again" not in look(repository).describe()


def test_rows_of_another_scale_are_not_covered(repository, monkeypatch):
    other_code(monkeypatch, "0")
    keep(repository)
    other_code(monkeypatch, "1")
    assert again(repository).ok
    other_code(monkeypatch, "0")
    keep(repository, scale="smoke")
    other_code(monkeypatch, "1")
    assert look(repository, scale="smoke").stale and not look(repository, scale="laptop").stale


def test_confirming_needs_the_input_files_and_a_study_that_can_be_repeated(repository, monkeypatch, tmp_path):
    data = tmp_path / "prices.txt"
    data.write_text("0.5", encoding="utf-8")
    keep(repository, data_path=data)
    other_code(monkeypatch, "1")
    assert "input prices.txt is not in DATA_DIR" in again(repository).message
    assert "measured" in again(repository, replace(TOY, evidence="machine"), data=tmp_path).message
    assert look(repository).stale
    assert again(repository, data=tmp_path).ok and not look(repository).stale


def test_an_interrupted_confirmation_resumes(repository, monkeypatch):
    keep(repository, seeds=2)
    other_code(monkeypatch, "1")
    with pytest.raises(KeyboardInterrupt):
        again(repository, replace(TOY, compute=fail_at(1)))
    assert look(repository).stale
    before = len(log(repository))
    assert again(repository).ok
    assert len(log(repository)) == before + 1, "the row that was done is not computed again"


def test_confirming_wants_a_clean_tree_but_for_recorded_files(repository, monkeypatch):
    keep(repository)
    other_code(monkeypatch, "1")
    (repository / "file.txt").write_text("y", encoding="utf-8")
    with pytest.raises(StoreError, match=r"1 files differ from the commit \(first: file.txt\)"):
        again(repository)
    git(repository, "checkout", "file.txt")
    for name in ("other.csv", "other.json"):  # of a study that was confirmed before
        (repository / "book" / "recorded" / name).write_text("y", encoding="utf-8")
    assert again(repository).ok


def test_a_confirmation_is_part_of_the_recorded_file(repository, monkeypatch):
    keep(repository, seeds=2)
    other_code(monkeypatch, "1")
    head = commit(repository)
    again(repository)
    path = repository / "book" / "recorded" / "toy.json"
    (found,) = json.loads(path.read_text(encoding="utf-8"))["confirmed"]
    assert found["source"] == "1" * 64 and found["commit"] == head and found["scale"] == "laptop"
    assert set(found["rows"]) < {row.id for row in look(repository).rows} and len(found["covers"]) == 1
    other_code(monkeypatch, "2")
    again(repository)
    assert [item["source"] for item in json.loads(path.read_text(encoding="utf-8"))["confirmed"]] == ["2" * 64]
