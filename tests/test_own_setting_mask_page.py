"""The page of the mask ablation in the papers' own setting: tables, answers to claims, sentences and the figure."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import tidy

from lib import run_study
from lib.paper.claims import load_ledger
from lib.stats.over_seeds import OverSeeds
from lib.studies.own_setting_mask import STUDY, tables
from lib.studies.own_setting_mask.figures import masked_minus_unmasked
from lib.studies.own_setting_mask.findings import POLICIES


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """One small market, ridge."""
    tiny = {"n_stocks": 50, "n_days": 330, "validation_days": 50, "test_days": 80, "k": 8, "windows": []}
    cache = tmp_path_factory.mktemp("cache")
    return run_study("own_setting_mask", scale="smoke", seeds=1, cache=cache, learners=["ridge"], **tiny)


def markets(frame: pd.DataFrame, count: int = 6) -> pd.DataFrame:
    """The first market `count` times, each a little different."""
    first = frame[frame["seed"] == 0]
    return pd.concat([first.assign(seed=k, value=first["value"] * (1 + 0.01 * k)) for k in range(count)])


def test_claims_are_held_to_one_further_market(result):
    frame = markets(result.frame)
    answers = {answer.claim_id: answer for answer in tables.answer_claims(frame)}
    assert set(answers) == set(tables.CLAIM_IDS) and {a.setting for a in answers.values()} == {"reduced"}
    known = {claim.id for claim in load_ledger()}
    assert set(tables.CLAIM_IDS) <= known
    one = OverSeeds(frame).one_path("none ridge | all factors", "zero.8bps.max_drawdown")
    found = answers["B.appB.mask.synthetic.none.max_drawdown"]
    assert (found.estimate, found.low, found.high) == pytest.approx([100 * x for x in one])


def test_tables_hold_the_papers_numbers_and_ours(result):
    frame = markets(result.frame)
    found = tables.papers_table(frame, "ridge")
    assert list(found.xs("sharpe", level="metric")["papers"]) == [1.61, 1.74, 2.05]
    steps = tables.steps_table(frame, "ridge").drop_duplicates("step").set_index("step")["papers"]
    assert steps.to_dict() == pytest.approx({"halt - none": 0.13, "full - halt": 0.31, "full - none": 0.44})
    books = tables.books_table(frame, "ridge")
    assert set(books["mask"]) == {*tables.NAMES, *tables.FROZEN, "equal weight", "cash"}
    volatility = tables.volatility_table(frame).set_index("book")["volatility"]
    assert volatility["the factor alone: beta times its volatility"] == pytest.approx(17.6)
    assert volatility["papers, full: return / Sharpe ratio"] == pytest.approx(21.0 / 2.05)
    assert len(tables.matched_table(frame, "ridge")) == len(POLICIES)
    assert len(tables.controls_table(frame, "ridge")) == 7 * len(POLICIES)
    assert list(tables.conditions_table(frame)["condition"]) == ["all factors"]
    assert tables.learners_of(frame) == ["ridge"] and len(STUDY.page.table(frame)) == 3


def test_the_ratio_of_means_is_fiellers():
    """Its ends are the ratios that a paired t test rejects at exactly 5 %, and it accepts those between."""
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(2)
    bottom = rng.normal(1, 0.3, 15)
    top = 2 * bottom + rng.normal(0, 0.5, 15)
    found = tables.ratio_of_means(top, bottom)
    for ratio, p in ((found.low, 0.05), (found.high, 0.05), (found.value, 1.0)):
        assert ttest_1samp(top - ratio * bottom, 0).pvalue == pytest.approx(p, abs=1e-9)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(top.mean() / bottom.mean())
    noise = rng.normal(0, 1, 15)
    assert math.isnan(tables.ratio_of_means(top, noise - noise.mean() + 0.01).low), "a bottom of zero has no ratio"


def made_up(gross: float, saved: float, noise: float = 0.02) -> pd.DataFrame:
    """full - none of six markets under every policy, and what the sentences need beside it."""
    frames = []
    for seed in range(6):
        move = noise * (seed - 2.5)
        records = [(f"{mask} ridge | all factors", "apparent_ic", move / 10) for mask in tables.NAMES]
        records.append(("full ridge | all factors", "zero.0bps.annual_volatility", 0.18))
        for policy in POLICIES:
            numbers = {"0bps.sharpe": gross, "8bps.saved_sharpe": saved, "8bps.sharpe": gross + saved, "turnover": -0.3}
            for pair in ("full - none", "frozen elsewhere - none", "full - frozen elsewhere", "full - halt"):
                variant = f"{pair} ridge | all factors"
                records += [(variant, f"{policy}.{name}", value + move) for name, value in numbers.items()]
                records.append((variant, f"{policy}.weight apart", 0.0))
        records.append(("full - halt ridge | all factors", "cells masked by one only", 2.0))
        frames.append(tidy(records, "own_setting_mask", seed))
    return pd.concat(frames)


@pytest.mark.parametrize(
    ("gross", "saved", "words"),
    [(0.0, 0.1, ("cannot be told apart", "is more than the saved cost")),
     (0.5, 0.44, ("earns more before costs", "is the saved cost")),
     (-0.5, 0.9, ("earns less before costs", "is less than the saved cost"))],
)  # fmt: skip
def test_sentences_follow_the_intervals(gross, saved, words):
    found = tables.findings(made_up(gross, saved), "ridge")
    text = found.saved_message("held")
    assert all(word in text for word in words), text
    assert ("inside" in text) == (abs(gross + saved - 0.44) < 0.1)


def test_other_sentences(result):
    found = tables.findings(made_up(0.0, 0.1), "ridge")
    assert found.ic_message().startswith("Nothing can be predicted")
    assert "hides 2.0 cells" in found.last_step_message() and "+0.31" in found.last_step_message()
    assert "No fully invested book" in found.volatility_message()
    needed = 0.44 * (0.21 / 2.05) / (252 * 8e-4), 0.44 * 0.18 / (252 * 8e-4)
    text = found.needed_message()
    assert f"{needed[0]:.2f} a day" in text and f"by {needed[1]:.2f} at" in text and "held +0.30" in text
    assert "is above zero" in found.control_message("held")
    few = tables.findings(result.frame, "ridge")
    assert "100.0 % have a prediction without a mask" in few.coverage_message()
    assert "so few markets" in few.saved_message("zero")


def test_the_figure():
    found = tables.findings(made_up(0.1, 0.2), "ridge")
    check(lambda: masked_minus_unmasked(found, "six markets"))
