"""The study of the factor universe: that its counts fit together, its curves, its claim and its figures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from lib import run_study
from lib.errors import ParameterError
from lib.factors import factor_names
from lib.factors.formulas.parametric import parse_name
from lib.paper.pages.style import to_svg
from lib.studies.factor_universe import STUDY
from lib.studies.factor_universe.figures import SHORT, afterwards, each_threshold, funnel, strictness
from lib.studies.factor_universe.findings import Universe
from lib.studies.factor_universe.measure import candidates
from lib.studies.factor_universe.tables import (
    TESTS,
    answer_claims,
    candidate_table,
    curve,
    family_table,
    reached_at,
    reason_table,
    sensitivity_table,
    threshold_table,
)

SMALL = {"every": 14, "n_stocks": 90, "n_days": 420, "draws": 20}


@pytest.fixture(scope="module")
def frame(tmp_path_factory) -> pd.DataFrame:
    """Few templates, and thresholds that some candidates of any market pass."""
    easy = {"ic": 0.004, "ir": 0.02, "stability": 0.5, "decay": 0.0, "sensitivity": 0.2}
    folder = tmp_path_factory.mktemp("cache")
    return run_study("factor_universe", scale="smoke", cache=folder, thresholds=easy, **SMALL).frame


def value(frame: pd.DataFrame, metric: str, variant: str = "overlay") -> float:
    found = frame.loc[(frame["variant"] == variant) & (frame["metric"] == metric), "value"]
    assert len(found) == 1, metric
    return float(found.iloc[0])


def test_every_candidate_is_declared_and_a_part_keeps_whole_grids():
    assert candidates() == factor_names("parametric")
    some = candidates(14)
    heads = {name.partition("[")[0] for name in some}
    assert 0 < len(heads) < 6
    assert {name for name in candidates() if name.partition("[")[0] in heads} == set(some)


def test_the_funnel_loses_each_candidate_once(frame):
    left = [value(frame, f"left after {name}") for name in (*TESTS, "redundant")]
    first = [value(frame, f"first {name}") for name in (*TESTS, "redundant")]
    assert value(frame, "candidates") == len(candidates(14)) == left[0] + first[0]
    assert [a - b for a, b in zip(left, first[1:], strict=False)] == left[1:]
    assert all(value(frame, f"failed {name}") >= value(frame, f"first {name}") for name in TESTS)
    assert left[-1] > 0, "the thresholds were meant to let some pass"


def test_standards_are_ordered_and_the_interval_is_one(frame):
    assert value(frame, "left, shown") <= value(frame, "left") <= value(frame, "left, not refuted")
    assert 0 <= value(frame, "left.low") <= value(frame, "left.high") <= value(frame, "candidates")


def test_curves_pass_through_the_declared_count_and_never_rise(frame):
    together = curve(frame, "overlay", "all tests")
    assert together.loc[1.0, "left"] == value(frame, "left")
    assert together.loc[1.0, "null"] == pytest.approx(value(frame, f"null after {TESTS[-1]}"))
    for test in (*TESTS, "all tests"):
        points = curve(frame, "overlay", test)
        assert (np.diff(points["left"]) <= 0).all() and (np.diff(points["null"]) <= 0).all()


def test_the_table_of_candidates_agrees_with_the_funnel(frame):
    table = candidate_table(frame, "overlay")
    assert sorted(table["candidate"]) == sorted(candidates(14))
    assert (table["verdict"] == "kept").sum() == value(frame, "left after redundant")
    assert (table["verdict"] == "redundant").sum() == value(frame, "first redundant")
    for name in TESTS:
        assert table["verdict"].str.split(", ").map(lambda v, n=name: n in v).sum() == value(frame, f"failed {name}")
    twins = table[table["verdict"] == "redundant"]
    kept = set(table.loc[table["verdict"] == "kept", "candidate"])
    assert set(twins["twin of"]) <= kept and (table.loc[table["verdict"] != "redundant", "twin of"] == "").all()
    assert all(parse_name(name) for name in table["candidate"])


def test_the_count_is_reached_between_two_points():
    points = pd.DataFrame({"left": [10.0, 8.0, 2.0]}, index=[0.0, 0.1, 0.2])
    assert reached_at(points, 5) == pytest.approx(0.15)
    assert reached_at(points, 2) == 0.2 and math.isnan(reached_at(points, 11))


def test_tables_have_a_row_for_every_test_and_template(frame):
    assert reason_table(frame, "overlay")["test"].tolist() == [*TESTS, "redundant"]
    assert sensitivity_table(frame, "overlay", 5)["test"].tolist() == [*TESTS, "all tests"]
    assert threshold_table()["why"].str.len().min() > 10
    assert family_table()["candidates"].sum() == len(candidates())
    assert set(SHORT) == {*TESTS, "redundant"}


def test_the_claim_is_answered_on_real_prices_only(frame):
    assert answer_claims(frame) == []
    real = frame.assign(variant=frame["variant"].str.replace("overlay", "csi300"))
    (answer,) = answer_claims(real)
    assert (answer.claim_id, answer.setting) == ("A.universe.size", "different")
    assert (answer.estimate, answer.low) == (value(frame, "left"), value(frame, "left.low"))
    assert answer.claim_id in STUDY.page.claims


def test_an_unknown_threshold_is_named(tmp_path):
    with pytest.raises(ParameterError, match="'icc'"):
        run_study("factor_universe", scale="smoke", cache=tmp_path, thresholds={"icc": 1}, **SMALL)


def test_messages_follow_the_numbers(frame):
    found = Universe.of(frame)
    assert found.source == "overlay" and found.tests == [*TESTS, "redundant"]
    assert f"Of {value(frame, 'candidates'):,.0f} candidates {value(frame, 'left'):,.0f} pass" in found.message()
    assert "No strictness leaves 742" in found.paper_message()
    many = frame.copy()
    at = many["variant"] == "overlay at all tests"
    many.loc[at & many["metric"].str.endswith("left"), "value"] = 800.0
    assert "742 or more are left at 150 % of the declared strictness" in Universe.of(many).paper_message()
    lucky = many.copy()
    lucky.loc[lucky["metric"] == "left", "value"] = 1e6
    assert "more than luck alone" in Universe.of(lucky).message()
    nobody = frame[~frame["variant"].eq("overlay kept")]
    assert "No candidate is left" in Universe.of(nobody).holdout_message()


@pytest.mark.parametrize("draw", [funnel, strictness, each_threshold, afterwards])
def test_figures_are_drawn_and_always_the_same(frame, draw):
    assert to_svg(draw(frame, "note")) == to_svg(draw(frame, "note"))
