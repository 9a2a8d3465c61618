"""The dated tables of the exchanges: complete, in order, and against days and prices that are known."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
import pytest

from lib.limits.exchanges import (
    B_SHARES,
    BANDS,
    BOARDS,
    FIRST_SESSIONS,
    KINDS,
    QUOTES,
    bands,
    exchange_of_share,
    first_sessions,
    is_cut,
    kind_of,
    kinds_of,
    ticks_per_yuan,
    widest_bands,
)
from lib.limits.ticks import board_of, limit_prices, limit_ticks


def test_every_row_names_its_source_and_a_kind_and_follows_the_row_before() -> None:
    for table in (BANDS, QUOTES, FIRST_SESSIONS):
        for row in table:
            assert row.source and row.kind in KINDS
    for kind in KINDS:
        assert sum(quote.kind == kind for quote in QUOTES) == 1
        listed = [row.listed_since for row in FIRST_SESSIONS if row.kind == kind]
        assert listed == sorted(set(listed))
        for special in (False, True):
            since = [row.since for row in BANDS if (row.kind, row.special) == (kind, special)]
            assert since == sorted(set(since))
    assert {row.kind for row in BANDS} == set(KINDS) - {"index", "bond", "preferred share"}
    assert {row.kind for row in FIRST_SESSIONS} == {*BOARDS, *B_SHARES}


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("510300", "fund"), ("SH510300", "fund"), ("159915.SZ", "fund"), ("SZ161725", "fund"),
        ("SH588000", "wide fund"),
        ("SH000001", "index"), ("000300.SH", "index"), ("SZ399006", "index"), ("BJ899050", "index"),
        ("399001", "index"),
        ("SH113050", "bond"), ("SZ127045", "bond"), ("SH019547", "bond"), ("SH900901", "b share"),
        ("SZ200002", "b share hkd"),
        ("200002", "b share hkd"), ("SZ201872", "b share hkd"), ("880001", "index"), ("SH880001", "index"),
        ("801010", "index"), ("851921", "index"), ("400001", ""), ("420001", ""), ("430047", "bse"), ("873169", "bse"),
        ("SZ140001", "preferred share"), ("600000\n", ""), ("\uff16\uff10\uff10\uff10\uff10\uff10", ""),
        ("000001", "main"), ("SH600000", "main"), ("920002", "bse"), ("BJ830799", "bse"), ("999999", ""), ("AAPL", ""),
    ],
)  # fmt: skip
def test_kind_of_symbol(symbol: str, kind: str) -> None:
    assert kind_of(symbol) == kind
    assert board_of(symbol) == ("main" if kind in B_SHARES else kind if kind in BOARDS else "")


def test_kinds_of_symbols_are_those_of_one_symbol() -> None:
    symbols = ["SZ140001", "SZ200002", "SH900901", "SH588000", "801010"]
    assert kinds_of(symbols).tolist() == [kind_of(symbol) for symbol in symbols]


@pytest.mark.parametrize(
    ("code", "exchange"),
    [("600000", "SH"), ("200002", "SZ"), ("430047", "BJ"), ("920002", "BJ"), ("880001", ""), ("801010", ""),
     ("400001", "")],
)  # fmt: skip
def test_the_exchange_of_a_share(code: str, exchange: str) -> None:
    assert exchange_of_share(code) == exchange


def test_beijing_cuts_to_the_cent_and_the_others_round() -> None:
    cents = np.arange(20, 20_001)
    up, down = limit_ticks(cents, 30, cut=True)
    exact_up = [(Decimal(int(c)) * 130 / 100).to_integral_value(ROUND_FLOOR) for c in cents]
    exact_down = [(Decimal(int(c)) * 70 / 100).to_integral_value(ROUND_CEILING) for c in cents]
    assert up.tolist() == [int(x) for x in exact_up] and down.tolist() == [int(x) for x in exact_down]
    rounded = limit_ticks(cents, 30)
    assert (up != rounded[0]).mean() == pytest.approx(0.5, abs=0.01)
    assert is_cut(np.array(KINDS)).tolist() == [kind == "bse" for kind in KINDS]


@pytest.mark.parametrize(
    ("pre", "up"), [(84.63, 110.01), (17.09, 22.21), (31.46, 40.89), (2.85, 3.70), (10.0, 13.0), (8.88, 11.54)]
)
def test_limit_up_of_beijing(pre: float, up: float) -> None:
    assert limit_prices(pre, 30, cut=True)[0] == up


@pytest.mark.parametrize(
    ("pre", "up", "down"), [(1, 2, 1), (2, 3, 1), (4, 5, 3), (9, 10, 8), (10, 11, 9), (15, 17, 14)]
)
@pytest.mark.parametrize("cut", [False, True])
def test_a_limit_lies_at_least_a_tick_away(pre: int, up: int, down: int, cut: bool) -> None:
    got = [int(side) for side in limit_ticks(pre, 10, cut=cut)]
    assert got == ([16, 14] if cut and pre == 15 else [up, down])
    assert [int(side) for side in limit_ticks(0, 10, cut=cut)] == [0, 0]  # no previous close, no limit


def test_funds_move_by_a_tenth_of_a_cent() -> None:
    assert ticks_per_yuan(["fund", "wide fund", "b share", "main", "bse"]).tolist() == [1000] * 3 + [100] * 2
    up, down = limit_prices(3.456, 10, per_yuan=1000)
    assert (float(up), float(down)) == (3.802, 3.110)


def test_an_index_and_a_bond_have_no_band() -> None:
    got = bands(np.array(["index", "bond", "fund", "wide fund", "b share"]), "2024-01-02")
    assert np.array_equal(got, [np.nan, np.nan, 10, 20, 10], equal_nan=True)
    assert widest_bands(["main", "chinext", "fund"], "2020-08-21").tolist() == [10, 10, 20]


@pytest.mark.parametrize(
    ("kind", "listed", "rule"),
    [
        ("main", "2013-12-31", (1, None)), ("main", "2014-01-17", (1, 44)), ("main", "2023-04-07", (1, 44)),
        ("main", "2023-04-10", (5, None)), ("chinext", "2014-01-23", (1, 44)), ("chinext", "2020-08-21", (1, 44)),
        ("chinext", "2020-08-24", (5, None)), ("star", "2019-07-22", (5, None)), ("star", "2014-06-01", (5, None)),
        ("bse", "2022-01-04", (1, None)), ("fund", "2020-01-06", (0, None)), ("index", "2020-01-06", (0, None)),
        ("", "2017-01-04", (1, None)),
    ],
)  # fmt: skip
def test_rule_of_the_first_sessions(kind: str, listed: str, rule: tuple[int, int | None]) -> None:
    row = {name: float(values) for name, values in first_sessions(kind, listed).items()}
    assert row["sessions"] == rule[0]
    wanted = [np.nan] * 3 if rule[1] is None else [44, 36, 20]
    np.testing.assert_array_equal([row["rise"], row["fall"], row["auction"]], wanted)
