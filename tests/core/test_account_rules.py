"""The rules of an account one by one: dated tables, fees to the fen, lots, T+1, cash, ex-dates, orders over days."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from portfolio_markets import panel_of

from lib.errors import ParameterError
from lib.panel import Panel, Reason
from lib.portfolio import direct
from lib.portfolio.fees import BILLED, COMMISSIONS, ITEMS, NO_FEES, TRANSFER_FEES, DatedFees, Fees, trailing_sigma
from lib.portfolio.lots import LOTS, LotSizes
from lib.portfolio.shares import Session, ShareAccount
from lib.portfolio.statement import Statement
from lib.portfolio.terms import DELISTING_PERIODS, Terms, ends
from lib.portfolio.trading import trade


def quiet(days: Any, symbols: list[str], price: float = 10.0, volume: float = 1e6) -> Panel:
    """Every price the same, on given days."""
    shape = (len(days), len(symbols))
    fields = dict.fromkeys(("open", "high", "low", "close", "pre_close"), np.full(shape, price))
    return Panel.from_arrays(days, symbols, fields | {"volume": np.full(shape, volume)})


def cost_of(day: str, symbol: str, shares: float, price: float, *, sell: bool, fees: Fees) -> dict[str, float]:
    dated = DatedFees.of(fees, quiet([day], [symbol], price))
    one = (np.array([x]) for x in (shares, price, 1e6))
    return dict(zip(ITEMS, dated.items(0, *one, sell=sell)[:, 0].tolist(), strict=True))


BARE = Fees(half_spread=0.0, square_root=0.0)


@pytest.mark.parametrize(
    ("day", "symbol", "sell", "transfer", "duty"),
    [
        ("2008-09-18", "SH600000", False, 3.0, 100.0),  # buyers paid a duty until that day; 0.0003 yuan a share
        ("2008-09-19", "SH600000", False, 3.0, 0.0),
        ("2015-07-31", "SH600000", True, 3.0, 100.0),
        ("2015-07-31", "SZ000001", True, 2.55, 100.0),
        ("2015-08-03", "SH600000", True, 2.0, 100.0),
        ("2015-08-03", "SZ000001", False, 2.0, 0.0),
        ("2022-04-28", "000001.SZ", True, 2.0, 100.0),
        ("2022-04-29", "000001.SZ", True, 1.0, 100.0),
        ("2023-08-25", "688001", True, 1.0, 100.0),
        ("2023-08-28", "688001", True, 1.0, 50.0),
        ("2023-08-28", "430047.BJ", True, 2.5, 50.0),
        ("2023-08-28", "430047.BJ", False, 2.5, 0.0),
    ],
)
def test_fees_of_100_000_yuan_by_day_and_exchange(
    day: str, symbol: str, sell: bool, transfer: float, duty: float
) -> None:
    paid = cost_of(day, symbol, 10_000, 10.0, sell=sell, fees=BARE)
    assert paid == {"commission": 25.0, "transfer": transfer, "duty": duty, "spread": 0.0, "impact": 0.0}


def test_minimum_commission_and_rounding_to_the_fen() -> None:
    # 2.5 bp of 20,000 yuan are the minimum; below it an order of 100 shares pays as much
    assert cost_of("2023-09-01", "SH600000", 100, 10.0, sell=True, fees=BARE)["commission"] == 5.0
    assert cost_of("2023-09-01", "SH600000", 2100, 10.0, sell=True, fees=BARE)["commission"] == 5.25
    # half up: 0.05 % of 1,290 is 0.645, 0.001 % of 1,500 is 0.015
    assert cost_of("2023-09-01", "SH600000", 129, 10.0, sell=True, fees=BARE)["duty"] == 0.65
    assert cost_of("2023-09-01", "SH600000", 150, 10.0, sell=True, fees=BARE)["transfer"] == 0.02
    exact = cost_of("2023-09-01", "SH600000", 129, 10.0, sell=True, fees=replace(BARE, fen=False))
    assert exact["duty"] == pytest.approx(0.645, rel=1e-12)
    assert cost_of("2023-09-01", "SH600000", 0, 10.0, sell=True, fees=Fees()) == dict.fromkeys(ITEMS, 0.0)


def test_spread_and_impact_by_hand() -> None:
    fees = Fees(half_spread=4.0, linear=0.5, square_root=2.0)
    # a hundredth of the volume; sigma without a history is 2 %
    paid = cost_of("2023-09-01", "SH600000", 10_000, 10.0, sell=False, fees=fees)
    assert paid["spread"] == pytest.approx(40.0, rel=1e-12)
    assert paid["impact"] == pytest.approx(100_000 * (0.5 * 0.01 + 2.0 * 0.02 * 0.1), rel=1e-12)


def test_sigma_is_the_root_mean_square_of_the_twenty_days_before() -> None:
    rng = np.random.default_rng(0)
    returns = np.where(rng.random((60, 5)) < 0.2, np.nan, rng.normal(0, 0.03, (60, 5)))
    found = trailing_sigma(returns)
    for t in range(60):
        for n in range(5):
            known = [x for x in returns[max(t - 20, 0) : t, n] if np.isfinite(x)]
            expected = (sum(x * x for x in known) / len(known)) ** 0.5 if len(known) >= 5 else 0.02
            assert found[t, n] == pytest.approx(expected, rel=1e-9)


def test_every_row_of_a_table_names_its_source_and_is_in_order() -> None:
    tables: dict[str, Any] = {"board": LOTS, "exchange": TRANSFER_FEES, "": COMMISSIONS, " ": DELISTING_PERIODS}
    for key, table in tables.items():
        assert all(len(row.source) > 5 for row in table)
        for name in {getattr(row, key, "") for row in table}:
            own = [row.since for row in table if getattr(row, key, "") == name]
            assert own == sorted(set(own))
    assert ITEMS[: len(BILLED)] == BILLED


@pytest.mark.parametrize("wrong", [{"commission": 31.0}, {"minimum": -1.0}, {"linear": np.nan}])
def test_bad_fees_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="Fees: "):
        Fees(**wrong)


# -- lots -------------------------------------------------------------------------------------------

BOARDS = ["430047.BJ", "SH600000", "SH688001", "SZ300001"]


@pytest.mark.parametrize(
    ("asked", "bought"),
    [
        (99, (0, 0, 0, 0)), (100, (100, 100, 0, 100)), (199.9999, (199, 100, 0, 100)), (200, (200, 200, 200, 200)),
        (257, (257, 200, 257, 200)), (299.9999999, (300, 300, 300, 300)), (0, (0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_buys_come_in_board_lots(asked: float, bought: tuple[int, ...]) -> None:
    lots = LotSizes.of(quiet(["2023-09-01"], BOARDS))
    assert tuple(lots.buy(0, np.full(4, float(asked)))) == bought


@pytest.mark.parametrize(
    ("asked", "held", "sold"),
    [
        (257, 257, (257, 257, 257, 257)),  # all of it, odd remainder included
        (57, 57, (57, 57, 57, 57)),  # less than a lot, in one go
        (256, 257, (256, 200, 256, 200)),  # an odd remainder is not sold in parts
        (150, 257, (150, 100, 0, 100)), (50, 257, (0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_odd_remainders_are_sold_in_one_go(asked: float, held: float, sold: tuple[int, ...]) -> None:
    lots = LotSizes.of(quiet(["2023-09-01"], BOARDS))
    assert tuple(lots.sell(0, np.full(4, float(asked)), np.full(4, float(held)))) == sold


def test_the_board_field_goes_before_the_symbol() -> None:
    panel = quiet(["2023-09-01"], ["SH600000"])
    fields = panel.fields | {"board": np.array([["star"]])}
    assert LotSizes.of(replace(panel, fields=fields)).buy(0, np.array([150.0])).tolist() == [0.0]


# -- one session of an account ----------------------------------------------------------------------


def account(cash: float, shares: list[float], price: float = 10.0) -> ShareAccount:
    opened = ShareAccount.opened(cash, len(shares))
    opened.shares, opened.price = np.array(shares), np.full(len(shares), price)
    return opened


def session(panel: Panel, price: float = 10.0, volume: float = 1e6) -> Session:
    n = panel.shape[1]
    fate = np.zeros(n, dtype=np.uint8)
    return Session(np.full(n, price), np.full(n, volume), fate, fate.copy())


def work(own: ShareAccount, panel: Panel, fees: Fees = NO_FEES, volume: float = 1e6, days: int = 1) -> np.ndarray:
    done = own.trade(0, session(panel, volume=volume), DatedFees.of(fees, panel), LotSizes.of(panel), 0.1, days)
    return done.shares


def test_shares_bought_today_are_not_sold_today() -> None:
    panel = quiet(["2023-09-01"], ["SH600000", "SH600004"])
    own = account(100_000.0, [0.0, 300.0])
    own.working = np.array([500.0, 200.0])
    assert work(own, panel).tolist() == [500.0, 200.0]
    own.working = np.array([-500.0, -500.0])  # a second session on the same day
    assert work(own, panel).tolist() == [0.0, -300.0]
    own.bought = np.zeros(2)  # the next morning
    own.working = np.array([-500.0, -200.0])
    assert work(own, panel).tolist() == [-500.0, -200.0]


def test_buys_are_cut_to_the_cash_and_the_cash_is_never_negative() -> None:
    rng = np.random.default_rng(3)
    panel = quiet(["2023-09-01"], ["430047.BJ", "SH600000", "SH688001", "SZ300001"])
    cut = 0
    for trial in range(300):
        cash = float(rng.choice([0.0, 4.0, 900.0, rng.uniform(0, 30_000)]))
        own = account(cash, list(np.floor(rng.uniform(0, 400, 4))))
        own.working = rng.normal(0, 800, 4)
        fees = [NO_FEES, Fees(), Fees(minimum=0.0, fen=False), Fees(linear=3.0, square_root=9.0)][trial % 4]
        before = own.equity
        wanted = own.working.copy()
        done = own.trade(0, session(panel, volume=5e4), DatedFees.of(fees, panel), LotSizes.of(panel), 1.0, 1)
        assert own.cash >= 0 and (own.shares >= 0).all()
        assert own.equity == pytest.approx(before - done.cost, abs=1e-8)
        cut += int((done.shares < LotSizes.of(panel).buy(0, np.maximum(wanted, 0.0))).any())
    assert cut > 50


def test_a_sale_that_costs_more_than_it_brings_is_left() -> None:
    panel = quiet(["2023-09-01"], ["SH600000"])
    own = account(0.0, [40.0], price=0.1)
    own.working = np.array([-40.0])
    done = own.trade(0, session(panel, price=0.1), DatedFees.of(Fees(), panel), LotSizes.of(panel), 1.0, 1)
    assert done.shares.tolist() == [0.0] and done.unfit == 1 and own.cash == 0.0


def test_an_order_beyond_the_cap_is_split_over_sessions() -> None:
    panel = quiet(["2023-09-01"], ["SH600000"])
    own = account(1e6, [0.0])
    own.working = np.array([2500.0])
    # a tenth of 10,950 shares are 1,095: ten lots
    assert [work(own, panel, volume=10_950, days=4).tolist() for _ in range(4)] == [[1000.0], [1000.0], [500.0], [0.0]]
    own.working, own.age = np.array([2500.0]), np.zeros(1, dtype=np.intp)
    assert [work(own, panel, volume=10_950, days=2).tolist() for _ in range(3)] == [[1000.0], [1000.0], [0.0]]


def test_an_ex_date_scales_shares_and_pays_the_fraction() -> None:
    own = account(50.0, [301.0, 300.0, 0.0], price=10.0)
    own.working = np.array([0.0, 0.0, 90.0])
    before = own.equity
    paid = own.ex_dates(np.array([1.25, 1.0, 1.25]), np.array([True, True, True]))
    assert own.shares.tolist() == [376.0, 300.0, 0.0] and own.working[2] == pytest.approx(112.5)
    assert paid == pytest.approx(0.25 * 8.0) and own.cash == pytest.approx(52.0)
    assert own.equity == pytest.approx(before, rel=1e-14) and own.price[0] == pytest.approx(8.0)
    assert own.ex_dates(np.array([1.25, 9.0, 1.25]), np.array([True, False, True])) == 0.0  # once; not where unknown


# -- over days --------------------------------------------------------------------------------------


def bought_and_kept(reasons: np.ndarray, weights: np.ndarray, terms: Terms, universe: Any = None) -> Statement:
    panel = panel_of(np.zeros(reasons.shape), reasons=reasons, universe=universe)
    panel = replace(panel, fields={**panel.fields, "volume": np.where(panel.traded, 1e6, 0.0)})
    return trade(panel, weights, policy=direct, capital=1e5, terms=terms, fill="close", start=0, keep_paths=True)


def gone_after(row: int, days: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """A stock without prices after a row, bought on the first day."""
    reasons, weights = np.zeros((days, 1), dtype=np.uint8), np.full((days, 1), np.nan)
    reasons[row + 1 :], weights[0] = int(Reason.MISSING), 0.5
    return reasons, weights


@pytest.mark.parametrize(
    ("terms", "left"),
    [({}, 1.0), ({"delisting": "loss", "loss": 0.6}, 0.7), ({"delisting": "period", "loss": 1.0}, 1.0)],
)
def test_what_is_left_of_a_delisted_stock(terms: dict[str, Any], left: float) -> None:
    reasons, weights = gone_after(29)
    last = np.array(["2023-08-30"], dtype="M8[D]")  # row 29
    run = bought_and_kept(reasons, weights, Terms(fees=NO_FEES, last_session=last, **terms))
    assert run.shares is not None
    held = run.shares[:, 0] > 0
    # in the period: sold on the first of its 15 sessions; else there until the last session
    assert held.sum() == (15 if terms.get("delisting") == "period" else 30) and held[0]
    # fractions of ex-dates were paid before
    assert run.equity[-1] == pytest.approx(left, abs=1e-4) and run.cash[-1] == run.equity[-1]


def test_what_a_locked_delisting_period_leaves_is_written_off() -> None:
    reasons, weights = gone_after(29)
    reasons[15:30] = int(Reason.LIMIT_DOWN)
    last = np.array(["2023-08-30"], dtype="M8[D]")
    run = bought_and_kept(reasons, weights, Terms(fees=NO_FEES, delisting="period", loss=1.0, last_session=last))
    assert run.refused["sell_limit"].sum() == 15 and run.equity[-1] == pytest.approx(0.5, abs=1e-4)
    assert run.gross.sum() == pytest.approx(-0.5, abs=1e-4) and not run.costs.any()


def test_without_a_last_session_a_vanished_stock_keeps_its_value() -> None:
    run = bought_and_kept(*gone_after(29), Terms(fees=NO_FEES))
    assert run.held[-1] == 1 and run.stale[30:].tolist() == [1] * 10


def test_the_delisting_period_is_dated_and_counts_weekdays_after_the_panel() -> None:
    days = np.busday_offset(np.datetime64("2020-11-02"), np.arange(60))
    panel = quiet(days, ["SH600000", "SH600004", "SH600006", "SH600007"])
    last = np.array([days[40], np.datetime64("NaT"), days[50], days[-1] + np.timedelta64(7, "D")], dtype="M8[D]")
    found = ends(Terms(delisting="period", last_session=last), panel)
    assert days[40] < np.datetime64("2020-12-31") < days[50]
    assert found.paid.tolist() == [41, 60, 51, 65]
    assert found.forced.tolist() == [11, 60, 36, 50]


@pytest.mark.parametrize(("leaving", "held"), [("sell", 5), ("hold", 10)])
def test_a_stock_that_leaves_the_universe(leaving: Any, held: int) -> None:
    weights = np.zeros((10, 1))
    weights[:5] = 0.5
    universe = np.ones((10, 1), dtype=bool)
    universe[5:] = False
    run = bought_and_kept(np.zeros((10, 1), np.uint8), weights, Terms(fees=NO_FEES, leaving=leaving), universe)
    assert np.count_nonzero(run.held) == held


def test_an_order_may_outlive_its_day_until_it_is_replaced() -> None:
    reasons, weights = np.zeros((6, 1), dtype=np.uint8), np.full((6, 1), np.nan)
    reasons[0], weights[0] = int(Reason.LIMIT_UP), 0.5
    for sessions, bought_on in ((1, None), (2, 1)):
        run = bought_and_kept(reasons, weights, Terms(fees=NO_FEES, sessions=sessions))
        assert run.fill_days.tolist() == ([] if bought_on is None else [bought_on])
    weights[1] = 0.0
    assert not bought_and_kept(reasons, weights, Terms(fees=NO_FEES, sessions=2)).held.any()
