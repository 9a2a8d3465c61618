"""The papers' back-test: against a naive loop and closed forms, and what it does with names without a prediction."""

from __future__ import annotations

import numpy as np
import pytest

from lib.errors import ParameterError
from lib.portfolio.lagged import OUTSIDE, lagged_book, top_k_weights
from lib.stats import turnover

NAN = np.nan


def naive_weights(prediction, k, outside, buffer):
    """Day by day with Python lists and sorted(), nothing shared with the library."""
    n = len(prediction[0])
    held: set[int] = set()
    rows = []
    for today in prediction:
        score = {i: (0.0 if outside == "zero" else None) if np.isnan(x) else float(x) for i, x in enumerate(today)}
        known = sorted((i for i in score if score[i] is not None), key=lambda i: (-score[i], i))
        stays = {i for i in held if score[i] is None} if outside == "held" else set()
        if buffer is not None:
            stays |= {i for rank, i in enumerate(known, start=1) if i in held and rank <= buffer}
        for i in known:
            if len(stays) < k:
                stays.add(i)
        held = stays
        rows.append([1 / k if i in held else 0.0 for i in range(n)])
    return np.array(rows)


def naive_returns(weights, returns, cost):
    """r_p(t+1) = w(t)'r(t+1) - c |w(t) - w(t-1)|, term by term."""
    found = []
    for t in range(len(weights)):
        gross = sum(w * r for w, r in zip(weights[t], returns[t], strict=True) if w and not np.isnan(r))
        before = weights[t - 1] if t else np.zeros(len(weights[t]))
        found.append(gross - cost * sum(abs(a - b) for a, b in zip(weights[t], before, strict=True)))
    return found


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(4)
    prediction = rng.normal(size=(40, 17)).round(1)  # rounding makes ties
    prediction[rng.random(prediction.shape) < 0.3] = NAN
    prediction[7] = NAN  # a day without any prediction
    returns = rng.normal(0, 0.02, prediction.shape)
    returns[rng.random(prediction.shape) < 0.05] = NAN
    return prediction, returns


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("buffer", [None, 4, 6, 17])
def test_weights_and_returns_are_those_of_a_naive_loop(panel, outside, buffer):
    prediction, returns = panel
    weights = top_k_weights(prediction, 4, outside=outside, buffer=buffer)
    expected = naive_weights(prediction, 4, outside, buffer)
    np.testing.assert_array_equal(weights, expected)
    for bps in (0, 5, 8):
        found = lagged_book(weights, returns).net(bps)
        np.testing.assert_allclose(found, naive_returns(expected, returns, bps / 10_000), rtol=0, atol=1e-15)
    assert (weights > 0).sum(axis=1).max() <= 4
    assert lagged_book(weights, returns).turnover.mean() == pytest.approx(turnover(weights))


def test_the_three_policies_on_an_example_by_hand():
    """Two of four names. On day 1 name 0, held, has no prediction; on day 2 only name 3 has one; day 3 as day 0."""
    prediction = [[4.0, 3.0, 2.0, 1.0], [NAN, 3.0, 2.0, -1.0], [NAN, NAN, NAN, -1.0], [4.0, 3.0, 2.0, 1.0]]
    names = {
        "held": [{0, 1}, {0, 1}, {0, 1}, {0, 1}],  # both slots are frozen on day 2
        "sold": [{0, 1}, {1, 2}, {3}, {0, 1}],  # one slot stays in cash on day 2
        "zero": [{0, 1}, {1, 2}, {0, 1}, {0, 1}],  # 0 > -1, and the earlier of equal columns comes first
    }
    turnovers = {"held": [1.0, 0.0, 0.0, 0.0], "sold": [1.0, 1.0, 1.5, 1.5], "zero": [1.0, 1.0, 1.0, 0.0]}
    for outside, expected in names.items():
        weights = top_k_weights(prediction, 2, outside=outside)
        assert [set(np.flatnonzero(row)) for row in weights] == expected
        book = lagged_book(weights, np.zeros((4, 4)), np.isfinite(prediction))
        np.testing.assert_allclose(book.turnover, turnovers[outside])
        np.testing.assert_allclose(book.net(8), -8e-4 * np.array(turnovers[outside]))
    frozen = lagged_book(top_k_weights(prediction, 2, outside="held"), np.zeros((4, 4)), np.isfinite(prediction))
    np.testing.assert_allclose(frozen.unpredicted, [0, 0.5, 1, 0])
    sold = lagged_book(top_k_weights(prediction, 2, outside="sold"), np.zeros((4, 4)), np.isfinite(prediction))
    np.testing.assert_allclose(sold.invested, [1, 1, 0.5, 1])


