"""Losses: values by hand, gradients against differences, limits, invariances, days without a correlation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import norm, pearsonr, spearmanr
from torch import Tensor

from lib.errors import ParameterError, UnknownNameError
from lib.models.losses import IC, LOSSES, MSE, AdjHuber, AdjMSE, Huber, RankIC, adjusted_minimiser, by_day, find_loss

torch.set_num_threads(1)
GAMMAS = (0.01, 0.1, 0.5, 1.0)


def batch(seed: int = 0, rows: int = 60, days: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions, labels and days in no order; days differ in length."""
    rng = np.random.default_rng(seed)
    prediction, label = rng.normal(size=(2, rows))
    return torch.tensor(prediction), torch.tensor(label), torch.tensor(rng.integers(0, days, rows))


# --------------------------------------------------------------------------- values and gradients


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_equal_finite_differences(name):
    prediction, label, day = batch()
    loss = find_loss(name, **({"temperature": 0.5} if name == "rank_ic" else {}))
    found = torch.autograd.functional.jacobian(lambda p: loss(p, label, day), prediction)
    step = 1e-6
    for i in range(len(prediction)):
        shift = torch.zeros_like(prediction).index_fill_(0, torch.tensor(i), step)
        difference = (loss(prediction + shift, label, day) - loss(prediction - shift, label, day)) / (2 * step)
        assert found[i].item() == pytest.approx(difference.item(), rel=1e-5, abs=1e-8)
    assert found.abs().max() > 1e-4


@pytest.mark.parametrize("gamma", GAMMAS)
def test_adjusted_mse_is_the_papers_row_by_row(gamma):
    prediction, label, day = batch()
    expected = [
        (gamma if p * y > 0 else 1 + gamma) * (p - y) ** 2
        for p, y in zip(prediction.tolist(), label.tolist(), strict=True)
    ]
    assert AdjMSE(gamma)(prediction, label, day).item() == pytest.approx(np.mean(expected), rel=1e-12)


def test_the_gradient_of_adjusted_mse_is_eleven_times_as_large_for_a_wrong_sign():
    prediction, label = torch.tensor([1.0, 1.0, 0.0], requires_grad=True), torch.tensor([2.0, 0.0, 1.0])
    wrong = torch.tensor([-0.0, -1.0, 1.0])
    day = torch.zeros(3, dtype=torch.int64)
    AdjMSE(0.1)(prediction, label, day).backward()
    assert prediction.grad is not None
    right = prediction.grad[0].item() / (prediction - label).detach()[0].item()
    prediction.grad = None
    AdjMSE(0.1)(prediction, wrong, day).backward()
    gap = (prediction - wrong).detach()
    assert [prediction.grad[i].item() / gap[i].item() / right for i in (1, 2)] == pytest.approx([11, 11], rel=1e-5)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_adjusted_huber_has_the_weights_of_the_one_and_the_shape_of_the_other(gamma):
    prediction, label, day = batch()
    expected = [
        (gamma if p * y > 0 else 1 + gamma) * (0.5 * e**2 if (e := abs(p - y)) <= 0.7 else 0.7 * (e - 0.35))
        for p, y in zip(prediction.tolist(), label.tolist(), strict=True)
    ]
    assert AdjHuber(gamma, 0.7)(prediction, label, day).item() == pytest.approx(np.mean(expected), rel=1e-12)
    torch.testing.assert_close(2 * AdjHuber(gamma, 1e6)(prediction, label, day), AdjMSE(gamma)(prediction, label, day))


def test_both_limits_of_gamma():
    prediction, label, day = batch()
    large = 1e9
    torch.testing.assert_close(
        AdjMSE(large)(prediction, label, day) / large, MSE()(prediction, label, day), rtol=1e-8, atol=0
    )
    right = prediction * label > 0
    assert AdjMSE(0)(prediction[right], label[right], day[right]).item() == 0, "right signs cost nothing"
    torch.testing.assert_close(
        AdjMSE(0)(prediction[~right], label[~right], day[~right]), MSE()(prediction[~right], label[~right], day)
    )


