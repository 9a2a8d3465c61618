"""The account in yuan: equal to a plain loop, and what must never happen in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from account_loop import DOWN, HALT, MISSING, OPEN_DOWN, OPEN_UP, STOCKS, UP, Loop, account_market

from lib.errors import ParameterError
from lib.panel import Panel
from lib.portfolio import Past, flat, simulate, top_k_buffer
from lib.portfolio.fees import ITEMS, NO_FEES, Fees
from lib.portfolio.statement import Statement
from lib.portfolio.terms import Terms
from lib.portfolio.trading import trade

FILLS = ("close", "open")
PICK = top_k_buffer(4, 7)


def rebalance(past: Past) -> np.ndarray:
    """Weights that move every day, so that something is bought and sold every day."""
    score = np.where(past.universe & np.isfinite(past.prediction), np.exp(np.nan_to_num(past.prediction)), np.nan)
    return score / np.nansum(score) * 0.97


CASES: dict[str, dict[str, Any]] = {
    "a day each": {"policy": PICK},
    "three sessions": {"policy": PICK, "sessions": 3},
    "daily weights": {"policy": rebalance, "participation": 0.3},
    "held when it leaves": {"policy": PICK, "leaving": "hold", "sessions": 2},
    "small": {"policy": PICK, "capital": 20_000.0},
    "linear impact": {"policy": rebalance, "linear": 0.2, "square_root": 0.0, "minimum": 1.5},
}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("case", CASES)
def test_equals_the_plain_loop(case: str, fill: Any) -> None:
    given = {"capital": 300_000.0} | CASES[case]
    fees = Fees(**{name: given[name] for name in ("linear", "square_root", "minimum") if name in given})
    terms = Terms(fees=fees, **{k: given[k] for k in ("sessions", "participation", "leaving") if k in given})
    for seed in range(3):
        panel, prediction = account_market(seed)
        slow = Loop(panel, prediction, fill=fill, **given).run(first=2)
        fast = trade(panel, prediction, policy=given["policy"], capital=given["capital"], terms=terms, fill=fill,
                     start=2, keep_paths=True)  # fmt: skip
        compare(fast, slow)
        assert len(fast.fill_days) > 30 and (fast.capped.sum() > 10 or given["capital"] < 1e5)


def compare(fast: Statement, slow: dict[str, Any]) -> None:
    opened = np.concatenate(([fast.capital], slow["equity"][:-1]))
    np.testing.assert_array_equal(fast.shares, slow["shares"])
    np.testing.assert_allclose(fast.cash * fast.capital, slow["cash"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(fast.equity * fast.capital, slow["equity"], rtol=1e-12)
    np.testing.assert_allclose(fast.gross, slow["profit"] / opened, rtol=0, atol=1e-12)
    for k, item in enumerate(ITEMS):
        np.testing.assert_allclose(fast.items[item], slow["items"][:, k], rtol=0, atol=1e-8, err_msg=item)
    found = [*zip(fast.fill_days + fast.first_row, fast.fill_names, fast.fill_shares, fast.fill_prices, strict=True)]
    assert sorted(found) == sorted(slow["fills"])


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(("delisting", "loss"), [("last_price", 0.0), ("loss", 0.8), ("period", 1.0)])
def test_delisting_equals_the_plain_loop(fill: Any, delisting: Any, loss: float) -> None:
    gone = {3: 40, 6: 52, 9: 61}
    for seed in range(2):
        panel, prediction = account_market(seed, gone=gone)
        last = np.full(len(STOCKS), np.datetime64("NaT"), dtype="datetime64[D]")
        for stock, row in gone.items():
            last[stock] = panel.dates[row]
        forced = {stock: row + 1 - 15 for stock, row in gone.items()} if delisting == "period" else {}
        slow = Loop(panel, prediction, rebalance, 300_000.0, fill, forced=forced, loss=loss,
                    paid={stock: row + 1 for stock, row in gone.items()}).run(first=0)  # fmt: skip
        terms = Terms(delisting=delisting, loss=loss, last_session=last)
        fast = trade(panel, prediction, policy=rebalance, capital=300_000.0, terms=terms, fill=fill, start=0,
                     keep_paths=True)  # fmt: skip
        compare(fast, slow)
        assert fast.shares is not None
        assert fast.shares[41:, 3].max() == 0 < fast.shares[:41, 3].max()


# -- nothing to be paid, and no lots to speak of: the simulator ---------------------------------------


@pytest.mark.parametrize("fill", FILLS)
def test_without_a_capital_it_is_the_simulator_bit_for_bit(fill: Any) -> None:
    panel, prediction = account_market(1)
    for options in ({"costs": flat(8), "keep_paths": True}, {"execution": "naive", "start": 5}, {"refuse": {"halt"}}):
        one = trade(panel, prediction, policy=PICK, fill=fill, **options)
        two = simulate(panel, prediction, policy=PICK, fill=fill, **options)
        assert type(one) is type(two)
        for name, values in vars(two).items():
            assert repr(vars(one)[name]) == repr(values), name
        np.testing.assert_array_equal(one.returns, two.returns)


@pytest.mark.parametrize("fill", FILLS)
def test_a_fortune_without_fees_is_the_simulator(fill: Any) -> None:
    panel, prediction = account_market(2)
    panel = replace(panel, fields={**panel.fields, "volume": np.where(panel.traded, 1e18, 0.0)})
    for bps in (0.0, 8.0):
        terms = Terms(fees=replace(NO_FEES, commission=bps), participation=1.0)
        run = trade(panel, prediction, policy=PICK, fill=fill, capital=1e13, terms=terms)
        plain = simulate(panel, prediction, policy=PICK, fill=fill, costs=flat(bps))
        np.testing.assert_allclose(run.equity, plain.equity, rtol=1e-9)
        np.testing.assert_allclose(run.costs, plain.costs, rtol=0, atol=1e-9)


# -- what never happens -------------------------------------------------------------------------------


def violations(run: Statement, panel: Panel, fill: str) -> set[str]:
    """Replays the list of fills from nothing: what is wrong with it."""
    found, cash, n = set(), run.capital, panel.shape[1]
    shares, factor = np.zeros(n), np.ones(n)
    assert run.shares is not None
    locked = {False: UP if fill == "close" else OPEN_UP, True: DOWN if fill == "close" else OPEN_DOWN}
    for d, end in enumerate(run.shares):
        cash += run.fractions[d]
        here = run.fill_days == d
        moved = np.zeros(n)
        np.add.at(moved, run.fill_names[here], run.fill_shares[here])
        seen, now = panel.observed[d + run.first_row], panel.adj_factor[d + run.first_row]
        overnight = np.where(seen, np.floor(shares * now / factor + 1e-6), shares)  # on ex-dates scaled, fractions paid
        factor = np.where(seen, now, factor)
        names = run.fill_names[here]
        if len(set(names)) < len(names):
            found.add("two orders")
        for name, traded, price in zip(names, run.fill_shares[here], run.fill_prices[here], strict=True):
            bits = int(panel.reasons[d + run.first_row, name])
            if bits & (HALT | MISSING | locked[bool(traded < 0)]):
                found.add("filled against the exchange")
            if -traded > overnight[name] + 1e-6:
                found.add("sold on the day of purchase, or never owned")
            if abs(price - panel.fields[fill][d + run.first_row, name]) > 1e-12:
                found.add("another price")
        cash -= float((run.fill_shares * run.fill_prices)[here].sum() + run.fill_items[here].sum())
        if cash < 0 or run.cash[d] < 0:
            found.add("cash below zero")
        if abs(cash - run.cash[d] * run.capital) > 1e-6 * run.capital * 1e-3:
            found.add("cash does not add up")
        if (end != overnight + moved).any():
            found.add("shares do not add up")
        shares = end
    if np.abs(run.gross - run.returns - run.costs).max() > 1e-12:
        found.add("gross - net is not the costs")
    paid = sum(run.items[item] for item in ITEMS)
    before = run.capital * np.concatenate(([1.0], run.equity[:-1]))
    if np.abs(run.costs - paid / before).max() > 1e-12:
        found.add("costs are not the sum of their items")
    return found


@pytest.fixture(scope="module", params=FILLS)
def example(request: Any) -> tuple[Statement, Panel, str]:
    panel, prediction = account_market(5, n_days=120)
    terms = Terms(sessions=2, participation=0.25)
    run = trade(panel, prediction, policy=rebalance, capital=80_000.0, terms=terms, fill=request.param, keep_paths=True)
    return run, panel, request.param


def test_nothing_is_violated(example: tuple[Statement, Panel, str]) -> None:
    run, panel, fill = example
    assert violations(run, panel, fill) == set()
    assert len(run.fill_days) > 200 and run.refused["buy_limit"].sum() > 10 and run.refused["sell_limit"].sum() > 5
    assert run.cash.min() < 0.01 and run.fractions.sum() > 0


PLANTED = {
    "cash below zero": lambda run, panel: replace(run, cash=run.cash - run.cash.min() - 1e-9),
    "gross - net is not the costs": lambda run, panel: replace(run, gross=run.gross + 2e-12),
    "costs are not the sum of their items": lambda run, panel: replace(
        run, items=run.items | {"duty": run.items["duty"] + 1e-5}
    ),
    "sold on the day of purchase, or never owned": lambda run, panel: shares_of(run, -1e6),
    "shares do not add up": lambda run, panel: shares_of(run, 100.0),
    "filled against the exchange": lambda run, panel: replace(run, fill_shares=-run.fill_shares),
    "two orders": lambda run, panel: replace(run, fill_names=np.zeros_like(run.fill_names)),
    "another price": lambda run, panel: replace(run, fill_prices=run.fill_prices + 0.01),
    "cash does not add up": lambda run, panel: replace(run, fill_items=run.fill_items + 0.01),
}


def shares_of(run: Statement, change: float) -> Statement:
    """The last fill is for other shares, which nobody held in the morning."""
    shares = run.fill_shares.copy()
    shares[-1] = change
    return replace(run, fill_shares=shares)


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_violation_is_found(what: str, example: tuple[Statement, Panel, str]) -> None:
    run, panel, fill = example
    assert what in violations(PLANTED[what](run, panel), panel, fill)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("block", ["limit", HALT])
def test_a_fill_vanishes_when_its_cell_is_blocked(side: int, block: Any, example: tuple[Statement, Panel, str]) -> None:
    run, panel, fill = example
    prediction = account_market(5, n_days=120)[1]
    found = np.flatnonzero(np.sign(run.fill_shares) == side)[[3, 20, 40]]
    for k in found:
        row, name = run.fill_days[k] + run.first_row, run.fill_names[k]
        bit = {("close", 1): UP, ("close", -1): DOWN, ("open", 1): OPEN_UP, ("open", -1): OPEN_DOWN}[fill, side]
        reasons = panel.reasons.copy()
        reasons[row, name] |= bit if block == "limit" else HALT
        other = replace(panel, reasons=reasons)
        terms = Terms(sessions=2, participation=0.25)
        again = trade(other, prediction, policy=rebalance, capital=80_000.0, terms=terms, fill=fill, keep_paths=True)
        assert violations(again, other, fill) == set()
        assert not ((again.fill_days == run.fill_days[k]) & (again.fill_names == name)).any()


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("cut", [12, 35, 60])
def test_the_future_changes_nothing_before_it(fill: Any, cut: int) -> None:
    panel, prediction = account_market(6)
    other, changed = account_market(7)
    fields = {name: np.vstack([panel.fields[name][: cut + 1], other.fields[name][cut + 1 :]]) for name in panel.fields}
    reasons = np.vstack([panel.reasons[: cut + 1], other.reasons[cut + 1 :]])
    universe = np.vstack([panel.universe[: cut + 1], other.universe[cut + 1 :]])
    mixed = Panel.from_arrays(panel.dates, panel.symbols, fields, reasons, universe)
    options: dict[str, Any] = {"policy": PICK, "capital": 200_000.0, "fill": fill, "terms": Terms(sessions=3)}
    run = trade(panel, prediction, keep_paths=True, **options)
    for other_run in (
        trade(mixed, np.vstack([prediction[: cut + 1], changed[cut + 1 :]]), keep_paths=True, **options),
        trade(panel.until(cut + 1), prediction[: cut + 1], keep_paths=True, **options),
    ):
        stop = cut + 1 - run.first_row
        for name in ("returns", "gross", "costs", "equity", "cash", "shares", "fractions", "capped", "unfit"):
            np.testing.assert_array_equal(getattr(run, name)[:stop], getattr(other_run, name)[:stop], err_msg=name)


def test_masked_cells_are_never_looked_at() -> None:
    panel, prediction = account_market(8)
    runs = []
    for poison in (np.nan, np.inf, 1e30, -1.0):
        fields = {name: np.where(panel.observed, values, poison) for name, values in panel.fields.items()}
        runs.append(trade(replace(panel, fields=fields), prediction, policy=rebalance, capital=1e5, start=0))
    for run in runs[1:]:
        np.testing.assert_array_equal(run.equity, runs[0].equity)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"capital": 0.0}, "capital=0.0; expected yuan"),
        ({"capital": np.nan}, "expected yuan, a positive number"),
        ({"capital": None}, "terms are of an account in yuan"),
        ({"costs": flat(8)}, "costs with a capital"),
        ({"execution": "naive"}, "exchange's refusals are in force"),
        ({"fill": "vwap"}, "expected 'close' or 'open', got 'vwap'"),
        ({"orders_allowed": np.ones((2, 2), bool)}, "orders_allowed has shape"),
        ({"terms": Terms(delisting="loss", loss=0.5)}, "needs last_session"),
        ({"terms": Terms(last_session=np.array(["2024-01-02"], "M8[D]"))}, r"last_session has shape \(1,\)"),
    ],
)
def test_bad_arguments_are_one_clear_line(change: dict[str, Any], message: str) -> None:
    panel, prediction = account_market(0, n_days=20)
    with pytest.raises(ParameterError, match=message) as error:
        trade(panel, prediction, **({"policy": PICK, "capital": 1e5, "terms": Terms()} | change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"participation": 0.0}, r"participation=0.0; expected a share of volume in \(0, 1\]"),
        ({"sessions": 0}, "expected at least 1"),
        ({"delisting": "never"}, "expected one of last_price, loss, period"),
        ({"leaving": "drop"}, "expected one of sell, hold"),
        ({"loss": 0.5}, "and 0 with 'last_price'"),
    ],
)
def test_bad_terms_are_one_clear_line(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Terms(**terms)
