"""Version 2 of the rule: every line of its table by hand-made answers, properties, and what chance would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from lib.paper.claims import Answer, Claim, by_chance, load_ledger, scoreboard
from lib.paper.claims.ledger import HALF_BY_CHANCE
from lib.paper.claims.verdicts import (
    INEQUALITIES,
    RULE,
    SAMPLED,
    VERDICTS,
    ZERO_MARGIN,
    effect,
    evidence,
    first_verdict,
    verdict,
)

LEDGER = {claim.id: claim for claim in load_ledger()}
ELSEWHERE = {
    "reproduced": "agrees, other setting",
    "compatible": "agrees, other setting",
    "not reproduced": "does not carry over",
    "contradicted": "does not carry over",
    "negligible": "does not carry over",
}


def claim(kind, claimed, unit="1", setting="synthetic", name="X.made", metric="m"):
    printed = "" if claimed is None else str(claimed)
    return Claim(name, "B", "", "", metric, claimed, unit, kind, setting, "", "", printed)


def answer(low, high, setting="same", **fields):
    return Answer("X.made", (low + high) / 2, low, high, setting, **fields)


LEVEL, DIFFERENCE, LOSS = claim("level", 2.0), claim("difference", 0.4), claim("difference", -0.4)
FACTOR, PERCENT = claim("ratio", 5.0, "x"), claim("ratio", 18, "%")
HALF = claim("level", 54.0, "%", metric="sign_accuracy")
ZERO = claim("level", 0, name=next(iter(ZERO_MARGIN)))
BOUND = claim("level", 8, "%", name=next(iter(INEQUALITIES)))


@pytest.mark.parametrize(
    ("subject", "given_answer", "wanted"),
    [
        # a level, one path: half-width against |e| = 2, first of all
        (LEVEL, answer(0.0, 4.0), "compatible"),
        (LEVEL, answer(-0.01, 4.01), "inconclusive"),
        (LEVEL, answer(3.0, 7.1), "inconclusive"),  # even where the claim lies outside
        (LEVEL, answer(2.1, 3.0), "not reproduced"),
        (LEVEL, answer(-3.0, -2.5), "not reproduced"),
        (LEVEL, answer(2.0, 4.0), "compatible"),
        # and the mean over markets within |e| / 4 of the claim
        (LEVEL, answer(1.0, 3.0, mean_low=1.5, mean_high=2.5), "reproduced"),
        (LEVEL, answer(1.0, 3.0, mean_low=1.49, mean_high=2.0), "compatible"),
        (LEVEL, answer(1.0, 3.0, mean_low=2.0, mean_high=2.51), "compatible"),
        (LEVEL, answer(2.1, 3.0, mean_low=2.4, mean_high=2.45), "not reproduced"),
        (LEVEL, answer(-2.0, 6.0, mean_low=1.9, mean_high=2.1), "inconclusive"),
        # without skill sign accuracy is 50 %, so e = 4
        (HALF, answer(51.0, 58.9), "compatible"),
        (HALF, answer(50.0, 58.1), "inconclusive"),
        (HALF, answer(50.0, 58.0, mean_low=53.0, mean_high=55.0), "reproduced"),
        (HALF, answer(50.0, 58.0, mean_low=52.9, mean_high=55.0), "compatible"),
        # a claim of zero has a declared margin
        (ZERO, answer(-0.05, 0.05), "compatible"),
        (ZERO, answer(-0.06, 0.06), "inconclusive"),
        (ZERO, answer(0.01, 0.02), "not reproduced"),
        (ZERO, answer(-0.04, 0.04, mean_low=-0.01, mean_high=0.0125), "reproduced"),
        # a full count: the paper's rounding decides, and nothing else
        (claim("level", 8, "%"), answer(8.4, 8.4, census=True), "reproduced"),
        (claim("level", 8, "%"), answer(8.6, 8.6, census=True), "not reproduced"),
        (claim("ratio", 6, "x"), answer(6.5, 6.5, census=True), "reproduced"),
        (claim("ratio", 6, "x"), answer(4.0, 4.0, census=True), "direction only"),
        (claim("ratio", 6, "x"), answer(1.5, 1.5, census=True), "negligible"),
        (claim("ratio", 6, "x"), answer(0.2, 0.2, census=True), "contradicted"),
        # a difference, in the order of the rule
        (DIFFERENCE, answer(-0.1, 0.1), "negligible"),
        (DIFFERENCE, answer(0.01, 0.1), "negligible"),
        (DIFFERENCE, answer(0.01, 0.11), "direction only"),
        (DIFFERENCE, answer(0.2, 0.6), "reproduced"),
        (DIFFERENCE, answer(0.19, 0.61), "direction only"),
        (DIFFERENCE, answer(0.0, 0.4), "inconclusive"),
        (DIFFERENCE, answer(0.5, 0.9), "direction only"),
        (DIFFERENCE, answer(-0.3, -0.01), "contradicted"),
        (DIFFERENCE, answer(-0.3, 0.5), "inconclusive"),
        (LOSS, answer(-0.5, -0.3), "reproduced"),
        (LOSS, answer(-0.3, -0.11), "direction only"),
        (LOSS, answer(0.01, 0.3), "contradicted"),
        (LOSS, answer(-0.02, 0.05), "negligible"),
        # a ratio of times has no effect at 1; the mean over markets counts where there is one
        (FACTOR, answer(4.0, 6.0), "reproduced"),
        (FACTOR, answer(0.5, 1.9), "negligible"),
        (FACTOR, answer(1.1, 2.1), "direction only"),
        (FACTOR, answer(-0.5, 0.9), "contradicted"),
        (FACTOR, answer(0.0, 10.0, mean_low=4.0, mean_high=6.0), "reproduced"),
        (PERCENT, answer(10.0, 20.0), "reproduced"),
        (PERCENT, answer(-4.0, 4.0), "negligible"),
        # a bound, one path, each bound one-sided
        (BOUND, answer(2.0, 9.0, one_sided=(3.0, 7.9)), "compatible"),
        (BOUND, answer(2.0, 9.0, one_sided=(3.0, 7.9), mean_low=5.0, mean_high=6.0), "reproduced"),
        (BOUND, answer(2.0, 9.0, one_sided=(3.0, 8.1)), "inconclusive"),
        (BOUND, answer(7.0, 12.0, one_sided=(8.1, 11.0)), "not reproduced"),
        (BOUND, answer(2.0, 7.0), "compatible"),
        # what needs no interval
        (LEVEL, Answer("X.made", 2.0, setting="same"), "inconclusive"),
        (LEVEL, Answer("X.made", 2.0, setting="same", mean_low=1.9, mean_high=2.1), "inconclusive"),
        (LEVEL, answer(1.0, 3.0, choice="scripted"), "cannot be tested"),
        (LEVEL, Answer("X.made", choice="scripted", setting="same"), "cannot be tested"),
        (claim("level", None), answer(1.0, 3.0), "cannot be tested"),
        (LEVEL, Answer("X.made", unavailable="no file", setting="same"), "needs data we don't have"),
        (claim("identity", 3, setting="arithmetic"), Answer("X.made", 3.0, setting="same"), "arithmetic"),
        (LEVEL, None, "not yet studied"),
    ],
)
def test_every_line_of_the_rule(subject, given_answer, wanted):
    assert verdict(subject, given_answer) == evidence(subject, given_answer) == wanted
    if given_answer is not None:
        for setting in ("reduced", "different"):
            moved = Answer(**{**vars(given_answer), "setting": setting})
            assert verdict(subject, moved) == ELSEWHERE.get(wanted, wanted)
            assert evidence(subject, moved) == wanted


def test_the_table_names_every_verdict_and_no_other():
    named = {line[2] for line in RULE}
    assert named == set(VERDICTS) and set(SAMPLED) < named
    assert set(HALF_BY_CHANCE) <= {claim.metric for claim in LEDGER.values()}
    assert set(INEQUALITIES) <= set(LEDGER) and set(INEQUALITIES.values()) <= {"below", "above"}


# --------------------------------------------------------------------------------------------- orders

ORDER = claim("order", 1, "bool")


def ordered(parts, markets=0):
    return verdict(ORDER, Answer("X.made", parts=parts, setting="same", markets=markets))


def test_an_order_needs_every_step():
    assert ordered([(0.3, 0.1, 0.5), (0.2, 0.05, 0.4)]) == "reproduced"
    assert ordered([(0.3, 0.1, 0.5), (0.2, -0.05, 0.4)]) == "inconclusive"
    assert ordered([(0.3, 0.1, 0.5), (-0.4, -0.6, -0.2)]) == "contradicted"


@pytest.mark.parametrize("steps", [1, 2, 6])
@pytest.mark.parametrize("markets", [0, 5, 20])
def test_a_reversed_step_is_judged_over_all_steps_with_students_quantiles(steps, markets):
    """The step's half-width at 95 % becomes that at 1 - 5 % / steps: below it contradicted, above it inconclusive."""
    law = student(markets - 1) if markets else norm()
    half = law.ppf(0.975)  # of a step with standard error 1
    edge = law.ppf(1 - 0.025 / steps)
    others = [(9.0, 8.0, 10.0)] * (steps - 1)
    for shift, wanted in ((1e-6, "contradicted"), (-1e-6, "inconclusive")):
        middle = -edge - shift
        assert ordered([(middle, middle - half, middle + half), *others], markets) == wanted


