"""The example of one limit-up close: the counts follow from the rules of the policies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lib.errors import ParameterError
from lib.reasons import Reason
from lib.studies.window_travel import page
from lib.studies.window_travel.measure import POLICIES, Travel, example_panel


def test_the_example_holds_exactly_one_limit_close() -> None:
    panel = example_panel(70, 25)
    assert np.flatnonzero(panel.reasons[:, 0]).tolist() == [25]
    assert panel.reasons[25, 0] & Reason.LIMIT_UP
    assert panel.fields["open"][26, 0] > panel.fields["close"][25, 0]


@pytest.mark.parametrize("window", [2, 5, 20])
def test_days_affected(window: int) -> None:
    counts = Travel(window=window, limit_day=window + 3).counts()
    for formula, row in counts.iterrows():
        reach = window + (formula == "standard deviation of returns")  # a return reads the day before, too
        assert row["uses it", "raw"] == reach or formula == "correlation of close and volume"
        assert row["no value", "raw"] == 0
        assert (row["uses it", "skip"], row["uses it", "strict"]) == (0, 0)
        assert row["no value", "strict"] == reach
        assert row["no value", "skip"] <= reach


def test_skip_needs_its_share_of_the_window() -> None:
    assert Travel(window=4, limit_day=10, min_share=1.0).counts()["no value", "skip"].min() == 4


def test_outside_the_window_the_policies_agree() -> None:
    travel = Travel()
    after = travel.limit_day + travel.window + 2
    for policies in travel.results.values():
        for policy in POLICIES:
            np.testing.assert_allclose(policies[policy][after:], policies["raw"][after:])


def test_a_limit_day_without_a_full_window_before_it() -> None:
    with pytest.raises(ParameterError, match="limit_day = 5: expected at least window = 20"):
        Travel(window=20, limit_day=5)
    with pytest.raises(ParameterError, match="expected a day from 1 to 8"):
        example_panel(10, 9)


def test_every_finding_holds_on_the_example_and_counts_its_days() -> None:
    for travel in (Travel(), Travel(window=5, limit_day=8)):
        found = page.findings(travel)
        assert all(item.holds for item in found)
        assert page.counted(travel).holds and f"{travel.window}-day mean" in page.counted(travel).text
    raw, skip, strict = (item.text for item in found)
    assert "up to 6 days" in raw and "at most 2 days" in skip and "up to 6 days" in strict


def test_a_policy_that_lets_the_limit_close_in_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Travel.counts

    def leaking(travel: Travel) -> pd.DataFrame:
        counts = real(travel)
        counts["uses it", "skip"] = 1
        return counts

    monkeypatch.setattr(Travel, "counts", leaking)
    assert [item.holds for item in page.findings(Travel())] == [True, False, True]
    assert not page.counted(Travel()).holds and "Skip" not in page.what_each_does(Travel()).data


def test_the_table_counts_days_and_shows_whole_numbers() -> None:
    shown = page.days_affected(Travel()).data
    assert shown.count('<th scope="col"') == 6 and ">20<" in shown and "0.0000" not in shown
