"""The optimiser against cvxpy's answer, closed forms and conditions of optimality."""

from __future__ import annotations

import numpy as np
import pytest

from lib.errors import ParameterError
from lib.portfolio import InfeasibleError, MeanVariance
from lib.portfolio.covariance import Covariance, diagonal, ledoit_wolf, sample
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
    warm = solve(own, start=cold)
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


@pytest.mark.parametrize("estimator", ["ledoit_wolf", "sample", "diagonal", "pca"])
def test_the_covariance_of_a_history_is_the_one_asked_for(estimator):
    """With one stock's share decided by its own variance and covariance: against cvxpy on the dense matrix."""
    import cvxpy

    from lib.portfolio.covariance import ESTIMATORS

    returns, mu = history(stocks=12), np.linspace(0.002, -0.002, 12)
    w = cvxpy.Variable(12)
    gain = mu @ w - 10 * cvxpy.quad_form(w, cvxpy.psd_wrap(ESTIMATORS[estimator](returns).dense()))
    problem_ = cvxpy.Problem(cvxpy.Maximize(gain), [cvxpy.sum(w) == 1, w >= 0, w <= 0.2])
    problem_.solve(solver="CLARABEL")
    found = MeanVariance(cap=0.2, estimator=estimator).solve(mu, returns)
    np.testing.assert_allclose(found.weights, w.value, atol=2e-5)


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
        (np.zeros(40), {"groups": np.zeros(40)}, "groups are given; expected them of a market-neutral book alone"),
        (np.r_[np.inf, np.zeros(39)], {}, "mu is infinite in column 0"),
    ],
)
def test_an_infeasible_day_says_which_limit_and_by_how_much(mu, options, message):
    with pytest.raises(ParameterError, match=message):
        MeanVariance().solve(mu, history(stocks=max(np.size(mu), 1)), **options)


@pytest.mark.parametrize(
    "options",
    [
        {"cap": 0}, {"risk_aversion": 0}, {"cost": -1}, {"leverage": 2.0}, {"market_neutral": True, "leverage": 0},
        {"estimator": "robust"},
    ],
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(ParameterError, match="MeanVariance: "):
        MeanVariance(**options)


@pytest.mark.parametrize("answer", [Answer(np.zeros(40), 1e-3, 7), Answer(np.zeros(40), 0.0, 7, excess=0.4)])
def test_without_its_certificate_the_reference_answers_and_it_is_said(monkeypatch, answer):
    monkeypatch.setattr("lib.portfolio.optimiser.solve", lambda own, start: answer)
    with pytest.warns(OptimiserWarning, match=f"{answer.excess:.1e} over a limit".replace("+", "[+]")):
        found = MeanVariance(cap=0.1).solve(np.linspace(0.004, -0.004, 40), history())
    assert found.weights.sum() == pytest.approx(1, abs=1e-7)


# ---------------------------------------------------------------------------------- degenerate inputs


def test_all_stocks_frozen_is_the_book_as_it_is():
    held = np.random.default_rng(1).dirichlet(np.ones(40))
    found = MeanVariance().solve(np.zeros(40), history(), held, held, held)
    assert np.array_equal(found.weights, held) and found.gap < 1e-14
    with pytest.raises(InfeasibleError, match=r"upper bounds sum to 0\.9, 0\.1 short") as caught:
        MeanVariance().solve(np.zeros(40), history(), lower=0.9 * held, upper=0.9 * held)
    assert caught.value.limit == "cap" and caught.value.by == pytest.approx(0.1)


def test_a_stock_without_variance_is_held_to_the_cap_where_nothing_pays():
    returns = history(stocks=12)
    returns[:, 3] = 0.001
    for estimator in ("ledoit_wolf", "diagonal", "sample"):
        w = MeanVariance(cap=0.3, estimator=estimator).solve(np.zeros(12), returns).weights
        assert w[3] == pytest.approx(0.3, abs=1e-6) and w.sum() == pytest.approx(1, abs=1e-7), estimator


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.full((60, 40), 0.001), "none of 40 stocks varies"),
        (history()[:1], "at least 2 days"),
        (np.where(np.arange(40) == 7, np.nan, history()), "column 7 has 0 valid returns of 60 days"),
        (history()[:, :39], r"history has shape \(60, 39\); expected \[days, 40\]"),
        (diagonal(history()[:, :39]), "history of 39 stocks, mu of 40"),
    ],
)
def test_a_history_without_a_covariance_is_refused(returns, message):
    with pytest.raises(ParameterError, match=message):
        MeanVariance().solve(np.zeros(40), returns)


def test_nan_in_a_history_is_a_masked_day():
    returns, mu = history(), np.linspace(0.004, -0.004, 40)
    masked = np.where(np.random.default_rng(0).random(returns.shape) < 0.1, np.nan, returns)
    found = MeanVariance(cap=0.1).solve(mu, masked)
    assert np.array_equal(found.weights, MeanVariance(cap=0.1).solve(mu, ledoit_wolf(masked)).weights)
    assert np.array_equal(found.weights, MeanVariance(cap=0.1).solve(mu, np.nan_to_num(masked, nan=np.inf)).weights)


def test_a_covariance_without_risk_of_its_own_goes_to_the_reference_without_a_warning():
    risk = sample(history(days=20))
    found = MeanVariance(cap=0.1).solve(np.linspace(0.004, -0.004, 40), risk)
    assert not risk.diagonal.any() and found.weights.sum() == pytest.approx(1, abs=1e-7)
    nothing = Covariance(np.zeros((1, 40)), np.zeros(40))
    best = MeanVariance(cap=0.1).solve(np.linspace(0.004, -0.004, 40), nothing).weights
    np.testing.assert_allclose(best, np.r_[np.full(10, 0.1), np.zeros(30)], atol=1e-6)
