"""Recorded results: clean trees, resuming, staleness, damage, and recomputing one row."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy_study
from toy_repository import TOY, check, commit, fail_at, git, keep, log, look, new_repository, other_code

from lib.errors import ParameterError, StoreError
from lib.paper.results import provenance, recorded_files
from lib.store.files import StoreWarning
from lib.studies import answers, record, run_study


@pytest.fixture()
def repository(tmp_path, monkeypatch):
    return new_repository(tmp_path, monkeypatch)


# ------------------------------------------------------------------------------------------- recording


def test_the_recorded_frame_is_the_frame_of_the_run(repository):
    result = keep(repository, seeds=2)
    wanted = run_study(TOY, seeds=2, fresh=True).frame.sort_values(["variant", "seed", "metric"])
    for found in (result, look(repository)):
        frame = found.frame.sort_values(["variant", "seed", "metric"])
        pd.testing.assert_frame_equal(frame.reset_index(drop=True), wanted.reset_index(drop=True))
    assert look(repository).seeds == [0, 1]
    assert not look(repository).stale
    pd.testing.assert_frame_equal(look(repository).table(), result.table())


def test_provenance_says_where_it_comes_from(repository, tmp_path):
    data = tmp_path / "prices.txt"
    data.write_text("0.5", encoding="utf-8")
    result = keep(repository, data_path=data)
    head = git(repository, "rev-parse", "HEAD")
    for origin in result.provenance.values():
        assert origin["commit"] == head
        assert origin["parameters"]["data_path"] == "prices.txt" and origin["parameters"]["scale"] == "laptop"
        assert origin["inputs"][0]["file"] == "prices.txt" and len(origin["inputs"][0]["sha256"]) == 64
        assert origin["versions"]["numpy"] == np.__version__
        assert origin["hardware"] and origin["date"] and origin["seconds"] >= 0 and origin["seed"] == 0
        assert len(origin["source"]) == 64
    for path in (repository / "book" / "recorded").iterdir():
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_rows_are_appended_and_never_computed_twice(repository):
    keep(repository, seeds=1)
    first = (repository / "book" / "recorded" / "toy.csv").read_text(encoding="utf-8")
    commit(repository)
    (repository.parent / "cache").rename(repository.parent / "cache of another machine")
    keep(repository, seeds=3)
    second = (repository / "book" / "recorded" / "toy.csv").read_text(encoding="utf-8")
    assert second.startswith(first)
    assert look(repository).seeds == [0, 1, 2]
    assert [line.split()[1] for line in log(repository)].count("0") == 2
    assert len({origin["commit"] for origin in look(repository).provenance.values()}) == 2
    keep(repository, seeds=3)
    assert (repository / "book" / "recorded" / "toy.csv").read_text(encoding="utf-8") == second


def test_an_interrupted_recording_resumes(repository):
    failing = replace(TOY, compute=fail_at(3))
    with pytest.raises(KeyboardInterrupt):
        keep(repository, failing, seeds=3)
    assert len(look(repository).rows) == 3
    assert len(keep(repository, seeds=3).rows) == 6 + 3


def test_a_dirty_tree_is_refused(repository):
    (repository / "file.txt").write_text("y", encoding="utf-8")
    with pytest.raises(StoreError, match=r"1 files differ from the commit \(first: file.txt\)"):
        keep(repository)
    git(repository, "checkout", "file.txt")
    (repository / "book" / "recorded").mkdir(parents=True)
    (repository / "book" / "recorded" / "other.csv").touch()
    with pytest.raises(StoreError, match=r"other\.csv"):
        keep(repository)
    assert log(repository) == []


def test_outside_a_repository_nothing_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(StoreError, match="git rev-parse failed"):
        record(TOY, folder=tmp_path)


def test_one_table_holds_one_experiment(repository, tmp_path):
    data = tmp_path / "prices.txt"
    data.write_text("0.5", encoding="utf-8")
    keep(repository, data_path=data)
    with pytest.raises(StoreError, match="other values of shift"):
        keep(repository, data_path=data, shift=1.0)
    data.write_text("0.6", encoding="utf-8")
    with pytest.raises(StoreError, match="other values of the input files"):
        keep(repository, data_path=data)
    data.write_text("0.5", encoding="utf-8")
    keep(repository, data_path=data, variants=["plain", "third"], seeds=2)
    keep(repository, data_path=data, scale="smoke", shift=2.0)
    assert {row.scale for row in look(repository, scale="smoke").rows} == {"smoke"}
    assert look(repository).scale == "laptop"


def test_a_change_of_code_makes_rows_stale_until_they_are_recorded_again(repository, monkeypatch):
    keep(repository, seeds=2)
    with monkeypatch.context() as patch:
        other_code(patch)
        assert look(repository).stale
        assert "STALE: 6 rows" in look(repository).describe()
        keep(repository, seeds=1)
        assert len(look(repository).stale_rows()) == 3
        assert len(look(repository).rows) == 6
        keep(repository, seeds=2)
        assert not look(repository).stale


def test_nothing_recorded_is_false_and_says_so(repository):
    assert not look(repository)
    assert look(repository).describe() == "toy: nothing recorded yet"
    assert look(repository).frame.empty and look(repository).seeds == [] and look(repository).answers() == []


@pytest.mark.parametrize(("old", "new"), [(",50,", ",51,"), (",0.", ",1."), ("reduced", "same")])
def test_an_altered_line_is_detected(repository, old, new):
    keep(repository, seeds=2)
    path = repository / "book" / "recorded" / "toy.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.warns(StoreWarning, match="differs from its checksum"):
        assert len(look(repository).rows) == 5
    with pytest.warns(StoreWarning):
        keep(repository, seeds=2)
    assert len(look(repository).rows) == 6


@pytest.mark.parametrize("name", ["toy.csv", "toy.json"])
def test_a_broken_file_is_one_clear_line(repository, name):
    keep(repository)
    (repository / "book" / "recorded" / name).write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="damaged") as error:
        look(repository)
    assert "\n" not in str(error.value)


def test_answers_come_from_what_is_recorded(repository, monkeypatch):
    folder = repository / "book" / "recorded"
    assert answers([TOY], folder) == []
    keep(repository, seeds=2)
    (found,) = answers([TOY], folder)
    assert found.claim_id == "B.ablation.full.ic" and found.note == ""
    other_code(monkeypatch)
    assert "earlier version" in answers([TOY], folder)[0].note
    with pytest.raises(ParameterError, match="answered claim"):
        answers([replace(TOY, page=replace(TOY.page, claims=()))], folder)


# ---------------------------------------------------------------------------------------- verification


def test_every_row_can_be_verified(repository):
    keep(repository, seeds=2)
    messages = {check(repository, commit=f"{number:040x}").message for number in range(6)}
    assert len(messages) == 6
    assert all("numbers agree" in message for message in messages)
    assert all(check(repository, commit=f"{number:040x}").ok for number in range(6))
    assert check(repository).message == check(repository).message


def test_verification_ignores_the_cache(repository):
    keep(repository)
    before = len(log(repository))
    check(repository, commit="0")
    assert len(log(repository)) > before


def test_a_wrong_number_fails_verification(repository, monkeypatch):
    keep(repository)
    right = toy_study.compute

    def wrong(row, settings):
        result = right(row, settings)
        first = {**result.records[0], "value": result.records[0]["value"] * (1 + 3e-6)}
        return replace(result, records=[first, *result.records[1:]])

    wrong.__module__, wrong.__qualname__ = toy_study.__name__, "compute"  # in place of the study\'s own
    rows = sorted(look(repository).rows, key=lambda row: row.id)
    number = next(i for i, row in enumerate(rows) if row.config["variant"] == "plain")
    study = replace(TOY, compute=wrong)
    found = check(repository, study, commit=f"{number:x}")
    assert not found.ok and "MISMATCH" in found.message and "plain mean: recorded" in found.message
    assert check(repository, replace(study, tolerances={"mean": 1e-5}), commit=f"{number:x}").ok


def test_a_row_that_this_machine_cannot_compute_is_left_out_and_not_verified(repository):
    keep(repository)
    lacking = replace(TOY, unavailable=lambda row: "need a package" if row["variant"] == "twisted" else "")
    messages = {check(repository, lacking, commit=f"{number:040x}").message for number in range(4)}
    assert all("numbers agree" in message and "'twisted'" not in message for message in messages)
    nothing = replace(TOY, unavailable=lambda row: "need a package")
    assert "need a package" in check(repository, nothing).message
    assert [row["variant"] for row in lacking.rows(lacking.settings())] == ["plain"]


def test_nothing_to_verify_passes_and_says_why(repository, tmp_path, monkeypatch):
    assert check(repository).message == "nothing to verify: no rows are recorded"
    data = tmp_path / "prices.txt"
    data.write_text("0.5", encoding="utf-8")
    keep(repository, data_path=data)
    for keywords, reason in [
        ({"limit": -1.0, "data": tmp_path}, "slower than -1 s"),
        ({}, "input prices.txt is not in DATA_DIR"),
        ({"data": repository}, "input prices.txt is not in DATA_DIR"),
    ]:
        found = check(repository, **keywords)
        assert found.ok and f"3 rows {reason}" in found.message
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert "numbers agree" in check(repository).message
    data.write_text("0.6", encoding="utf-8")
    assert "another version" in check(repository).message
    data.write_text("0.5", encoding="utf-8")
    other_code(monkeypatch)
    assert "3 rows made by earlier code" in check(repository).message


def test_the_files_are_what_the_docstring_says(repository):
    keep(repository)
    folder = repository / "book" / "recorded"
    assert sorted(path.name for path in folder.iterdir()) == ["toy.csv", "toy.json"]
    frame = pd.read_csv(folder / "toy.csv")
    assert list(frame.columns) == [
        "study",
        "scale",
        "row",
        "variant",
        "seed",
        "metric",
        "value",
        "n",
        "setting",
    ]
    assert set(json.loads((folder / "toy.json").read_text(encoding="utf-8"))["rows"]) == set(frame["row"])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.3"), (1 / 3, "0.333333333"), (542.0, "542.0"), (-1.23456789012e-7, "-1.23456789e-07"),
     (float("nan"), "nan"), (0.0, "0.0"), (1234567890123.0, "1234567890000.0")],
)  # fmt: skip
def test_a_value_is_written_with_nine_digits_and_read_back_as_written(value, text):
    assert recorded_files._text(value) == text
    assert recorded_files._text(float(text)) == text, "written again it is the same line, with the same checksum"
