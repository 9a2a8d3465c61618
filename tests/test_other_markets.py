"""Other rules laid over free prices, exits under T+1, and the mask where there is nothing to mask."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from results import around, tidy

from lib.errors import ParameterError
from lib.evaluation import slices
from lib.evaluation.exchange_rules import tripped_days, with_breaker, with_halts, without_limits
from lib.evaluation.round_trips import round_trips
from lib.market import make_market
from lib.panel import Panel
from lib.paper.pages.style import title_of, to_svg
from lib.reasons import Reason
from lib.studies.other_markets import STUDY
from lib.studies.other_markets import measure as other_markets
from lib.studies.other_markets.figures import benefit_by_rule, held_back, phantom_by_rule
from lib.studies.other_markets.findings import GROSS, NET, OtherMarkets
from lib.studies.other_markets.findings import RULES as NAMES
from lib.studies.other_markets.tables import RULES, SAME_THERE, control_table, fact_table, rule_table

OHLC = ("open", "high", "low", "close")
BOTH = Reason.LIMIT_UP | Reason.LIMIT_DOWN


@lru_cache(maxsize=1)
def market():
    """A market with bear days, so that a breaker at 4 % trips now and then."""
    return make_market(25, 260, 3, regimes=(("bear", 260),))


def twin() -> Panel:
    return market().twin().panel


# --------------------------------------------------------------------------------------------- the rules


def test_halts_by_a_loop():
    halted = market().panel.fields["halted"] == 1
    halted[0] = False
    panel, free = with_halts(twin(), halted), twin().fields
    assert halted.sum() > 20
    for i in range(panel.shape[1]):
        last = free["close"][0, i]
        for t in range(1, panel.shape[0]):
            assert panel.fields["pre_close"][t, i] == last
            if halted[t, i]:
                assert {panel.fields[name][t, i] for name in OHLC} == {last}
                assert panel.fields["volume"][t, i] == panel.fields["amount"][t, i] == 0
                assert panel.reasons[t, i] == Reason.HALT
            else:
                assert all(panel.fields[name][t, i] == free[name][t, i] for name in (*OHLC, "volume"))
                assert panel.reasons[t, i] == 0
            last = panel.fields["close"][t, i]
    whole = np.prod(1 + panel.returns[1:], axis=0)[~halted[-1]]
    np.testing.assert_allclose(whole, (free["close"][-1] / free["close"][0])[~halted[-1]], err_msg="a move was lost")


def test_halts_on_the_first_day_have_no_close_to_repeat():
    with pytest.raises(ParameterError, match="none on the first day"):
        with_halts(twin(), np.ones(twin().shape, dtype=bool))


def test_a_breaker_stops_the_index_at_its_trip_and_the_rest_comes_out_at_the_next_open():
    trip = 0.04
    panel, free = with_breaker(twin(), trip), twin().fields
    tripped = tripped_days(panel)
    assert 3 <= tripped.sum() <= 60
    for t in range(1, panel.shape[0]):
        index = np.mean(panel.fields["close"][t] / panel.fields["close"][t - 1]) - 1
        assert index >= -trip - 1e-3, "to the rounding of a cent"
        np.testing.assert_array_equal(panel.fields["open"][t], free["open"][t])
        np.testing.assert_array_equal(panel.fields["pre_close"][t], panel.fields["close"][t - 1])
        if tripped[t]:
            assert index == pytest.approx(-trip, abs=1e-3)
            before = panel.fields["close"][t - 1]
            share = -trip / np.mean(free["close"][t] / before - 1)
            expected = before + share * (free["close"][t] - before)
            np.testing.assert_allclose(panel.fields["close"][t], expected, rtol=0, atol=0.0051)
            np.testing.assert_allclose(panel.fields["volume"][t], share * free["volume"][t], rtol=1e-9)
        else:
            np.testing.assert_array_equal(panel.fields["close"][t], free["close"][t])
            assert (panel.reasons[t] == 0).all()


def test_at_a_breaker_close_nobody_trades_and_the_open_of_that_day_could_be_traded():
    panel = with_breaker(twin(), 0.04)
    day = int(np.flatnonzero(tripped_days(panel))[0])
    assert not panel.can_buy("close")[day].any() and not panel.can_sell("close")[day].any()
    assert panel.can_buy("open")[day].all() and panel.can_sell("open")[day].all()
    assert not panel.price_valid[day].any()
    for name in ("open", "close", "vwap"):
        assert (panel.fields["low"][day] <= panel.fields[name][day]).all()
        assert (panel.fields["high"][day] >= panel.fields[name][day]).all()


def test_a_breaker_that_never_trips_is_no_rule():
    calm, free = with_breaker(twin(), 0.5), without_limits(twin())
    assert calm.fingerprint() == free.fingerprint() and not tripped_days(calm).any()
    assert (free.reasons == 0).all()
    with pytest.raises(ParameterError, match=r"such as 0\.07"):
        with_breaker(twin(), 7)


def test_a_limit_close_is_no_trip():
    panel = market().panel
    assert ((panel.reasons & BOTH) > 0).any() and not tripped_days(panel).any()


# ------------------------------------------------------------------------------------------------- exits


def test_exits_by_a_loop():
    panel = market().panel
    rng = np.random.default_rng(0)
    prediction = np.where(rng.random(panel.shape) < 0.9, rng.normal(size=panel.shape), np.nan)
    found = round_trips(panel, prediction)
    opens, close, before = (panel.fields[name] for name in ("open", "close", "pre_close"))
    for t in range(panel.shape[0]):
        names = sorted((i for i in range(25) if np.isfinite(prediction[t, i])), key=lambda i: -prediction[t, i])[:2]
        same, later = [], []
        for i in names if t + 2 < panel.shape[0] else ():
            if panel.can_buy("open")[t + 1, i]:
                day = close[t + 1, i] / opens[t + 1, i]
                same.append(day - 1)
                later.append(day * opens[t + 2, i] / before[t + 2, i] - 1)
        for name, expected in (("same_day_exit", same), ("next_day_exit", later)):
            if expected:
                assert found[name][t] == pytest.approx(sum(expected) / len(expected))
            else:
                assert np.isnan(found[name][t])


def test_a_later_price_does_not_move_an_exit():
    panel = market().panel
    prediction = np.random.default_rng(1).normal(size=panel.shape)
    whole, cut = round_trips(panel, prediction), round_trips(panel.rows(0, 100), prediction[:100])
    for name, values in cut.items():
        np.testing.assert_array_equal(values[:98], whole[name][:98])


# ----------------------------------------------------------------------------------------------- the run


@pytest.fixture(scope="module")
def computed():
    """Every rule on one small and short market, twice."""
    settings = STUDY.settings("smoke", 1, {"n_stocks": 60})
    (row,) = STUDY.rows(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SAMPLES", 10)
        patch.setattr(other_markets, "TRAINING", (("calm", 260),))
        patch.setattr(other_markets, "TEST", (("bear", 120),))
        patch.setattr(other_markets, "N_DAYS", 380)
        patch.setattr(other_markets, "FIRST_TEST_YEAR", 2011)
        return [STUDY.compute(row, STUDY.row_settings(settings)) for _ in range(2)]


def values(result):
    return {(r["variant"], r["metric"]): r["value"] for r in result.records}


def test_the_same_seed_gives_the_same_table_and_arrays(computed):
    assert list(computed[0].records) == list(computed[1].records)
    for name, array in computed[0].arrays.items():
        np.testing.assert_array_equal(array, computed[1].arrays[name])


def test_without_a_rule_there_is_no_phantom_and_limits_make_one(computed):
    found = values(computed[0])
    assert found["exchange free none test", "phantom_close"] == 0.0
    assert found["exchange limits none test", "phantom_close"] > 0.05
    assert found["exchange free facts", "masked_share"] == 0.0 == found["exchange limits facts", "halted"]
    assert found["exchange halts facts", "limit_up"] == 0.0 < found["exchange halts facts", "halted"]
    assert found["exchange cn facts", "tripped"] == 0 < found["exchange breaker_5 facts", "tripped"]
    for rule in RULES:
        assert found[f"exchange {rule} mask_skip test", "refused_buys"] == 0.0, "masked: never ordered"


def test_names_of_rules_and_pairs_agree():
    assert set(NAMES) == set(RULES)
    assert {"exchange", "us"} == {row["variant"] for row in STUDY.rows(STUDY.settings("smoke", 1, {"us_path": "x"}))}


@pytest.mark.data
def test_the_mask_does_nothing_where_there_are_no_limits(data_dir, monkeypatch):
    monkeypatch.setattr(slices, "SAMPLES", 5)
    monkeypatch.setattr(other_markets, "ON_CONTROL", ("none", "mask_strict"))
    monkeypatch.setattr(other_markets, "CONTROL_PAIRS", (("mask_strict", "none"),))
    settings = STUDY.settings(
        "smoke", 1, {"us_path": str(data_dir / "us_sp500_2013_2018.parquet"), "us_test_year": 2017}
    )
    row = STUDY.rows(settings)[-1]
    found = values(STUDY.compute(row, STUDY.row_settings(settings)))
    assert found["us mask_strict - none test", "identical"] == 1.0
    assert found["us mask_strict - none test", "executed_open.sharpe"] == 0.0
    assert found["us facts", "masked_share"] == 0.0


# ----------------------------------------------------------------------------------- sentences, figures


def frame(benefit: float = 0.0, identical: float = 1.0, control: bool = True) -> pd.DataFrame:
    records = []
    for rule, phantom in zip(RULES, (1.0, 0.9, 0.05, 0.02, 0.01, 0.0), strict=True):
        records += [(f"exchange {rule} facts", "tripped", 2.0), (f"exchange {rule} facts", "masked_share", 0.02)]
        for metric in ("phantom_close", "phantom_close.limit_up_buys"):
            records += around(f"exchange {rule} none test", metric, phantom, 0.1)
        records += around(f"exchange {rule} mask_skip - {rule} none test", GROSS, benefit, 0.2)
        records += around(f"exchange {rule} mask_skip - {rule} none test", NET, benefit + 0.3, 0.2)
    records += around("exchange mask_skip exits", "overnight", 0.002, 0.001)
    records.append(("exchange mask_skip exits", "next_day_sales", 0.3))
    if control:
        records.append(("us facts", "masked_share", 0.0))
        records += [(f"us {a} - {b} test", "identical", identical) for a, b in SAME_THERE]
    return tidy(records, "other_markets")


@pytest.mark.parametrize(
    ("benefit", "words"),
    [(0.5, "raises the active Sharpe ratio under limits and halts"), (0.0, "under no rule beyond chance"),
     (-0.5, "and lowers it under limits and halts")],
)  # fmt: skip
def test_where_the_mask_helps(benefit: float, words: str):
    assert words in OtherMarkets.of(frame(benefit)).benefit_message()


def test_rows_without_gross_differences_say_nothing_of_the_mask():
    old = frame(0.5)
    found = OtherMarkets.of(old[~old["metric"].str.startswith((GROSS, NET))])
    assert found.benefit_message() == "These rows do not compare books before costs"


def test_what_remains_of_the_phantom():
    found = OtherMarkets.of(frame())
    assert found.remaining("halts") == pytest.approx(5.0)
    assert "90 % with limits alone, 5 % with halts alone" in found.phantom_message()
    almost = frame()
    none = (almost["variant"] == "exchange breaker_7 none test") & (almost["metric"] == "phantom_close")
    almost.loc[none, "value"] = -1e-4
    assert ", 0 % with a market-wide breaker" in OtherMarkets.of(almost).phantom_message(), "no minus before a zero"
    assert len(found.implications()) == 4
    assert not any(lost in text for text in found.implications() for lost in ("nan", "n/a"))


def test_the_control_is_described_as_it_is():
    assert "the very same numbers" in OtherMarkets.of(frame()).control_message()
    assert "only 99.50 %" in OtherMarkets.of(frame(identical=0.995)).control_message()
    absent = OtherMarkets.of(frame(control=False))
    assert "No file" in absent.control_message() and len(absent.implications()) == 3


def test_tables():
    rows = fact_table(frame())
    assert list(rows.index) == list(RULES.values()) and "halted" not in rows.columns
    assert rule_table(frame(), "none")["phantom_close"].iloc[0] == 1.0
    assert control_table(frame()).loc["mask_strict - none", "identical"] == 1.0


def test_figures_are_the_same_twice_and_fit(computed):
    found = OtherMarkets.of(frame(0.5))
    for draw in (lambda: phantom_by_rule(found, "note"), lambda: benefit_by_rule(found, "note"),
                 lambda: held_back(computed[0].arrays, "note")):  # fmt: skip
        figure = draw()
        assert title_of(figure) and to_svg(figure) == to_svg(draw())
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert box.x0 >= -0.03 and box.y0 >= -0.03 and box.x1 <= width + 0.03 and box.y1 <= height + 0.03
    assert title_of(benefit_by_rule(found)) != title_of(benefit_by_rule(OtherMarkets.of(frame(-0.5))))
