"""Running studies: rows, keys, resuming, parallel workers, parameters."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import toy_study
from joblib.externals.loky import get_reusable_executor

from lib.errors import LoadError, ParameterError, StoreError, UnknownNameError
from lib.paper.results.runner import summary
from lib.paper.results.study import COLUMNS, Page, RowResult, Study, normalise_seeds
from lib.parameters import Parameter, check_parameters
from lib.store import sources
from lib.store.files import StoreWarning
from lib.studies import load_study, run_study, studies

TOY = toy_study.STUDY
ROOT = sources.FOLDER.parent


@pytest.fixture()
def log(tmp_path, monkeypatch):
    """Path of the file in which the toy study writes one line per computed row."""
    path = tmp_path / "log.txt"
    path.touch()
    monkeypatch.setenv("TOY_LOG", str(path))
    monkeypatch.setenv("LIB_CACHE", str(tmp_path / "cache"))
    return path


def computed(log):
    return [tuple(line.split()[:2]) for line in log.read_text(encoding="utf-8").splitlines()]


# ---------------------------------------------------------------------------------------------- frames


def test_the_frame_is_tidy_and_in_grid_order(log):
    result = run_study(TOY, seeds=2)
    assert tuple(result.frame.columns) == COLUMNS
    assert list(result.frame["study"].unique()) == ["toy"]
    assert set(result.frame["setting"]) == {"reduced"}
    rows = list(dict.fromkeys(zip(result.frame["variant"], result.frame["seed"], strict=True)))
    grid_rows = [("plain", 0), ("twisted", 0), ("plain", 1), ("twisted", 1)]
    assert rows == [*grid_rows, ("twisted - plain", 0), ("twisted - plain", 1)]
    series = np.random.default_rng([1, len("plain")]).normal(size=50)
    chosen = result.frame.query("variant == 'plain' and seed == 1 and metric == 'mean'")
    assert chosen["value"].item() == series.mean()
    assert chosen["n"].item() == 50
    np.testing.assert_array_equal(result.arrays({"variant": "plain", "seed": 1})["series"], series)
    assert result.frame.query("metric == 'undefined'")["value"].isna().all()


def test_a_contrast_sees_the_rows_of_its_seed(log):
    result = run_study(TOY, seeds=[4, 9])
    difference = result.frame.query("variant == 'twisted - plain'").set_index("seed")["value"]
    for seed in (4, 9):
        a, b = (result.arrays({"variant": v, "seed": seed})["series"] for v in ("plain", "twisted"))
        assert difference[seed] == (b - a).mean()


def test_summary_uses_seeds_and_falls_back_to_the_rows_own_interval():
    one = pd.DataFrame(
        {"variant": "a", "metric": ["m", "m.low", "m.high", "k"], "value": [2.0, 1.0, 4.0, 7.0]}
    )
    table = summary(one).set_index("metric")
    assert list(table.index) == ["m", "k"]
    assert table.loc["m", ["mean", "low", "high", "seeds"]].tolist() == [2, 1, 4, 1]
    assert table.loc["k", ["low", "high"]].isna().all()
    many = pd.DataFrame({"variant": "a", "metric": "m", "value": [1.0, 2.0, 3.0]})
    row = summary(many).iloc[0]
    half = 4.302652729911275 / 3**0.5  # Student's t, 2 degrees of freedom, 97.5 %
    assert (
        row["mean"] == 2 and row["low"] == pytest.approx(2 - half) and row["high"] == pytest.approx(2 + half)
    )


def test_table_is_the_studys_own_when_it_has_one(log):
    study = replace(TOY, page=Page(table=lambda frame: pd.DataFrame({"rows": [len(frame)]})))
    assert run_study(study).table()["rows"].item() == len(run_study(TOY).frame)
    assert set(run_study(TOY).table().columns) == {"variant", "metric", "mean", "low", "high", "seeds"}


def test_verdicts_put_the_paper_beside_ours(log, tmp_path):
    data = tmp_path / "prices.txt"
    data.write_text("0.5", encoding="utf-8")
    assert run_study(TOY, seeds=3).answers() == [], "a run without the price file is no evidence"
    board = run_study(TOY, seeds=3, data_path=str(data)).verdicts()
    assert board[["id", "claimed", "setting", "verdict"]].values.tolist() == [
        ["B.ablation.full.ic", 0.049, "reduced", "inconclusive"]
    ]


def test_provenance_names_no_folder(log, tmp_path):
    data = tmp_path / "prices.txt"
    data.write_text("0.5", encoding="utf-8")
    result = run_study(TOY, data_path=str(data))
    assert result.provenance["inputs"][0]["file"] == "prices.txt"
    assert result.provenance["parameters"]["data_path"] == "prices.txt"
    assert str(tmp_path) not in repr(result.provenance)
    assert result.provenance["versions"]["numpy"] == np.__version__


# --------------------------------------------------------------------------------- what is reused, and not


def test_stored_rows_are_reused_and_the_table_is_identical(log):
    first = run_study(TOY, seeds=2)
    assert len(computed(log)) == 4
    second = run_study(TOY, seeds=3)
    assert computed(log)[4:] == [("plain", "2"), ("twisted", "2")]
    pd.testing.assert_frame_equal(second.frame[second.frame["seed"] < 2].reset_index(drop=True), first.frame)
    assert [row.cached for row in second.rows] == [True] * 4 + [False] * 2 + [True] * 2 + [False]


def test_parameters_that_only_choose_rows_keep_the_rows(log):
    run_study(TOY, seeds=2)
    run_study(TOY, seeds=1, variants=["plain"])
    assert len(computed(log)) == 4


@pytest.mark.parametrize("change", [{"shift": 1.0}, {"days": 51}, {"scale": "smoke"}])
def test_other_parameters_are_other_rows(log, change):
    run_study(TOY)
    run_study(TOY, **change)
    assert len(computed(log)) == 4


def test_fresh_neither_reads_nor_writes(log):
    run_study(TOY, fresh=True)
    run_study(TOY, fresh=True)
    assert len(computed(log)) == 4
    assert not (log.parent / "cache").exists()


def test_input_bytes_count_and_their_path_does_not(log, tmp_path):
    first, second = tmp_path / "a.txt", tmp_path / "sub" / "b.txt"
    second.parent.mkdir()
    first.write_text("0.5", encoding="utf-8")
    second.write_text("0.5", encoding="utf-8")
    one = run_study(TOY, data_path=first)
    two = run_study(TOY, data_path=str(second))
    assert len(computed(log)) == 2
    pd.testing.assert_frame_equal(one.frame, two.frame)
    second.write_text("0.7", encoding="utf-8")
    run_study(TOY, data_path=str(second))
    assert len(computed(log)) == 4


def test_an_input_that_no_parameter_names_counts_too(log, tmp_path):
    path = tmp_path / "fixed.txt"
    path.write_text("1", encoding="utf-8")
    study = _study(inputs=lambda settings: [path])
    run_study(study)
    run_study(study)
    assert len(computed(log)) == 2
    path.write_text("2", encoding="utf-8")
    run_study(study)
    assert len(computed(log)) == 4


def test_a_change_of_the_source_is_seen(log, tmp_path, monkeypatch):
    text = Path(toy_study.__file__).read_text(encoding="utf-8")
    module = tmp_path / "other_toy.py"
    module.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import other_toy

    run_study(other_toy.STUDY)
    module.write_text("# a remark\n" + text, encoding="utf-8")
    run_study(other_toy.STUDY)
    assert len(computed(log)) == 2
    module.write_text(text.replace("1.96", "1.95"), encoding="utf-8")
    run_study(other_toy.STUDY)
    assert len(computed(log)) == 4


def test_a_damaged_row_is_told_and_computed_again(log):
    first = run_study(TOY)
    path = next((log.parent / "cache" / "studies" / "toy").glob(f"{first.rows[0].key}*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(StoreWarning, match="damaged"):
        second = run_study(TOY)
    pd.testing.assert_frame_equal(second.frame, first.frame)
    assert computed(log)[2:] == [("plain", "0")]


def test_rows_before_a_failure_are_kept_and_the_failing_row_is_named(log):
    with pytest.raises(ZeroDivisionError) as caught:
        run_study(TOY, fail_on="twisted")
    assert any("'variant': 'twisted'" in note for note in caught.value.__notes__)
    assert len(list((log.parent / "cache" / "studies" / "toy").iterdir())) == 1


# ------------------------------------------------------------------------------------------- parallel


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_give_the_same_table_and_keep_groups_together(log, backend):
    alone = run_study(TOY, seeds=3, fresh=True)
    log.write_text("", encoding="utf-8")
    get_reusable_executor().shutdown(wait=True)  # workers left by another test have not heard of this log
    together = run_study(TOY, seeds=3, jobs=2, backend=backend)
    pd.testing.assert_frame_equal(alone.frame, together.frame)
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    assert [seed for variant, seed, _ in lines if variant == "plain"] == ["0", "1", "2"]
    assert len({pid for variant, _, pid in lines if variant == "plain"}) == 1
    if backend == "loky":
        assert str(os.getpid()) not in {pid for _, _, pid in lines}


def test_one_job_stays_in_this_process(log):
    run_study(TOY, seeds=2)
    assert {line.split()[2] for line in log.read_text(encoding="utf-8").splitlines()} == {str(os.getpid())}


def test_jobs_and_backend_come_from_the_environment(log, monkeypatch):
    monkeypatch.setenv("LIB_JOBS", "many")
    with pytest.raises(ParameterError, match="jobs = 'many'"):
        run_study(TOY)
    monkeypatch.setenv("LIB_JOBS", "2")
    monkeypatch.setenv("LIB_BACKEND", "nonsense")
    with pytest.raises(ParameterError, match="joblib backend 'nonsense'"):
        run_study(TOY)


# --------------------------------------------------------------------------------------------- kill -9

SCRIPT = """
import sys, toy_study
from lib.studies import run_study
result = run_study(toy_study.STUDY, seeds=6, days=60000, jobs=int(sys.argv[1]))
print(result.frame.to_csv(index=False))
"""


def start(log, jobs):
    path = os.pathsep.join([str(ROOT), str(Path(toy_study.__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(jobs)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def kill_after(process, log, rows):
    """SIGKILL the process and its workers as soon as `rows` more rows were begun, or when it has ended."""
    begun = len(computed(log))
    while process.poll() is None and len(computed(log)) < begun + rows:
        pass
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_study_resumes_with_the_same_table(log, jobs):
    reference = run_study(TOY, seeds=6, days=60000, fresh=True)
    grid_files = {f"{row.key}.row" for row in reference.rows[:12]}
    log.write_text("", encoding="utf-8")
    rng = random.Random(jobs)
    for _ in range(3):
        kill_after(start(log, jobs), log, rng.randint(1, 4))
    folder = log.parent / "cache" / "studies" / "toy"
    done_before = sum(path.name in grid_files for path in folder.glob("*.row"))
    begun_before = len(computed(log))
    last = start(log, jobs)
    output, _ = last.communicate()
    assert last.returncode == 0
    assert output.strip() == reference.frame.to_csv(index=False).strip()
    assert len(computed(log)) - begun_before == 12 - done_before
    assert len(list(folder.glob("*.row"))) == 12 + 6
    assert not [path.name for path in folder.iterdir() if path.suffix != ".row"]


# ------------------------------------------------------------------------------------------ parameters


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"dayz": 3}, "'dayz' does not exist; did you mean 'days'"),
        ({"days": "3"}, "days = '3'"),
        ({"days": 1}, "at least 2"),
        ({"days": True}, "days = True"),
        ({"scale": "lapptop"}, "did you mean 'laptop'"),
        ({"seeds": 0}, "seeds = 0"),
        ({"seeds": True}, "seeds = True"),
        ({"seeds": "3"}, "seeds = '3'"),
        ({"seeds": []}, "list of different integers"),
        ({"seeds": [1, 1]}, "list of different integers"),
        ({"seeds": [-1]}, "list of different integers"),
        ({"seeds": 2.0}, "seeds = 2.0"),
    ],
)
def test_bad_parameters_are_one_clear_line(log, keywords, message):
    with pytest.raises(ParameterError, match=message) as caught:
        run_study(TOY, **keywords)
    assert "\n" not in str(caught.value)
    assert computed(log) == []


def test_a_missing_input_file_is_named(log):
    with pytest.raises(LoadError, match=r"absent\.txt"):
        run_study(TOY, data_path="absent.txt")


def test_an_unknown_study_gets_the_closest_name():
    with pytest.raises(UnknownNameError, match="unknown study 'nothing_like_it'"):
        run_study("nothing_like_it")


def test_the_schema_serves_notebooks():
    values = check_parameters({"seeds": 4, "days": 3}, TOY.schema())
    assert (values["scale"], values["seeds"], values["days"]) == ("laptop", 4, 3)
    with pytest.raises(ParameterError, match="sedes"):
        check_parameters({"sedes": 4}, TOY.schema())


def test_scale_sets_defaults_and_the_caller_wins():
    assert TOY.settings("paper")["days"] == 100
    assert TOY.settings("paper")["seeds"] == (0, 1, 2)
    assert TOY.settings("paper", 1, {"days": 7}) == {**TOY.settings("paper", 1), "days": 7}
    assert TOY.settings("laptop")["days"] == 50


def test_seeds_given_as_arrays_and_ranges():
    assert normalise_seeds(range(2, 4)) == (2, 3)
    assert normalise_seeds(np.array([5, 6])) == (5, 6)
    assert normalise_seeds(np.int64(2)) == (0, 1)


def _study(**changes):
    return replace(TOY, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../toy"},
        {"parameters": {"seeds": Parameter(int, 1)}, "scales": {}},
        {"scales": {"huge": {}}},
        {"scales": {"smoke": {"dais": 1}}},
    ],
)
def test_a_meaningless_declaration_is_refused_when_it_is_written(changes):
    with pytest.raises(ParameterError):
        _study(**changes)


@pytest.mark.parametrize(
    "result",
    [
        RowResult([{"metric": "a"}]),
        RowResult([{"metric": "a", "value": 1.0, "extra": 2}]),
        RowResult([{"metric": "a", "value": 1.0}, {"metric": "a", "value": 2.0}]),
    ],
)
def test_malformed_records_are_refused(log, result):
    with pytest.raises(ParameterError, match="record"):
        run_study(_study(compute=lambda row, settings: result, contrast=None), fresh=True)


def test_object_arrays_and_odd_settings_are_refused(log):
    study = _study(compute=lambda row, settings: RowResult([], {"x": np.array([{}])}), contrast=None)
    with pytest.raises(StoreError, match="Python objects"):
        run_study(study)
    with pytest.raises(ParameterError, match="setting 'samee' does not exist; did you mean 'same'"):
        run_study(_study(setting="samee"))


def test_a_grid_must_hold_distinct_json_rows(log):
    with pytest.raises(ParameterError, match="same row twice"):
        run_study(_study(grid=lambda settings: [{"variant": "a"}, {"variant": "a"}]))
    with pytest.raises(ParameterError, match="JSON"):
        run_study(_study(grid=lambda settings: [{"variant": {1, 2}}]))


def test_compute_cannot_see_what_is_not_in_the_key(log):
    seen = {}

    def spy(row, settings):
        seen.update(settings)
        return RowResult([{"metric": "a", "value": 1.0}])

    run_study(_study(compute=spy, contrast=None), fresh=True)
    assert set(seen) == {"days", "shift", "data_path", "fail_on"}


# -------------------------------------------------------------------------------------------- registry


def test_studies_is_callable_by_both_names():
    code = (
        "from lib import studies as a; first = a()\n"
        "import lib, lib.studies\n"
        "from lib import studies as b\n"
        "assert first == b() == lib.studies(), (first, b())\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


def test_listing_the_studies_imports_none():
    code = (
        "import sys; from lib import studies; studies()\n"
        "heavy = {'torch', 'joblib', 'pandas', 'matplotlib', 'lib.paper.results.runner'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_every_study_module_declares_itself():
    for name in studies():
        study = load_study(name)
        assert isinstance(study, Study) and study.name == name and study.title
        assert study.schema()["scale"].choices
        for scale in ("smoke", "laptop", "paper"):
            assert study.rows(study.settings(scale, 1))
