"""The optimiser as a policy: frozen names, the holding period, infeasible days, and no look-ahead."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from portfolio_markets import MISSING, UP, panel_of, random_market

from lib.errors import ParameterError
from lib.portfolio import InfeasibleError, MeanVariance, OptimiserWarning, Past, ledoit_wolf, optimised, simulate

LOOK_BACK = 12
OPTIMISER = MeanVariance(cap=0.25, risk_aversion=5.0)


def market(seed=0, n_days=50, n_stocks=16):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.02, (n_days, n_stocks)) + rng.normal(0, 0.01, (n_days, 1))
    return panel_of(returns), rng.normal(0, 0.003, (n_days, n_stocks))


def past(panel, row, prediction, weights, universe=None, orderable=None):
    everyone = np.ones(panel.shape[1], bool)
    members, orders = (everyone if flags is None else flags for flags in (universe, orderable))
    return Past(panel.dates[row], prediction, members, orders, weights, 1 - weights.sum())


def test_an_empty_book_becomes_the_optimum_of_the_day():
    panel, prediction = market()
    history = panel.returns[20 - LOOK_BACK + 1 : 21]
    got = optimised(panel, OPTIMISER, look_back=LOOK_BACK)(past(panel, 20, prediction[20], np.zeros(16)))
    expected = OPTIMISER.solve(prediction[20], ledoit_wolf(history)).weights
    np.testing.assert_allclose(np.nan_to_num(got), expected, atol=1e-12)
    assert np.isnan(got[expected == 0]).all()


def test_frozen_names_keep_their_weights_and_the_others_share_the_rest():
    panel, prediction = market()
    weights, orderable = np.zeros(16), np.ones(16, bool)
    weights[[2, 5, 7, 9]] = 0.3, 0.2, 0.1, 0.15  # the first above the cap
    orderable[2], prediction[20, 5] = False, np.nan
    universe = np.arange(16) != 9  # sold by the simulator
    got = optimised(panel, OPTIMISER, look_back=LOOK_BACK)(
        past(panel, 20, prediction[20], weights, universe, orderable)
    )
    assert np.isnan(got[[2, 5, 9]]).all()
    whole = np.where(np.isnan(got), np.where(universe, weights, 0.0), got)
    assert whole.sum() == pytest.approx(1, abs=1e-12) and whole.max() == 0.3
    assert np.delete(whole, 2).max() <= 0.25 + 1e-12


def test_a_weight_beyond_its_bound_by_the_tolerance_of_a_solver_is_put_on_it(monkeypatch: pytest.MonkeyPatch):
    panel, prediction = market()
    solve = MeanVariance.solve

    def rough(*args, **kwargs):
        found = solve(*args, **kwargs)
        return replace(found, weights=found.weights + np.where(found.weights > 0, 1e-12, -1e-12))

    monkeypatch.setattr(MeanVariance, "solve", rough)
    policy = optimised(panel, OPTIMISER, look_back=LOOK_BACK)
    got = policy(past(panel, 20, prediction[20], np.full(16, 1 / 16)))
    assert np.nanmin(got) == 0 and np.nanmax(got) <= OPTIMISER.cap
    assert len(simulate(panel, prediction, policy=policy).dates) > 30, "the simulator takes no negative weight"


def test_nothing_that_may_be_ordered_is_no_order():
    panel, prediction = market()
    policy = optimised(panel, OPTIMISER, look_back=LOOK_BACK)
    assert np.isnan(policy(past(panel, 20, np.full(16, np.nan), np.full(16, 1 / 16)))).all()
    assert np.isnan(policy(past(panel, LOOK_BACK - 2, prediction[20], np.zeros(16)))).all(), "too little history"


def test_decisions_fall_on_every_twentieth_day_and_on_days_with_nothing_held():
    panel, prediction = market(n_days=70)
    days = []

    def watched(state: Past):
        found = policy(state)
        days.append(bool(np.isfinite(found).any()))
        return found

    policy = optimised(panel, OPTIMISER, look_back=LOOK_BACK, hold=20)
    simulate(panel, prediction, policy=watched, fill="open", start=13)
    decided = 13 + np.flatnonzero(days)
    assert decided.tolist() == [13, 20, 40, 60]


def test_a_cost_lowers_turnover():
    panel, prediction = market(n_days=60)
    turnovers = []
    for cost in (0.0, 0.002):
        policy = optimised(panel, MeanVariance(cap=0.25, cost=cost), look_back=LOOK_BACK)
        turnovers.append(simulate(panel, prediction, policy=policy, start=12).turnover.mean())
    assert turnovers[1] < 0.7 * turnovers[0]


def test_an_infeasible_day_raises_or_holds():
    panel, prediction = market()
    few = np.where(np.arange(16) < 3, prediction[20], np.nan)
    state = past(panel, 20, few, np.zeros(16))
    with pytest.raises(InfeasibleError, match=r"0\.25 short of the budget") as caught:
        optimised(panel, OPTIMISER, look_back=LOOK_BACK)(state)
    assert caught.value.__notes__ == [f"on {panel.dates[20]}"]
    with pytest.warns(OptimiserWarning, match=rf"0\.25 short of .* on {panel.dates[20]}; no orders"):
        got = optimised(panel, OPTIMISER, look_back=LOOK_BACK, infeasible="hold")(state)
    assert np.isnan(got).all()


def test_expected_returns_from_scores():
    """ic x volatility x z-score: the same orders whatever the scale of the scores."""
    panel, prediction = market()
    policy = optimised(panel, OPTIMISER, look_back=LOOK_BACK, ic=0.05)
    got = [policy(past(panel, 20, scale * prediction[20] + shift, np.zeros(16))) for scale, shift in ((1, 0), (7, 3))]
    np.testing.assert_allclose(got[0], got[1], atol=1e-10)
    history = panel.returns[20 - LOOK_BACK + 1 : 21]
    z = (prediction[20] - prediction[20].mean()) / prediction[20].std()
    expected = OPTIMISER.solve(0.05 * history.std(axis=0) * z, ledoit_wolf(history)).weights
    np.testing.assert_allclose(np.nan_to_num(got[0]), expected, atol=1e-10)
    flat = policy(past(panel, 20, np.full(16, 0.3), np.zeros(16)))  # nothing to tell them apart: least variance
    np.testing.assert_allclose(
        np.nan_to_num(flat), OPTIMISER.solve(np.zeros(16), ledoit_wolf(history)).weights, atol=1e-10
    )


@pytest.mark.parametrize("fill", ["close", "open"])
@pytest.mark.parametrize("seed", range(3))
def test_the_future_and_masked_cells_change_no_past_weight(fill, seed):
    """On a hostile market: other prices after a day, and other returns in masked cells, give the same book until it."""
    panel, prediction = random_market(seed)
    options = {"look_back": LOOK_BACK, "infeasible": "hold"}

    def book(on, scores):
        with warnings.catch_warnings():  # some days are infeasible: part of the market
            warnings.simplefilter("ignore", OptimiserWarning)
            policy = optimised(on, MeanVariance(cap=0.5, cost=0.0005), **options)
            return simulate(on, scores, policy=policy, fill=fill, start=LOOK_BACK).equity

    plain = book(panel, prediction)
    rng, cut = np.random.default_rng(seed), 40
    later = np.arange(panel.shape[0]) >= cut
    fields = {name: np.where(later[:, None], values * rng.uniform(0.8, 1.2, panel.shape), values)
              for name, values in panel.fields.items()}  # fmt: skip
    other = type(panel).from_arrays(panel.dates, panel.symbols, fields, panel.reasons, panel.universe)
    scores = np.where(later[:, None], rng.normal(size=panel.shape), prediction)
    again = book(other, scores)
    np.testing.assert_array_equal(plain[: cut - LOOK_BACK], again[: cut - LOOK_BACK])
    assert not np.array_equal(plain, again)


def test_masked_returns_have_no_part_in_the_covariance():
    panel, prediction = market()
    reasons = np.zeros(panel.shape, np.uint8)
    reasons[12:18, 4], reasons[10:30, 6] = UP, MISSING
    base, moved = panel.returns.copy(), panel.returns.copy()
    moved[12:18, 4] = 5.0
    got = [
        optimised(panel_of(returns, reasons=reasons), OPTIMISER, look_back=LOOK_BACK)(
            past(panel, 20, prediction[20], np.zeros(16))
        )
        for returns in (base, moved)
    ]
    np.testing.assert_allclose(got[0], got[1], atol=1e-12)
    assert np.isnan(got[0][6]), "too few valid days"


@pytest.mark.parametrize(
    ("optimiser", "options", "message"),
    [
        (MeanVariance(market_neutral=True), {}, "no short positions"),
        (OPTIMISER, {"look_back": 1}, "look_back=1"),
        (OPTIMISER, {"hold": 0}, "hold=0"),
        (OPTIMISER, {"least_share": 1.5}, "least_share=1.5"),
        (OPTIMISER, {"infeasible": "skip"}, "expected 'raise' or 'hold'"),
    ],
)
def test_settings_out_of_range_are_refused(optimiser, options, message):
    with pytest.raises(ParameterError, match=message):
        optimised(market()[0], optimiser, **options)
