"""The ledger, the scoreboard, and every branch of version 1 of the rule; version 2 has tests of its own."""

from __future__ import annotations

import math

import pytest

from lib.errors import LoadError, ParameterError
from lib.paper.claims import LEDGER, Answer, Claim, headline, load_ledger, scoreboard
from lib.paper.claims.verdicts import FIRST_VERDICTS, VERDICTS, ZERO_MARGIN, agrees, first_verdict

CLAIMS = {claim.id: claim for claim in load_ledger()}


def claim(kind, claimed, unit="1", setting="synthetic", name="X.made"):
    printed = "" if claimed is None else str(claimed)
    return Claim(name, "B", "", "", "m", claimed, unit, kind, setting, "", "", printed)


def answer(low, high, setting="same", name="X.made"):
    return Answer(name, (low + high) / 2, low, high, setting)


# ------------------------------------------------------------------------------------------- the rule

LEVEL, DIFFERENCE = claim("level", 2.0), claim("difference", 0.4)
LOSS, FACTOR, PERCENT = claim("difference", -0.4), claim("ratio", 5.0, "x"), claim("ratio", 18, "%")
ZERO = claim("level", 0, name=next(iter(ZERO_MARGIN)))


@pytest.mark.parametrize(
    ("subject", "low", "high", "same", "elsewhere"),
    [
        # a level: coverage, and a half-width of at most half the claim
        (LEVEL, 1.0, 3.0, "reproduced", "direction only"),
        (LEVEL, 2.0, 4.0, "reproduced", "direction only"),
        (LEVEL, 0.99, 3.01, "inconclusive", "inconclusive"),
        (LEVEL, -5.0, 9.0, "inconclusive", "inconclusive"),
        (LEVEL, 0.5, 1.9, "not reproduced", "not reproduced"),
        (LEVEL, 2.1, 2.2, "not reproduced", "not reproduced"),
        (LEVEL, -0.5, 1.9, "not reproduced", "not reproduced"),
        (LEVEL, -2.0, -1.0, "contradicted", "not reproduced"),
        (LEVEL, -2.0, 0.0, "not reproduced", "not reproduced"),
        # a census has no interval: the paper's printed rounding decides
        (claim("level", 8, "%"), 8.139, 8.139, "reproduced", "direction only"),
        (claim("level", 8, "%"), 8.6, 8.6, "not reproduced", "not reproduced"),
        (claim("level", 8, "%"), 8.1, 8.2, "not reproduced", "not reproduced"),
        # a difference: also the interval must exclude zero
        (DIFFERENCE, 0.3, 0.5, "reproduced", "direction only"),
        (DIFFERENCE, 0.2, 0.6, "reproduced", "direction only"),
        (DIFFERENCE, 0.0, 0.4, "inconclusive", "inconclusive"),
        (DIFFERENCE, 0.1, 0.9, "inconclusive", "inconclusive"),
        (DIFFERENCE, -0.1, 0.5, "inconclusive", "inconclusive"),
        (DIFFERENCE, 0.1, 0.3, "direction only", "direction only"),
        (DIFFERENCE, 0.5, 2.5, "direction only", "direction only"),
        (DIFFERENCE, -0.1, 0.3, "not reproduced", "not reproduced"),
        (DIFFERENCE, 0.0, 0.3, "not reproduced", "not reproduced"),
        (DIFFERENCE, -0.3, -0.1, "contradicted", "not reproduced"),
        # a claimed loss is the mirror image
        (LOSS, -0.5, -0.3, "reproduced", "direction only"),
        (LOSS, -0.3, -0.1, "direction only", "direction only"),
        (LOSS, 0.1, 0.3, "contradicted", "not reproduced"),
        (LOSS, -0.3, 0.1, "not reproduced", "not reproduced"),
        # a ratio: no effect is 1 for a factor, 0 for a percentage
        (FACTOR, 4.0, 6.0, "reproduced", "direction only"),
        (FACTOR, 2.9, 7.1, "inconclusive", "inconclusive"),
        (FACTOR, 1.1, 2.0, "direction only", "direction only"),
        (FACTOR, 0.9, 2.0, "not reproduced", "not reproduced"),
        (FACTOR, 0.5, 0.9, "contradicted", "not reproduced"),
        (PERCENT, 10.0, 20.0, "reproduced", "direction only"),
        (PERCENT, 0.9, 5.0, "direction only", "direction only"),
        (PERCENT, -5.0, -0.9, "contradicted", "not reproduced"),
        # a claim of exactly zero has a declared margin
        (ZERO, -0.02, 0.02, "reproduced", "direction only"),
        (ZERO, -0.04, 0.04, "inconclusive", "inconclusive"),
        (ZERO, 0.01, 0.02, "not reproduced", "not reproduced"),
    ],
)
def test_intervals(subject, low, high, same, elsewhere):
    assert first_verdict(subject, answer(low, high, "same")) == same
    for setting in ("reduced", "different"):
        assert first_verdict(subject, answer(low, high, setting)) == elsewhere


