"""The market-neutral book: its limits, its optimality, and what makes a day infeasible."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from lib.portfolio import InfeasibleError, MeanVariance, ledoit_wolf
from lib.portfolio.dual import Problem, solve
from lib.portfolio.reference import solve_reference

STOCKS, CAP = 60, 0.06
GROUPS = np.random.default_rng(9).integers(0, 7, STOCKS)


def history(seed=0):
    rng = np.random.default_rng([seed, 2])
    own = rng.normal(0, 0.02, (50, STOCKS)) + rng.normal(0, 0.012, (50, 1))
    return own + rng.normal(0, 0.008, (50, 7))[:, GROUPS]


def problem(aversion=5.0, cost=0.0, leverage=np.inf, groups=True, seed=0, **changes):
    rng = np.random.default_rng([seed, 1])
    found = ledoit_wolf(history(seed))
    held = rng.uniform(-CAP, CAP, STOCKS) if cost else np.zeros(STOCKS)
    codes = GROUPS.astype(np.intp) if groups else None
    given = {"mu": rng.normal(0, 0.003, STOCKS), "factors": found.factors, "diagonal": found.diagonal,
             "aversion": aversion, "cost": cost, "previous": held, "lower": np.full(STOCKS, -CAP),
             "upper": np.full(STOCKS, CAP), "budget": 0.0, "groups": codes, "leverage": leverage}  # fmt: skip
    return Problem(**(given | changes))


def first_order_gain(own, w):
    """The most that a first-order model of the objective gains from w: by concavity no portfolio gains more.

    A linear programme in (buys, sells, |w|): gradient' (v - w) - cost (|v - p| - |w - p|) over all feasible v.
    """
    n = len(w)
    gradient = own.mu - 2 * own.aversion * (own.factors.T @ (own.factors @ w) + own.diagonal * w)
    # v = p + b - s; |v| <= a
    price = np.concatenate([-gradient + own.cost, gradient + own.cost, np.zeros(n)])
    codes = np.zeros(n, dtype=int) if own.groups is None else own.groups
    members = np.equal.outer(np.arange(codes.max() + 1), codes).astype(float)
    eye, zero = np.eye(n), np.zeros((n, n))
    above = np.vstack([
        np.hstack([eye, -eye, zero]), np.hstack([-eye, eye, zero]),
        np.hstack([eye, -eye, -eye]), np.hstack([-eye, eye, -eye]),
        np.concatenate([np.zeros(2 * n), np.ones(n)])[None],
    ])  # fmt: skip
    most = np.concatenate([own.upper - own.previous, own.previous - own.lower, -own.previous, own.previous,
                           [min(own.leverage, 1e3)]])  # fmt: skip
    sums = np.hstack([members, -members, np.zeros_like(members)])
    found = linprog(price, above, most, sums, own.budget - members @ own.previous, bounds=(0, None), method="highs")
    assert found.status == 0
    here = float(gradient @ w - own.cost * np.abs(w - own.previous).sum())
    return -found.fun + float(gradient @ own.previous) - here


@pytest.mark.parametrize("aversion", [1.0, 20.0, 100.0])
@pytest.mark.parametrize("cost", [0.0, 0.0008])
@pytest.mark.parametrize("leverage", [np.inf, 2.0, 0.5])
@pytest.mark.parametrize("groups", [True, False])
def test_the_fast_form_is_exact_within_its_limits(aversion, cost, leverage, groups):
    own = problem(aversion, cost, leverage, groups, seed=int(aversion))
    found = solve(own)
    w = found.weights
    assert found.gap <= 1e-12 and found.excess <= 1e-12
    assert np.abs(w).max() <= CAP and np.abs(w).sum() <= leverage + 1e-12 and abs(w.sum()) < 1e-12
    if groups:
        assert np.abs(np.bincount(GROUPS, weights=w)).max() < 1e-12
    assert first_order_gain(own, w) <= 1e-9 * abs(own.value(w))
    moved = np.clip(w * 0.98, -CAP, CAP)
    assert first_order_gain(own, moved) > 1e-7 * abs(own.value(w))  # the test can tell


@pytest.mark.parametrize("leverage", [np.inf, 1.0])
@pytest.mark.parametrize("cost", [0.0, 0.0008])
def test_the_fast_form_is_at_least_as_good_as_the_reference(cost, leverage):
    own = problem(cost=cost, leverage=leverage)
    fast, other = own.value(solve(own).weights), own.value(solve_reference(own).weights)
    assert fast == pytest.approx(other, rel=1e-6) and fast >= other - 1e-8 * abs(other)


def test_two_stocks_are_a_closed_form():
    """w = (x, -x) with variance a each: x = (mu1 - mu2) / (4 k a), and half the leverage where that is less."""
    given = {"mu": np.array([0.002, 0.001]), "factors": np.zeros((1, 2)), "diagonal": np.full(2, 0.0004),
             "previous": np.zeros(2), "lower": -np.ones(2), "upper": np.ones(2), "groups": None}  # fmt: skip
    x = 0.001 / (4 * 5 * 0.0004)
    np.testing.assert_allclose(solve(problem(**given)).weights, [x, -x], rtol=1e-12)
    np.testing.assert_allclose(solve(problem(leverage=x, **given)).weights, [x / 2, -x / 2], rtol=1e-12)


def test_nothing_predicted_is_nothing_held():
    found = MeanVariance(cap=CAP, market_neutral=True, leverage=1.0).solve(np.zeros(STOCKS), history(), groups=GROUPS)
    assert not found.weights.any() and found.gap == 0


def test_a_book_of_names_and_frozen_stocks():
    names = np.array(list("abcdefg"))[GROUPS]
    lower, upper = np.full(STOCKS, -CAP), np.full(STOCKS, CAP)
    lower[5] = upper[5] = 0.02
    mu = np.random.default_rng(3).normal(0, 0.003, STOCKS)
    found = MeanVariance(cap=CAP, market_neutral=True, leverage=1.5, cost=0.0005).solve(
        mu, history(), np.zeros(STOCKS), lower, upper, names
    )
    w = found.weights
    assert w[5] == 0.02 and np.abs(w).sum() <= 1.5 + 1e-12
    assert max(abs(w[names == name].sum()) for name in "abcdefg") < 1e-14 and mu @ w > 0
    order = np.random.default_rng(4).permutation(STOCKS)  # stocks in another order
    again = MeanVariance(cap=CAP, market_neutral=True, leverage=1.5, cost=0.0005).solve(
        mu[order], history()[:, order], np.zeros(STOCKS), lower[order], upper[order], names[order]
    )
    np.testing.assert_allclose(again.weights, w[order], atol=1e-12)


def feasible_by_a_programme(lower, upper, leverage):
    """Whether a linear programme finds weights within all limits."""
    n, members = STOCKS, np.equal.outer(np.arange(7), GROUPS).astype(float)
    above = np.vstack([np.hstack([np.eye(n), -np.eye(n)]), np.hstack([-np.eye(n), -np.eye(n)]),
                       np.concatenate([np.zeros(n), np.ones(n)])[None]])  # fmt: skip
    most = np.concatenate([np.zeros(2 * n), [leverage]])
    bounds = [*zip(lower, upper, strict=True), *[(0, None)] * n]
    sums = np.hstack([members, np.zeros((7, n))])
    return linprog(np.zeros(2 * n), above, most, sums, np.zeros(7), bounds=bounds, method="highs").status == 0


@pytest.mark.parametrize(("limit", "text"), [
    ("cap", r"in group 2 upper bounds sum to -0.1, 0.1 short of the budget of 0"),
    ("frozen", r"in group 2 lower bounds sum to 0.1, 0.1 above the budget of 0"),
    ("leverage", r"has a sum of \|w\| of 0.2, 0.05 above the leverage of 0.15"),
    ("leverage of a short", r"has a sum of \|w\| of 0.2, 0.05 above the leverage of 0.15"),
])  # fmt: skip
def test_an_infeasible_day_says_which_limit_and_by_how_much(limit, text):
    lower, upper = np.full(STOCKS, -CAP), np.full(STOCKS, CAP)
    first, *rest = np.flatnonzero(GROUPS == 2)
    sign, limit = -1 if limit in ("cap", "leverage of a short") else 1, limit.removesuffix(" of a short")
    lower[first] = upper[first] = 0.1 * sign
    if limit != "leverage":
        lower[rest] = upper[rest] = 0.0
    leverage = 0.15 if limit == "leverage" else 1.0
    with pytest.raises(InfeasibleError, match=text) as caught:
        MeanVariance(cap=CAP, market_neutral=True, leverage=leverage).solve(
            np.zeros(STOCKS), history(), lower=lower, upper=upper, groups=GROUPS
        )
    assert caught.value.limit == limit
    assert not feasible_by_a_programme(lower, upper, leverage)
    if limit == "leverage":  # exactly the amount that is said to be missing
        assert feasible_by_a_programme(lower, upper, leverage + caught.value.by + 1e-9)
        assert not feasible_by_a_programme(lower, upper, leverage + caught.value.by - 1e-4)


def test_bounds_that_just_meet_their_limits_are_feasible():
    lower, upper = np.full(STOCKS, -CAP), np.full(STOCKS, CAP)
    lower[7] = upper[7] = 0.05
    found = MeanVariance(cap=CAP, market_neutral=True, leverage=0.1).solve(
        np.zeros(STOCKS), history(), lower=lower, upper=upper, groups=GROUPS
    )
    assert np.abs(found.weights).sum() == pytest.approx(0.1, abs=1e-12) and found.excess <= 1e-12
