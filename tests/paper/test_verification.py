"""Recomputing rows: a trained one may differ by its rounding and no more, any other one by nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trained_study

from lib.paper.results.agreement import EXACT, SIMULATED, TRAINED, Agreement, differences, loosest
from lib.paper.results.plan import Plan
from lib.paper.results.recorded_files import Recording
from lib.paper.results.recording import Recorded
from lib.paper.results.verification import _agreement, compare
from lib.studies.mask_ablation_real import STUDY as REAL_ABLATION

STUDY = trained_study.STUDY


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Every row of the toy, as it is recorded."""
    plan = Plan.make(STUDY, STUDY.settings(), None)
    recording = Recording(STUDY.name, tmp_path_factory.mktemp("recorded"), {}, {})
    for _, row in plan.run():
        recording.add(plan, row, "0" * 40)
    return Recorded(STUDY, "laptop", tuple(recording.rows.values()), recording.runs)


def row_of(source, variant):
    return next(row for row in source.rows if row.config["variant"] == variant)


def contrast_of(source, learner):
    return next(row for row in source.rows if row.config.get("contrast") == f"{learner} 0")


def altered(row, metric, change):
    """The row as if `metric` had been recorded as change(its value, the width of its interval)."""
    values = {record["metric"]: record["value"] for record in row.records}
    base = metric.removesuffix(".low").removesuffix(".high")
    width = values.get(f"{base}.high", np.nan) - values.get(f"{base}.low", np.nan)
    assert metric in values
    return replace(row, records=[
        {**record, "value": change(record["value"], width)} if record["metric"] == metric else record
        for record in row.records
    ])  # fmt: skip


# ------------------------------------------------------------------------------------- whole rows


def test_every_row_comes_back(source):
    assert len(source.rows) == 6
    assert all(compare(source, row) == [] for row in source.rows)


def test_another_machine_s_rounding_is_no_difference_in_a_trained_row(source, monkeypatch):
    monkeypatch.setattr(trained_study, "ROUNDING", 1e-4)
    assert compare(source, row_of(source, "all ridge")), "rounding this coarse is seen where nothing is trained"
    assert compare(source, contrast_of(source, "ridge"))
    for row in (row_of(source, "all mlp"), row_of(source, "half mlp"), contrast_of(source, "mlp")):
        assert compare(source, row) == []
    exact = replace(source, study=replace(STUDY, agreement=lambda row: EXACT))
    assert compare(exact, row_of(source, "all mlp")), "and it does change the trained row's numbers"


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_another_training_seed_is_a_difference(source, monkeypatch, shift):
    monkeypatch.setattr(trained_study, "SEED_SHIFT", shift)
    assert compare(source, row_of(source, "all mlp"))
    assert compare(source, row_of(source, "all ridge")) == []


@pytest.mark.parametrize("metric", ["ic", "ic.low", "ic.high"])
def test_the_share_is_of_the_metrics_own_interval(source, metric):
    row = row_of(source, "all mlp")
    for sign in (-1, 1):
        inside = altered(row, metric, lambda value, width, sign=sign: value + sign * 0.5 * TRAINED.share * width)
        assert compare(source, inside) == []
        outside = altered(row, metric, lambda value, width, sign=sign: value + sign * 2 * TRAINED.share * width)
        assert any(f"all mlp {metric}: recorded" in text for text in compare(source, outside))


@pytest.mark.parametrize("metric", ["ic", "ic.low", "ic.high", "turned", "coverage"])
@pytest.mark.parametrize("variant", ["all ridge", "half ridge"])
def test_a_row_without_training_is_held_to_a_millionth(source, variant, metric):
    row = row_of(source, variant)
    assert compare(source, altered(row, metric, lambda value, _: value * (1 + 1e-7))) == []
    (found,) = compare(source, altered(row, metric, lambda value, _: value * (1 + 1e-5)))
    assert f"{variant} {metric}: recorded" in found and "relative tolerance 1e-06" in found


def test_a_metric_without_an_interval_is_held_to_a_relative_share(source):
    row = row_of(source, "all mlp")
    inside, outside = 1 + TRAINED.relative / 2, 1 + TRAINED.relative * 2
    assert compare(source, altered(row, "turned", lambda value, _: value * inside)) == []
    assert compare(source, altered(row, "turned", lambda value, _: value * outside))


def test_what_training_has_no_part_in_stays_exact_in_a_trained_row(source):
    row = row_of(source, "all mlp")
    (found,) = compare(source, altered(row, "coverage", lambda value, _: value * (1 + 1e-5)))
    assert "coverage" in found
    for metric in ("ic", "turned", "coverage"):
        wrong = [{**r, "n": r["n"] + 1} if r["metric"] == metric else r for r in row.records]
        (found,) = compare(source, replace(row, records=wrong))
        assert f"all mlp {metric}:" in found