def test_closed_forms():
    rng = np.random.default_rng(0)
    returns = rng.normal(0, 0.02, (30, 12))
    everyone = lagged_book(np.full((30, 12), 1 / 12), returns)
    np.testing.assert_allclose(everyone.gross, returns.mean(axis=1))
    np.testing.assert_array_equal(everyone.turnover[1:], 0)  # weights do not drift in this back-test
    # all k names replaced every day: turnover 2, cost 2c
    swapped = np.where(np.arange(30)[:, None] % 2 == np.arange(12) % 2, 1.0, 0.0)
    book = lagged_book(top_k_weights(swapped, 6), returns)
    np.testing.assert_allclose(book.turnover[1:], 2.0)
    np.testing.assert_allclose(book.gross - book.net(5), 5e-4 * book.turnover)
    # independent predictions: of k out of n names k (1 - k / n) leave a day on average
    noise = top_k_weights(rng.normal(size=(4000, 12)), 3)
    assert lagged_book(noise, np.zeros((4000, 12))).turnover[1:].mean() == pytest.approx(2 * (1 - 3 / 12), abs=0.03)


def test_later_days_change_nothing_before_them(panel):
    prediction, _ = panel
    other = prediction.copy()
    other[20:] = np.random.default_rng(5).normal(size=other[20:].shape)
    for outside in OUTSIDE:
        a, b = (top_k_weights(p, 4, outside=outside, buffer=6) for p in (prediction, other))
        np.testing.assert_array_equal(a[:20], b[:20])
        assert not np.array_equal(a[20:], b[20:])


def test_cells_that_are_not_held_may_hold_anything(panel):
    prediction, returns = panel
    weights = top_k_weights(prediction, 4, outside="held")
    poisoned = returns.copy()
    poisoned[weights == 0] = np.resize([NAN, np.inf, -np.inf, 1e30], np.count_nonzero(weights == 0))
    np.testing.assert_array_equal(lagged_book(weights, poisoned).gross, lagged_book(weights, returns).gross)


def test_errors_say_what_and_where(panel):
    prediction, returns = panel
    with pytest.raises(ParameterError, match="k=0"):
        top_k_weights(prediction, 0)
    with pytest.raises(ParameterError, match="buffer=3"):
        top_k_weights(prediction, 4, buffer=3)
    with pytest.raises(ParameterError, match="outside='keep'"):
        top_k_weights(prediction, 4, outside="keep")
    with pytest.raises(ParameterError, match="shape"):
        top_k_weights(prediction[0], 4)
    infinite = prediction.copy()
    infinite[3, 2] = np.inf
    with pytest.raises(ParameterError, match="day 3, column 2"):
        top_k_weights(infinite, 4)
    weights = top_k_weights(prediction, 4)
    with pytest.raises(ParameterError, match="shapes differ"):
        lagged_book(weights, returns[1:])
    with pytest.raises(ParameterError, match="not finite"):
        lagged_book(np.where(weights > 0, NAN, weights), returns)
    with pytest.raises(ParameterError, match="infinite"):
        lagged_book(weights, np.full(weights.shape, np.inf))
