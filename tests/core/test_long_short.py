"""The back-test with short positions against an account in money, refusals on either side, and the neutral policy."""

from __future__ import annotations

import numpy as np
import pytest
from overlay import poisoned, rough_panel
from portfolio_markets import DOWN, HALT, MISSING, UP, panel_of, random_market

from lib.errors import ParameterError
from lib.portfolio import MeanVariance, flat, ledoit_wolf
from lib.portfolio.long_short import Close, long_short
from lib.portfolio.neutral import balanced_bounds, bounds, market_neutral

OPTIMISER = MeanVariance(cap=0.2, risk_aversion=5.0, cost=0.0002, market_neutral=True, leverage=1.5)


def signed_ranks(close: Close) -> np.ndarray:
    """Half of the candidates long and half short; no order for those without a prediction, and none on odd rows."""
    if close.row % 2:
        return np.full(close.weights.shape, np.nan)
    known = np.isfinite(close.prediction)
    return np.where(known, np.sign(close.prediction) / max(known.sum(), 1), np.nan)


def account(panel, prediction, policy, rate):
    """An account of money, one stock at a time, that reads reason bits and raw prices only."""
    days, stocks = panel.shape
    cash, value, last = 1.0, [0.0] * stocks, 1.0
    out = {"returns": [], "turnover": [], "net": [], "refused_buys": [], "refused_sells": []}
    for t in range(days):
        for i in range(stocks):
            if not panel.reasons[t, i] & MISSING:
                value[i] *= panel.fields["close"][t, i] / panel.fields["pre_close"][t, i]
        before = cash + sum(value)
        close = Close(t, prediction[t].copy(), panel.universe[t].copy(), None, None, np.array(value) / before)
        target, traded, refused = policy(close), 0.0, [0, 0]
        for i in range(stocks):
            wanted = target[i] if panel.universe[t, i] else 0.0
            if np.isnan(wanted) or abs(order := wanted * before - value[i]) <= 1e-12 * before:
                continue
            bits = panel.reasons[t, i]
            if bits & (MISSING | HALT) or bits & (UP if order > 0 else DOWN):
                refused[int(order < 0)] += 1
                continue
            value[i] += order
            cash -= order + rate * abs(order)
            traded += abs(order)
        equity = cash + sum(value)
        numbers = (equity / last - 1, traded / before, sum(value) / equity, *refused)
        for name, number in zip(out, numbers, strict=True):
            out[name].append(number)
        last = equity
    return out


@pytest.mark.parametrize("seed", range(3))
def test_it_is_an_account_of_money(seed):
    panel, prediction = random_market(seed)
    run = long_short(panel, prediction, policy=signed_ranks, costs=flat(20.0), start=0)
    expected = account(panel, prediction, signed_ranks, 0.002)
    for name, series in expected.items():
        np.testing.assert_allclose(getattr(run, name), series, atol=1e-12, err_msg=name)
    assert run.refused_buys.sum() > 5 and run.refused_sells.sum() > 5
    np.testing.assert_allclose(run.returns, run.gross - run.costs, atol=1e-15)
    np.testing.assert_allclose(run.gross, run.longs + run.shorts, atol=1e-15)


def test_two_days_by_hand():
    panel = panel_of([[0.0, 0.0], [0.10, 0.20], [0.0, 0.0]])
    both = lambda close: np.array([0.5, -0.5]) if close.row == 0 else np.full(2, np.nan)  # noqa: E731
    run = long_short(panel, np.ones((3, 2)), policy=both, costs=flat(0.0))
    assert run.gross.tolist() == pytest.approx([0.0, -0.05, 0.0])
    assert (run.longs[1], run.shorts[1]) == pytest.approx((0.05, -0.10))
    assert run.weights[1].tolist() == pytest.approx([0.55 / 0.95, -0.60 / 0.95])
    assert run.net[1] == pytest.approx(-0.05 / 0.95) and run.turnover.tolist() == pytest.approx([1.0, 0.0, 0.0])


