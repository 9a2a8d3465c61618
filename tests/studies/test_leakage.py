"""Leaks into the fit: what each bug fits, what the check of the papers and the detector see of it, and the words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import tidy

from lib import run_study
from lib.errors import ParameterError
from lib.evaluation.simulated import features
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.market import make_market
from lib.models.splits import Split
from lib.stats.over_seeds import OverSeeds
from lib.studies import recorded
from lib.studies.leakage import STUDY, measure, page
from lib.studies.leakage.measure import BUGS, CLEAN, FIXED, LEVELS, PAIRS, VARIANT, versions, yearly

TINY = {"n_stocks": 60, "n_days": 800, "first_test_year": 2012, "rounds": 8, "detector_seeds": 1}
FEW = ("alpha_001", "alpha_101", "better_001", "best_006", "old_029", "stock_006")
DATES = np.busday_offset("2010-01-04", np.arange(1400), roll="forward").astype("datetime64[D]")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.evaluation.simulated.CORE", FEW)
        yield run_study("leakage", scale="smoke", seeds=1, cache=tmp_path_factory.mktemp("cache"), **TINY)


# ------------------------------------------------------------------------------------------- the bugs


def test_the_year_before_the_test_year_validates_and_all_before_it_are_fitted():
    years = DATES.astype("datetime64[Y]").astype(int) + 1970
    splits = yearly(DATES, 2013)
    assert len(splits) == 3
    for year, split in zip((2013, 2014, 2015), splits, strict=True):
        (own,) = np.unique(years[split.test_start : split.test_stop])
        assert own == year and (years == year).sum() == split.test_stop - split.test_start
        assert years[split.validation_start] == year - 1 and years[split.validation_start - 1] == year - 2
        assert split.fit_start == 0 and split.fit_stop + 2 == split.validation_start
        assert split.validation_stop + 2 == split.test_start
    with pytest.raises(ParameterError, match=r"first_test_year: got 2011; the data begins on 2010-01-04, .* 2012"):
        yearly(DATES, 2011)


def test_each_bug_moves_what_it_names_and_nothing_else():
    clean = Split(0, 100, 102, 200, 202, 300)
    assert BUGS["off_by_one"](clean) == Split(0, 103, 102, 203, 202, 300)
    assert BUGS["validation_in_fit"](clean) == Split(0, 200, 102, 200, 202, 300)
    assert BUGS["test_in_fit"](clean) == Split(0, 300, 102, 200, 202, 300)


@pytest.fixture(scope="module")
def small():
    world = make_market(60, 800, 3)
    data = variant_dataset(world.panel, VARIANTS[VARIANT], features(world.panel, "skip", FEW))
    return data, world.panel.dates


def test_the_fixed_split_is_the_clean_fit_in_its_first_year(small):
    data, dates = small
    row, settings = {"learner": "lightgbm", "seed": 0}, {"first_test_year": 2012, "rounds": 5}
    found, (first, second) = versions(data, dates, row, settings), yearly(dates, 2012)
    assert set(found) == {CLEAN, *BUGS, FIXED}
    span = slice(first.test_start, first.test_stop)
    np.testing.assert_array_equal(found[FIXED][span], found[CLEAN][span])
    assert not np.array_equal(found[FIXED][second.test_start :], found[CLEAN][second.test_start :], equal_nan=True)
    for name in BUGS:
        assert not np.array_equal(found[name], found[CLEAN], equal_nan=True), name
        np.testing.assert_array_equal(np.isfinite(found[name]), np.isfinite(found[CLEAN]))


def test_only_a_fit_on_test_labels_knows_them(small):
    """Labels of the test year replaced: the fit that saw them predicts otherwise, the others do not."""
    from dataclasses import replace

    data, dates = small
    row, settings = {"learner": "lightgbm", "seed": 0}, {"first_test_year": 2013, "rounds": 5}
    start = yearly(dates, 2013)[0].test_start
    other = replace(data, label=np.where(data.day > start, -data.label, data.label))
    before, after = (versions(each, dates, row, settings) for each in (data, other))
    moved = {name for name in before if not np.array_equal(before[name], after[name], equal_nan=True)}
    assert moved == {"test_in_fit"}


# ------------------------------------------------------------------------------------------ the study


def test_every_version_has_its_measures_and_every_pair_its_differences(result):
    numbers = OverSeeds(result.frame)
    for name in (CLEAN, *BUGS, FIXED):
        assert all(np.isfinite(numbers.find(name, metric).value) for metric in LEVELS), name
    for left, right in PAIRS:
        for metric in ("executed_open.active_sharpe_gross", "naive_close.sharpe", "executed_open.turnover"):
            gap = numbers.find(left, metric).value - numbers.find(right, metric).value
            room = 5e-3 if "turnover" in metric else 1e-9  # a level's mean turnover leaves out the first day
            assert numbers.find(f"{left} - {right}", metric).value == pytest.approx(gap, abs=room)
        assert np.isfinite(numbers.find(f"{left} - {right}", "truth_ic").value)


def test_test_labels_in_the_fit_are_rewarded_and_the_detector_sees_every_bug(result):
    numbers = OverSeeds(result.frame)
    assert numbers.find(f"test_in_fit - {CLEAN}", "m1_ic").value > 0.01
    assert numbers.find("clean | detector", "leaks").value == 0
    for name in BUGS:
        assert numbers.find(f"{name} | detector", "caught").value == 1, name


def test_the_rows_of_the_detector_are_a_matter_of_the_grid():
    settings = STUDY.settings("smoke")
    assert [row["variant"] for row in STUDY.rows(settings | {"detector_seeds": 2})] == ["market"] + 2 * ["detector"]
    assert STUDY.settings("paper")["seeds"] == tuple(range(60))
    assert measure.agreement({}).share > 0, "a processor may grow other trees"


# --------------------------------------------------------------------------------------------- words


def made_up(validation: float = 0.0, test: float = 1.0, one: float = 0.0, caught: float = 1.0) -> pd.DataFrame:
    """Twenty markets: the clean gap to the fixed split is even on [-1, 1], each bug adds its own."""
    parts = []
    for seed, gap in enumerate(np.linspace(-1, 1, 20)):
        noise = 0.01 * (-1) ** seed
        adds = {"off_by_one": one, "validation_in_fit": validation, "test_in_fit": test}
        records = [(f"{CLEAN} - {FIXED}", page.CLAIMED, gap)]
        for name, add in adds.items():
            records += [(f"{name} - {CLEAN}", metric, add + noise) for metric in page.METRICS]
            records.append((f"{name} - {FIXED}", page.CLAIMED, gap + add))
        records += [(f"{name} | detector", "caught", float(name != CLEAN) * caught) for name in (CLEAN, *BUGS)]
        parts.append(tidy(records, "leakage", seed))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    "how, words",
    [
        ({}, ["do not measurably raise", "reported", "does not show", "rarely sees", "catches each of the three"]),
        (
            {"validation": 0.3, "one": -0.3},
            ["raise the Sharpe ratio of the test: the Sharpe ratio of the papers' back-test changes by +0.30",
             "reported", "lowers", "rarely sees"],
        ),
        ({"validation": -0.3, "one": 0.3}, ["lower the Sharpe ratio of the test, against", "reported", "is enough",
                                              "rarely sees"]),
        ({"validation": 3.0, "test": 0.0}, ["raise", "do not measurably raise the result", "", "in some markets"]),
        ({"caught": 0.5}, ["", "", "", "", "catches the bugs in 50% or more"]),
    ],
)
def test_a_finding_says_what_the_numbers_say(how, words):
    said = page.findings(made_up(**how))
    assert all(item.holds for item in said) and len(said) == 5
    for item, part in zip(said, words, strict=False):
        assert part in item.text


def test_without_intervals_nothing_is_said(result):
    held = [item.holds for item in page.findings(result.frame)]
    assert held == [False, False, False, False, True]


def test_an_alarm_is_a_gap_outside_what_clean_markets_show():
    shares = page.alarms(OverSeeds(made_up(validation=-0.5, test=3.0)), page.CLAIMED)
    assert shares[CLEAN] == (0.05, 0.05) and shares["test_in_fit"] == (0.0, 1.0)
    assert shares["validation_in_fit"] == (pytest.approx(0.3), 0.0)
    table = page.checks_table(made_up(validation=-0.5, test=3.0))
    assert table.loc["test labels in the fit", "too good"] == 1 and table.loc["clean", "caught"] == 0
    few = made_up().query("seed < 3")
    assert page.alarms(OverSeeds(few), page.CLAIMED) == {}


def test_tables_figures_and_the_claim(result):
    frame = made_up(validation=0.3)
    check(lambda: page.gaps(OverSeeds(frame), "a note"))
    assert len(page.summary(result.frame)) == 4 and len(page.levels_table(result.frame)) == 5
    (answer,) = page.answer_claims(frame)
    assert answer.claim_id == "B.story.leakage" and answer.estimate == pytest.approx(0.3) and answer.markets == 20
    assert answer.low < 0.3 < answer.high
    assert page.answer_claims(result.frame) == []


def test_findings_hold_on_the_recorded_rows():
    record = recorded("leakage")
    if record:
        assert all(item.holds for item in page.findings(record.frame))
