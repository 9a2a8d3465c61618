"""The papers' own generator is the one they describe."""

from __future__ import annotations

import numpy as np
import pytest

from lib.errors import ParameterError
from lib.limits.ticks import from_ticks, to_ticks
from lib.market import GBMConfig, paper_gbm
from lib.reasons import Reason


@pytest.fixture(scope="module")
def market():
    return paper_gbm(400, 1500, seed=1)


def test_volatility_drift_and_correlation_are_the_stated_ones(market):
    moves = np.diff(market.truth.desired, axis=0)
    sigma = 0.32 / np.sqrt(252)
    assert moves[~(market.panel.fields["halted"][1:] == 1)].std() == pytest.approx(sigma, rel=0.02)
    assert GBMConfig().daily_volatility == pytest.approx(0.0202, abs=5e-5)
    correlation = np.corrcoef(moves.T)[np.triu_indices(400, 1)].mean()
    assert correlation == pytest.approx(0.55**2 * 0.98, abs=0.02)
    yearly = 252 * moves.mean() / 0.55
    # one market path of six years: its mean is known to 32 % / sqrt(6) a year, and no better
    assert yearly == pytest.approx(0.07 - 0.32**2 / 2, abs=3 * 0.32 / np.sqrt(6))


def test_moves_are_clamped_at_log_1_1_and_halts_are_independent(market):
    moves = np.diff(market.truth.desired, axis=0)
    assert np.abs(moves).max() <= np.log(1.1) + 1e-9
    halted = market.panel.fields["halted"] == 1
    assert halted.mean() == pytest.approx(0.01, abs=0.001)
    assert (halted[1:] & halted[:-1]).mean() == pytest.approx(1e-4, abs=4e-5)


def test_a_wilder_panel_would_be_clamped_on_both_sides(monkeypatch):
    """The clamp at work, where moves are large enough to meet it."""
    monkeypatch.setattr(GBMConfig, "daily_volatility", property(lambda self: 0.08))
    wild = paper_gbm(50, 200, seed=2)
    moves = np.diff(wild.truth.desired, axis=0)
    assert (np.abs(np.abs(moves) - np.log(1.1)) < 1e-9).mean() > 0.1
    reasons = wild.panel.reasons
    assert (reasons & Reason.LIMIT_UP > 0).mean() > 0.05
    # -9.1 % is not the lower limit
    assert (reasons & Reason.LIMIT_DOWN > 0).mean() < 0.01


def test_there_is_no_truth_to_find_and_the_rules_hold(market):
    truth, f = market.truth, market.panel.fields
    for name in ("alpha", "mu_trad", "signals"):
        assert not getattr(truth, name).any()
    assert np.array_equal(f["pre_close"][1:], f["close"][:-1])
    for name in ("open", "high", "low", "close", "limit_up", "limit_down"):
        assert np.array_equal(f[name], from_ticks(to_ticks(f[name])))
    assert (f["low"] <= np.minimum(f["open"], f["close"])).all() and (f["high"] <= f["limit_up"]).all()
    assert (market.panel.reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN) > 0).mean() < 1e-4
    assert truth.unfilled == pytest.approx(truth.desired - np.log(f["close"]))


def test_same_seed_same_panel_and_the_twin_has_neither_halts_nor_limits():
    one, again = paper_gbm(30, 60, 3), paper_gbm(30, 60, 3)
    assert one.panel.fingerprint() == again.panel.fingerprint() != paper_gbm(30, 60, 4).panel.fingerprint()
    twin = one.twin()
    assert not twin.panel.reasons.any()
    never = (one.panel.fields["halted"] == 0).all(axis=0)
    assert never.any() and np.array_equal(one.panel.fields["close"][:, never], twin.panel.fields["close"][:, never])


@pytest.mark.parametrize("arguments", [{"n_stocks": 0}, {"n_days": 1}, {"seed": -1}, {"n_stocks": 2.5}])
def test_bad_sizes_are_named(arguments):
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        paper_gbm(**{"n_stocks": 5, "n_days": 10, "seed": 0} | arguments)