@pytest.mark.parametrize(("bit", "first", "second", "filled"), [
    (DOWN, 0.0, -0.5, False), (DOWN, 0.0, 0.5, True), (UP, 0.0, 0.5, False), (UP, 0.0, -0.5, True),
    (UP, -0.5, 0.0, False), (DOWN, -0.5, 0.0, True), (HALT, -0.5, 0.0, False), (HALT, 0.0, -0.5, False),
])  # fmt: skip
def test_limits_refuse_one_side(bit, first, second, filled):
    reasons = np.zeros((2, 1), np.uint8)
    reasons[1, 0] = bit
    panel = panel_of(np.zeros((2, 1)), reasons=reasons)
    policy = lambda close: np.array([first if close.row == 0 else second])  # noqa: E731
    for execution, expected in (("executed", second if filled else first), ("naive", second)):
        run = long_short(panel, np.ones((2, 1)), policy=policy, execution=execution, costs=flat(0.0))
        assert run.weights[1, 0] == expected, execution


def test_what_comes_later_and_what_is_masked_has_no_part():
    base, prediction = random_market(4)
    ahead, other_days = np.arange(60)[:, None] > 40, np.random.default_rng(1).normal(0, 0.02, base.shape)
    moves = np.nan_to_num(base.returns)
    panel, changed = (
        panel_of(returns, reasons=base.reasons, universe=base.universe)
        for returns in (moves, np.where(ahead, other_days, moves))
    )
    policy = market_neutral(panel, OPTIMISER, look_back=12, hold=3, sectors=False)
    run = long_short(panel, prediction, policy=policy)
    later = np.where(ahead, -prediction, prediction)
    other = market_neutral(changed, OPTIMISER, look_back=12, hold=3, sectors=False)
    again = long_short(changed, later, policy=other)
    np.testing.assert_array_equal(run.weights[: 41 - run.first_row], again.weights[: 41 - run.first_row])
    assert np.abs(run.weights[45:] - again.weights[45:]).max() > 1e-3


def test_masked_returns_have_no_part_in_a_decision():
    base, prediction = random_market(5)
    moves = np.nan_to_num(base.returns)
    found = []
    for hidden in (moves, np.where(base.mask, moves, 0.4), np.where(base.mask, moves, -0.3)):  # also of limit days
        panel = panel_of(hidden, reasons=base.reasons, universe=base.universe)
        policy = market_neutral(panel, OPTIMISER, look_back=15, hold=1, ic=0.05, sectors=False)
        found.append([policy(close_of(panel, row, np.where(panel.mask[row], prediction[row], np.nan)))
                      for row in range(20, 60)])  # fmt: skip
    np.testing.assert_allclose(found[0], found[1], atol=1e-9)
    np.testing.assert_allclose(found[0], found[2], atol=1e-9)
    rough = rough_panel(n_days=80)
    scores = np.where(rough.mask, np.random.default_rng(0).normal(0, 0.001, rough.shape), np.nan)
    paths = []
    for poison in (np.nan, 1e30, -np.inf):
        mine = market_neutral(poisoned(rough, poison), OPTIMISER, look_back=20, hold=5, ic=0.05)
        paths.append([mine(close_of(rough, row, scores[row])) for row in range(30, 60)])
    np.testing.assert_array_equal(paths[0], paths[1])
    np.testing.assert_array_equal(paths[0], paths[2])


# ------------------------------------------------------------------------------------ the policy


def close_of(panel, row, prediction, held=None, may_buy=None, may_sell=None):
    everyone = np.ones(panel.shape[1], bool)
    held = np.zeros(panel.shape[1]) if held is None else held
    return Close(row, prediction, everyone, everyone if may_buy is None else may_buy,
                 everyone if may_sell is None else may_sell, held)  # fmt: skip


