"""Days with many limit-ups against days with few, the path of a limit-up close, and the words for both."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import around, tidy

from lib import run_study
from lib.market import make_market
from lib.reasons import Reason
from lib.stats.estimates import Estimate, Numbers
from lib.studies import recorded
from lib.studies.phantom_alpha import page
from lib.studies.phantom_alpha.limit_up_path import AFTER, BEFORE, event_path
from lib.studies.phantom_alpha.measure import MASKS, SERIES, daily, limit_ups, many_and_few
from lib.studies.phantom_alpha.page import Split, findings, split_table, story

TINY = {"n_stocks": 60, "n_days": 560, "first_test_year": 2011, "samples": 20}


@pytest.fixture(scope="module")
def world():
    return make_market(60, 300, 1, limit_rates="paper")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield run_study("phantom_alpha", scale="smoke", seeds=1, **TINY)


def test_limit_ups_are_counted_among_members(world):
    ups = limit_ups(world.panel.reasons, world.panel.universe)
    expected = [sum(bool(r & Reason.LIMIT_UP) for r in row) for row in world.panel.reasons]
    assert list(ups) == expected and max(expected) > 3
    assert not limit_ups(world.panel.reasons, np.zeros(world.panel.shape, dtype=bool)).any()


def test_thirds_do_not_overlap_even_with_ties():
    for ups in (np.array([0, 0, 0, 0, 1]), np.zeros(9), np.arange(9), np.array([0, 0, 5, 5, 5])):
        many, few = many_and_few(ups)
        assert not (many & few).any()
        if many.any() and few.any():
            assert ups[many].min() > ups[few].max()


def test_a_return_belongs_to_the_decision_of_the_day_before():
    arrays = {name: np.arange(5.0) + 10 * k for k, name in enumerate(SERIES)}
    found = daily(arrays, 6)
    for k, name in enumerate(SERIES):
        shift = 0 if name.endswith("_ic") else 1
        expected = [10 * k + t + shift if t + shift < 5 else np.nan for t in range(6)]
        np.testing.assert_array_equal(found[name], expected)


def test_the_path_of_limit_up_closes_by_a_loop(world):
    rng = np.random.default_rng(0)
    prediction = np.where(world.panel.price_valid, rng.normal(size=world.panel.shape), np.nan)
    found = {record["metric"]: record for record in event_path(world, prediction, 50)}
    close, wanted = np.log(world.panel.fields["close"]), world.truth.desired
    up = (world.panel.reasons & Reason.LIMIT_UP) > 0
    sums: dict[str, list[float]] = {"close": [], "wanted": [], "open": []}
    for t, i in np.argwhere(up):
        span = slice(t - BEFORE, t + AFTER + 1)
        if t < 50 or t + AFTER >= len(up) or not world.panel.traded[span, i].all():
            continue
        if (world.panel.fields["close"][span, i] < 1).any():
            continue
        sums["close"].append(close[t + 1, i] - close[t - 1, i])
        sums["wanted"].append(wanted[t, i] - close[t - 1, i])
        sums["open"].append(np.log(world.panel.fields["open"][t + 1, i]) - close[t - 1, i])
    assert found["close +1"]["n"] == len(sums["close"]) > 20
    assert found["close +1"]["value"] == pytest.approx(np.mean(sums["close"]))
    assert found["wanted +0"]["value"] == pytest.approx(np.mean(sums["wanted"]))
    assert found["open +1"]["value"] == pytest.approx(np.mean(sums["open"]))
    assert found["close -1"]["value"] == 0


def test_a_places_best_is_one_and_worst_is_zero(world):
    best = np.where((world.panel.reasons & Reason.LIMIT_UP) > 0, 1.0, 0.0)
    best += np.arange(best.shape[1]) * 1e-6
    found = {record["metric"]: record["value"] for record in event_path(world, best, 50)}
    assert found["rank +0"] > 0.9
    assert {r["metric"]: r["value"] for r in event_path(world, -best, 50)}["rank +0"] < 0.1


@pytest.mark.parametrize("poison", [np.nan, 1e30])
def test_what_is_unfilled_elsewhere_does_not_matter(world, poison):
    prediction = np.zeros(world.panel.shape)
    untraded = np.where(world.panel.traded, world.truth.unfilled, poison)
    hostile = replace(world, truth=replace(world.truth, unfilled=untraded))
    assert event_path(hostile, prediction, 50) == event_path(world, prediction, 50)


def test_the_apparent_ic_rises_with_limit_ups_and_the_truth_does_not(result):
    """The mechanism, on one small market: what rises is the part that nobody can have."""
    numbers = Numbers(result.frame)
    gap = numbers.find("many - few none ridge | paper limits", "unfilled_ic")
    assert gap.value > 0.1
    assert numbers.find("many none ridge | paper limits", "apparent_ic").value > 0.05
    assert numbers.find("limit-up close ridge | paper limits", "rank +0").value > 0.6, "half would be no opinion"


def test_differences_are_many_minus_few(result):
    numbers = Numbers(result.frame)
    for mask in ("none", "mask_skip"):
        for name in SERIES:
            few, many, gap = (numbers.find(f"{k} {mask} ridge | paper limits", name).value
                              for k in ("few", "many", "many - few"))  # fmt: skip
            assert gap == pytest.approx(many - few)


def test_the_same_seed_gives_the_same_table(result, tmp_path, monkeypatch):
    monkeypatch.setenv("LIB_CACHE", str(tmp_path))
    again = run_study("phantom_alpha", scale="smoke", seeds=1, **TINY).frame
    assert again.equals(result.frame)


def frame(ic: float = 0.1, money: float = -0.001, half: float = 0.01, **others: float) -> pd.DataFrame:
    """Differences of days with many and few limit-ups as given; a path that stops 3 % short of the wanted price."""
    variant = "many - few none ridge | paper limits"
    gaps = {"apparent_ic": ic, "m1_ic": 0.0, "unfilled_ic": 0.2, "executed_close.active": money,
            "naive_close.active": 0.02} | others  # fmt: skip
    records = [item for name, value in gaps.items()
               for item in around(variant, name, value, half if name.endswith("_ic") else 0.0005)]  # fmt: skip
    for mask in ("row_deletion", "mask_skip"):
        records += around(f"many - few {mask} ridge | paper limits", "apparent_ic", others.get(mask, 0.0), half)
    event = "limit-up close ridge | paper limits"
    path = {"close +0": 0.10, "wanted +0": 0.13, "open +1": 0.125, "close +5": others.get("later", 0.13)}
    records += [(event, place, value) for place, value in path.items()]
    return tidy([item for item in records if item[1] not in ("row_deletion", "mask_skip", "later")], "phantom_alpha")


def said(rows: pd.DataFrame) -> str:
    """Everything the page says of some rows; all of it must hold."""
    found = findings(rows)
    assert len(found) == 4 and all(item.holds for item in found), [item.text for item in found if not item.holds]
    return "\n".join(item.text for item in found).replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("ic", "money", "words"),
    [(0.1, -0.001, ("IC of the unmasked model is higher, but only on paper: +0.100 [+0.090, +0.110]", "are poorer")),
     (0.0, 0.0, ("is not clear", "not measurably poorer")), (-0.1, 0.001, ("is lower", "are better"))],
)  # fmt: skip
def test_each_half_of_the_story_has_its_own_words(ic, money, words):
    text = said(frame(ic, money))
    assert all(word in text for word in words), text


def test_other_outcomes_have_sentences_of_their_own():
    assert "on the cells that can be bought too" in said(frame(m1_ic=0.1))
    assert "is not clear" in said(frame(unfilled_ic=0.0))
    assert "do not measurably differ" in said(frame(money=0.0, **{"naive_close.active": 0.0}))
    assert "Deleting the rows at limits is enough" in said(frame())
    assert "not when windows skip masked days" in said(frame(row_deletion=0.1))
    assert "still rises with limit-up closes when windows skip" in said(frame(row_deletion=0.1, mask_skip=0.1))


def test_the_words_for_a_path_are_its_numbers():
    assert "3.0 % below the price that the market wants. The next open is +2.5 % away" in said(frame())
    assert "before an order can be filled" in said(frame())
    assert "before an order can be filled" not in said(frame(later=0.3))


def test_every_finding_holds_on_the_recorded_rows():
    said(recorded("phantom_alpha").frame)


def test_tables_and_claims(result):
    (found,) = page.splits(result.frame).values()
    table = split_table(found)
    assert len(table) == len(MASKS) * len(SERIES) and table["mask"].nunique() == 3
    (answer,) = result.answers()
    assert answer.claim_id == "B.story.phantom" and len(answer.parts) == 2
    second = story(found)[1]
    assert answer.parts[1] == (second.value, second.low, second.high)
    gap = found.numbers.find("many - few none ridge", "executed_close.active")
    assert second == Estimate(-gap.value, -gap.high, -gap.low)
    assert found.gap("executed_close.active").value == pytest.approx(1e4 * gap.value)


def test_figures_and_tables_of_the_page(result):
    (found,) = page.splits(result.frame).values()
    assert isinstance(found, Split)
    check(lambda: page.path_figure(found, "a note"))
    shown = SimpleNamespace(rows=result.frame, note="a note", markets="one market")
    assert page.few_and_many(shown).data.count('type="radio"') == 2
    for make in (page.limit_up_path, page.few_and_many, page.differences):
        html = make(shown).data
        assert html == make(shown).data and "nan" not in html.partition("base64")[0]
