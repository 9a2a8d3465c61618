"""Sentences follow from the signs of intervals: opposite numbers give opposite words, wide intervals none."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from results import ablation, limit_events, tidy

from lib.evaluation.ablation import (
    CAUSES,
    PAIRS,
    SHOWN,
    VARIANT_ORDER,
    WORDS,
    Ablation,
    definitions,
    side_by_side,
)
from lib.evaluation.variants import CONTRASTS, VARIANTS
from lib.stats.estimates import MINUS, Estimate, Numbers, join, signed
from lib.stats.over_seeds import OverSeeds
from lib.studies.limit_events.findings import LimitEvents


@pytest.mark.parametrize(
    ("low", "high", "sign"), [(0.1, 0.3, 1), (-0.3, -0.1, -1), (-0.1, 0.3, 0), (0.0, 0.3, 0), (math.nan, math.nan, 0)]
)
def test_a_sign_counts_only_when_the_interval_excludes_zero(low: float, high: float, sign: int) -> None:
    assert Estimate(0.2, low, high).sign == sign


def test_numbers_are_means_over_seeds_of_the_value_and_of_the_ends() -> None:
    one = tidy([("a", "x", 1.0), ("a", "x.low", 0.0), ("a", "x.high", 2.0)], "s", seed=0)
    two = tidy([("a", "x", 3.0), ("a", "x.low", 1.0), ("a", "x.high", 7.0)], "s", seed=1)
    numbers = Numbers(pd.concat([one, two]))
    assert numbers["a", "x"] == Estimate(2.0, 0.5, 4.5)
    assert list(numbers) == [("a", "x")]
    assert math.isnan(numbers.find("a", "no such metric").value)


def test_a_level_that_is_tested_has_the_interval_of_its_mean() -> None:
    lines = [("a", "x", 1.0), ("a", "x.low", -1.0), ("a", "x.high", 3.0), ("a", "y", 1.0), ("a", "y.low", 0.5)]
    lines += [("a", "x.mean", 1.0), ("a", "x.mean.low", 0.2), ("a", "x.mean.high", 1.8), ("a", "y.high", 1.5)]
    for numbers in (Numbers(tidy(lines, "s")), OverSeeds(tidy(lines, "s"))):
        assert numbers.find("a", "x") == Estimate(1.0, -1.0, 3.0)
        assert numbers.tested("a", "x") == Estimate(1.0, 0.2, 1.8)
        assert numbers.tested("a", "y") == numbers.find("a", "y") == Estimate(1.0, 0.5, 1.5)


def test_numbers_as_text() -> None:
    assert signed(-0.126) == f"{MINUS}0.13"
    assert Estimate(0.5).text(1, " %") == "+0.5 %"


# ------------------------------------------------------------------------------------- limit events


@pytest.mark.parametrize(
    ("gap", "later", "words"),
    [
        (0.02, 0.0, ("2.0 % higher", "nothing that can be told from zero")),
        (0.02, 0.03, ("2.0 % higher", "still gains 3.0 %")),
        (0.02, -0.03, ("2.0 % higher", "loses 3.0 %")),
        (-0.02, 0.0, ("2.0 % lower", "nothing that can be told from zero")),
        (0.0, 0.0, ("no overnight move can be told from zero", "nothing")),
    ],
)
def test_who_has_the_move(gap: float, later: float, words: tuple[str, ...]) -> None:
    message = LimitEvents.of(limit_events(gap, later)).message()
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("control", "words"), [(None, "No control"), (0.0, "no gap can be told"), (0.03, "as well"), (-0.03, "is lower")]
)
def test_the_control(control: float | None, words: str) -> None:
    assert words in LimitEvents.of(limit_events(control_gap=control)).control_message()


def test_years_and_sources_are_found_in_the_frame() -> None:
    events = LimitEvents.of(limit_events(home="overlay"))
    assert (events.home, events.control, events.years) == ("overlay", "us", ["2020", "2021"])
    assert LimitEvents.of(limit_events(control_gap=None)).control is None


def test_the_yearly_message_counts_years() -> None:
    assert "higher in 2 of 2 years" in LimitEvents.of(limit_events()).yearly_message()
    assert "higher in 0 of 2 years" in LimitEvents.of(limit_events(gap=-0.02)).yearly_message()
    assert "lower in 2 of 2 years" in LimitEvents.of(limit_events()).yearly_message("limit-down")
    assert "above zero in 2 and below in 0" in LimitEvents.of(limit_events(later=0.03)).yearly_message()


def test_the_year_in_which_limits_bind_most() -> None:
    assert "most in 2020, 1.80 % together" in LimitEvents.of(limit_events()).rate_message()


# --------------------------------------------------------------------------------------- the ablation


def test_the_names_of_variants_and_contrasts_are_those_of_the_study() -> None:
    assert set(VARIANT_ORDER) == set(VARIANTS)
    assert set(CAUSES) == {f"{left} - {right}" for left, right in CONTRASTS}


def test_every_variant_has_words() -> None:
    assert set(WORDS) == set(VARIANTS) and len(set(WORDS.values())) == len(VARIANTS)
    assert set(definitions()["identifier"]) == set(VARIANTS)
    assert set(SHOWN) <= set(VARIANTS) and set(PAIRS) <= set(CAUSES)


def test_rows_in_words_hold_what_was_run() -> None:
    only = ablation()
    found = Ablation.of(only[only["variant"] == "row_deletion ridge"])
    assert found.variants == ["row_deletion"]
    assert list(found.rows(SHOWN, ["m1_ic"])) == ["rows deleted"] and found.rows(PAIRS, ["m1_ic"]) == {}
    rows, dots, colors = found.shown(SHOWN, {"a": "no such metric", "b": "m1_ic"}, ["red", "blue"])
    assert (len(rows["rows deleted"]), dots, colors) == (1, ["b"], ["blue"])


def test_learners_are_kept_apart() -> None:
    frame = pd.concat([ablation(0.05), ablation(-0.05, "mlp")])
    assert Ablation.learners(frame) == ["ridge", "mlp"]
    found = {learner: Ablation.of(frame, learner) for learner in ("ridge", "mlp")}
    (pair,) = side_by_side(found, ["mask_skip - row_deletion"], "m1_ic").values()
    assert [item.sign for item in pair] == [1, -1]


def test_a_list_for_a_page() -> None:
    assert join(["Fills. None."]) == "- **Fills.** None."