def test_an_empty_book_becomes_the_optimum_of_the_day():
    panel = panel_of(np.random.default_rng(1).normal(0, 0.02, (40, 12)))
    mu = np.random.default_rng(2).normal(0, 0.003, 12)
    got = market_neutral(panel, OPTIMISER, look_back=20, sectors=False)(close_of(panel, 30, mu))
    expected = OPTIMISER.solve(mu, ledoit_wolf(panel.returns[11:31])).weights
    np.testing.assert_allclose(np.nan_to_num(got), expected, atol=1e-12)
    assert abs(expected.sum()) < 1e-12 and np.abs(expected).sum() == pytest.approx(1.5)


def test_industries_sum_to_zero_and_refused_sides_stay_as_they_are():
    panel = rough_panel(n_days=80)
    industry = panel.fields["industry"][60]
    rng = np.random.default_rng(0)
    mu, held = rng.normal(0, 0.003, panel.shape[1]), rng.uniform(-0.02, 0.02, panel.shape[1])
    listed = np.isfinite(np.where(panel.mask, panel.returns, np.nan)[21:61]).sum(axis=0) >= 2
    for name in np.unique(industry):
        held[industry == name] -= held[(industry == name) & listed].mean() if (listed & (industry == name)).any() else 0
    held[~listed] = 0.0
    may_buy, may_sell = rng.random(panel.shape[1]) > 0.2, rng.random(panel.shape[1]) > 0.2
    policy = market_neutral(panel, OPTIMISER, look_back=40, hold=20)
    got = policy(close_of(panel, 60, mu, held, may_buy, may_sell))
    whole = np.where(np.isnan(got), held, got)
    assert (whole[~may_buy] <= held[~may_buy] + 1e-15).all() and (whole[~may_sell] >= held[~may_sell] - 1e-15).all()
    sums = [abs(whole[industry == name].sum()) for name in np.unique(industry)]
    assert max(sums) < 1e-10 and np.isfinite(got).sum() > 10 and np.abs(whole).sum() <= 1.5 + 1e-10
    assert np.isnan(policy(close_of(panel, 61, mu, held))).all(), "between two rebalancings"
    assert np.isnan(policy(close_of(panel, 30, mu))).all(), "too little history"


def test_a_group_that_cannot_be_balanced_is_left_alone():
    low, high = bounds(np.array([0.1, 0.0, 0.05]), *(np.array([False, True, True]),) * 2, 0.03, np.ones(3, bool))
    assert low.tolist() == [0.1, -0.03, -0.03] and high.tolist() == [0.1, 0.03, 0.03]
    left_out = balanced_bounds(low, high, np.array([0, 0, 1]))
    assert left_out.tolist() == [True, False, False] and low.tolist() == [0.0, -0.03, -0.03]
    low, high = bounds(np.array([0.1, -0.1]), np.array([True, False]), np.array([False, True]), 0.03, np.ones(2, bool))
    assert low.tolist() == [0.1, -0.1] and high.tolist() == [0.1, -0.1], "beyond the cap, on the side that is refused"
    low, high = np.array([0.02, -0.03]), np.array([0.02, 0.03])
    assert not balanced_bounds(low, high, np.zeros(2, np.intp)).any() and low[0] == 0.02


def test_what_cannot_be_run_is_refused():
    panel, prediction = random_market(0)
    nothing = lambda close: np.full(close.weights.shape, np.nan)  # noqa: E731
    with pytest.raises(ParameterError, match="shape"):
        long_short(panel, prediction[:, 1:], policy=nothing)
    with pytest.raises(ParameterError, match="expected 0 <= start < stop"):
        long_short(panel, prediction, policy=nothing, start=5, stop=5)
    with pytest.raises(ParameterError, match="finite or NaN"):
        long_short(panel, prediction, policy=lambda close: np.full(close.weights.shape, np.inf))
    doubled = panel_of(np.full((3, 1), 1.0))
    with pytest.raises(ParameterError, match="equity is lost"):
        long_short(doubled, np.ones((3, 1)), policy=lambda close: np.array([-1.0]))
    with pytest.raises(ParameterError, match="market-neutral optimiser"):
        market_neutral(panel, MeanVariance())
    with pytest.raises(ParameterError, match="industry"):
        market_neutral(panel, OPTIMISER)
