"""Which limit was in force: Beijing, first days of an issue, funds, and days on which there was none after all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from panels import codes, days, flat, one

from lib.errors import LoadError
from lib.limits.day_limits import BAD_TICKS, WELL_BEYOND, derive_limits
from lib.limits.ticks import limit_prices
from lib.load import load_panel
from lib.load.quality.report import report_lines
from lib.panel import Panel
from lib.reasons import PRICES, Reason

UP, DOWN = int(Reason.LIMIT_UP), int(Reason.LIMIT_DOWN)
OPEN_UP, OPEN_DOWN = int(Reason.OPEN_LOCKED_UP), int(Reason.OPEN_LOCKED_DOWN)
NAN = math.nan


def day(opened: float, high: float, low: float, close: float, pre: float, symbol: str = "SH600000", **more: Any) -> int:
    """Reasons of one day that follows a quiet one at the previous close."""
    first = more.pop("first", "2018-03-05")
    fields = {name: np.array([[pre], [x]]) for name, x in zip(PRICES, (opened, high, low, close), strict=True)}
    fields |= {"volume": np.full((2, 1), 100.0), "pre_close": np.full((2, 1), pre)}
    fields |= {name: np.full((2, 1), value) for name, value in more.items()}
    return int(Panel.from_arrays(days(2, first), [symbol], fields, market="cn").reasons[1, 0])


def issue(
    opened: float, close: float, symbol: str, first: str, *, high: float = 0.0, pre: float = 10.0, **more: Any
) -> int:
    """Reasons of the first day of an issue at `pre`; another stock was there the day before."""
    rows = {"open": opened, "high": max(high, opened, close), "low": min(opened, close), "close": close}
    fields = {name: np.array([[5.0, NAN], [5.0, value]]) for name, value in rows.items()}
    fields |= {"volume": np.full((2, 2), 100.0), "pre_close": np.array([[5.0, NAN], [5.0, pre]])}
    fields |= {name: np.array([[NAN, NAN], [NAN, value]]) for name, value in more.items()}
    dates = np.busday_offset(first, [-1, 0], roll="forward").astype("datetime64[D]")
    names = ["BJ400001", symbol] if symbol > "BJ400001" else [symbol, "BJ400001"]
    panel = Panel.from_arrays(dates, names, fields, market="cn")
    return int(panel.reasons[1, names.index(symbol)])


# -- first day of an issue ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "first", "limited"),
    [
        ("SH603699", "2014-01-17", True), ("SZ002709", "2014-01-23", True), ("SH603999", "2017-03-07", True),
        ("SZ300999", "2020-08-21", True), ("SZ001289", "2023-04-07", True), ("SH601996", "2013-12-31", False),
        ("SZ300998", "2020-08-24", False), ("SH603997", "2023-04-10", False), ("SH688001", "2019-07-22", False),
        ("BJ920001", "2022-01-04", False),
    ],
)  # fmt: skip
def test_a_first_close_at_44_percent_is_locked_before_registration(symbol: str, first: str, limited: bool) -> None:
    assert issue(12.0, 14.4, symbol, first) == (UP | OPEN_UP) * limited
    assert issue(8.0, 6.4, symbol, first) == (DOWN | OPEN_DOWN) * limited
    assert issue(11.0, 13.0, symbol, first) == 0


@pytest.mark.parametrize(
    ("opened", "close", "reason"),
    [
        (12.0, 13.0, OPEN_UP), (11.99, 14.39, 0), (14.4, 14.4, UP | OPEN_UP), (13.2, 14.4, UP | OPEN_UP),
        (8.01, 6.41, 0), (8.0, 7.0, OPEN_DOWN), (6.4, 6.4, DOWN | OPEN_DOWN), (10.0, 11.0, 0), (10.0, 9.0, 0),
    ],
)  # fmt: skip
def test_open_and_close_of_a_first_day(opened: float, close: float, reason: int) -> None:
    assert issue(opened, close, "SH603999", "2017-03-07") == reason
    listed = np.datetime64("2017-03-07")
    fields = flat([close], pre_close=[10.0]) | {"open": np.array([[opened]]), "list_date": np.array([[listed]])}
    fields |= {"high": np.maximum(fields["open"], close), "low": np.minimum(fields["open"], close)}
    assert codes(Panel.from_arrays([listed], ["SH603999"], fields, market="cn")) == [reason]


@pytest.mark.parametrize(("pre", "up"), [(16.08, 23.16), (13.66, 19.67), (4.86, 7.0), (21.35, 30.74)])
def test_first_day_limits_are_rounded_half_up(pre: float, up: float) -> None:
    assert issue(pre, up, "SZ300999", "2017-03-07", pre=pre) == UP
    assert issue(pre, round(up - 0.01, 2), "SZ300999", "2017-03-07", pre=pre) == 0


def test_an_overshoot_of_early_2014_stays_locked_and_a_relisting_is_free() -> None:
    assert issue(16.39, 19.83, "SZ002709", "2014-01-23", pre=13.66) == UP | OPEN_UP  # +45.2 %
    assert issue(22.8, 29.35, "SH601155", "2015-12-04", pre=9.82) == 0
    assert issue(11.0, 11.44, "SZ001965", "2017-12-25", pre=8.18, high=13.15) == 0, "its high tells"


def test_published_limits_rule_over_the_table_and_an_empty_one_does_not() -> None:
    first = {"symbol": "SH603999", "first": "2017-03-07"}
    assert issue(11.0, 13.0, **first, limit_up=13.0, limit_down=8.0) == UP
    assert issue(12.0, 14.4, **first, limit_up=NAN, limit_down=NAN) == UP | OPEN_UP
    assert issue(12.0, 14.4, **first, limit_pct=10.0) == UP | OPEN_UP


@pytest.mark.parametrize(
    ("opened", "close", "high", "reason"),
    [
        (12.0, 14.4, 0.0, UP | OPEN_UP), (11.0, 14.4, 0.0, UP), (14.4, 14.4, 0.0, 0), (12.0, 14.39, 14.4, 0),
        (12.0, 14.3, 0.0, 0), (10.0, 11.0, 0.0, 0), (8.0, 6.4, 0.0, DOWN | OPEN_DOWN), (9.0, 6.4, 0.0, DOWN),
        (8.0, 6.5, 0.0, 0),
    ],
)  # fmt: skip
def test_a_first_close_without_an_issue_price_is_locked_where_only_a_lock_explains_it(
    opened: float, close: float, high: float, reason: int
) -> None:
    assert issue(opened, close, "SH603999", "2017-03-07", high=high, pre=NAN) == reason
    assert issue(opened, close, "SH603999", "2017-03-07", high=high, pre=NAN, limit_up=NAN, limit_down=NAN) == reason
    listed = np.array([["NaT", "2017-03-07"]] * 2, "datetime64[D]")
    rows = {"open": opened, "high": max(high, opened, close), "low": min(opened, close), "close": close}
    fields = {name: np.array([[5.0, NAN], [5.0, value]]) for name, value in rows.items()}
    fields |= {"volume": np.full((2, 2), 100.0), "list_date": listed}
    panel = Panel.from_arrays(days(2, "2017-03-06"), ["SH600000", "SH603999"], fields, market="cn")
    assert int(panel.reasons[1, 1]) == reason and panel.notes["limit_source"] == "return heuristic"


@pytest.mark.parametrize(("pre", "up"), [(16.08, 23.16), (13.66, 19.67), (4.86, 7.0), (21.35, 30.74), (3.33, 4.8)])
def test_a_lock_of_a_first_day_is_seen_through_the_rounding(pre: float, up: float) -> None:
    auction = float(limit_prices(pre, 20)[0])
    assert issue(auction, up, "SH603999", "2017-03-07", pre=NAN) == UP | OPEN_UP
    assert issue(auction, up, "SH603999", "2013-12-31", pre=NAN) == 0, "before 2014 a first day had no limit"


def test_the_second_day_of_an_issue_has_the_band_of_the_board() -> None:
    fields = flat([5.0, 14.4, 15.84], pre_close=[5.0, 10.0, 14.4])
    fields = {name: np.hstack([values, values]) for name, values in fields.items()}
    for name in (*PRICES, "pre_close"):
        fields[name][0, 1] = NAN
    panel = Panel.from_arrays(days(3, "2017-03-06"), ["SH600000", "SH603999"], fields, market="cn")
    assert panel.reasons[1:, 1].tolist() == [UP | OPEN_UP] * 2


# -- Beijing, funds, indices ----------------------------------------------------------------------


@pytest.mark.parametrize(("pre", "up", "down"), [(84.63, 110.01, 59.25), (2.85, 3.70, 2.00), (17.09, 22.21, 11.97)])
def test_beijing_is_locked_at_the_price_that_is_cut(pre: float, up: float, down: float) -> None:
    assert day(up, up, up, up, pre, "BJ920002") == UP | OPEN_UP
    assert day(down, down, down, down, pre, "BJ920002") == DOWN | OPEN_DOWN
    assert day(up - 0.01, up - 0.01, down + 0.01, down + 0.01, pre, "BJ920002") == 0
    board = np.full((2, 1), "bse")
    fields = flat([pre, up], pre_close=[pre, pre]) | {"board": board}
    assert codes(one(fields, symbol="ACME"))[1] == UP | OPEN_UP, "a board that is named counts like the code"


def test_a_fund_is_compared_in_its_own_ticks() -> None:
    assert day(3.802, 3.802, 3.802, 3.802, 3.456, "SH510300") == UP | OPEN_UP
    assert day(3.801, 3.801, 3.801, 3.801, 3.456, "SH510300") == 0
    assert day(1.2, 1.2, 1.2, 1.2, 1.0, "SH588000", first="2024-03-04") == UP | OPEN_UP
    assert day(1.2, 1.2, 1.2, 1.2, 1.0, "SZ159915", first="2024-03-04") == UP | OPEN_UP, "of ChiNext shares"
    assert day(1.15, 1.15, 1.15, 1.15, 1.0, "SZ159915", first="2024-03-04") == 0


def test_nothing_limits_an_index() -> None:
    assert day(3630.0, 3630.0, 3630.0, 3630.0, 3300.0, "SH000001") == 0
    panel = one(flat([10.0, 11.0], pre_close=[10, 10]), symbol="SH000001")
    assert "unknown_board" not in panel.notes


# -- days without a limit after all ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("prices", "pre"),
    [
        ((0.6, 0.65, 0.4, 0.45), 1.0),  # first day of the delisting period
        ((3.5, 3.6, 3.2, 3.31), 4.31),  # relisting
        ((7.5, 8.6, 7.2, 8.1), 5.0),  # resumption
        ((6.6, 6.6, 6.0, 6.21), 7.09),  # an open inside the band
        ((14.66, 14.66, 9.5, 9.5), 15.05),
        ((39.22, 43.9, 32.41, 35.9), 8.84),
        ((11.0, 14.0, 10.9, 10.99), 10.0),  # a close a tick short of the computed limit, and a high far beyond
    ],
)  # fmt: skip
def test_a_price_well_beyond_shows_that_there_was_no_limit(prices: tuple[float, ...], pre: float) -> None:
    for more in ({}, {"limit_pct": 10.0}, {"limit_up": round(1.1 * pre, 2), "limit_down": round(0.9 * pre, 2)}):
        assert day(*prices, pre, **more) == 0
    panel = one(flat([pre, prices[3]], pre_close=[pre, pre]) | {
        name: np.array([[pre], [x]]) for name, x in zip(PRICES, prices, strict=True)})  # fmt: skip
    assert panel.notes["beyond_every_limit"] == [f"{panel.dates[1]} SH600000"]
    assert panel.can_buy()[1, 0] and panel.can_sell()[1, 0] and panel.can_buy("open")[1, 0] and panel.mask[1, 0]


def test_at_a_limit_or_a_tick_beyond_is_locked() -> None:
    assert day(11.0, 11.0, 11.0, 11.0, 10.0) == UP | OPEN_UP
    for beyond in range(1, BAD_TICKS + 1):
        up, down = 11.0 + 0.01 * beyond, 9.0 - 0.01 * beyond
        assert day(up, up, up, up, 10.0) == UP | OPEN_UP
        assert day(down, down, down, down, 10.0) == DOWN | OPEN_DOWN
    assert day(11.03, 11.03, 11.03, 11.03, 10.0) == day(8.97, 8.97, 8.97, 8.97, 10.0) == 0
    # a share of the price, for a reference that comes from a factor of few digits; three ticks prove nothing there
    edge = 110.0 * (1 + WELL_BEYOND)
    assert day(110.0, edge - 0.01, 110.0, edge - 0.01, 100.0) == UP | OPEN_UP
    assert day(110.0, edge + 0.01, 110.0, edge + 0.01, 100.0) == 0


@pytest.mark.parametrize(
    ("closed", "pre", "more"),
    [
        (10.69, 10.0, {"is_st": 1.0}),  # the special treatment has ended: 1.8 % beyond 10.50, inside 10 %
        (11.19, 10.0, {}),  # +11.9 % on a day without a limit
        (8.85, 10.0, {}),  # -11.5 % on the first day of the delisting period
        (11.19, 10.0, {"limit_up": 11.0, "limit_down": 9.0}),
    ],
)
def test_a_close_a_little_beyond_by_many_ticks_was_not_limited(closed: float, pre: float, more: dict[str, Any]) -> None:
    assert day(10.0, max(closed, 10.0), min(closed, 10.0), closed, pre, **more) == 0


def test_a_close_at_the_limit_outweighs_one_bad_price() -> None:
    assert day(10.5, 110.0, 10.4, 11.0, 10.0) == UP
    assert day(110.0, 11.0, 10.4, 11.0, 10.0) == UP | OPEN_UP
    assert day(10.5, 11.0, 1.04, 11.0, 10.0) == UP
    assert day(9.5, 9.6, 0.9, 9.0, 10.0) == DOWN
    assert day(10.2, 10.9, 10.1, 10.5, 10.0, is_st=1.0) == UP, "special treatment: 10.50 is its limit"


def test_a_special_treatment_that_ended_unnoticed_is_locked_at_the_usual_band() -> None:
    assert day(10.5, 10.5, 10.5, 10.5, 10.0, is_st=1.0) == UP | OPEN_UP
    assert day(10.8, 10.8, 10.8, 10.8, 10.0, is_st=1.0) == 0, "well beyond 5 %, and inside 10 %"
    assert day(11.0, 11.0, 11.0, 11.0, 10.0, is_st=1.0) == UP | OPEN_UP, "a close at +10 % is at the usual limit"
    assert day(9.0, 9.0, 9.0, 9.0, 10.0, is_st=1.0) == DOWN | OPEN_DOWN
    assert day(13.0, 13.0, 13.0, 13.0, 10.0, is_st=1.0) == 0
    assert day(11.0, 11.0, 11.0, 11.0, 10.0, limit_up=10.5, limit_down=9.5) == UP | OPEN_UP
    assert day(12.0, 12.0, 12.0, 12.0, 10.0, "SZ300001", first="2021-03-01", limit_pct=10.0) == UP | OPEN_UP


def test_without_a_previous_close_a_split_is_no_limit_down() -> None:
    assert codes(one(flat([10.0, 5.0, 4.5]))) == [0, 0, DOWN | OPEN_DOWN]


def test_a_later_day_has_no_say() -> None:
    """Whatever comes after, the reasons of the days before are the same."""
    closes = [10.0, 11.0, 12.1, 6.0, 6.6, 6.27]
    fields = flat(closes, pre_close=[10.0, *closes[:-1]])
    whole = codes(one(fields))
    assert whole == [0, UP | OPEN_UP, UP | OPEN_UP, 0, UP | OPEN_UP, 0]
    for stop in range(1, 6):
        changed = {name: np.where(np.arange(6)[:, None] < stop, values, 99.0) for name, values in fields.items()}
        assert codes(one(changed))[:stop] == whole[:stop]
        assert codes(one({name: values[:stop] for name, values in fields.items()})) == whole[:stop]


def test_limits_as_computed_stay_to_be_counted() -> None:
    fields = flat([10.0, 20.0], pre_close=[10, 10])
    limits = derive_limits(days(2), np.array(["SH600000"]), fields)
    assert limits.up[:, 0].tolist() == limits.open_up[:, 0].tolist() == [11, 11]


# -- files ----------------------------------------------------------------------------------------


def record(path: Path, free: dict[int, float], rows: int = 40) -> Path:
    """One stock, flat at 10 yuan; on row k, after a halt, its close is free[k] times the one before."""
    close = np.cumprod([free.get(k, 1.0) for k in range(rows)]) * 10
    close = np.round(close, 2)
    frame = pd.DataFrame({"date": days(rows, "2018-03-05").astype(str), "symbol": "600146"})
    frame = frame.assign(**dict.fromkeys(PRICES, close))
    frame["volume"], frame["pre_close"] = 1000, np.r_[10.0, close[:-1]]
    frame.loc[[k - 1 for k in free], "volume"] = 0
    frame.to_csv(path / "prices.csv", index=False)
    return path / "prices.csv"


def test_days_without_a_limit_are_counted_and_told(tmp_path: Path) -> None:
    panel = load_panel(record(tmp_path, {20: 0.45}))
    assert panel.reasons[:, 0].tolist() == [0] * 19 + [int(Reason.HALT)] + [0] * 20
    said = " ".join(text for _, text in report_lines(panel))
    assert "1 closes lie beyond them" in said
    assert "1 days lie well beyond every limit the board could have had, so none was in force" in said
    assert f"{panel.dates[20]} SH600146" in said


def test_many_in_one_stock_are_another_sign(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"2 of 38 closes .* lie beyond the daily limit"):
        load_panel(record(tmp_path, {20: 0.45, 30: 0.45}))
