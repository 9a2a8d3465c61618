"""Distances from the twin against loops over cells; what the twin is, and what the measure must not see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from page_parts import changed, parts, recorded_findings, shown_of
from results import scaled_markets

from lib.factors import compute_factors, find_factors
from lib.factors.registry import FAMILIES
from lib.market import make_market
from lib.panel import Panel
from lib.reasons import Reason
from lib.studies import recorded, run_study
from lib.studies.contamination import page
from lib.studies.contamination.distances import (
    AGES,
    CAP,
    ISOLATION,
    SIDES,
    Events,
    distances,
    read_days,
    seen,
    shifted,
    spread,
    thinned,
)

NAMES = ("original_015", "original_021", "best_015", "old_057", "original_027", "add_014")


@pytest.fixture(scope="module")
def market():
    return make_market(40, 150, seed=3, limit_rates="paper")


def test_on_surviving_cells_the_close_is_the_twins_only_where_the_move_is_not_lost(market):
    """With spill 1 no difference there can come from today's price. The clamp of the papers loses moves for good."""
    for spill, equal in ((1.0, True), (0.0, False)):
        made = make_market(40, 150, seed=3, limit_rates="paper", spill=spill)
        alive = Events(made.panel).surviving
        same = made.panel.fields["close"][alive] == made.twin().panel.fields["close"][alive]
        assert bool(same.all()) is equal
    assert not (market.panel.fields["close"] == market.twin().panel.fields["close"])[
        ~Events(market.panel).surviving
    ].all()


# ------------------------------------------------------------------------------------ small pieces


def test_cells_seen_from_a_window_by_hand():
    cells = np.zeros((6, 2), dtype=bool)
    cells[1, 0] = cells[4, 1] = True
    assert np.argwhere(shifted(cells, 2)).tolist() == [[3, 0]]
    assert np.argwhere(seen(cells, frozenset({0, 2}))).tolist() == [[1, 0], [3, 0], [4, 1]]
    assert not seen(cells, frozenset({7})).any()


def test_the_days_a_factor_reads():
    ten_days_ago, average = find_factors(["original_021", "old_057"])
    assert read_days(ten_days_ago) == {0, 10}, "close / delay(close, 10) reads two days"
    assert read_days(average) == set(range(average.node.memory + 1)) and len(read_days(average)) > 100


def test_spread_is_the_median_distance_of_quartiles_or_the_deviation():
    rng = np.random.default_rng(0)
    values, valid = rng.normal(size=(50, 41)), rng.random((50, 41)) < 0.8
    daily = []
    for day in range(50):
        here = np.sort(values[day, valid[day]])
        daily.append(here[int(0.75 * (len(here) - 1))] - here[int(0.25 * (len(here) - 1))])
    poisoned = np.where(valid, values, 1e30)
    assert spread(poisoned, valid) == pytest.approx(np.median(daily) / 1.349)
    rare = np.zeros((50, 41))
    rare[:, 0] = 1.0
    assert spread(rare, np.ones_like(valid)) == pytest.approx(rare[0].std()), "quartiles coincide"
    assert np.isnan(spread(np.ones((50, 41)), valid)) and np.isnan(spread(values, np.zeros_like(valid)))


def events_of(marks: dict[tuple[int, int], int], days: int = 130) -> Events:
    reasons = np.zeros((days, 8), dtype=np.uint8)
    for cell, reason in marks.items():
        reasons[cell] = reason
    dates = np.arange("2020-01-01", np.datetime64("2020-01-01") + days, dtype="datetime64[D]")
    fields = dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones((days, 8)))
    return Events(Panel.from_arrays(dates, list("ABCDEFGH"), fields, reasons=reasons))


def test_ages_count_from_lone_limit_closes():
    up, down, halt = int(Reason.LIMIT_UP), int(Reason.LIMIT_DOWN), int(Reason.HALT)
    marks = {(60, 0): up, (60, 1): down, (70, 1): halt, (60, 2): halt, (5, 3): up, (60, 4): up, (61, 4): up}
    age = events_of(marks).age
    assert age[60, 0] == 0 and age[61 : 61 + AGES, 0].tolist() == list(range(1, AGES + 1)) and age[61 + AGES, 0] == 0
    assert age[61:70, 1].tolist() == list(range(1, 10)) and not age[70 : 70 + ISOLATION, 1].any()
    assert not age[:, 2].any(), "a halt is no limit close"
    assert not age[:, 3].any(), "too early to know that it is alone"
    assert not age[:100, 4].any(), "two in a row are not alone"


def test_classes_are_exclusive_and_complete(market):
    events = Events(market.panel)
    for factor in find_factors(list(NAMES)):
        parts = events.classes(factor)
        assert (sum(cells.astype(int) for cells in parts.values()) == 1).all()
    (factor,) = find_factors(["original_021"])
    limit = events.classes(factor)["limit close"]
    for day, stock in np.argwhere(events.at_limit)[:40]:
        assert limit[day, stock] and (day + 10 >= 150 or limit[day + 10, stock])


# ----------------------------------------------------------------------------------- distances


