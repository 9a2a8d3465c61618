"""Who may trade and what happens when not: limits by direction, halts, holes, leaving the universe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from portfolio_markets import DOWN, HALT, MISSING, OPEN_DOWN, OPEN_UP, UP, panel_of

from lib.errors import ParameterError
from lib.panel import Panel
from lib.portfolio import (
    active_returns,
    direct,
    equal_weight,
    flat,
    phantom,
    phantom_alpha,
    simulate,
    top_k_buffer,
)
from lib.portfolio.account import Account

ALL_BITS = (UP, DOWN, OPEN_UP, OPEN_DOWN, HALT, MISSING)


def one_order(reason: int, *, side: str, fill: Any, execution: str = "executed") -> Any:
    """Two stocks; stock 0 is bought (or held, then sold) by an order that meets `reason` where it fills."""
    weights = np.full((8, 2), np.nan)
    weights[0 if side == "sell" else 3, 0] = 0.5
    if side == "sell":
        weights[3, 0] = 0.0
    reasons = np.zeros((8, 2), np.uint8)
    reasons[3 if fill == "close" else 4, 0] = reason
    returns = np.full((8, 2), 0.01)
    returns[reasons > 0] = 0.0
    panel = panel_of(returns, reasons=reasons)
    return simulate(
        panel, weights, policy=direct, fill=fill, execution=execution, costs=flat(0), start=0, keep_paths=True
    )


def filled(run: Any, side: str, fill: str) -> bool:
    held = run.weights[3 if fill == "close" else 4, 0] > 0
    return bool(held == (side == "buy"))


@pytest.mark.parametrize(
    ("reason", "fill", "buys", "sells"),
    [
        (UP, "close", False, True),
        (DOWN, "close", True, False),
        (HALT, "close", False, False),
        (MISSING, "close", False, False),
        (OPEN_UP, "close", True, True),  # locked at the open, free at the close
        (OPEN_DOWN, "close", True, True),
        (0, "close", True, True),
        (OPEN_UP, "open", False, True),
        (OPEN_DOWN, "open", True, False),
        (HALT, "open", False, False),
        (MISSING, "open", False, False),
        (UP, "open", True, True),  # reaches its limit after the open
        (DOWN, "open", True, True),
        (UP | OPEN_UP, "open", False, True),
        (0, "open", True, True),
    ],
)
def test_fills_by_direction(reason: int, fill: str, buys: bool, sells: bool) -> None:
    for side, expected in (("buy", buys), ("sell", sells)):
        run = one_order(reason, side=side, fill=fill)
        assert filled(run, side, fill) == expected
        fate = {HALT: "halt", MISSING: "no_price"}.get(reason, "limit")
        refused = {kind: int(counts.sum()) for kind, counts in run.refused.items() if counts.any()}
        assert refused == ({} if expected else {f"{side}_{fate}": 1})


@pytest.mark.parametrize("fill", ["close", "open"])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_naive_execution_fills_whatever_has_a_price(fill: str, side: str) -> None:
    for reason in ALL_BITS:
        assert filled(one_order(reason, side=side, fill=fill, execution="naive"), side, fill) == (
            reason != MISSING
        )


@pytest.mark.parametrize("fill", ["close", "open"])
def test_a_refused_buy_stays_in_cash_and_a_refused_sell_in_the_holdings(fill: str) -> None:
    bought = one_order(UP | OPEN_UP, side="buy", fill=fill)
    np.testing.assert_array_equal(bought.cash, 1.0)  # the order is gone: nobody asked again
    sold = one_order(DOWN | OPEN_DOWN, side="sell", fill=fill)
    assert sold.weights[-1, 0] > 0.5 and sold.cash[-1] == 0.5


def test_a_refused_sell_is_tried_again_when_the_policy_asks_again() -> None:
    weights = np.full((8, 1), np.nan)
    weights[0], weights[3:] = 0.5, 0.0
    reasons = np.zeros((8, 1), np.uint8)
    reasons[3:6] = DOWN
    run = simulate(panel_of(np.zeros((8, 1)), reasons=reasons), weights, policy=direct, fill="close")
    np.testing.assert_array_equal(run.refused["sell_limit"], [0, 0, 0, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(run.held, [1, 1, 1, 1, 1, 1, 0, 0])


def test_a_name_without_a_price_keeps_its_value_and_is_counted() -> None:
    reasons = np.zeros((8, 2), np.uint8)
    reasons[3:5, 0], reasons[6:, 0] = MISSING, HALT
    returns = np.full((8, 2), 0.02)
    returns[6:, 0] = 0.0
    weights = np.full((8, 2), np.nan)
    weights[0, 0] = 1.0
    for fill in ("close", "open"):
        run = simulate(
            panel_of(returns, reasons=reasons), weights, policy=direct, fill=fill, costs=flat(0), start=0
        )  # type: ignore[arg-type]
        np.testing.assert_array_equal(run.stale, [0, 0, 0, 1, 1, 0, 0, 0])
        np.testing.assert_array_equal(run.returns[3:5], 0.0)
        assert run.returns[2] == pytest.approx(0.02)


@pytest.mark.parametrize("fill", ["close", "open"])
@pytest.mark.parametrize("execution", ["executed", "naive"])
def test_values_of_missing_cells_are_never_read(fill: Any, execution: str) -> None:
    rng = np.random.default_rng(0)
    reasons = np.where(rng.random((40, 12)) < 0.2, MISSING, 0).astype(np.uint8)
    panel = panel_of(rng.normal(0, 0.02, reasons.shape), rng.normal(0, 0.01, reasons.shape), reasons)
    prediction = rng.normal(size=reasons.shape)
    clean = simulate(panel, prediction, policy=top_k_buffer(3), fill=fill, execution=execution)
    assert clean.refused["buy_no_price"].any() and clean.refused["sell_no_price"].any()
    for poison in (1e30, np.inf, -5.0):
        fields = {name: np.where(reasons > 0, poison, values) for name, values in panel.fields.items()}
        poisoned = Panel.from_arrays(panel.dates, panel.symbols, fields, reasons)
        dirty = simulate(poisoned, prediction, policy=top_k_buffer(3), fill=fill, execution=execution)
        np.testing.assert_array_equal(clean.returns, dirty.returns)
        for kind, counts in clean.refused.items():
            np.testing.assert_array_equal(counts, dirty.refused[kind])
        np.testing.assert_array_equal(equal_weight(panel), equal_weight(poisoned))


def test_rounding_is_no_order_but_a_remnant_can_be_sold() -> None:
    account = Account(np.array([0.25, 1e-14, 0.1]), cash=0.65)
    orders = account.orders(np.array([0.25 * (1 + 1e-15), 0.0, np.nan]))
    np.testing.assert_array_equal(orders, [0.0, -1e-14, 0.0])


def test_names_leaving_the_universe_are_sold_and_outsiders_never_bought() -> None:
    universe = np.ones((9, 2), bool)
    universe[4:, 0], universe[:, 1] = False, False
    reasons = np.zeros((9, 2), np.uint8)
    reasons[4:6, 0] = DOWN
    weights = np.full((9, 2), np.nan)
    weights[0], weights[5] = 0.4, 0.4
    run = simulate(
        panel_of(np.zeros((9, 2)), reasons=reasons, universe=universe), weights, policy=direct, fill="close",
        keep_paths=True,
    )  # fmt: skip
    assert run.weights is not None
    np.testing.assert_array_equal(run.weights[:, 0] > 0, [1, 1, 1, 1, 1, 1, 0, 0, 0])
    assert not run.weights[:, 1].any()


def test_orders_allowed_stops_both_sides() -> None:
    weights = np.full((6, 2), np.nan)
    weights[0, 0], weights[2, 0], weights[2, 1] = 0.5, 0.0, 0.5
    allowed = np.ones((6, 2), bool)
    allowed[2] = False
    run = simulate(panel_of(np.zeros((6, 2))), weights, policy=direct, fill="open", orders_allowed=allowed)
    np.testing.assert_array_equal(run.held, [0, 1, 1, 1, 1, 1])
    assert not any(counts.any() for counts in run.refused.values())


# -- benchmark and phantom alpha ----------------------------------------------------------------------


def test_equal_weight_uses_yesterdays_members_and_counts_a_halt_as_zero() -> None:
    returns = np.array([[0.5, 0.5, 0.5], [0.1, 0.2, 0.9], [0.3, 0.0, 0.6], [0.1, 0.1, 0.1]])
    universe = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0], [1, 1, 1]], bool)
    reasons = np.zeros((4, 3), np.uint8)
    reasons[2, 1] = HALT
    found = equal_weight(panel_of(returns, reasons=reasons, universe=universe))
    np.testing.assert_allclose(found, [0.0, 0.15, 0.3, 0.0], atol=1e-12)


def test_active_returns_match_the_days_and_start_in_cash() -> None:
    rng = np.random.default_rng(1)
    panel = panel_of(rng.normal(0, 0.02, (30, 20)))
    run = simulate(panel, rng.normal(size=(30, 20)), policy=top_k_buffer(2), start=5, stop=20)
    index = equal_weight(panel)
    np.testing.assert_array_equal(active_returns(run, index)[1:], run.returns[1:] - index[6:20])
    np.testing.assert_array_equal(active_returns(run, index, gross=True)[1:], run.gross[1:] - index[6:20])
    assert active_returns(run, index)[0] == run.returns[0]
    with pytest.raises(ParameterError, match="T >= 20"):
        active_returns(run, index[5:20])


def test_phantom_alpha_is_the_gap_after_a_limit_up_that_could_not_be_bought() -> None:
    # each 10th day one stock closes limit-up, is predicted best, and gaps up 5 % at the next open
    n_days, n_stocks = 101, 5
    returns, gap = np.zeros((n_days, n_stocks)), np.zeros((n_days, n_stocks))
    reasons, prediction = np.zeros((n_days, n_stocks), np.uint8), np.zeros((n_days, n_stocks))
    for t in range(0, n_days - 1, 10):
        reasons[t, 1], prediction[t, 1] = UP, 1.0
        returns[t + 1, 1] = gap[t + 1, 1] = 0.05
    panel = panel_of(returns, gap, reasons)
    found = phantom_alpha(panel, prediction, policy=top_k_buffer(1, 1), fill="close")
    assert found.naive.gross.sum() == pytest.approx(10 * 0.05)
    assert found.executed.gross.sum() == pytest.approx(0, abs=1e-12)
    assert found.annual(252)["total"] == pytest.approx(0.5 / 101 * 252)
    assert found.annual(252)["rest"] == pytest.approx(0, abs=1e-12)
    assert found.executed.refused["buy_limit"].sum() == 10
    assert phantom(found.naive, found.executed, periods=243) == pytest.approx(0.5 / 101 * 243)


def test_the_limit_up_part_leaves_out_halts_and_limit_downs() -> None:
    rng = np.random.default_rng(2)
    reasons = np.where(rng.random((120, 30)) < 0.2, DOWN, 0).astype(np.uint8)
    reasons[rng.random(reasons.shape) < 0.05] = HALT
    returns = np.where(reasons == HALT, 0.0, rng.normal(0, 0.03, reasons.shape))
    panel, prediction = panel_of(returns, reasons=reasons), rng.normal(size=reasons.shape)
    found = phantom_alpha(panel, prediction, policy=top_k_buffer(3), fill="close", start=2)
    assert not found.limit_up_buys.any() and found.total.any()
    annual = found.annual()
    assert annual["rest"] == annual["total"] == pytest.approx(phantom(found.naive, found.executed))


def test_phantom_refuses_costs_and_different_days() -> None:
    panel = panel_of(np.random.default_rng(3).normal(0, 0.02, (20, 4)))
    free, paid = (simulate(panel, panel.returns, policy=top_k_buffer(1), costs=flat(bps)) for bps in (0, 8))
    late = simulate(panel, panel.returns, policy=top_k_buffer(1), costs=flat(0), start=4)
    with pytest.raises(ParameterError, match="at zero cost"):
        phantom(free, paid)
    with pytest.raises(ParameterError, match="different days"):
        phantom(free, late)
