"""Limit prices against decimal arithmetic, boards and bands against the exchanges' rules."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from lib.limits.ticks import (
    BANDS,
    bands,
    board_of,
    boards_of,
    free_sessions,
    from_ticks,
    is_symbol,
    limit_prices,
    limit_ticks,
    to_ticks,
)

CENTS = np.arange(100, 10_001)  # every price from 1.00 to 100.00


def exact(cents: int, percent: int) -> int:
    """Limit in cents by decimal arithmetic, rounded half up."""
    price = Decimal(cents) / 100 * (100 + Decimal(percent)) / 100
    return int(price.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) * 100)


@pytest.mark.parametrize("percent", sorted({row[3] for row in BANDS}))
def test_limits_equal_decimal_arithmetic_for_every_price(percent: int) -> None:
    up, down = limit_prices(CENTS / 100, percent)
    assert up.tolist() == [exact(int(c), percent) / 100 for c in CENTS]
    assert down.tolist() == [exact(int(c), -percent) / 100 for c in CENTS]


def test_float_rounding_would_be_wrong_for_346_prices() -> None:
    floats = [round(c / 100 * 0.9, 2) for c in CENTS.tolist()]
    wrong = sum(f != exact(c, -10) / 100 for f, c in zip(floats, CENTS.tolist(), strict=True))
    assert wrong == 346


def test_limit_ticks_stay_integers_and_broadcast() -> None:
    up, down = limit_ticks(np.array([[1000], [1235]]), np.array([10, 20, 5]))
    assert up.dtype == down.dtype == np.int64
    assert up.tolist() == [[1100, 1200, 1050], [1359, 1482, 1297]]
    assert down.tolist() == [[900, 800, 950], [1112, 988, 1173]]


def test_limits_are_missing_where_an_input_is() -> None:
    up, down = limit_prices([np.nan, 10.0, np.inf, 10.0], [10, np.nan, 10, 10])
    assert np.isnan(up).tolist() == np.isnan(down).tolist() == [True, True, True, False]


def test_ticks_survive_single_precision_and_the_way_back() -> None:
    prices = from_ticks(CENTS)
    assert np.array_equal(to_ticks(prices.astype(np.float32)), CENTS)
    assert to_ticks([np.nan, np.inf, -np.inf, 1e30]).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("symbol", "board"),
    [
        ("SH600000", "main"), ("601318.SH", "main"), ("605499", "main"), ("SH900901", "main"),
        ("SH688981", "star"), ("689009.SH", "star"), ("688001", "star"),
        ("SZ000001", "main"), ("002594.SZ", "main"), ("003816", "main"), ("SZ200002", "main"),
        ("SZ300750", "chinext"), ("301269.SZ", "chinext"), ("SZ302132", "chinext"),
        ("BJ920002", "bse"), ("430047.BJ", "bse"), ("832317", "bse"), ("BJ873169", "bse"),
        ("SH000001", ""), ("SZ600000", ""), ("999999", ""), ("AAPL", ""), ("", ""),
    ],
)  # fmt: skip
def test_board_of_symbol(symbol: str, board: str) -> None:
    assert board_of(symbol) == board
    assert boards_of([symbol]).tolist() == [board]


@pytest.mark.parametrize(
    "symbol", ["1", "60000", "6000000", "sh600000", "600000.sz", "SH600000.SH", " 600000"]
)
def test_other_spellings_are_no_symbols(symbol: str) -> None:
    assert not is_symbol(symbol)


@pytest.mark.parametrize(
    ("board", "day", "special", "percent"),
    [
        ("main", "2010-01-04", False, 10), ("main", "2026-07-06", False, 10),
        ("main", "2026-07-05", True, 5), ("main", "2026-07-06", True, 10),
        ("chinext", "2020-08-23", False, 10), ("chinext", "2020-08-24", False, 20),
        ("chinext", "2020-08-21", True, 5), ("chinext", "2021-01-04", True, 20),
        ("star", "2019-07-22", False, 20), ("star", "2024-01-02", True, 20), ("bse", "2022-01-04", False, 30),
    ],
)  # fmt: skip
def test_band_by_board_and_date(board: str, day: str, special: bool, percent: int) -> None:
    assert bands(board, np.array([day], "M8[D]"), special).tolist() == [percent]


def test_bands_broadcast_over_dates_and_stocks() -> None:
    days = np.array(["2020-08-21", "2020-08-24"], "M8[D]")
    got = bands(np.array(["main", "chinext", ""]), days[:, None], np.array([[True, False, False]] * 2))
    assert np.array_equal(got, [[5, 10, np.nan], [5, 20, np.nan]], equal_nan=True)


@pytest.mark.parametrize(
    ("board", "day", "sessions"),
    [
        ("main", "2013-12-31", 1), ("main", "2014-01-01", 0), ("main", "2023-04-07", 0), ("main", "2023-04-10", 5),
        ("chinext", "2013-12-31", 1), ("chinext", "2020-08-21", 0),
        ("chinext", "2020-08-24", 5), ("star", "2019-07-22", 5), ("bse", "2021-11-15", 1),
        ("", "2024-01-02", 1),
    ],
)  # fmt: skip
def test_free_sessions_by_listing_day(board: str, day: str, sessions: int) -> None:
    assert free_sessions([board], np.array([day], "M8[D]")).tolist() == [sessions]
