"""What recordings know of the code that made them: a digest a row, and the definitions behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from toy_repository import TOY, keep, look, new_repository

from lib.errors import ParameterError
from lib.factors.registry import find_factors
from lib.models.learners import find_learner
from lib.paper.results.recording import differing
from lib.paper.results.study import RowResult
from lib.store.marks import counting
from lib.studies import load_study, run_study


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return new_repository(tmp_path, monkeypatch)


def origins(root: Path) -> Path:
    return root / "book" / "recorded" / f"{TOY.name}.json"


def rewritten(root: Path, **changes: str) -> None:
    """The recording as if some definitions had had another text then."""
    whole = json.loads(origins(root).read_text(encoding="utf-8"))
    for run in whole["runs"].values():
        run["source"] = "0" * 64
    for definitions in whole["code"].values():
        definitions.update(changes)
    origins(root).write_text(json.dumps(whole), encoding="utf-8")


def test_a_recording_says_which_definitions_changed(repository: Path) -> None:
    keep(repository)
    assert not look(repository).stale and look(repository).changed() == []
    rewritten(repository, **{"toy_study.compute": "0" * 8, "studies.base.gone": "1" * 8})
    found = look(repository)
    assert found.stale and found.changed() == ["studies.base.gone", "toy_study.compute"]
    assert "STALE: 3 rows were made by earlier code (changed since: studies.base.gone, toy_study.compute)" in (
        found.describe()
    )


def test_a_long_list_is_cut(repository: Path) -> None:
    keep(repository)
    rewritten(repository, **{f"far.name_{k}": "0" * 8 for k in range(5)})
    assert "far.name_0, far.name_1, far.name_2 and 2 more" in look(repository).describe()


def test_a_recording_of_before_definitions_were_kept_reads_as_earlier_code(repository: Path) -> None:
    keep(repository)
    whole = json.loads(origins(repository).read_text(encoding="utf-8"))
    del whole["code"]
    whole["runs"] = {
        label: {name: value for name, value in run.items() if name != "code"} | {"source": "0" * 64}
        for label, run in whole["runs"].items()
    }
    origins(repository).write_text(json.dumps(whole), encoding="utf-8")
    found = look(repository)
    assert found.stale and found.changed() == [] and found.describe().endswith("rows were made by earlier code")
    assert not keep(repository).stale, "recorded anew"


def test_definitions_that_no_row_was_made_by_are_dropped(repository: Path) -> None:
    keep(repository)
    first = set(json.loads(origins(repository).read_text(encoding="utf-8"))["code"])
    rewritten(repository, **{"toy_study.compute": "0" * 8})
    keep(repository)
    assert set(json.loads(origins(repository).read_text(encoding="utf-8"))["code"]) == first


def test_a_definition_that_moved_has_not_changed() -> None:
    then, now = {"a.f": "1", "a.g": "2"}, {"b.f": "1", "a.g": "2"}
    assert differing(then, now) == set()
    assert differing(then, now | {"b.h": "3"}) == {"b.h"}
    assert differing(then, {"a.f": "9", "a.g": "2"}) == {"a.f"}


def test_the_definitions_of_a_study_are_small_beside_its_rows() -> None:
    for name in ("coverage", "mask_ablation"):
        assert len(json.dumps(load_study(name).code().definitions(), indent=1)) < 100_000


# ---------------------------------------------------------------------------- entries that do not count


@pytest.mark.parametrize(("key", "call"), [("learners", find_learner), ("factors", lambda name: find_factors([name]))])
def test_an_entry_that_was_not_counted_is_refused(key, call) -> None:
    name, other = ("ridge", "mlp") if key == "learners" else ("alpha_001", "alpha_002")
    call(name)
    with counting({key: frozenset({name})}):
        call(name)
        with pytest.raises(ParameterError, match=f"the row uses '{other}' of the registry '{key}', which neither"):
            call(other)
    with counting({}):
        call(other)


def compute_by_a_name_made_up(row, settings):
    find_learner("rid" + "ge")
    return RowResult([{"metric": "one", "value": 1.0}])


def test_a_study_cannot_use_an_entry_that_its_digest_leaves_out() -> None:
    study = replace(
        TOY,
        grid=lambda settings: [{"learner": "mlp", "seed": 0}, {"learner": "ridge", "seed": 0}][settings["days"] % 2 :],
        compute=compute_by_a_name_made_up,
        contrast=None,
    )
    assert len(run_study(study, fresh=True, days=5).rows) == 1
    with pytest.raises(ParameterError, match="'ridge' of the registry 'learners'"):
        run_study(study, fresh=True, days=4)
