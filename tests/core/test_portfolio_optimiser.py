"""The optimiser against cvxpy's answer, closed forms and conditions of optimality; covariances against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf as sklearn_ledoit_wolf

from lib.errors import ParameterError
from lib.portfolio import MeanVariance
from lib.portfolio.covariance import centred, diagonal, ledoit_wolf, sample
from lib.portfolio.dual import EXACT, Answer, Problem, solve
from lib.portfolio.optimiser import OptimiserWarning
from lib.portfolio.reference import solve_reference


def history(days=60, stocks=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.02, (days, stocks)) + rng.normal(0, 0.012, (days, 1))


def problem(aversion=10.0, cost=0.0, stocks=40, seed=0, cap=0.1, **changes):
    rng = np.random.default_rng([seed, 1])
    found = ledoit_wolf(history(stocks=stocks, seed=seed))
    held = rng.dirichlet(np.ones(stocks)) if cost else np.zeros(stocks)
    given = {"mu": rng.normal(0, 0.003, stocks), "factors": found.factors, "diagonal": found.diagonal,
             "aversion": aversion, "cost": cost, "previous": held, "lower": np.zeros(stocks),
             "upper": np.full(stocks, cap), "budget": 1.0}  # fmt: skip
    return Problem(**(given | changes))


# ------------------------------------------------------------------------------------ covariances


@pytest.mark.parametrize(("days", "stocks"), [(60, 40), (30, 200), (400, 7), (2, 3)])
def test_ledoit_wolf_is_that_of_scikit_learn(days, stocks):
    returns = history(days, stocks)
    matrix, shrinkage = sklearn_ledoit_wolf(returns - returns.mean(axis=0), assume_centered=True)
    found = ledoit_wolf(returns)
    assert found.shrinkage == pytest.approx(shrinkage, abs=1e-12)
    np.testing.assert_allclose(found.dense(), matrix, rtol=0, atol=1e-12 * np.abs(matrix).max())


def test_sample_and_diagonal_are_those_of_numpy():
    returns = history()
    expected = np.cov(returns.T, ddof=0)
    np.testing.assert_allclose(sample(returns).dense(), expected, atol=1e-16)
    np.testing.assert_allclose(diagonal(returns).dense(), np.diag(np.diag(expected)), atol=1e-18)


def test_masked_days_have_no_part_in_a_variance():
    """Whatever stands there: variances are those of the valid days, and the matrix stays positive semidefinite."""
    returns = history()
    masked = returns.copy()
    masked[3:20, 5], masked[40:, 6] = np.nan, np.nan
    found = sample(masked)
    variances = np.diag(found.dense())
    for stock, valid in ((5, np.r_[0:3, 20:60]), (6, np.r_[0:40]), (7, np.r_[0:60])):
        assert variances[stock] == pytest.approx(returns[valid, stock].var(), rel=1e-12)
    assert np.linalg.eigvalsh(found.dense()).min() > -1e-15
    assert np.array_equal(centred(masked)[~np.isfinite(masked)], np.zeros(37))


def test_a_covariance_times_weights():
    found, w = ledoit_wolf(history()), np.random.default_rng(3).normal(size=40)
    np.testing.assert_allclose(found.times(w), found.dense() @ w, rtol=1e-10)
    assert found.variance(w) == pytest.approx(w @ found.dense() @ w)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.zeros(5), r"shape \(5,\)"),
        (np.zeros((1, 5)), "at least 2 days"),
        (np.zeros((9, 4)), "none of 4 stocks varies over 9 days"),
        (np.where(np.arange(27).reshape(9, 3) % 3 == 1, np.nan, 0.1), "column 1 has 0 valid returns of 9 days"),
    ],
)
def test_a_history_that_gives_no_covariance_is_refused(returns, message):
    with pytest.raises(ParameterError, match=message):
        ledoit_wolf(returns)


# -------------------------------------------------------------------------------------- optimality


@pytest.mark.parametrize("aversion", [1.0, 5.0, 20.0, 100.0])
@pytest.mark.parametrize("cost", [0.0, 0.0008])
@pytest.mark.parametrize("seed", range(5))
def test_the_fast_form_is_exact_and_meets_the_conditions_of_optimality(aversion, cost, seed):
    own = problem(aversion, cost, seed=seed)
    found = solve(own)
    w = found.weights
    assert found.gap <= EXACT and abs(w.sum() - 1) < 1e-12
    assert (w >= 0).all() and (w <= 0.1).all()
    # the gain of moving a little from any stock to any other is not positive
    gradient = own.mu - 2 * aversion * (own.factors.T @ (own.factors @ w) + own.diagonal * w)
    rise = gradient - cost * np.where(w >= own.previous, 1, -1)
    fall = gradient - cost * np.where(w > own.previous, 1, -1)
    assert rise[w < 0.1 - 1e-9].max() <= fall[w > 1e-9].min() + 1e-9


@pytest.mark.parametrize("aversion", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("cost", [0.0, 0.0008])
def test_the_fast_form_is_at_least_as_good_as_the_reference(aversion, cost):
    own = problem(aversion, cost)
    fast, reference = own.value(solve(own).weights), own.value(solve_reference(own).weights)
    assert fast == pytest.approx(reference, rel=1e-6)
    assert fast >= reference - 1e-9 * abs(reference)


def test_without_covariance_between_stocks_the_answer_is_a_closed_form():
    """Two stocks of equal variance, no bound reached: w1 - w2 = (mu1 - mu2) / (2 k a)."""
    own = problem(stocks=2, mu=np.array([0.002, 0.001]), factors=np.zeros((1, 2)), diagonal=np.full(2, 0.0004),
                  previous=np.zeros(2), lower=np.zeros(2), upper=np.ones(2))  # fmt: skip
    w = solve(own).weights
    assert w[0] - w[1] == pytest.approx(0.001 / (2 * 10 * 0.0004)) and w.sum() == pytest.approx(1)


def test_a_cost_above_every_gain_leaves_the_book_as_it_is():
    own = problem(cost=1.0, previous=np.full(40, 1 / 40))
    np.testing.assert_allclose(solve(own).weights, 1 / 40, atol=1e-12)


def test_a_start_of_a_similar_problem_gives_the_same_answer():
    own = problem()
    cold = solve(own).weights
    warm = solve(own, start=2 * own.aversion * (own.factors @ cold))
    np.testing.assert_allclose(warm.weights, cold, atol=1e-10)
    assert warm.iterations <= 2


# ------------------------------------------------------------------------------------- MeanVariance


def test_frozen_stocks_keep_their_weights_and_stocks_without_prediction_get_none():
    returns, mu = history(), np.linspace(0.004, -0.004, 40)
    mu[2] = np.nan
    lower, upper = np.zeros(40), np.where(np.isfinite(mu), 0.1, 0.0)
    lower[39] = upper[39] = 0.07
    found = MeanVariance(cap=0.1).solve(mu, returns, lower=lower, upper=upper)
    assert found.weights[39] == 0.07 and found.weights[2] == 0
    returns[:, 2] = np.nan  # what is not held has no part in it, whatever stands there
    again = MeanVariance(cap=0.1).solve(mu, returns, lower=lower, upper=upper)
    assert np.array_equal(found.weights, again.weights)
    returns[:, 2] = 1e30
    assert np.array_equal(found.weights, MeanVariance(cap=0.1).solve(mu, returns, lower=lower, upper=upper).weights)


def test_a_market_neutral_book_meets_its_limits():
    rng = np.random.default_rng(5)
    mu, groups = rng.normal(0, 0.003, 40), np.repeat(list("abcd"), 10)
    found = MeanVariance(cap=0.1, market_neutral=True, leverage=1.5).solve(mu, history(), groups=groups)
    w = found.weights
    assert np.abs(w).sum() <= 1.5 + 1e-6 and np.abs(w).max() <= 0.1 + 1e-7
    assert max(abs(w[groups == name].sum()) for name in "abcd") < 1e-7
    assert mu @ w > 0


def test_one_stock_and_as_many_as_the_cap_needs():
    assert MeanVariance(cap=1.0).solve([0.1], history(stocks=1)).weights == pytest.approx([1.0], abs=1e-14)
    exact = MeanVariance(cap=0.25).solve([0.3, 0.2, 0.1, -0.5], history(stocks=4)).weights
    np.testing.assert_allclose(exact, 0.25, atol=1e-12)


@pytest.mark.parametrize(
    ("mu", "options", "message"),
    [
        (np.zeros(20), {}, "upper bounds sum to 0.6, 0.4 short of the budget of 1"),
        (np.full(40, np.nan), {}, "none of 40 stocks may be held"),
        (np.zeros((2, 3)), {}, r"mu has shape \(2, 3\)"),
        (np.zeros(40), {"lower": np.full(40, 0.03)}, "lower bounds sum to 1.2, 0.2 above the budget of 1"),
        (np.zeros(40), {"lower": np.full(40, 0.2)}, "column 0 has lower bound 0.2 above its upper bound 0.03"),
        (np.zeros(40), {"previous": np.zeros(3)}, r"previous has shape \(3,\); expected 40"),
    ],
)
def test_an_infeasible_day_says_which_limit_and_by_how_much(mu, options, message):
    with pytest.raises(ParameterError, match=message):
        MeanVariance().solve(mu, history(stocks=max(np.size(mu), 1)), **options)


@pytest.mark.parametrize(
    "options",
    [{"cap": 0}, {"risk_aversion": 0}, {"cost": -1}, {"leverage": 2.0}, {"market_neutral": True, "leverage": 0}],
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(ParameterError, match="MeanVariance: "):
        MeanVariance(**options)


def test_without_its_certificate_the_reference_answers_and_it_is_said(monkeypatch):
    monkeypatch.setattr("lib.portfolio.optimiser.solve", lambda own: Answer(np.zeros(40), 1e-3, 7))
    with pytest.warns(OptimiserWarning, match="gap of 1.0e-03"):
        found = MeanVariance(cap=0.1).solve(np.linspace(0.004, -0.004, 40), history())
    assert found.weights.sum() == pytest.approx(1, abs=1e-7)
