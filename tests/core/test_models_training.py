"""The training loop: the old results, losses over days, parts of a batch, schedules, messages."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from test_models import DATES, signal, until
from torch import nn

from lib.errors import ParameterError, UnknownNameError
from lib.models.batches import day_batches, grouped, parts, row_batches
from lib.models.dataset import Dataset
from lib.models.learners import find_learner
from lib.models.losses import IC, LOSSES, MSE, AdjMSE, Loss, RankIC, find_loss
from lib.models.networks import MLP, seed_dropout
from lib.models.neural import neural
from lib.models.schedules import SCHEDULES
from lib.models.training import Protocol, initialised, predict, train
from lib.models.validation import Validation

torch.set_num_threads(1)
SPLIT = until(300)


def held_out(data: Dataset) -> Validation:
    return Validation.of(data, SPLIT)


def days_of(data: Dataset) -> np.ndarray:
    rows = data.rows(SPLIT.fit_start, SPLIT.fit_stop)
    return data.day[rows][np.isfinite(data.label[rows])]


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def fitted(data: Dataset, loss: Loss | None = None, *, dropout: float = 0.1, seed: int = 0, **settings) -> nn.Module:
    protocol = Protocol(**{"learning_rate": 5e-3, "batch": 512, "epochs": 3, **settings})
    network = initialised(lambda n: MLP(n, dropout=dropout), 3, seed)
    sample = data.training(SPLIT.fit_start, SPLIT.fit_stop)
    return train(network, sample, held_out(data), seed=seed, protocol=protocol, loss=loss, day=days_of(data))


# ------------------------------------------------------------------------------- the results of before


def plain_loop(data: Dataset, seed: int, epochs: int, dropout: float, patience: int = 3) -> nn.Module:
    """The papers' protocol written down once more, with nothing that came later."""
    network = initialised(lambda n: MLP(n, dropout=dropout), 3, seed)
    features, label = data.training(SPLIT.fit_start, SPLIT.fit_stop)
    x, y = torch.from_numpy(features), torch.from_numpy((label / np.std(label)).astype(np.float32))
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3, weight_decay=1e-5)
    shuffle = torch.Generator().manual_seed(seed)
    seed_dropout(network, seed)
    best, best_ic, waited = copy.deepcopy(network.state_dict()), -math.inf, 0
    for _ in range(epochs):
        network.train()
        for rows in torch.randperm(len(y), generator=shuffle).split(512):
            optimiser.zero_grad(set_to_none=True)
            nn.functional.mse_loss(network(x[rows]), y[rows]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        ic = held_out(data).ic(predict(network, held_out(data).features))
        if ic > best_ic:
            best, best_ic, waited = copy.deepcopy(network.state_dict()), ic, 0
        elif (waited := waited + 1) > patience:
            break
    network.load_state_dict(best)
    return network


@pytest.mark.parametrize("seed,dropout", [(0, 0.1), (3, 0.48)])
def test_the_mlp_learner_is_the_plain_loop_bit_for_bit(seed, dropout):
    data = signal()
    settings = {"learning_rate": 5e-3, "weight_decay": 1e-5, "batch": 512, "dropout": dropout}
    found = find_learner("mlp")(data, seed, epochs=7, **settings)(SPLIT)(data.features)
    np.testing.assert_array_equal(found, predict(plain_loop(data, seed, 7, dropout), data.features))


def test_the_mlp_learner_predicts_what_it_predicted_before_there_were_other_losses():
    """Recorded with the loop of before; another processor rounds otherwise."""
    data = signal()
    found = find_learner("mlp")(data, 3, epochs=5, dropout=0.1, batch=512, learning_rate=5e-3, weight_decay=1e-2)
    rows = [0, 1, 5000, 20_999]
    np.testing.assert_allclose(found(SPLIT)(data.features[rows]), RECORDED, rtol=1e-4)


RECORDED = [0.06964946, 0.149535, 0.2702584, -0.0379058]  # learner mlp, seed 3, as called above


# ----------------------------------------------------------------------------------------- batches


def test_batches_take_every_row_once_and_days_whole():
    day = torch.tensor(np.sort(np.random.default_rng(0).integers(0, 30, 400)))
    shuffle = torch.Generator().manual_seed(0)
    by_row, by_day = row_batches(400, 64, shuffle), day_batches(day, 64, shuffle)
    for batches in (by_row, by_day):
        assert torch.equal(torch.cat(batches).sort().values, torch.arange(400))
        assert max(map(len, batches)) <= 64 and not torch.equal(torch.cat(batches), torch.arange(400))
    seen = [set(day[rows].tolist()) for rows in by_day]
    assert sum(map(len, seen)) == len(day.unique()), "no day in two batches"
    assert sum(len(set(day[rows].tolist())) for rows in by_row) > len(day.unique())


def test_a_batch_is_divided_between_days_only_where_days_count():
    day, rows = torch.tensor([4, 4, 4, 9, 9, 1]), torch.arange(6)
    assert [part.tolist() for part in parts(rows, day, 4)] == [[0, 1, 2], [3, 4, 5]]
    assert [part.tolist() for part in parts(rows, day, 1)] == [[0, 1, 2], [3, 4], [5]]
    assert [part.tolist() for part in parts(rows, None, 4)] == [[0, 1, 2, 3], [4, 5]]
    assert [part.tolist() for part in parts(rows, day, None)] == [rows.tolist()]
    assert list(grouped([], 3)) == []


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_batch_in_parts_is_that_of_the_whole(name, monkeypatch):
    """The mean is over the parts' rows or days by their number; clipped alike, because it is clipped once."""
    seen: list[torch.Tensor] = []

    def spy(self, *args, **kwargs):
        seen.append(torch.cat([p.grad.flatten() for p in self.param_groups[0]["params"]]))

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    data = signal()
    for at_once in (None, 64, 500):
        fitted(data, find_loss(name), dropout=0.0, epochs=1, batch=10**6, at_once=at_once)
    whole, *divided = seen
    assert whole.norm() > 1e-3
    assert all((found - whole).norm() < 1e-4 * whole.norm() for found in divided)


# ------------------------------------------------------------------------------------------ losses


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_learns_a_signal(name):
    data = signal(noise=1.0)
    network = fitted(data, find_loss(name), epochs=6)
    truth = data.features @ [0.5, -0.3, 0.0]
    test = slice(310 * 30, None)
    assert np.corrcoef(predict(network, data.features)[test], truth[test])[0, 1] > 0.9


def test_losses_give_different_networks():
    data = signal()
    found = [weights(fitted(data, find_loss(name), epochs=1)) for name in LOSSES]
    assert all(not torch.equal(a, b) for i, a in enumerate(found) for b in found[:i])


def test_adjusted_mse_shrinks_what_it_cannot_sign():
    """At a small signal the minimiser of its expectation is 0; mean squared error keeps the signal's size."""
    data = signal(noise=4.0)
    sizes = [np.std(predict(fitted(data, loss, epochs=8), data.features)) for loss in (MSE(), AdjMSE(0.1))]
    assert sizes[1] < 0.7 * sizes[0]


@pytest.mark.parametrize("loss", [IC(), RankIC()])
def test_a_loss_over_days_needs_days(loss):
    data = signal()
    sample = data.training(0, 150)
    with pytest.raises(ParameterError, match=r"is a mean over days: got no day"):
        train(MLP(3), sample, held_out(data), seed=0, loss=loss)
    with pytest.raises(ParameterError, match=r"day: got 5 for \d+ samples"):
        train(MLP(3), sample, held_out(data), seed=0, loss=loss, day=np.arange(5))
    with pytest.raises(ParameterError, match="not in order of their days"):
        train(MLP(3), sample, held_out(data), seed=0, loss=loss, day=np.arange(len(sample[1]))[::-1].copy())


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_names_the_date_and_the_loss(name, value):
    data = signal()
    (features, label), day, loss = data.training(SPLIT.fit_start, SPLIT.fit_stop), days_of(data), find_loss(name)
    at = int(np.flatnonzero(day == 77)[0])
    features[at, 0] = value
    message = (
        rf"{type(loss).__name__}.* is (nan|inf) in epoch 1: a prediction of {DATES[77]} is not finite, 1 of .* rows"
    )
    with pytest.raises(ParameterError, match=message):
        train(MLP(3), (features, label), held_out(data), seed=0, loss=loss, day=day, dates=DATES)
    with pytest.raises(ParameterError, match="of day 77 is not finite"):
        train(MLP(3), (features, label), held_out(data), seed=0, loss=loss, day=day)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_label_that_is_not_finite_names_the_date_and_the_loss(value):
    data = signal()
    (features, label), day = data.training(SPLIT.fit_start, SPLIT.fit_stop), days_of(data)
    label[np.flatnonzero(day == 77)[:2]] = value
    message = rf"AdjMSE\(gamma=0.1\) needs finite labels: got {value} on {DATES[77]}, 2 of {len(label)} samples"
    with pytest.raises(ParameterError, match=message):
        train(MLP(3), (features, label), held_out(data), seed=0, loss=AdjMSE(), day=day, dates=DATES)


def test_weights_that_run_away_are_an_error_and_no_prediction():
    with pytest.raises(
        ParameterError, match=r"MSE\(\) is (nan|inf) in epoch \d+: .*lower learning_rate \(got 1e\+30\)"
    ):
        fitted(signal(), learning_rate=1e30)


# --------------------------------------------------------------------------------------- schedules


def rates(schedule: str, monkeypatch: pytest.MonkeyPatch, **settings) -> list[float]:
    """The learning rate of every step."""
    seen: list[float] = []
    step = torch.optim.AdamW.step

    def spy(self, *args, **kwargs):
        seen.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    data = signal(days=300)
    data = Dataset(data.features[:9000], data.label[:9000], data.day[:9000], data.stock[:9000], (300, 30))
    fitted(data, schedule=schedule, learning_rate=1.0, weight_decay=0.0, batch=3500, patience=99, **settings)
    return seen


def test_schedules_move_the_rate_step_by_step(monkeypatch):
    count = len(signal(days=300).training(SPLIT.fit_start, SPLIT.fit_stop)[1])
    steps = -(-count // 3500)
    assert steps == 2
    done = np.arange(6 * steps) / steps
    assert rates("constant", monkeypatch, epochs=6) == [1.0] * 12
    np.testing.assert_allclose(rates("cosine", monkeypatch, epochs=6), (1 + np.cos(np.pi * done / 6)) / 2)
    warm = rates("restarts", monkeypatch, epochs=6, cycle=2)
    np.testing.assert_allclose(warm[:4], (1 + np.cos(np.pi * done[:4] / 2)) / 2)
    np.testing.assert_allclose(warm[4:], (1 + np.cos(np.pi * (done[4:] - 2) / 4)) / 2)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_a_share(name):
    shares = [SCHEDULES[name](done, 10, 3) for done in np.linspace(0, 10, 101)]
    assert shares[0] == 1 and min(shares) >= 0 and max(shares) <= 1


# ------------------------------------------------------------------------------ bad input, contract


def test_a_protocol_rejects_what_it_does_not_know():
    with pytest.raises(UnknownNameError, match=r"schedule: got 'cosin'; expected constant, .*; did you mean 'cosine'"):
        Protocol(schedule="cosin")
    with pytest.raises(ParameterError, match="at_once: got 0; expected at least 1"):
        Protocol(at_once=0)


def test_after_epoch_is_told_what_was_reached():
    data, told = signal(), []
    network = initialised(MLP, 3, 0)
    sample = data.training(SPLIT.fit_start, SPLIT.fit_stop)
    train(
        network,
        sample,
        held_out(data),
        seed=0,
        protocol=Protocol(epochs=4, batch=512),
        after_epoch=lambda *a: told.append(a),
    )
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4]
    best = max(ic for _, ic in told)
    assert held_out(data).ic(predict(network, held_out(data).features)) == pytest.approx(best)


@pytest.mark.parametrize("loss", ["adj_mse", "rank_ic"])
def test_the_future_changes_no_fitted_weight(loss):
    data, settings = signal(), {"loss": loss, "epochs": 2, "batch": 512}
    later = data.day >= SPLIT.test_start
    rng = np.random.default_rng(0)
    features, label = data.features.copy(), data.label.copy()
    features[later], label[later] = rng.normal(size=features[later].shape), rng.normal(size=later.sum())
    changed = Dataset(features, label, data.day, data.stock, data.shape)
    before, after = (weights(neural(d, 0, **settings)(SPLIT).args[0]) for d in (data, changed))
    assert torch.equal(before, after)
    label[data.day == SPLIT.fit_stop - 1] *= -1
    assert not torch.equal(before, weights(neural(changed, 0, **settings)(SPLIT).args[0]))
