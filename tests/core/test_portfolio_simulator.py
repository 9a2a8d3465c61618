"""The simulator as a whole: a slow reference, closed forms, identities, and blindness to the future."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from portfolio_markets import panel_of, random_market, slow_simulation

from lib.errors import ParameterError
from lib.panel import Panel
from lib.portfolio import (
    REFUSALS,
    Backtest,
    CostSchedule,
    Past,
    buy_and_hold,
    direct,
    equal_weight,
    equal_weight_all,
    flat,
    realistic,
    simulate,
    top_k_buffer,
)

FILLS = ("close", "open")
SELL_TAX = CostSchedule("test", 8.0, (("2000-01-01", 0.0, 10.0),))
RULES = [set(), set(REFUSALS), {"limit_up_buy"}, {"limit_down_sell"}, {"halt"}]


def weights_policy(past: Past) -> np.ndarray:
    """Rebalances to a softmax of the predictions; drops nothing it cannot see."""
    score = np.where(
        past.universe & np.isfinite(past.prediction), np.exp(np.nan_to_num(past.prediction)), np.nan
    )
    return score / np.nansum(score) * 0.97


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("refuse", RULES, ids=lambda rules: "+".join(sorted(rules)) or "naive")
@pytest.mark.parametrize("policy", [top_k_buffer(4, 8), top_k_buffer(5, 6, outside="drop"), weights_policy])
def test_equals_the_slow_simulator(fill: Any, refuse: set[str], policy: Any) -> None:
    limited = 0
    for seed in range(3):
        panel, prediction = random_market(seed)
        allowed = np.random.default_rng(seed + 50).random(panel.shape) < 0.9
        slow = slow_simulation(
            panel, prediction, policy, fill, refuse, buy_rate=8e-4, sell_rate=18e-4, first=3, allowed=allowed
        )
        fast = simulate(
            panel, prediction, policy=policy, fill=fill, refuse=refuse, costs=SELL_TAX, start=3,
            orders_allowed=allowed, keep_paths=True,
        )  # fmt: skip
        for name in ("returns", "gross", "costs", "equity", "cash", "weights"):
            np.testing.assert_allclose(getattr(fast, name), slow[name], rtol=0, atol=1e-12, err_msg=name)
        refused = {
            side: sum(v.sum() for k, v in fast.refused.items() if k.startswith(side))
            for side in ("buy", "sell")
        }
        assert refused == {"buy": slow["refused_buys"], "sell": slow["refused_sells"]}
        limited += fast.refused["buy_limit"].sum()
    assert (limited > 8) == ("limit_up_buy" in refuse)


def test_executed_and_naive_are_the_two_ends_of_refuse() -> None:
    panel, prediction = random_market(7)
    for execution, refuse in (("executed", set(REFUSALS)), ("naive", set())):
        one = simulate(panel, prediction, policy=top_k_buffer(4), execution=execution)
        two = simulate(panel, prediction, policy=top_k_buffer(4), refuse=refuse)
        np.testing.assert_array_equal(one.returns, two.returns)
    naive = simulate(panel, prediction, policy=top_k_buffer(4), execution="naive")
    assert not any(naive.refused[kind].any() for kind in naive.refused if "no_price" not in kind)


# -- closed forms -----------------------------------------------------------------------------------


def test_zero_cost_buy_and_hold_equals_the_index() -> None:
    rng = np.random.default_rng(0)
    returns, gap = rng.normal(0, 0.02, (50, 6)), rng.normal(0, 0.01, (50, 6))
    panel, weights = panel_of(returns, gap), np.array([0.1, 0.3, 0.2, 0.05, 0.25, 0.1])
    run = simulate(panel, panel.returns, policy=buy_and_hold(weights), fill="close", costs=flat(0), start=4)
    index = (weights * np.cumprod(1 + returns[5:], axis=0)).sum(axis=1)
    np.testing.assert_allclose(run.equity, np.concatenate(([1.0], index)), rtol=1e-13)
    assert run.turnover[0] == pytest.approx(1) and not run.turnover[1:].any()


def test_zero_cost_buy_and_hold_from_the_open_misses_the_first_gap() -> None:
    rng = np.random.default_rng(1)
    returns, gap = rng.normal(0, 0.02, (40, 5)), rng.normal(0, 0.01, (40, 5))
    panel, weights = panel_of(returns, gap), np.full(5, 0.18)  # spare cash, so that no buy is scaled
    run = simulate(panel, panel.returns, policy=buy_and_hold(weights), fill="open", costs=flat(0), start=2)
    shares = weights * np.cumprod(
        1 + returns[3:], axis=0
    )  # bought at open of day 3, sized at the close of day 2
    index = 1 - (weights * (1 + gap[3])).sum() + shares.sum(axis=1)
    np.testing.assert_allclose(run.equity, np.concatenate(([1.0], index)), rtol=1e-13)


def test_daily_equal_weight_filled_naively_equals_the_benchmark() -> None:
    panel, prediction = random_market(2)
    panel = panel_of(
        panel.returns, panel.gap, panel.reasons & 0b1111100
    )  # every hole filled: all can be traded
    run = simulate(
        panel, prediction, policy=equal_weight_all, fill="close", execution="naive", costs=flat(0), start=0
    )
    np.testing.assert_allclose(run.returns, equal_weight(panel), rtol=0, atol=1e-14)


def test_the_first_purchase_is_charged_and_scaled_to_cash() -> None:
    panel = panel_of(np.zeros((3, 2)))
    run = simulate(panel, np.ones((3, 2)), policy=buy_and_hold([0.5, 0.5]), fill="close", costs=flat(100))
    assert run.equity[0] == pytest.approx(1 / 1.01, rel=1e-14)
    assert run.cash[0] == pytest.approx(0, abs=1e-15)
    assert run.costs[0] == pytest.approx(0.01 / 1.01, rel=1e-14)


def test_stamp_duty_is_paid_by_the_seller_on_the_day_of_the_sale() -> None:
    # bought 2023-08-01, sold on 08-25 (0.1 %) or on 08-28 (0.05 %)
    for sold, duty in ((24, 0.001), (27, 0.0005)):
        weights = np.full((30, 1), np.nan)
        weights[0], weights[sold] = 0.5, 0.0
        run = simulate(
            panel_of(np.zeros((30, 1))), weights, policy=direct, fill="close", costs=realistic(0, 0)
        )
        assert run.costs[sold] == pytest.approx(0.5 * duty, rel=1e-12)
        assert run.costs.sum() == run.costs[sold]


# -- identities -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("execution", ["executed", "naive"])
def test_accounting_identities(fill: Any, execution: str) -> None:
    panel, prediction = random_market(3, n_days=150)
    run = simulate(
        panel,
        prediction,
        policy=top_k_buffer(5),
        fill=fill,
        execution=execution,
        costs=flat(8),
        keep_paths=True,
    )
    assert run.weights is not None and run.trades is not None
    np.testing.assert_allclose(run.gross - run.returns, run.costs, rtol=0, atol=1e-12)
    assert (run.gross - run.returns).sum() == pytest.approx(run.costs.sum(), abs=1e-12)
    holdings = (run.weights * run.equity[:, None]).sum(axis=1)
    np.testing.assert_allclose(run.cash + holdings, run.equity, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.cumprod(1 + run.returns), run.equity, rtol=1e-12)
    np.testing.assert_allclose(np.abs(run.trades).sum(axis=1), run.turnover, rtol=1e-12)
    assert (run.weights >= 0).all() and (run.cash > -1e-12).all()
    assert run.costs.sum() > 0.001 and run.turnover.max() > 0.2
    np.testing.assert_array_equal(run.held, (run.weights > 0).sum(axis=1))


@pytest.mark.parametrize("fill", FILLS)
def test_nothing_is_sold_on_its_purchase_day(fill: Any) -> None:
    panel, prediction = random_market(4, n_days=200)
    run = simulate(panel, prediction, policy=top_k_buffer(4, 5), fill=fill, costs=flat(0), keep_paths=True)
    assert run.weights is not None and run.trades is not None
    growth = np.where(np.isfinite(panel.returns), 1 + panel.returns, 1.0)
    if fill == "open":
        growth = np.where(np.isfinite(panel.gap), 1 + panel.gap, 1.0)
    growth = growth[run.first_row :]
    before_trading = run.equity[1:] / (1 + run.returns[1:])  # equity at the last close
    held = (
        run.weights[:-1] * before_trading[:, None] * growth[1:]
    )  # yesterday's shares at the price of the fill
    sold = (
        -np.minimum(run.trades[1:], 0) * (before_trading + held.sum(1) - (held / growth[1:]).sum(1))[:, None]
    )
    assert (sold <= held + 1e-12).all()
    assert np.count_nonzero(sold) > 100


# -- the future -------------------------------------------------------------------------------------


def changed_after(panel: Panel, prediction: np.ndarray, cut: int, seed: int) -> tuple[Panel, np.ndarray]:
    """Everything after row `cut` comes from another market: prices, reasons, universe, predictions."""
    other, other_prediction = random_market(seed, *panel.shape)
    fields = {
        name: np.vstack([panel.fields[name][: cut + 1], other.fields[name][cut + 1 :]])
        for name in panel.fields
    }
    reasons = np.vstack([panel.reasons[: cut + 1], other.reasons[cut + 1 :]])
    universe = np.vstack([panel.universe[: cut + 1], other.universe[cut + 1 :]])
    mixed = Panel.from_arrays(panel.dates, panel.symbols, fields, reasons, universe)
    return mixed, np.vstack([prediction[: cut + 1], other_prediction[cut + 1 :]])


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("execution", ["executed", "naive"])
@pytest.mark.parametrize("k", [None, 4])
@pytest.mark.parametrize("cut", [10, 31, 58])
def test_the_future_changes_nothing_before_it(fill: Any, execution: str, k: int | None, cut: int) -> None:
    panel, prediction = random_market(5)
    options: dict[str, Any] = {
        "policy": top_k_buffer(k),
        "fill": fill,
        "execution": execution,
        "keep_paths": True,
    }
    run = simulate(panel, prediction, **options)
    stop = cut + 1 - run.first_row
    perturbed = simulate(*changed_after(panel, prediction, cut, seed=99), **options)
    deleted = simulate(panel.until(cut + 1), prediction[: cut + 1], **options)
    for other in (perturbed, deleted):
        for name in (
            "returns",
            "gross",
            "costs",
            "turnover",
            "equity",
            "cash",
            "held",
            "stale",
            "weights",
            "trades",
        ):
            np.testing.assert_array_equal(
                getattr(run, name)[:stop], getattr(other, name)[:stop], err_msg=name
            )
        for kind, counts in run.refused.items():
            np.testing.assert_array_equal(counts[:stop], other.refused[kind][:stop])
    if cut < 58:
        assert not np.array_equal(run.returns[stop:], perturbed.returns[stop:])
    benchmark = equal_weight(changed_after(panel, prediction, cut, seed=99)[0])
    np.testing.assert_array_equal(equal_weight(panel)[: cut + 1], benchmark[: cut + 1])


Simulator = Callable[[Panel, np.ndarray], np.ndarray]


def earns_before_it_owns(simulator: Simulator, fill: str) -> bool:
    """The detector: a fifth of equity in each of four stocks, decided at the close of day 5 and not before.

    Up to day 5 the profit must be nothing, and on day 6 only what comes after the fill: all of the day for a
    fill at the close of day 5, open to close for a fill at the open of day 6.
    """
    rng = np.random.default_rng(6)
    returns, gap = rng.normal(0, 0.02, (12, 4)), rng.normal(0, 0.005, (12, 4))
    weights = np.full((12, 4), np.nan)
    weights[5] = 0.2
    owned_from = 1.0 if fill == "close" else 1 + gap[6]
    expected = np.zeros(7)
    expected[6] = (0.2 * (1 + returns[6] - owned_from)).sum()
    profit = simulator(panel_of(returns, gap), weights)[:7]
    return not np.allclose(profit, expected, rtol=0, atol=1e-12)


def honest(fill: Any) -> Simulator:
    def run(panel: Panel, weights: np.ndarray) -> np.ndarray:
        return simulate(panel, weights, policy=direct, fill=fill, costs=flat(0), start=0).gross

    return run


def same_day_fill(fill: Any) -> Simulator:
    """The planted leak: weights of day t earn the return of day t, because they are used one day early."""

    def run(panel: Panel, weights: np.ndarray) -> np.ndarray:
        early = np.vstack([weights[1:], np.full_like(weights[:1], np.nan)])
        return simulate(panel, early, policy=direct, fill=fill, costs=flat(0), start=0).gross

    return run


@pytest.mark.parametrize("fill", FILLS)
def test_a_same_day_fill_is_detected(fill: Any) -> None:
    assert earns_before_it_owns(same_day_fill(fill), fill)
    assert not earns_before_it_owns(honest(fill), fill)


@pytest.mark.parametrize("fill", FILLS)
def test_knowing_today_perfectly_earns_nothing_tomorrow(fill: Any) -> None:
    rng = np.random.default_rng(8)
    returns = rng.normal(0, 0.02, (400, 40))
    panel = panel_of(returns, rng.normal(0, 0.005, returns.shape))

    def mean_t(run: Backtest) -> float:
        return float(run.gross.mean() / run.gross.std() * len(run.gross) ** 0.5)

    assert abs(mean_t(simulate(panel, returns, policy=top_k_buffer(4, 4), fill=fill))) < 3
    early = np.vstack([returns[1:], returns[-1:]])
    assert mean_t(simulate(panel, early, policy=top_k_buffer(4, 4), fill=fill)) > 20


# -- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fill": "vwap"}, "expected 'close' or 'open', got 'vwap'"),
        ({"execution": "perfect"}, "expected 'executed' or 'naive'"),
        ({"refuse": {"limit_up"}}, "did you mean 'limit_up_buy'"),
        ({"refuse": "halt"}, "expected a set of"),
        ({"prediction": np.zeros((60, 3))}, r"prediction has shape \(60, 3\), the panel \(60, 24\)"),
        ({"prediction": np.full((60, 24), np.inf)}, "prediction is infinite at 2023-08-01 000000"),
        ({"prediction": np.full((60, 24), np.nan)}, "no prediction on any day"),
        ({"orders_allowed": np.ones((2, 2), bool)}, "orders_allowed has shape"),
        ({"start": 9, "stop": 9}, r"expected 0 <= start < stop <= 60, got rows 9 and 9"),
        ({"policy": lambda past: np.full(24, -0.1)}, r"weight -0\.1 for column 0 on 2023-08-0"),
        ({"policy": lambda past: np.zeros(3)}, r"policy returned shape \(3,\)"),
    ],
)
def test_bad_arguments_are_one_clear_line(change: dict[str, Any], message: str) -> None:
    panel, prediction = random_market(0)
    arguments: dict[str, Any] = {"prediction": prediction, "policy": top_k_buffer(4)} | change
    with pytest.raises(ParameterError, match=message) as error:
        simulate(panel, **arguments)
    assert "\n" not in str(error.value)


def test_start_and_stop_take_rows_and_dates_and_default_to_the_first_prediction() -> None:
    panel, prediction = random_market(9)
    prediction[:5] = np.nan
    whole = simulate(panel, prediction, policy=top_k_buffer(4))
    assert whole.first_row == 5 and whole.dates[0] == panel.dates[5] and len(whole.dates) == 55
    part = simulate(panel, prediction, policy=top_k_buffer(4), start="2023-08-06", stop="2023-08-21")
    np.testing.assert_array_equal(part.dates, panel.dates[5:20])
    np.testing.assert_array_equal(part.returns, whole.returns[:15])
    assert part.weights is None