# ------------------------------------------------------------------------------------------- properties

numbers = st.floats(-10, 10).filter(lambda x: abs(x) > 0.01)
subjects = st.builds(
    claim, st.sampled_from(["level", "difference", "ratio"]), numbers, st.sampled_from(["1", "x", "%"])
).filter(lambda subject: abs(subject.claimed - subject.no_effect) > 0.01)
ends = st.tuples(st.floats(-20, 20), st.floats(-20, 20)).map(sorted)
shares = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(subjects, ends, shares)
def test_a_narrower_interval_never_loses_a_decision(subject, wide, inner):
    """An interval inside another one decides whatever the other decides."""
    low, high = wide
    narrow = [min(max(low + share * (high - low), low), high) for share in inner]
    if verdict(subject, answer(low, high)) != "inconclusive":
        assert verdict(subject, answer(*narrow)) != "inconclusive"


@given(subjects, ends, shares)
def test_the_mean_can_only_raise_compatible_to_reproduced(subject, path, inner):
    low, high = path
    mean = [low + share * (high - low) for share in inner]
    if subject.kind == "level":
        alone, beside = answer(low, high), answer(low, high, mean_low=min(mean), mean_high=max(mean))
        assert (verdict(subject, alone), verdict(subject, beside)) in {
            (word, word) for word in SAMPLED
        } | {("compatible", "reproduced")}


