"""The page of the mask ablation in the papers' own setting: tables, answers to claims, sentences and the figure."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from matplotlib.figure import Figure
from results import tidy

from lib import run_study
from lib.paper.claims import load_ledger
from lib.paper.pages.pieces import html
from lib.paper.pages.result import PageResult
from lib.stats.over_seeds import OverSeeds
from lib.studies import recorded
from lib.studies.own_setting_mask import STUDY, numbers, page
from lib.studies.own_setting_mask.measure import EXPLAINED, FROZEN, NAMES, STEPS
from lib.studies.own_setting_mask.numbers import POLICIES, SIDES, OwnSetting
from lib.studies.own_setting_mask.page import findings


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
    answers = {answer.claim_id: answer for answer in page.answer_claims(frame)}
    assert set(answers) == set(page.CLAIM_IDS) and {a.setting for a in answers.values()} == {"reduced"}
    known = {claim.id for claim in load_ledger()}
    assert set(page.CLAIM_IDS) <= known
    one = OverSeeds(frame).one_path("none ridge | all factors", "zero.8bps.max_drawdown")
    found = answers["B.appB.mask.synthetic.none.max_drawdown"]
    assert (found.estimate, found.low, found.high) == pytest.approx([100 * x for x in one])


def test_tables_hold_the_papers_numbers_and_ours(result):
    frame = markets(result.frame)
    found = numbers.papers_table(frame, "ridge")
    assert list(found.xs("Sharpe ratio", level="metric")["papers"]) == [1.61, 1.74, 2.05]
    steps = numbers.differences_table(frame, "ridge", STEPS).drop_duplicates("difference")["papers"]
    assert list(steps) == pytest.approx([0.13, 0.31, 0.44])
    books = numbers.books_table(frame, "ridge")
    assert set(books["mask"]) == {*(SIDES[mask] for mask in (*NAMES, *FROZEN)), "equal weight", "cash"}
    volatility = numbers.volatility_table(frame).set_index("book")["volatility"]
    assert volatility["the factor alone: beta times its volatility"] == pytest.approx(17.6)
    assert volatility["paper, full mask: return / Sharpe ratio"] == pytest.approx(21.0 / 2.05)
    assert len(numbers.matched_table(frame, "ridge")) == len(POLICIES)
    controls = numbers.differences_table(frame, "ridge", EXPLAINED)
    assert len(controls) == 4 * len(POLICIES) and controls["papers"].isna().all()
    assert list(numbers.conditions_table(frame)["condition"]) == ["all factors"]
    assert numbers.learners_of(frame) == ["ridge"] and len(STUDY.page.table(frame)) == 3


def test_the_ratio_of_means_is_fiellers():
    """Its ends are the ratios that a paired t test rejects at exactly 5 %, and it accepts those between."""
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(2)
    bottom = rng.normal(1, 0.3, 15)
    top = 2 * bottom + rng.normal(0, 0.5, 15)
    found = numbers.ratio_of_means(top, bottom)
    for ratio, p in ((found.low, 0.05), (found.high, 0.05), (found.value, 1.0)):
        assert ttest_1samp(top - ratio * bottom, 0).pvalue == pytest.approx(p, abs=1e-9)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(top.mean() / bottom.mean())
    noise = rng.normal(0, 1, 15)
    assert math.isnan(numbers.ratio_of_means(top, noise - noise.mean() + 0.01).low), "a bottom of zero has no ratio"


def made_up(
    gross: float = 0.0, saved: float = 0.1, *, rest: float = 0.0, last: float = 0.0, held: float = 0.0,
    ic: float = 0.0, traded: float = -0.3, markets: int = 6,
) -> pd.DataFrame:  # fmt: skip
    """full - none of some markets under every policy, and what the sentences need beside it.

    rest: what is left of it beside a mask without information; last: the step from halts; held: more of `saved` where a
    name is held; traded: the difference in turnover.
    """
    frames = []
    for seed in range(markets):
        move = 0.02 * (seed - (markets - 1) / 2)
        records = [(f"{mask} ridge | all factors", "apparent_ic", ic + move / 10) for mask in NAMES]
        records.append(("full ridge | all factors", "zero.0bps.annual_volatility", 0.18))
        for policy in POLICIES:
            more = saved + (held if policy == "held" else 0.0)
            for pair, before in (("full - none", gross), ("frozen elsewhere - none", gross - rest),
                                 ("full - frozen elsewhere", rest - more), ("full - halt", last - more)):  # fmt: skip
                told = {"0bps.sharpe": before, "8bps.saved_sharpe": more, "8bps.sharpe": before + more}
                variant = f"{pair} ridge | all factors"
                records += [
                    (variant, f"{policy}.{name}", x + move) for name, x in (told | {"turnover": traded}).items()
                ]
                records.append((variant, f"{policy}.weight apart", 0.0))
        records.append(("full - halt ridge | all factors", "cells masked by one only", 2.0))
        frames.append(tidy(records, "own_setting_mask", seed))
    return pd.concat(frames)


#: what is made up -> place among the findings, words of the sentence
OUTCOMES = (
    ({}, 0, "After 8 bps a side the masked book (equal weights) is ahead by +0.10"),
    ({"saved": 0.0}, 0, "The full mask earns nothing"),
    ({"saved": -0.2, "traded": 0.3}, 0, "is behind by −0.20"),
    ({"gross": 0.5}, 0, "raises the Sharpe ratio by +0.50"),
    ({"gross": -0.5}, 0, "lowers the Sharpe ratio by 0.50"),
    ({}, 1, "Nothing can be predicted"),
    ({"ic": 0.05}, 1, "+0.0500"),
    ({}, 2, "hides 2 more cells a market"),
    ({"last": 0.3}, 2, "raises the net Sharpe ratio by +0.300"),
    ({"last": -0.3}, 2, "lowers the net Sharpe ratio"),
    ({}, 3, "A mask without information does as much"),
    ({"rest": 0.3}, 3, "does more than a mask without information"),
    ({"rest": -0.3}, 3, "does less than a mask without information"),
    ({}, 4, "cannot give the paper's net difference of +0.44 here: they would need 39% of the book less"),
    ({"traded": -0.5}, 4, "Lower costs alone can give"),
    ({"held": 0.5}, 5, "decides the net result: the full mask changes the Sharpe ratio by +0.60"),
    ({}, 5, "does not clearly change the net result"),
    ({}, 6, "lies outside"),
    ({"gross": 0.34}, 6, "A single panel cannot show"),
)


@pytest.mark.parametrize(("given", "place", "words"), OUTCOMES)
def test_every_outcome_has_its_sentence(given, place, words):
    said = findings(made_up(**given))
    assert len(said) == 7 and said[place].holds and words in said[place].text, said[place].text


def test_findings_hold_on_the_recorded_rows():
    record = recorded("own_setting_mask")
    if not record:
        pytest.skip("nothing is recorded yet")
    assert not [item.text for item in findings(record.frame) if not item.holds]


def test_few_markets_give_no_interval(result):
    said = findings(result.frame)
    assert said[0].text.startswith("So few markets give no interval") and said[0].holds
    assert said[6].text.startswith("Not in this run")


def test_sentences_between_the_figures():
    nothing, something = (OwnSetting.of(made_up(ic=ic), "ridge") for ic in (0.0, 0.05))
    assert page.predictability(nothing).text.startswith("Nothing can be predicted")
    assert "+0.0500" in page.predictability(something).text and "0.058 and 0.049" in page.predictability(something).text
    assert "No fully invested book" in page.volatility(nothing).text


def test_the_figure_and_the_exhibits(result, monkeypatch):
    drawn: list[Figure] = []
    monkeypatch.setattr(page, "plot", lambda figure: drawn.append(figure) or html(""))
    shown = PageResult.of(result, recorded("own_setting_mask"))
    check(lambda: [page.masked_minus_unmasked(shown), drawn[-1]][1])
    parts = (page.head, page.ladder, page.books, page.steps, page.controls, page.matched, page.sizes, page.volatilities)
    text = "".join(part(shown).data for part in parts)
    assert "full mask − unmasked" in text and "only halts masked" in text and "nan" not in text.lower()
    assert page.said(shown, page.predictability).data.startswith("<p>")
