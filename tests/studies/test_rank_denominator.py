"""Ranks over all stocks against a sort by hand; the rules for who can notice against every factor's numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from page_parts import changed, parts, recorded_findings, shown_of
from results import scaled_markets
from scipy.stats import rankdata

from lib import ops
from lib.audit.subjects import formula_output
from lib.factors import factor_names, find_factors
from lib.factors.fields import close, open, volume
from lib.graph import topological
from lib.market import make_market
from lib.ops import cs_rank, cs_zscore, delta, ewma, power, sign, ts_corr, ts_mean
from lib.reasons import Reason
from lib.studies import recorded, run_study
from lib.studies.rank_denominator import page
from lib.studies.rank_denominator.denominators import MASKED, UNTOUCHED, DayMap, day_map, over_all, ranked_factors
from lib.studies.rank_denominator.measure import imposed_halts, places, three_forms, with_halts


@pytest.fixture(scope="module")
def panel():
    market = make_market(30, 120, seed=2)
    halted = np.random.default_rng(0).random((120, 30)) < np.linspace(0.0, 0.4, 120)[:, None]
    return with_halts(market.panel, halted)


@pytest.mark.parametrize("masked", MASKED)
def test_the_wrong_rank_is_the_position_among_all_stocks(panel, masked):
    values, valid = formula_output(panel, over_all(cs_rank(close), 30, masked))
    filler = np.inf if masked == "last" else -np.inf
    prices = np.where(panel.mask, panel.adjusted("close"), filler)
    expected = rankdata(prices, axis=1) / 30
    np.testing.assert_array_equal(valid, panel.mask)
    np.testing.assert_allclose(values[valid], expected[valid], rtol=1e-12)


def test_every_rank_of_a_formula_is_rewritten_once(panel):
    node = ts_corr(cs_rank(close), cs_rank(ts_mean(cs_rank(volume), 3)), 5)
    nodes = topological([over_all(node, 30)])
    assert sum(item.operator is ops.cs_scale for item in nodes) == sum(item.operator is cs_rank for item in nodes) == 3
    assert over_all(ts_mean(close, 5), 30) is ts_mean(close, 5)
    assert len(ranked_factors(factor_names())) == sum("cs_rank(" in f.formula for f in find_factors(factor_names()))


TODAY = (("today", 1),)
RULES = {
    "a rank is scaled": (cs_rank(close), DayMap(TODAY)),
    "no rank": (ts_mean(close, 5), UNTOUCHED),
    "a number times it, negated": (-(cs_rank(close) * 2), DayMap(TODAY)),
    "two of the same pool": (cs_rank(close) * cs_rank(volume), DayMap((("today", 2),))),
    "their quotient": (cs_rank(close) / cs_rank(volume), UNTOUCHED),
    "their sum": (cs_rank(close) + cs_rank(volume), DayMap(TODAY)),
    "a number added": (1 - cs_rank(close), DayMap(TODAY, shifted=True)),
    "a rank of a rank": (cs_rank(1 - cs_rank(close)), DayMap(TODAY)),
    "a z-score": (cs_zscore(1 - cs_rank(close)), UNTOUCHED),
    "a series times it": (cs_rank(close) * volume, DayMap(TODAY)),
    "its inverse": (2 / cs_rank(close), DayMap((("today", -1),))),
    "compared with another": (cs_rank(close) < cs_rank(volume), UNTOUCHED),
    "its sign and size": (sign(cs_rank(close)) + ops.abs(volume), UNTOUCHED),
    "pools that differ": (cs_rank(close) + cs_rank(delta(close, 5)), None),
    "a series added": (cs_rank(close) + volume, None),
    "shifted, then scaled": ((1 - cs_rank(close)) * volume, None),
    "a window": (ts_mean(cs_rank(close), 5), None),
    "a recurrence": (ewma(cs_rank(close), 0.1), None),
    "a power": (power(cs_rank(close), volume), None),
    "the larger of it and a number": (ops.max(cs_rank(close), 0.5), None),
    "a rank of what is no map": (cs_rank(ts_mean(cs_rank(close), 5)), None),
    "compared with a number": (cs_rank(close) < 0.5, None),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_rules_of_the_map(name):
    node, expected = RULES[name]
    assert day_map(node) == expected


def test_masked_first_shifts_so_products_are_no_map():
    assert day_map(cs_rank(close), "first") == DayMap(TODAY, shifted=True)
    assert day_map(cs_rank(close) * cs_rank(volume), "first") is None
    assert day_map(cs_rank(close) - cs_rank(volume), "first") is not None


@pytest.mark.parametrize("masked", MASKED)
def test_what_is_called_a_map_of_the_day_is_one(panel, masked):
    """Spoiled values of all factors: one straight line, rising, through the true ones, day by day."""
    names = [n for n in ranked_factors(factor_names()) if day_map(find_factors([n])[0].node, masked) is not None]
    checked = 0
    for name, true, spoiled in three_forms(panel, names):
        for day in range(85, 120, 7):
            here = np.isfinite(true[day])
            a, b = true[day, here], spoiled[masked][day, here]
            if np.ptp(a) > 0:
                slope, level = np.polyfit(a, b, 1)
                np.testing.assert_allclose(b, slope * a + level, atol=1e-9 * np.abs(b).max(), err_msg=name)
                assert slope > 0, name
                checked += 1
    assert checked > 4 * len(names)


def test_some_others_are_none(panel):
    names = ["alpha_003", "alpha_004", "old_036", "add_007"]
    for name, true, spoiled in three_forms(panel, names):
        day = 100
        here = np.isfinite(true[day])
        order = [np.argsort(values[day, here], kind="stable") for values in (true, spoiled["last"])]
        assert not np.array_equal(*order), name
        assert name not in page.exempt()


def test_places_of_values_that_differ_by_round_off_are_the_same():
    values = np.array([[0.3, 0.1 + 0.2, 7.0, -1.0, np.nan, 7.0 + 1e-6], [0.0, 1e-9, -0.0, 5.0, 1e30, 5.0]])
    cells = np.isfinite(values) & (values < 1e20)
    found = places(values, cells)
    assert found[0, :4].tolist() == [1, 1, 2, 0] and found[0, 5] == 3
    assert found[1, :4].tolist() == [0, 1, 0, 2] and found[1, 5] == 2


def test_imposed_halts_hold_their_number():
    halted = imposed_halts("waves", (120, 60), 0.1, np.random.default_rng(0))
    assert set(halted.sum(axis=1)[:10]) == {6} and halted[10:50].sum() == 0 and halted[50:60].sum() == 60
    assert set(imposed_halts("constant", (120, 60), 0.1, np.random.default_rng(0)).sum(axis=1)) == {6}
    assert imposed_halts("storm", (120, 60), 0.1, np.random.default_rng(0)).sum(axis=1).max() == 30
    market = make_market(20, 60, seed=1)
    panel = with_halts(market.panel, halted[:60, :20])
    np.testing.assert_array_equal(panel.reasons > 0, halted[:60, :20])
    assert set(np.unique(panel.reasons)) == {0, int(Reason.HALT)}
    assert open.name in panel.fields


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    settings = {"n_stocks": 40, "n_days": 150, "seeds": 2}
    return run_study("rank_denominator", cache=tmp_path_factory.mktemp("cache"), **settings).frame


def test_exempt_factors_do_not_change_on_any_day(frame):
    found = page.Denominator.of(frame)
    assert len(found.factors) == 68
    assert max(found.change(name) for name in found.factors if name in page.exempt()) == 0
    assert min(found.change(name) for name in ("alpha_003", "alpha_004", "add_007")) > 0.001
    gain, who, ceiling = page.findings(frame)
    assert not gain.holds, "two markets have no interval"
    assert who.holds and who.numbers["immune"] == len(page.exempt() & set(found.factors))
    assert ceiling.numbers["best"] == pytest.approx(1 - round(5 * 40 / 15) / 40)
    assert ceiling.holds and ceiling.numbers["bought"] == 0


def test_a_constant_number_of_halts_is_no_scale_at_all_for_windows_of_ranks(frame):
    """A rank that is scaled by the same share every day leaves its correlations over time as they are."""
    change = frame[(frame["variant"] == "market constant alpha_003") & (frame["metric"] == "change last")]
    waves = frame[(frame["variant"] == "market waves alpha_003") & (frame["metric"] == "change last")]
    assert change["value"].max() < 1e-9 < waves["value"].min()


def test_tables_and_figures(frame):
    rows = page.gain_table(frame, "market")
    assert len(rows) == 6 and set(rows["factors that can"]) == {22, 36} and len(page.summary(frame)) == 6
    one = frame[(frame["variant"] == "market waves") & (frame["metric"] == "gain can first")]["value"].mean()
    waves = rows.set_index(["halted", "masked stocks sorted"]).loc[(page.MEANING["waves"], "first")]
    assert waves["those that can notice"] == pytest.approx(one)
    assert len(page.factor_table(frame, "market", "waves")) == 68
    names = ("ceiling", "who_can_notice", "gains", "gain_tables", "factor_tables")
    found = parts(page, shown_of("rank_denominator", frame), *names)
    assert [found[name].count("«") for name in names] == [1, 1, 1, 0, 0]
    shown = f"{1000 * rows['gain of rank IC, all'].iloc[0]:+.2f}".replace("-", "\N{MINUS SIGN}")
    assert shown in found["gain_tables"], "in thousandths"


def test_the_gain_that_is_claimed_has_the_interval_of_the_mean(frame):
    assert page.answer_claims(frame) == [], "two markets have no interval"
    (answer,) = page.answer_claims(scaled_markets(frame, 5))
    one = frame[(frame["seed"] == 0) & (frame["metric"] == "gain all first")].set_index("variant")["value"]
    gain = one["market waves"]
    reach = 2.776445 * abs(gain) * 0.01 * 2.5**0.5 / 5**0.5  # t(4), deviation of 0 to 4 per cent, mean of five
    assert (answer.estimate, answer.high - answer.estimate) == pytest.approx((1.02 * gain, reach))
    assert answer.setting == "reduced"


def test_every_finding_holds_on_the_recorded_rows():
    assert [item.text for item in recorded_findings("rank_denominator") if not item.holds] == []


def test_a_finding_does_not_outlive_its_number():
    before = recorded("rank_denominator").frame
    large = page.findings(changed(before, "market waves", "gain all first", 100))[0]
    assert "is of that size" in large.text and "less than half" not in large.text
    unclear = page.findings(changed(before, "market waves", "gain all last", -1))[0]
    assert "and not in both cases" in unclear.text
    file = page.findings(changed(before, "csi300 as it is", "gain all first", 10))[1]
    assert "is of that size" in file.text
    noticed = (before["variant"] == "market waves cs_rank_close") & (before["metric"] == "change last")
    assert not page.findings(before.assign(value=before["value"].where(~noticed, 0.01)))[2].holds
    calm = (before["variant"] == "market storm") & before["metric"].str.startswith("share day")
    assert not page.findings(before.assign(value=before["value"].where(~calm, 0.95)))[3].holds