@pytest.mark.parametrize(
    ("parts", "same", "elsewhere"),
    [
        ([(0.3, 0.1, 0.5)], "reproduced", "direction only"),
        ([(0.3, 0.1, 0.5), (0.2, 0.05, 0.4)], "reproduced", "direction only"),
        ([(0.3, 0.1, 0.5), (0.2, -0.05, 0.4)], "inconclusive", "inconclusive"),
        ([(0.3, 0.1, 0.5), (-0.2, -0.4, -0.01)], "inconclusive", "inconclusive"),
        ([(0.3, 0.1, 0.5), (-0.4, -0.6, -0.2)], "contradicted", "not reproduced"),
        ([(-0.2, -0.4, -0.01)], "contradicted", "not reproduced"),
        ([(0.1, -0.1, 0.3)], "inconclusive", "inconclusive"),
    ],
)
def test_orders_need_every_part(parts, same, elsewhere):
    order = claim("order", 1, "bool")
    assert first_verdict(order, Answer("X.made", parts=parts, setting="same")) == same
    assert first_verdict(order, Answer("X.made", parts=parts, setting="reduced")) == elsewhere


def test_an_order_may_be_a_single_interval():
    assert first_verdict(claim("order", 1, "bool"), answer(0.1, 0.5)) == "reproduced"


@pytest.mark.parametrize("kind", ["level", "difference", "ratio", "order"])
def test_an_estimate_without_an_interval_is_no_evidence(kind):
    assert first_verdict(claim(kind, 2.0), Answer("X.made", 2.0, setting="same")) == "inconclusive"
    assert first_verdict(claim(kind, 2.0), Answer("X.made", -9.0, setting="same")) == "inconclusive"


def test_no_answer_missing_data_and_lost_numbers():
    assert first_verdict(LEVEL, None) == "not yet studied"
    assert first_verdict(LEVEL, Answer("X.made", unavailable="needs vwap")) == "needs data we don't have"
    assert first_verdict(claim("level", None), answer(1, 2)) == "needs data we don't have"
    assert first_verdict(CLAIMS["B.dsr"], answer(0.9, 0.95)) == "needs data we don't have"


@pytest.mark.parametrize(
    ("name", "estimate", "outcome"),
    [
        ("B.params.mlp", 44033, True),
        ("B.params.mlp", 45000, False),
        ("B.factors.count", 213, True),
        ("B.factors.count", 214, False),
        ("B.factors.first58", 41.5, False),
        ("B.loss.penalty_ratio", 11.0, True),
        ("A.rank.double_argsort", 0.0, False),
        ("A.rank.double_argsort", 1.0, True),
        ("B.story.ewma", 0.34, True),
        ("B.story.ewma", 0.36, False),
    ],
)
def test_arithmetic_is_settled_by_recomputation(name, estimate, outcome):
    for setting in ("same", "different"):
        found = Answer(name, estimate, setting=setting)
        assert first_verdict(CLAIMS[name], found) == "arithmetic"
        assert agrees(CLAIMS[name], found) is outcome


def test_arithmetic_with_an_interval_uses_it():
    assert agrees(CLAIMS["A.gbm.mle"], Answer("A.gbm.mle", 0.01, -0.01, 0.03)) is True
    assert agrees(CLAIMS["A.gbm.mle"], Answer("A.gbm.mle", 0.02, 0.01, 0.03)) is False
    assert agrees(LEVEL, answer(1, 3)) is None
    assert agrees(CLAIMS["A.gbm.mle"], None) is None


@pytest.mark.parametrize(
    ("printed", "half_unit"),
    [
        ("2.05", 0.005),
        ("12.0", 0.05),
        ("213", 0.5),
        ("44000", 500),
        ("60", 5),
        ("0", 0),
        ("-0.10", 0.005),
        ("", 0),
    ],
)
def test_rounding_is_half_the_last_printed_digit(printed, half_unit):
    subject = Claim("x", "A", "", "", "", 1.0, "1", "level", "real", "", "", printed)
    assert subject.rounding == pytest.approx(half_unit)


@pytest.mark.parametrize(
    "keywords",
    [
        {"estimate": None},
        {"estimate": math.nan},
        {"estimate": 1.0, "low": 2.0, "high": 1.0},
        {"estimate": 1.0, "low": 0.0},
        {"estimate": 1.0, "low": 0.0, "high": math.inf},
        {"estimate": 1.0, "setting": "similar"},
        {"parts": [(1.0, 2.0, 1.5)]},
        {"estimate": 1.0, "mean_low": 2.0, "mean_high": 1.0},
        {"estimate": 1.0, "mean_low": 0.0},
        {"estimate": 1.0, "one_sided": (2.0, 1.0)},
        {"estimate": 1.0, "low": 0.0, "high": 2.0, "census": True},
    ],
)
def test_a_malformed_answer_is_refused(keywords):
    with pytest.raises(ParameterError, match="answer to X"):
        Answer("X", **keywords)