def test_huber_is_half_the_square_inside_and_linear_outside():
    prediction, label, day = batch()
    gap = (prediction - label).abs()
    torch.testing.assert_close(Huber(1e6)(prediction, label, day), MSE()(prediction, label, day) / 2)
    torch.testing.assert_close(Huber(1e-6)(prediction, label, day) / 1e-6, gap.mean(), rtol=1e-5, atol=0)


# ----------------------------------------------------------------------------------------- by day


def daily(correlation, prediction: Tensor, label: Tensor, day: Tensor) -> float:
    values = [correlation(prediction[day == d].numpy(), label[day == d].numpy())[0] for d in day.unique()]
    return 1 - float(np.mean(values))


def test_rows_are_laid_out_by_day():
    laid, present = by_day(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([9, 4, 9, 9]))
    assert laid.tolist() == [[2, 0, 0], [1, 3, 4]] and present.tolist() == [[True, False, False], [True] * 3]


@pytest.mark.parametrize("seed", range(3))
def test_ic_is_the_mean_of_daily_correlations(seed):
    parts = batch(seed)
    assert IC()(*parts).item() == pytest.approx(daily(pearsonr, *parts), abs=1e-12)


def test_rank_ic_tends_to_spearman_with_ties_averaged():
    prediction, label, day = batch()
    label = label.round(decimals=1)
    expected = daily(spearmanr, prediction, label, day)
    gaps = [abs(RankIC(t)(prediction, label, day).item() - expected) for t in (1.0, 0.1, 1e-6)]
    assert gaps[0] > gaps[1] > gaps[2] and gaps[2] < 1e-9


@pytest.mark.parametrize("loss", [IC(), RankIC()])
def test_shift_and_scale_of_a_day_change_nothing(loss):
    prediction, label, day = batch()
    moved = prediction * (1 + day) - 3.0 * day
    torch.testing.assert_close(loss(moved, label, day), loss(prediction, label, day))
    torch.testing.assert_close(loss(prediction, 2 * label + day, day), loss(prediction, label, day))
    assert loss(-prediction, label, day).item() == pytest.approx(2 - loss(prediction, label, day).item())
    mixed = prediction + torch.linspace(0, 1, len(day), dtype=torch.float64)
    assert loss(mixed, label, day).item() != pytest.approx(loss(prediction, label, day).item(), abs=1e-4)


@pytest.mark.parametrize("loss", [IC(), RankIC()])
def test_no_day_knows_of_another(loss):
    prediction, label, day = batch()
    found = torch.autograd.functional.jacobian(lambda p: loss(p, label, day), prediction)
    changed = torch.where(day == 3, 100 * prediction.flip(0), prediction)
    again = torch.autograd.functional.jacobian(lambda p: loss(p, label, day), changed)
    torch.testing.assert_close(found[day != 3], again[day != 3], rtol=0, atol=0)
    assert not torch.equal(found[day == 3], again[day == 3])


@pytest.mark.parametrize("loss", [IC(), RankIC()])
def test_days_without_a_correlation_are_left_out(loss):
    """One row, and labels that are all equal: neither in the mean nor in the gradient."""
    prediction, label, day = batch()
    lone = torch.cat([day, torch.tensor([20, 21, 21, 21])])
    more_p = torch.cat([prediction, torch.tensor([5.0, 1.0, 2.0, 3.0])]).requires_grad_()
    more_y = torch.cat([label, torch.tensor([1.0, 7.0, 7.0, 7.0])])
    value = loss(more_p, more_y, lone)
    torch.testing.assert_close(value, loss(prediction, label, day))
    value.backward()
    assert more_p.grad is not None and more_p.grad[-4:].tolist() == [0] * 4
    assert loss.units(more_y, lone) == loss.units(label, day) == len(day.unique())
    nothing = loss(more_p[-4:], more_y[-4:], lone[-4:])
    nothing.backward()
    assert nothing.item() == 0 and loss.units(more_y[-4:], lone[-4:]) == 0