@given(subjects, ends, st.floats(0.1, 10))
def test_units_do_not_matter(subject, path, scale):
    """Claim, interval and no effect in another unit give the same verdict, where no effect is zero."""
    if subject.no_effect == 0 and not any(abs(x) < 1e-6 for x in path):
        other = claim(subject.kind, subject.claimed * scale, subject.unit)
        edges = [abs(subject.claimed) * k for k in (0.25, 0.5, 1.0)]
        gaps = [abs(abs(x) - edge) for x in (*path, (path[1] - path[0]) / 2) for edge in edges]
        if min(gaps) > 1e-9:  # not on an edge, where round-off decides
            assert verdict(subject, answer(*path)) == verdict(other, answer(*(x * scale for x in path)))


@given(subjects, ends)
def test_the_mirror_image_has_the_same_verdict(subject, path):
    if subject.no_effect == 0:
        mirrored = claim(subject.kind, -subject.claimed, subject.unit)
        assert verdict(subject, answer(*path)) == verdict(mirrored, answer(-path[1], -path[0]))


def test_version_2_decides_what_version_1_could_not():
    """A Sharpe ratio over 756 days has a half-width of 1.13 at best: version 1 needs a claim of at least 2.26."""
    sharpe, found = LEDGER["B.ablation.full.sharpe"], answer(2.0 - 1.13, 2.0 + 1.13)
    assert first_verdict(sharpe, found) == "inconclusive" and verdict(sharpe, found) == "compatible"
    undecidable = [
        c for c in LEDGER.values() if c.metric == "sharpe" and c.kind == "level" and effect(c) < 2 * 1.13
    ]
    assert len(undecidable) > 40


# ------------------------------------------------------------------------------------- what chance gives


def made_board(kind, values, half, claimed):
    """A board of one claim per value, all of the same kind, each with an interval of a half-width."""
    ledger = [claim(kind, claimed, name=f"X.{k}") for k in range(len(values))]
    answers = [Answer(f"X.{k}", v, v - half, v + half, "same") for k, v in enumerate(values)]
    return scoreboard(answers, ledger)


def test_chance_gives_what_it_is_said_to_give():
    """4,000 differences without an effect, measured with their true error: 2.5 % confirmed, 2.5 % contradicted."""
    rng, size = np.random.default_rng(5), 4000
    confirmed, reversed_, levels = by_chance(made_board("difference", rng.normal(size=size), norm.ppf(0.975), 1.0))
    assert confirmed.tested == size and levels.tested == 0
    assert confirmed.expected == reversed_.expected == 0.025 * size
    four_sigma = 4 * (size * 0.025 * 0.975) ** 0.5
    assert abs(confirmed.seen - confirmed.expected) < four_sigma
    assert abs(reversed_.seen - reversed_.expected) < four_sigma
    *_, levels = by_chance(made_board("level", 3 + rng.normal(size=size), norm.ppf(0.975), 3.0))
    assert levels.tested == size and abs(levels.seen - levels.expected) < 4 * (size * 0.05 * 0.95) ** 0.5


def test_what_has_no_chance_in_it_is_not_counted():
    ledger = [LEDGER["B.factors.count"], claim("level", 2.0), claim("level", 2.0, name="X.2"), LEVEL]
    ledger[3] = claim("level", 2.0, name="X.3")
    answers = [
        Answer("B.factors.count", 213, setting="same"),
        Answer("X.made", 5, 5, 5, census=True),
        Answer("X.2", 5, 0, 10),  # too wide to decide
        Answer("X.3", 2.0),  # no interval
    ]
    assert [item.tested for item in by_chance(scoreboard(answers, ledger))] == [0, 0, 0]
    assert [item.tested for item in by_chance(scoreboard())] == [0, 0, 0]
