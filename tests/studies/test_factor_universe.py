"""The study of the factor universe: that its counts fit together, its curves, its claim and its figures."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lib import run_study
from lib.errors import ParameterError
from lib.factors import factor_names
from lib.factors.formulas.parametric import parse_name
from lib.studies import recorded
from lib.studies.factor_universe import STUDY, page
from lib.studies.factor_universe.measure import candidates
from lib.studies.factor_universe.page import (
    SHORT,
    TESTS,
    answer_claims,
    candidate_table,
    curve,
    family_table,
    findings,
    reached_at,
    reason_table,
    sensitivity_table,
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
    assert reason_table(frame, "overlay")["why"].str.len().min() > 10
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


def shown_as(frame: pd.DataFrame, evidence: bool = True) -> SimpleNamespace:
    return SimpleNamespace(rows=frame, name="recorded", evidence=evidence)


def with_value(frame: pd.DataFrame, variant: str, **values: float) -> pd.DataFrame:
    """The frame with other numbers; a name with "_" stands for the metric with " "."""
    changed = frame.copy()
    for name, number in values.items():
        hit = (changed["variant"] == variant) & changed["metric"].isin([name, name.replace("_", " ")])
        assert hit.any(), name
        changed.loc[hit, "value"] = number
    return changed


def test_every_outcome_has_its_sentence(frame):
    def said(place: int, rows: pd.DataFrame) -> str:
        finding = findings(rows)[place]
        assert finding.holds, finding.text
        return finding.text

    assert f"Of {value(frame, 'candidates'):,.0f} candidates {value(frame, 'left'):,.0f} pass" in said(0, frame)
    shown = "left, shown"
    for count, words in ((0.0, "not one passes beyond doubt"), (2.0, "2 pass beyond doubt")):
        some = with_value(frame, "overlay", left=1e6).assign(
            value=lambda rows, n=count: rows["value"].mask(rows["metric"] == shown, n)
        )
        assert words in said(0, some)
    assert "no more than chance" in said(0, with_value(frame, "overlay", left=0.0))
    assert "No strictness leaves 742" in said(2, frame)
    many = frame.copy()
    together = many["variant"] == "overlay at all tests"
    many.loc[together & many["metric"].str.endswith("left"), "value"] = 800.0
    assert "at 150% of the declared strictness" in said(2, many)
    for ends, words in (((-0.2, 0.2), "cannot be told from zero"), ((0.1, 0.2), "keeps its direction"),
                        ((-0.2, -0.1), "turns round")):  # fmt: skip
        low, high = ends
        moved = frame.copy()
        for metric, number in (("test_ic", (low + high) / 2), ("test_ic.low", low), ("test_ic.high", high)):
            moved.loc[(moved["variant"] == "overlay kept") & (moved["metric"] == metric), "value"] = number
        assert words in said(1, moved)
    nobody = with_value(frame[~frame["variant"].eq("overlay kept")], "overlay", left=0.0)
    assert "No candidate is left" in said(1, nobody)


def test_every_finding_holds_on_the_recorded_rows():
    real = recorded("factor_universe").frame
    assert len(findings(real)) == 5
    for finding in findings(real):
        assert finding.holds, finding.text


def test_a_finding_that_is_turned_round_does_not_hold():
    real = recorded("factor_universe").frame
    spread = real.assign(value=real["value"].mask(real["metric"].str.startswith("first "), 10.0))
    assert not findings(spread)[3].holds, "no test drops most"
    assert not findings(with_value(real, "csi300", first_redundant=0.0))[4].holds


@pytest.mark.parametrize("part", [page.funnel, page.strictness, page.each_threshold, page.afterwards])
def test_figures_are_drawn_and_always_the_same(frame, part):
    assert part(shown_as(frame)).data == part(shown_as(frame)).data


def test_a_run_without_real_prices_has_neutral_titles(frame):
    for part in (page.funnel, page.strictness, page.afterwards):
        texts = [re.search('alt="([^"]+)"', part(shown_as(frame, real)).data).group(1) for real in (True, False)]
        titles = [text.partition(". ")[0] for text in texts]  # the data of the figure follow
        assert titles[0] != titles[1] and not re.search(r"\d", titles[1]), titles


def test_the_page_lists_who_passes_and_links_to_all(frame):
    text = page.candidates(shown_as(frame)).data
    assert text.count("<tr>") - 1 == value(frame, "left") and "factor_universe_candidates.csv" in text
    assert page.sensitivity(shown_as(frame)).data.count("never") == len(TESTS) + 1