@pytest.mark.parametrize("loss", [IC(), RankIC()])
def test_constant_predictions_count_as_no_correlation_and_have_no_gradient(loss):
    prediction, label, day = batch()
    flat = torch.where(day == 2, 4.0, prediction).requires_grad_()
    value = loss(flat, label, day)
    others = loss(prediction[day != 2], label[day != 2], day[day != 2])
    days = len(day.unique())
    assert 1 - value.item() == pytest.approx((1 - others.item()) * (days - 1) / days)
    value.backward()
    assert flat.grad is not None and torch.isfinite(flat.grad).all()
    assert (flat.grad[day == 2] == 0).all() and (flat.grad[day != 2] != 0).any()


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_in_parts_is_the_mean_by_units(name):
    prediction, label, day = batch()
    day[0] = 50  # a day of one row
    loss, parts = find_loss(name), [day < 2, day >= 2]
    units = [loss.units(label[part], day[part]) for part in parts]
    values = [loss(prediction[part], label[part], day[part]).item() for part in parts]
    assert sum(units) == loss.units(label, day)
    assert np.average(values, weights=units) == pytest.approx(loss(prediction, label, day).item(), rel=1e-12)


# ------------------------------------------------------------------------ the minimiser of AdjMSE


def expected_loss(c: float, m: float, s: float, gamma: float) -> float:
    def integrand(y: float) -> float:
        return float((gamma if c * y > 0 else 1 + gamma) * (c - y) ** 2 * norm.pdf(y, m, s))

    return sum(quad(integrand, *ends, epsabs=1e-13)[0] for ends in ((m - 12 * s, 0.0), (0.0, m + 12 * s)))


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("signal", [0.05, 0.5, 1.0, -1.5, 2.5])
def test_the_minimiser_is_that_of_the_expected_loss(gamma, signal):
    s = 0.02
    sides = [(1e-12, 4 * s), (-4 * s, -1e-12)]
    options = {"xatol": 1e-9}
    tried = [
        minimize_scalar(expected_loss, bounds=ends, args=(signal * s, s, gamma), method="bounded", options=options)
        for ends in sides
    ]
    numerical = min(tried, key=lambda found: found.fun).x
    assert adjusted_minimiser(signal * s, s, gamma) == pytest.approx(numerical, abs=1e-6)


def test_a_daily_signal_is_shrunk_to_nothing_and_a_large_gamma_does_not_shrink():
    assert [adjusted_minimiser(z, 1.0, 0.1) for z in (0.05, 0.15, 0.9)] == [0, 0, 0]
    assert 0 < adjusted_minimiser(0.95, 1.0, 0.1) < 0.05, "the threshold lies at .94"
    assert adjusted_minimiser(-0.1, 1.0, 1e9) == pytest.approx(-0.1)
    assert adjusted_minimiser(0.0, 1.0, 0.1) == 0
    assert math.isclose(adjusted_minimiser(3.0, 1.5, 0.1), 1.5 * adjusted_minimiser(2.0, 1.0, 0.1))


def test_a_constant_fitted_by_descent_goes_where_the_minimiser_says():
    """Trained on draws: the fitted constant is the sample's own minimiser, near that of the distribution."""
    draws = torch.tensor(np.random.default_rng(1).normal(1.5, 1.0, 40_000))
    c = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.SGD([c], lr=0.5)
    for _ in range(200):
        descent.zero_grad()
        AdjMSE(0.1)(c.expand(len(draws)), draws, torch.zeros(len(draws))).backward()
        descent.step()
    assert c.item() == pytest.approx(adjusted_minimiser(1.5, 1.0, 0.1), abs=0.05)
    assert c.item() < 1.2, "and not at the mean"


# ------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "make,match",
    [
        (lambda: AdjMSE(-0.1), r"gamma: got -0.1; expected a number of at least 0"),
        (lambda: AdjMSE(math.nan), "gamma: got nan"),
        (lambda: Huber(0), "delta: got 0; expected a positive number"),
        (lambda: RankIC(-1), "temperature: got -1"),
        (lambda: find_loss("mse", gamma=1), "loss 'mse': got the settings gamma"),
    ],
)
def test_settings_out_of_range_are_refused(make, match):
    with pytest.raises(ParameterError, match=match):
        make()


def test_an_unknown_loss_is_refused():
    with pytest.raises(UnknownNameError, match=r"'adjmse' does not exist; expected mse, .*; did you mean 'adj_mse'"):
        find_loss("adjmse")


def test_a_loss_says_its_settings():
    assert repr(find_loss("adj_mse", gamma=0.2)) == "AdjMSE(gamma=0.2)" and repr(MSE()) == "MSE()"
