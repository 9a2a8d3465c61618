"""Other rules laid over free prices, exits under T+1, and the mask where there is nothing to mask."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import around, tidy

from lib.errors import ParameterError
from lib.evaluation import slices
from lib.evaluation.exchange_rules import tripped_days, with_breaker, with_halts, without_limits
from lib.evaluation.round_trips import round_trips
from lib.market import make_market
from lib.panel import Panel
from lib.paper.pages.result import PageResult
from lib.reasons import Reason
from lib.studies import recorded
from lib.studies.other_markets import STUDY, page
from lib.studies.other_markets import measure as other_markets
from lib.studies.other_markets.measure import RULES, SAME_THERE
from lib.studies.other_markets.page import GROSS, NET, TRUTH, control_table, fact_table, findings, rule_table

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


def test_a_row_for_the_simulated_market_and_one_for_the_control():
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
        records += around(f"exchange {rule} mask_skip - {rule} none test", TRUTH, benefit / 10, 0.02)
        records += around(f"exchange {rule} mask_skip - {rule} none test", GROSS, benefit, 0.2)
        records += around(f"exchange {rule} mask_skip - {rule} none test", NET, benefit + 0.3, 0.2)
    records += around("exchange mask_skip exits", "overnight", 0.002, 0.001)
    records.append(("exchange mask_skip exits", "next_day_sales", 0.3))
    if control:
        records.append(("us facts", "masked_share", 0.0))
        records += [(f"us {a} - {b} test", "identical", identical) for a, b in SAME_THERE]
    return tidy(records, "other_markets")


def said(rows: pd.DataFrame) -> str:
    """Everything the page says of some rows; all of it must hold."""
    found = findings(rows)
    assert found and all(item.holds for item in found), [item.text for item in found if not item.holds]
    return "\n".join(item.text for item in found).replace("\N{MINUS SIGN}", "-")


def moved(rows: pd.DataFrame, variant: str, metric: str, shift: float) -> pd.DataFrame:
    """The rows with one number and its ends moved."""
    chosen = rows["variant"].eq(variant) & rows["metric"].isin([metric, f"{metric}.low", f"{metric}.high"])
    assert chosen.sum() in (1, 3)
    return rows.assign(value=rows["value"].where(~chosen, rows["value"] + shift))


@pytest.mark.parametrize(
    ("benefit", "books", "information"),
    [(0.5, "pays before costs under price limits and under halts", "earned under price limits and under halts"),
     (0.0, "does not measurably pay before costs", "does not measurably raise"),
     (-0.5, "does not measurably pay before costs", "does not measurably raise")],
)  # fmt: skip
def test_where_the_mask_helps(benefit: float, books: str, information: str):
    text = said(frame(benefit))
    assert books in text and information in text
    halts = "exchange halts mask_skip - halts none test"
    only = moved(moved(frame(0.5), halts, GROSS, -0.5), halts, TRUTH, -0.05)
    assert "halts alone: the Sharpe ratio over equal weight changes by +0.50 [+0.30, +0.70] under limits" in said(only)
    assert "only where there are price limits: +0.050" in said(only)


def test_rows_without_gross_differences_say_nothing_of_books():
    rows = frame(0.5)
    old = rows[~rows["metric"].str.startswith((GROSS, NET))]
    assert len(findings(old)) == len(findings(rows)) - 1 and "Sharpe ratio" not in said(old)


def test_what_a_back_test_invents_by_rule():
    assert "comes from price limits rather than halts" in said(frame())
    assert "filling every order adds +90% [+80%, +100%] a year" in said(frame())
    halts = moved(frame(), "exchange halts none test", "phantom_close", 2.0)
    assert "comes from halts rather than price limits" in said(halts)
    assert "cannot be told apart" in said(moved(frame(), "exchange halts none test", "phantom_close", 0.8))
    assert "(2 trips in the test span)" in said(frame()) and "less than price limits do" in said(frame())
    breaker = moved(frame(), "exchange breaker_5 none test", "phantom_close", 0.8)
    assert "is not clearly less harmful" in said(breaker)


@pytest.mark.parametrize(("shift", "words"), [(0.0, "earns +20"), (-0.004, "costs -20"), (-0.002, "changes little")])
def test_what_holding_overnight_earns(shift: float, words: str):
    assert words in said(moved(frame(), "exchange mask_skip exits", "overnight", shift))


def test_the_control_is_described_as_it_is():
    assert "the same numbers (100%)" in said(frame())
    assert "yet only 99.50%" in said(frame(identical=0.995))
    absent = frame(control=False)
    assert len(findings(absent)) == 5 and "US" not in said(absent)


def test_every_finding_holds_on_the_recorded_rows():
    said(recorded("other_markets").frame)


def test_tables():
    rows = fact_table(frame())
    assert list(rows.index) == list(RULES.values()) and "halted" not in rows.columns
    assert rule_table(frame(), "none")["phantom_close"].iloc[0] == 1.0
    assert control_table(frame()).loc["strict windows \N{MINUS SIGN} unmasked", "identical"] == 1.0


def shown_of(rows: pd.DataFrame) -> PageResult:
    return SimpleNamespace(rows=rows, note="a note")  # type: ignore[return-value]


def test_figures_and_tables_of_the_page(computed):
    check(lambda: page.example_figure(computed[0].arrays, "note"))
    shown = shown_of(frame(0.5))
    for make, tabs in ((page.invented, 0), (page.gains, 2), (page.rules, 0), (page.levels, 0), (page.differences, 0),
                       (page.exits, 0), (page.control, 0)):  # fmt: skip
        html = make(shown).data
        assert html == make(shown).data and "nan" not in html.partition("base64")[0]
        assert not tabs or html.count('type="radio"') == tabs
    assert "No file" in page.control(shown_of(frame(control=False))).data


def test_the_title_of_a_figure_follows_its_numbers():
    title = "comes from price limits rather than halts"
    assert title in page.invented(shown_of(frame())).data
    halts = moved(frame(), "exchange halts none test", "phantom_close", 2.0)
    assert title not in page.invented(shown_of(halts)).data
