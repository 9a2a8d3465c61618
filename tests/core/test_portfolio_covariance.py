"""Covariances in factor form against scikit-learn, numpy and naive loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf as sklearn_ledoit_wolf

from lib.errors import ParameterError
from lib.portfolio.covariance import (
    ESTIMATORS,
    centred,
    diagonal,
    estimate,
    factor_model,
    ledoit_wolf,
    pca,
    ridge,
    sample,
)


def history(days=60, stocks=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.02, (days, stocks)) + rng.normal(0, 0.012, (days, 1))


def masked(returns, seed=1, share=0.1):
    """Some cells masked, a different number in each column."""
    return np.where(np.random.default_rng(seed).random(returns.shape) < share, np.nan, returns)


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


def test_returns_that_do_not_vary_are_no_round_off():
    """0.1 is no binary fraction: its mean over 30 days is off in the last bit."""
    returns = np.full((30, 4), 0.1)
    for gap in (False, True):
        if gap:
            returns[3, 1] = np.nan
        assert not centred(returns).any()
        with pytest.raises(ParameterError, match="none of 4 stocks varies over 30 days"):
            ledoit_wolf(returns)
    returns[:, 2] = history(30, 1)[:, 0]
    assert np.count_nonzero(diagonal(returns).diagonal) == 1
    assert (ledoit_wolf(returns).diagonal > 0).all()


@pytest.mark.parametrize("stocks", [15, 200])
def test_pca_keeps_the_largest_eigenvalues_and_every_variance(stocks):
    for returns in (history(60, stocks), masked(history(60, stocks))):
        whole = sample(returns).dense()
        values, vectors = np.linalg.eigh(whole)
        expected = (vectors[:, -3:] * values[-3:]) @ vectors[:, -3:].T
        found = pca(returns, 3)
        np.testing.assert_allclose(found.factors.T @ found.factors, expected, atol=1e-12 * values[-1])
        np.testing.assert_allclose(np.diag(found.dense()), np.diag(whole), rtol=1e-10)
        assert (found.diagonal >= 0).all()
    assert len(pca(history(8, stocks), 20).factors) == 8


def test_a_factor_model_is_that_of_a_loop():
    """Least squares of each day over its valid stocks, weights that fall by the decay a day."""
    rng, decay = np.random.default_rng(2), 0.9
    loadings, returns = rng.normal(size=(30, 4)), masked(history(25, 30))
    omega, own, weight = np.zeros((4, 4)), np.zeros(30), np.zeros(30)
    total = sum(decay**s for s in range(25))
    for t, row in enumerate(returns):
        ok = np.isfinite(row)
        found = np.linalg.lstsq(loadings[ok], row[ok], rcond=None)[0]
        share = decay ** (24 - t)
        omega += share / total * np.outer(found, found)
        for n in np.flatnonzero(ok):
            own[n] += share * (row[n] - loadings[n] @ found) ** 2
            weight[n] += share
    expected = loadings @ omega @ loadings.T + np.diag(own / weight)
    np.testing.assert_allclose(factor_model(returns, loadings, decay).dense(), expected, rtol=1e-9, atol=1e-16)


def test_without_decay_and_with_exact_loadings_the_factor_covariance_is_the_mean_of_products():
    rng = np.random.default_rng(3)
    loadings, factors = rng.normal(size=(20, 2)), rng.normal(size=(50, 2))
    found = factor_model(factors @ loadings.T, loadings, 1.0)
    np.testing.assert_allclose(found.dense(), loadings @ (factors.T @ factors / 50) @ loadings.T, atol=1e-12)


def test_a_ridge_adds_to_the_diagonal_alone():
    found = sample(history())
    np.testing.assert_allclose(ridge(found, 1e-4).dense(), found.dense() + 1e-4 * np.eye(40), atol=1e-18)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_whatever_stands_in_a_masked_cell_has_no_part(name, poison):
    returns = masked(history())
    expected = ESTIMATORS[name](returns)
    found = ESTIMATORS[name](np.where(np.isnan(returns), poison, returns))
    assert np.array_equal(found.factors, expected.factors) and np.array_equal(found.diagonal, expected.diagonal)
    loadings = np.random.default_rng(4).normal(size=(40, 3))
    both = [factor_model(np.where(np.isnan(returns), value, returns), loadings) for value in (np.nan, poison)]
    assert np.array_equal(both[0].factors, both[1].factors) and np.array_equal(both[0].diagonal, both[1].diagonal)


def test_stocks_out_of_use_have_no_part_whatever_stands_there():
    returns, used = history(), np.arange(40) % 3 != 0
    found = estimate(ledoit_wolf, returns, used)
    returns[:, ~used] = 1e30
    again = estimate(ledoit_wolf, returns, used)
    assert np.array_equal(found.factors, again.factors) and np.array_equal(found.diagonal, again.diagonal)
    np.testing.assert_array_equal(found.factors[:, used], ledoit_wolf(returns[:, used]).factors)
    assert not found.factors[:, ~used].any()
    returns[2:, 4], used[4] = np.nan, True
    returns[0, 4] = np.nan
    with pytest.raises(ParameterError, match="column 4 has 1 valid returns of 60 days"):
        estimate(ledoit_wolf, returns, used)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: factor_model(history(), np.zeros((39, 2))), r"loadings \(39, 2\)"),
        (lambda: factor_model(history(), np.full((40, 2), np.nan)), "finite"),
        (lambda: factor_model(history()[:1], np.ones((40, 2))), "at least 2 days"),
        (lambda: factor_model(history(), np.ones((40, 2)), 0.0), "decay is 0"),
        (lambda: pca(history(), 0), "0 components"),
        (lambda: ridge(sample(history()), -1.0), "ridge of -1"),
    ],
)
def test_what_cannot_be_estimated_is_refused(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
