"""Books slowed down by any setting, and the optimiser with a ridge."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from portfolio_markets import panel_of

from lib.errors import ParameterError
from lib.portfolio import MeanVariance, OptimiserWarning, flat, optimised, simulate, top_k_buffer, traded
from lib.portfolio.covariance import ridge, sample
from lib.portfolio.ridged import Ridged
from lib.portfolio.slowed import slowed


def market(days: int = 120, stocks: int = 30):
    rng = np.random.default_rng(3)
    return panel_of(rng.normal(0, 0.02, (days, stocks))), rng.normal(0, 0.002, (days, stocks))


def test_an_optimiser_is_slowed_by_the_cost_that_it_counts():
    panel, prediction = market()
    run = lambda cost: simulate(  # noqa: E731
        panel, prediction, policy=optimised(panel, MeanVariance(cap=0.2, cost=cost), look_back=30), costs=flat(8.0)
    )
    full = traded(run(0.0).turnover)
    found = slowed(lambda setting: run(setting).turnover, 0.0, 0.02, 0.4 * full)
    assert found.reached and 0 < found.multiple < 0.02
    assert traded(run(found.multiple).turnover) == pytest.approx(found.turnover)
    assert found.turnover == pytest.approx(0.4 * full, rel=0.05)
    assert slowed(lambda setting: run(setting).turnover, 0.0, 0.02, 2 * full).multiple == 0.0, "nothing is made faster"
    assert not slowed(lambda setting: run(setting).turnover, 0.0, 1e-5, 0.1 * full).reached, "too little slows it"


def test_ranks_are_slowed_by_their_buffer():
    panel, prediction = market()
    run = lambda multiple: simulate(panel, prediction, policy=top_k_buffer(5, int(5 * multiple)))  # noqa: E731
    target = traded(run(3.0).turnover)
    found = slowed(lambda setting: run(setting).turnover, 1.0, 6.0, target)
    assert found.reached and found.turnover == pytest.approx(target, rel=0.05) and found.multiple > 1


def test_a_ridge_on_the_sample_covariance_is_the_regularised_problem_and_close_to_the_singular_one():
    rng = np.random.default_rng(5)
    history = rng.normal(0, 0.02, (30, 50)) + rng.normal(0, 0.01, (30, 1))
    mu = rng.normal(0, 0.002, 50)
    for size in (1e-4, 1e-6):
        got = Ridged(cap=0.1, estimator="sample", ridge=size).solve(mu, history)
        expected = MeanVariance(cap=0.1).solve(mu, ridge(sample(history), size))
        np.testing.assert_allclose(got.weights, expected.weights, atol=1e-10)
    singular = MeanVariance(cap=0.1, estimator="sample").solve(mu, history)  # by the interior-point method
    value = lambda w: mu @ w - 10 * sample(history).variance(w)  # noqa: E731
    assert 0 <= value(singular.weights) - value(got.weights) + 1e-8 < 0.01 * value(singular.weights)
    with warnings.catch_warnings():
        warnings.simplefilter("error", OptimiserWarning)
        assert got.gap <= 1e-12 and Ridged(ridge=0.0).ridge == 0
    with pytest.raises(ParameterError, match="ridge is -1"):
        Ridged(ridge=-1.0)
