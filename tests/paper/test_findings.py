"""Sentences follow from the signs of intervals: opposite numbers give opposite words, wide intervals none."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from results import ablation, tidy

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
from lib.paper.pages.findings import Finding
from lib.stats.estimates import MINUS, Estimate, Numbers, join, signed
from lib.stats.over_seeds import OverSeeds


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


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("The mask is worth nothing: it costs 0.1.", "The mask is worth nothing: it costs 0.1"),  # short enough
        (f"The mask is worth nothing before costs: {'and ' * 20}on.", "The mask is worth nothing before costs"),
        (f"After a close at the limit the open is higher; later: {'and ' * 20}on.",
         "After a close at the limit the open is higher"),
        (f"The open is higher by much (real prices: {'and ' * 20}on).",
         f"The open is higher by much (real prices: {'and ' * 20}on)"),
        (f"Too short: {'and ' * 25}on.", f"Too short: {'and ' * 25}on"),
        (f"It earns before costs; {'and ' * 25}on.", f"It earns before costs; {'and ' * 25}on"),
        (f"A first sentence says what is meant. {'and ' * 20}on.", "A first sentence says what is meant"),
    ],
)  # fmt: skip
def test_a_long_sentence_is_shortened_to_its_message_as_a_title(sentence: str, title: str) -> None:
    assert Finding(sentence, holds=True).title("neutral") == title
    assert Finding(sentence, holds=False).title("neutral") == "neutral"