def test_a_contrast_is_held_to_what_its_rows_are(source):
    for learner, differs in (("ridge", True), ("mlp", False)):
        nudged = altered(contrast_of(source, learner), "ic", lambda value, width: value + 1e-3 * width)
        assert bool(compare(source, nudged)) is differs


# ----------------------------------------------------------------------------------- single numbers


def records(**values):
    named = ((name.replace("_", "."), value) for name, value in values.items())
    return [{"variant": "v", "metric": metric, "value": value, "n": 1} for metric, value in named]


@pytest.mark.parametrize(
    "interval",
    [{}, {"x_low": 0.9}, {"x_low": 1.0, "x_high": 1.0}, {"x_low": 2.0, "x_high": 0.0},
     {"x_low": -np.inf, "x_high": np.inf}, {"x_low": np.nan, "x_high": 2.0}],
)  # fmt: skip
def test_an_interval_of_no_use_leaves_the_relative_tolerance(interval):
    loose = Agreement(relative=1e-3, share=0.5)
    before = records(x=1.0, **interval)
    assert list(differences(before, records(x=1.0005, **interval), loose)) == []
    (found,) = differences(before, records(x=1.002, **interval), loose)
    assert "relative tolerance 0.001" in found


@pytest.mark.parametrize(
    "n,moved,same",
    [(1000, 2, True), (1000, -2, True), (1000, 3, False), (40, 2, True), (39, 1, False), (1, 1, False)],
)
def test_a_rare_event_may_happen_on_a_day_more_or_less(n, moved, same):
    """Of a mean over n days, but only where a day or two are a small part of them."""
    loose = Agreement(relative=0.05, events=2)
    before, after = ([{**record, "n": n} for record in records(x=x)] for x in (3 / n, (3 + moved) / n))
    assert (list(differences(before, after, loose)) == []) is same
    assert list(differences(before, after, EXACT))


@pytest.mark.parametrize("agreement", [EXACT, TRAINED])
@pytest.mark.parametrize("a,b", [(np.nan, 0.0), (0.0, np.nan), (np.inf, 0.0), (0.0, np.inf), (np.inf, -np.inf)])
def test_what_is_not_a_number_equals_itself_alone(agreement, a, b):
    assert list(differences(records(x=a), records(x=b), agreement))
    assert list(differences(records(x=a), records(x=a), agreement)) == []
    interval = {"x_low": -1.0, "x_high": 1.0}
    assert list(differences(records(x=a, **interval), records(x=b, **interval), agreement))


@pytest.mark.parametrize("agreement", [EXACT, TRAINED])
def test_a_number_more_or_less_is_a_difference(agreement):
    (found,) = differences(records(x=1.0), records(x=1.0, y=2.0), agreement)
    assert found == "v y is only recomputed"
    (found,) = differences(records(x=1.0, y=2.0), records(x=1.0), agreement)
    assert found == "v y is only recorded"


def test_the_width_of_another_variant_is_not_borrowed():
    wide = [{"variant": "w", "metric": f"x.{end}", "value": value, "n": 1} for end, value in (("low", -9), ("high", 9))]
    assert list(differences(records(x=1.0) + wide, records(x=1.5) + wide, TRAINED))


def test_the_loosest_agreement_rules_what_is_made_of_several():
    assert loosest([EXACT]) == EXACT
    assert loosest([Agreement(1e-6, 0.5, 3), Agreement(0.1, 0.2, 1)]) == Agreement(0.1, 0.5, 3)


# ------------------------------------------------------------------------------------ the real study


def test_in_the_mask_ablation_exactly_what_comes_from_trees_and_the_mlp_is_trained():
    study = REAL_ABLATION
    plan = Plan.make(study, study.settings("smoke", 2), None)
    held = {str(row.get("learner") or row["contrast"].split()[0]): set() for row in plan.rows}
    for index, row in enumerate(plan.rows):
        held[str(row.get("learner") or row["contrast"].split()[0])].add(_agreement(plan, index))
    assert held == {"ridge": {EXACT}, "lightgbm": {TRAINED}, "mlp": {TRAINED}}
    assert len(plan.members) == 6


def test_what_lies_near_zero_is_held_to_an_absolute_tolerance_where_there_is_one():
    before = records(ic=0.03, difference=2e-5, open_sharpe=0.001)
    after = records(ic=0.0302, difference=9e-5, open_sharpe=0.01)
    assert not list(differences(before, after, SIMULATED))
    assert len(list(differences(before, after, EXACT))) == 3
    for wrong in ({"ic": 0.031}, {"difference": 2e-4}, {"open_sharpe": 0.03}):
        other = records(**{"ic": 0.03, "difference": 2e-5, "open_sharpe": 0.001} | wrong)
        assert len(list(differences(before, other, SIMULATED))) == 1, wrong
    assert loosest([EXACT, SIMULATED]) == SIMULATED