def test_distances_are_those_of_a_loop(market):
    panel, twin = market.panel, market.twin().panel
    sides = {
        name: compute_factors(panel.with_mask(mask), NAMES, window=window) for name, (mask, window, _) in SIDES.items()
    }
    truth = compute_factors(twin, NAMES, window="raw")
    found = {item.factor.name: item for item in distances(Events(panel), sides, truth, 20)}
    assert set(found) == set(NAMES)
    close = pd.DataFrame(panel.fields["close"])
    volatility = close.pct_change().rolling(10).std().to_numpy()  # original_015, raw
    clean = pd.DataFrame(twin.fields["close"]).diff() / twin.fields["close"]
    item = found["original_015"]
    own = (close.diff() / close).rolling(10).std().to_numpy()
    true = clean.rolling(10).std().to_numpy()
    scale = spread(true.astype(np.float32), np.isfinite(true) & (np.arange(150) >= 20)[:, None])
    assert np.isfinite(volatility[30:]).all()
    for day, stock in np.argwhere(item.known)[::37]:
        expected = min(abs(own[day, stock] - true[day, stock]) / scale, CAP)
        assert item.distance["raw"][day, stock] == pytest.approx(expected, abs=1e-4)
    assert not item.known[:20].any() and not item.known[~panel.price_valid].any()


def test_a_formula_of_today_alone_is_never_contaminated(market):
    panel = market.panel
    names = ["best_015", "original_021"]  # a rank of today's range; today against ten days ago
    sides = {"raw": compute_factors(panel, names, window="raw")}
    today, ten = distances(Events(panel), sides, compute_factors(market.twin().panel, names, window="raw"), 20)
    clean = Events(panel).classes(ten.factor)["neither"]
    assert ten.distance["raw"][ten.known & clean].max() < 1e-4
    assert ten.distance["raw"][ten.known & ~clean].mean() > 0.02
    assert np.median(today.distance["raw"][today.known]) < 0.05, "only peers of a rank can differ"


def test_the_thinned_twin_has_clean_prices_under_the_markets_mask(market):
    panel, twin = market.panel, market.twin().panel
    thin = thinned(twin, panel)
    np.testing.assert_array_equal(thin.mask, panel.mask)
    np.testing.assert_array_equal(thin.fields["close"], twin.fields["close"])


# ----------------------------------------------------------------------------------------- the study


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    settings = {"n_stocks": 40, "n_days": 150, "limit_rates": ["paper"], "seeds": 2}
    return run_study("contamination", cache=tmp_path_factory.mktemp("cache"), **settings).frame


def test_paired_differences_are_differences_on_the_same_cells(frame):
    one = frame[frame["seed"] == 0].set_index(["variant", "metric"])
    for what in ("limit close", "halt"):
        sides = [one.loc[(f"market_paper all: {what}: {side}", "distance")] for side in ("all skipped", "raw")]
        paired = one.loc[(f"market_paper all: {what}: all skipped - raw", "distance")]
        assert paired["value"] == pytest.approx(sides[0]["value"] - sides[1]["value"])
        assert paired["n"] == sides[0]["n"] == sides[1]["n"] > 0


def test_the_price_is_back_a_day_after_a_limit_close(frame):
    days, gaps = page.Distances.of(frame, "market_paper").by_age("price")
    assert days == list(range(AGES + 1)) and gaps[0] > 0.005 and set(gaps[1:]) == {0.0}


def test_tables_and_figures(frame):
    treatments = page.side_table(frame, "market_paper").set_index(["window holds", "treatment"])
    assert len(treatments) == 28 and len(page.summary(frame)) == 28
    one = frame[frame["metric"] == "distance"].groupby("variant")["value"].mean()
    cell = treatments.loc[("a limit close", "limit closes and halts skipped"), "distance"]
    assert cell == pytest.approx(one["market_paper all: limit close: all skipped"])
    assert page.changed_table(frame)["share of cells"].iloc[:3].sum() == pytest.approx(1.0)
    families = page.Distances.of(frame, "market_paper").families
    with_limits = [name for name in FAMILIES if f"market_paper {name}: limit close: raw" in one.dropna()]
    assert families == with_limits and len(families) > 8
    names = ("after_a_limit_close", "treatments", "by_family", "treatment_tables", "at_stake")
    found = parts(page, shown_of("contamination", frame), *names)
    assert found["treatments"].count("«") == 3 and f"{len(families)} families" in found["by_family"]
    assert "contamination_treatments_market_paper.csv" in found["treatment_tables"]


def test_the_level_that_is_claimed_has_the_interval_of_one_further_market(frame):
    assert page.answer_claims(frame) == [], "two markets have no interval"
    (answer,) = page.answer_claims(scaled_markets(frame, 5))
    one = frame[(frame["seed"] == 0) & (frame["metric"] == "differs")].set_index("variant")["value"]
    level = 100 * one["market_paper all: any: rows deleted"]
    reach = 2.776445 * level * 0.01 * 2.5**0.5 * 1.2**0.5  # t(4), deviation of 0 to 4 per cent, one of six
    assert (answer.estimate, answer.high - answer.estimate) == pytest.approx((1.02 * level, reach))
    assert answer.mean_high - answer.estimate == pytest.approx(reach / 6**0.5), "of the mean: one fifth, not six fifths"
    assert answer.markets == 5


def test_every_finding_holds_on_the_recorded_rows():
    assert [item.text for item in recorded_findings("contamination") if not item.holds] == []


@pytest.mark.parametrize(
    ("place", "variant", "metric", "factor"),
    [
        (0, "limit close: all skipped - raw", "distance", -1),
        (1, "all: limit close: twin, thinned", "distance", 0.5),
        (2, "all: halt: halts skipped - raw", "distance", -1),
        (3, "all: any: rows deleted", "differs", 0),
        (4, "all: any: strict", "coverage", 2),
    ],
)
def test_a_finding_does_not_outlive_its_number(place, variant, metric, factor):
    frame = changed(recorded("contamination").frame, variant, metric, factor)
    assert [item.holds for item in page.findings(frame)] == [other != place for other in range(5)]