# ------------------------------------------------------------------------------------------ the ledger


def test_the_ledger_is_whole():
    assert len(CLAIMS) == 204
    assert {claim.kind for claim in CLAIMS.values()} == {"level", "difference", "ratio", "order", "identity"}
    assert CLAIMS["B.ablation.full.sharpe"].claimed == 2.05
    assert [claim.id for claim in CLAIMS.values() if claim.claimed is None] == [
        "B.dsr",
        "B.story.unreliable_rows",
    ]
    zeros = {
        c.id
        for c in CLAIMS.values()
        if c.claimed == 0 and c.kind not in ("identity",) and c.setting != "arithmetic"
    }
    assert zeros == set(ZERO_MARGIN)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,paper", "name,paper", "row 1: expected the columns"),
        (",level,", ",height,", "row 2: kind 'height'"),
        (",synthetic,", ",simulated,", "row 2: setting 'simulated'"),
        (",2.05,", ",two,", "row 2: claimed value 'two' is no number"),
        ("B.ablation.full.max_drawdown,", "B.ablation.full.sharpe,", "row 3: claim .* appears twice"),
        (",B,", ",C,", "row 2: paper 'C'"),
        ("B.ablation.full.sharpe,B,", "B.ablation.full.sharpe,", "row 2: expected 11 fields, got 10"),
    ],
)
def test_a_bad_ledger_names_the_row(tmp_path, old, new, message):
    text = LEDGER.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "claims.csv"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LoadError, match=message):
        load_ledger(path)


def test_an_absent_or_empty_ledger(tmp_path):
    with pytest.raises(LoadError, match="cannot read the ledger"):
        load_ledger(tmp_path / "absent.csv")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(LoadError, match="row 1"):
        load_ledger(tmp_path / "empty.csv")


# -------------------------------------------------------------------------------------- the scoreboard


def test_every_claim_has_a_verdict():
    board = scoreboard()
    assert list(board["id"]) == list(CLAIMS)
    assert set(board["verdict"]) == {"not yet studied"}
    assert headline(board) == "0 of 204 claims answered so far"


def test_answers_find_their_rows():
    board = scoreboard(
        [
            Answer("B.ablation.full.sharpe", 1.9, 1.2, 2.6, "same", page="ablation", note="20 seeds"),
            Answer("B.main.full.sortino", unavailable="no such data"),
        ]
    ).set_index("id")
    row = board.loc["B.ablation.full.sharpe"]
    assert row["verdict_v1"] == "reproduced"
    assert row[["claimed", "ours", "low", "high"]].tolist() == [2.05, 1.9, 1.2, 2.6]
    assert row[["verdict", "setting", "page", "note"]].tolist() == [
        "compatible",
        "same",
        "ablation",
        "20 seeds",
    ]
    assert board.loc["B.main.full.sortino", ["verdict", "note"]].tolist() == [
        "needs data we don't have",
        "no such data",
    ]
    assert headline(board.reset_index()) == "2 of 204 claims answered so far"
    assert set(board["verdict"]) <= set(VERDICTS) and set(board["verdict_v1"]) <= set(FIRST_VERDICTS)


def test_the_answer_nearest_to_the_papers_setting_counts():
    name = "B.ablation.full.sharpe"
    different, same = Answer(name, 9, 8, 10, "different"), Answer(name, 2, 1.5, 2.5, "same")
    for order in ([different, same], [same, different]):
        assert scoreboard(order).set_index("id").loc[name, "ours"] == 2
    with pytest.raises(ParameterError, match="answered twice"):
        scoreboard([same, Answer(name, 3, 2, 4, "same")])


def test_evidence_counts_before_a_choice_of_ours_and_that_before_missing_data():
    name = "B.regime.bear.limit_rate"
    counted, chosen = Answer(name, 1, 1, 1, census=True), Answer(name, 4.8, choice="our own calibration")
    lacking = Answer(name, setting="same", unavailable="needs a file")
    board = scoreboard([lacking, chosen, counted]).set_index("id")
    assert board.loc[name, "ours"] == 1
    row = scoreboard([lacking, chosen]).set_index("id").loc[name]
    assert (row["verdict"], row["note"]) == ("cannot be tested", "our own calibration")
    with pytest.raises(ParameterError, match="answered twice"):
        scoreboard([chosen, Answer(name, choice="another choice")])


def test_a_lost_number_still_shows_ours():
    row = scoreboard([Answer("B.story.unreliable_rows", 20.0, 18.0, 22.0, "reduced", "5 markets")]).set_index("id")
    row = row.loc["B.story.unreliable_rows"]
    assert (row["ours"], row["low"], row["high"], row["verdict"]) == (20, 18, 22, "cannot be tested")
    assert row["note"] == "the paper's number is lost in its text; 5 markets"


def test_an_answer_to_no_claim_is_refused():
    with pytest.raises(ParameterError, match="no claim of the ledger"):
        scoreboard([Answer("B.nothing", 1, 0, 2)])
