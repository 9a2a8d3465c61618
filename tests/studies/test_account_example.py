"""The ten days of the account: every yuan, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lib.reasons import Reason
from lib.studies.account_example import page
from lib.studies.account_example.measure import DAYS, EX_DAY, SYMBOLS, Account, billed, example_panel, rules

A, B, C = SYMBOLS
#: day, stock, shares, price, commission, transfer fee, stamp duty, half spread, impact; by hand:
#: commission 2.5 bp, at least 5; transfer fee 0.1 bp; duty 0.1 %, from 28 August 0.05 %, sells only: each to the fen;
#: half spread 5 bp; impact a tenth of the order's share of the volume
FILLS = [
    ("2023-08-22", A, 3000, 10.02, 7.52, 0.30, 0.00, 15.03, 45.09),  # 30,060: 7.515, 0.3006; 1.5 % of the volume
    ("2023-08-22", B, 631, 47.50, 7.49, 0.30, 0.00, 14.98625, 29.9725),  # 29,972.50: 7.493125, 0.299725; 1 %
    ("2023-08-23", C, 2500, 4.50, 5.00, 0.11, 0.00, 5.625, 28.125),  # 11,250: 2.8125, 0.1125; 2.5 %
    ("2023-08-25", A, -1000, 10.00, 5.00, 0.10, 10.00, 5.00, 100.00),  # 10,000: 2.5, 0.1, 10; 10 %
    ("2023-08-28", A, -400, 9.80, 5.00, 0.04, 1.96, 1.96, 3.92),  # 3,920: 0.98, 0.0392, 1.96; 1 %
    ("2023-08-30", B, -631, 45.00, 7.10, 0.28, 14.20, 14.1975, 28.395),  # 28,395: 7.09875, 0.28395, 14.1975; 1 %
    ("2023-08-31", C, 200, 4.60, 5.00, 0.01, 0.00, 0.46, 0.92),  # 920: 0.23, 0.0092; 1 %
    ("2023-09-01", A, -1669, 8.70, 5.00, 0.15, 7.26, 7.26015, 14.5203),  # 14,520.30: 3.630075, 0.145203, 7.26015; 1 %
]
#: cash at the close, from the line before:
CASH = [
    100_000.0,
    39_846.81125,  # less 30,060 and 67.94, less 29,972.50 and 52.74875
    28_557.95125,  # less 11,250 and 38.86
    28_566.92125,  # and 3,000 x 10.10 less 3,069 x 9.87: 8.97
    38_446.82125,  # and 10,000 less 120.10
    42_353.94125,  # and 3,920 less 12.88
    42_353.94125,
    70_684.76875,  # and 28,395 less 64.1725
    69_758.37875,  # less 920 and 6.39
    84_244.4883,  # and 14,520.30 less 34.19045
]
#: shares at the close, and what they are worth
SHARES = [
    (0, 0, 0), (3000, 631, 0), (3000, 631, 2500), (3069, 631, 2500), (2069, 631, 2500), (1669, 631, 2500),
    (1669, 631, 2500), (1669, 0, 2500), (1669, 0, 2700), (0, 0, 2700),
]  # fmt: skip
WORTH = [
    0.0,
    60_438.0,  # 3,000 x 10.05 + 631 x 48.00
    72_166.6,  # 3,000 x 10.10 + 631 x 48.60 + 2,500 x 4.48
    72_124.55,  # 3,069 x 9.95 + 631 x 48.00 + 2,500 x 4.52
    61_515.1,  # 2,069 x 9.90 + 631 x 47.00 + 2,500 x 4.55
    57_220.45,  # 1,669 x 9.85 + 631 x 46.80 + 2,500 x 4.50
    57_387.0,  # 1,669 x 9.80 + 631 x 46.80, halted, + 2,500 x 4.60
    27_772.75,  # 1,669 x 9.75 + 2,500 x 4.60
    27_053.2,  # 1,669 x 8.80 + 2,700 x 4.58
    12_420.0,  # 2,700 x 4.60
]


@pytest.fixture(scope="module")
def account() -> Account:
    return Account()


def test_every_fill_and_every_item_of_its_costs(account: Account) -> None:
    found = account.fills
    assert [(str(row.date)[:10], row.symbol, row.shares) for row in found.itertuples()] == [row[:3] for row in FILLS]
    np.testing.assert_array_equal(found["price"], [row[3] for row in FILLS])
    items = found[["commission", "transfer", "duty", "spread", "impact"]].to_numpy()
    np.testing.assert_allclose(items, [row[4:] for row in FILLS], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(billed(found).round(9), (100 * billed(found)).round(6) / 100)  # whole fen


def test_cash_shares_and_equity_of_every_day(account: Account) -> None:
    days = account.days
    np.testing.assert_allclose(days["cash"], CASH, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(days[[*SYMBOLS]], SHARES)
    np.testing.assert_allclose(days["equity"], np.add(CASH, WORTH), rtol=0, atol=1e-8)
    assert days["fractions"].round(9).tolist() == [0, 0, 0, 8.97, 0, 0, 0, 0, 0, 0]


def test_costs_of_the_day_and_the_profit_before_them(account: Account) -> None:
    costs = [0, 120.68875, 38.86, 0, 120.10, 12.88, 0, 64.1725, 6.39, 34.19045]
    np.testing.assert_allclose(account.days["costs"], costs, rtol=0, atol=1e-9)
    run = account.statement
    before = np.concatenate(([1.0], run.equity[:-1])) * account.capital
    np.testing.assert_allclose((run.gross - run.returns) * before, costs, rtol=0, atol=1e-8)
    # 24 August: 3,069 shares from 9.87 to 9.95, 631 from 48.60 to 48.00, 2,500 from 4.48 to 4.52
    assert run.gross[EX_DAY] * before[EX_DAY] == pytest.approx(245.52 - 378.6 + 100.0, abs=1e-8)


def test_what_was_refused_and_what_was_cut(account: Account) -> None:
    run = account.statement
    found = {name: np.flatnonzero(counts).tolist() for name, counts in run.refused.items() if counts.any()}
    assert found == {"buy_limit": [1], "sell_halt": [6], "sell_limit": [8]}
    assert np.flatnonzero(run.capped).tolist() == [4] and not run.unfit.any()


def test_the_market_holds_what_the_page_says_of_it() -> None:
    panel = example_panel()
    assert panel.dates.tolist() == DAYS.tolist() and panel.notes["limit_source"] != "none"
    locked = {
        (row, name): Reason(int(panel.reasons[row, name]))
        for row, name in np.argwhere(~(panel.can_buy("open") & panel.can_sell("open"))).tolist()
    }
    assert set(locked) == {(1, 2), (6, 1), (8, 0)}
    assert Reason.OPEN_LOCKED_UP in locked[1, 2] and Reason.HALT in locked[6, 1]
    assert Reason.OPEN_LOCKED_DOWN in locked[8, 0]
    assert np.argwhere(np.diff(panel.adj_factor, axis=0)).tolist() == [[EX_DAY - 1, 0]]


def test_every_finding_holds_and_the_tables_are_made(account: Account) -> None:
    found = page.findings(account)
    assert all(item.holds for item in found)
    assert "96,664.49" in found[0].text and "397.28" in found[0].text and "5 of 8" in found[3].text
    shown = [page.prices, page.fills_table, page.reckoning, page.days_table, page.costs_by_item]
    for part in shown:
        assert "<" in part(account).data
    assert "SH688001 is halted" in page.prices(account).data and "SH600000 goes ex" in page.prices(account).data
    assert "7.515, at least 5: 7.52" in page.reckoning(account).data
    assert len(rules()) > 15 and rules()["source"].str.contains("star.sse.com.cn", regex=False).any()
    assert "delisting period" in page.rules_table().data


@pytest.mark.parametrize("capital", [10_000.0, 1e9])
def test_other_capitals_give_a_page_too(capital: float) -> None:
    account = Account(capital=capital)
    assert page.what_happened(account).data is not None
    for part in (page.fills_table, page.reckoning, page.days_table, page.costs_by_item):
        part(account)
