"""Residual and time-axis networks: formulas by hand, counts of weights, masked sessions, places in time, windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_models import signal, until
from torch import Tensor, nn

from lib.errors import ParameterError, UnknownNameError
from lib.models.architectures import NETWORKS, WINDOWED, find_network
from lib.models.dataset import Dataset
from lib.models.neural import neural
from lib.models.residual import ACTIVATIONS, NORMS, ResidualNetwork
from lib.models.time_networks import ENCODINGS, GRU, LSTM, TimeTransformer, sinusoids
from lib.models.training import initialised, predict
from lib.models.windows import Windows, windowed

torch.set_num_threads(1)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def draws(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ---------------------------------------------------------------------------------------- residual


@pytest.mark.parametrize("activation,by_hand", [
    ("relu", lambda x: x.clamp(min=0)),
    ("gelu", lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2),
    ("swish", lambda x: x / (1 + torch.exp(-x))),
    ("mish", lambda x: x * torch.tanh(torch.log1p(torch.exp(x)))),
])  # fmt: skip
@pytest.mark.parametrize("residual", [True, False])
def test_a_layer_is_the_papers_equation(activation, by_hand, residual):
    """h' = sigma(W h + b) + h (A eq. 14), the first layer without the sum."""
    settings = {"width": 6, "depth": 3, "norm": "none", "activation": activation, "dropout": 0.0}
    network = initialised(lambda n: ResidualNetwork(n, **settings, residual=residual), 5, 0)
    x = draws(7, 5)
    W, b = zip(*[(layer[0].weight, layer[0].bias) for layer in network.layers], strict=True)
    hidden = by_hand(x @ W[0].T + b[0])
    for l in (1, 2):  # noqa: E741
        hidden = by_hand(hidden @ W[l].T + b[l]) + (hidden if residual else 0)
    torch.testing.assert_close(network(x), (hidden @ network.head.weight.T + network.head.bias)[:, 0])


def test_batch_normalisation_is_the_papers_equation():
    """gamma (x - mean) / sqrt(variance + epsilon) + beta over the batch (A eq. 15); later of what was seen."""
    norm = NORMS["batch"](4)
    with torch.no_grad():
        norm.weight.copy_(torch.arange(1.0, 5)), norm.bias.copy_(torch.arange(4.0))
    x = 3 + 2 * draws(50, 4)
    expected = norm.weight * (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt() + norm.bias
    torch.testing.assert_close(norm(x), expected)
    for _ in range(200):
        norm(x)
    norm.eval()
    seen = norm.weight * (x - x.mean(0)) / (x.var(0) + 1e-5).sqrt() + norm.bias  # an estimate: over n - 1
    torch.testing.assert_close(norm(x), seen, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(norm(x[:1]), norm(x)[:1])
    torch.testing.assert_close(norm.train()(x[:1]), norm.eval()(x[:1]))  # one row has no variance


@pytest.mark.parametrize("norm,more", [("batch", 2), ("layer", 2), ("none", 0)])
def test_residual_weights_are_counted(norm, more):
    for depth, width in ((2, 64), (6, 1024)):
        network = ResidualNetwork(213, width=width, depth=depth, norm=norm)
        assert count(network) == (214 + (depth - 1) * (width + 1) + depth * more + 1) * width + 1


def test_predicting_a_row_reads_that_row_alone():
    for norm in NORMS:
        network = ResidualNetwork(5, width=8, norm=norm)
        network(draws(40, 5))
        network.eval()
        x = draws(9, 5, seed=1)
        torch.testing.assert_close(network(x)[:3], network(torch.cat([x[:3], 100 * x[3:]]))[:3])


# ------------------------------------------------------------------------------------- time axis


def window(B: int = 4, L: int = 10, F: int = 3, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """A window of sessions from a Monday on, some of them masked, today never."""
    factors = draws(B, L, F, seed=seed)
    valid = torch.rand(B, L, generator=torch.Generator().manual_seed(seed)) < 0.7
    valid[:, -1] = True
    day = torch.arange(L) + 2 * (torch.arange(L) // 5)
    gap = torch.diff(day, prepend=day[:1] - 3)
    calendar = torch.stack([day[-1] - day, gap, day % 7], -1).float().expand(B, L, 3)
    return factors * valid[..., None], valid, calendar


def time_transformer(encoding: str, length: int = 10, **settings) -> TimeTransformer:
    how = {"width": 16, "heads": 4, "feed_forward": 32, "dropout": 0.0, **settings}
    return initialised(lambda n: TimeTransformer(n, length, encoding=encoding, **how), 3, 0)  # type: ignore[return-value]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_time_transformer_is_torchs_encoder(encoding, layers):
    network, (factors, valid, calendar) = time_transformer(encoding, layers=layers), window()
    tokens, mask = network.tokens(factors, calendar), network.bias(valid)
    for layer in network.layers:
        tokens = layer(tokens, src_mask=mask.expand(-1, 4, -1, -1).reshape(-1, 10, 10))
    expected = network.head(tokens[:, -1])[:, 0]
    found = network(factors, valid, calendar)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert found.std() > 0.01


@pytest.mark.parametrize("name", sorted(WINDOWED))
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_masked_session_holds_changes_nothing_today_and_the_valid_ones_do(name, encoding):
    """The time-axis Transformer does not read a masked session at all; the recurrent ones are given zeros."""
    settings = {"encoding": encoding} if name == "time_transformer" else {}
    network = initialised(lambda n: find_network(name)(n, 10, **settings), 3, 0).eval()
    factors, valid, calendar = window()
    assert (~valid).any(1).all()
    before = network(factors, valid, calendar)
    if name == "time_transformer":
        spoiled = torch.where(valid[..., None], factors, 1e6)
        torch.testing.assert_close(network(spoiled, valid, calendar), before, rtol=0, atol=0)
    for session in range(10):
        rows = valid[:, session]
        moved = factors.clone()
        moved[:, session] += valid[:, session, None] * 1.0
        assert not torch.isclose(network(moved, valid, calendar), before, rtol=0, atol=1e-7)[rows].any()
    assert not torch.allclose(network(factors, torch.ones_like(valid), calendar), before, atol=1e-5)


def test_places_in_time_matter_in_every_encoding():
    factors, _, calendar = window()
    valid = torch.ones(4, 10, dtype=torch.bool)
    order = torch.cat([torch.arange(9).flip(0), torch.tensor([9])])  # the past the other way round
    for encoding in ENCODINGS:
        network = time_transformer(encoding)
        assert not torch.allclose(
            network(factors[:, order], valid, calendar), network(factors, valid, calendar), atol=1e-4
        )
    plain = time_transformer("relative")
    plain.distance.data.zero_()
    torch.testing.assert_close(plain(factors[:, order], valid, calendar), plain(factors, valid, calendar))


def test_only_the_calendar_encoding_knows_of_a_holiday():
    factors, valid, calendar = window()
    holiday = calendar.clone()
    holiday[:, :7, 0] += 7  # a week without sessions, before the eighth
    holiday[:, 7, 1] += 7
    for encoding in ENCODINGS:
        network = time_transformer(encoding)
        same = torch.equal(network(factors, valid, holiday), network(factors, valid, calendar))
        assert same == (encoding != "calendar")


def test_a_relative_place_is_a_distance():
    network, (_, valid, _) = time_transformer("relative"), window()
    bias = network.bias(torch.ones_like(valid))
    for gap in range(-9, 10):
        seen = torch.diagonal(bias, gap, dim1=2, dim2=3)
        torch.testing.assert_close(seen, network.distance[None, :, gap + 9, None].expand_as(seen))
    assert torch.isinf(network.bias(valid)).any() and (network.bias(valid) < 0).any()


def test_sinusoids_of_a_place():
    found = sinusoids(torch.tensor([0.0, 3.0]), 4)
    expected = [[0, 0, 1, 1], [np.sin(3), np.sin(0.03), np.cos(3), np.cos(0.03)]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_weights_of_the_time_networks_are_counted():
    F, L, d, ff = 39, 20, 64, 256
    layer = 4 * d * (d + 1) + 2 * d * ff + ff + d + 4 * d
    more = {"absolute": L * d, "relative": 4 * (2 * L - 1), "calendar": 8 * d}
    for encoding, places in more.items():
        assert count(TimeTransformer(F, L, encoding=encoding)) == (F + 1) * d + places + 2 * layer + d + 1
    assert count(LSTM(F, L)) == 4 * d * (F + 1 + d + 2) + d + 1
    assert count(GRU(F, L, layers=2)) == 3 * d * (F + 1 + d + 2) + 3 * d * (2 * d + 2) + d + 1


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_recurrent_networks_read_in_order_and_end_today(kind):
    network = initialised(lambda n: kind(n, 10, dropout=0.0), 3, 0)
    factors, valid, calendar = window()
    hidden = torch.cat([factors, valid[..., None].float()], -1)
    state = None
    for session in range(10):  # one at a time
        output, state = network.layers[0](hidden[:, session : session + 1], state)
    torch.testing.assert_close(network(factors, valid, calendar), network.head(output[:, 0])[:, 0])


# -------------------------------------------------------------------------------------- windows


def gappy(days: int = 40, stocks: int = 6) -> Dataset:
    rng = np.random.default_rng(0)
    day, stock = np.nonzero(rng.random((days, stocks)) < 0.7)
    x = rng.normal(size=(len(day), 3)).astype(np.float32)
    return Dataset(x, rng.normal(size=len(day)), day, stock, (days, stocks))


def test_a_window_is_the_last_sessions_of_its_own_stock():
    data = gappy()
    dates = np.busday_offset("2024-01-01", np.arange(40)).astype("datetime64[D]")
    windows = windowed(data, 7, dates).features
    rows = np.array([0, 5, 50, len(data.day) - 1])
    factors, valid, calendar = (part.numpy() for part in windows.batch(torch.from_numpy(rows), "cpu"))  # type: ignore[attr-defined]
    for b, r in enumerate(rows):
        for l in range(7):  # noqa: E741
            day = data.day[r] - 6 + l
            cell = np.flatnonzero((data.day == day) & (data.stock == data.stock[r]))
            assert valid[b, l] == bool(len(cell))
            np.testing.assert_array_equal(factors[b, l], data.features[cell[0]] if len(cell) else 0)
            if day >= 1:
                age = (dates[data.day[r]] - dates[day]).astype(int)
                gap = (dates[day] - dates[day - 1]).astype(int)
                weekday = dates[day].astype(object).weekday()
                assert calendar[b, l].tolist() == [age, gap, weekday]
    assert valid[:, -1].all() and not valid.all()


def test_windows_are_indexed_as_rows_are():
    data = gappy()
    windows = windowed(data, 4).features
    assert windows.shape == (len(data.day), 4, 3)
    kept = data.day > 20
    for rows in (kept, np.flatnonzero(kept), slice(10, 30)):
        assert len(windows[rows]) == len(data.day[rows])
        one = windows[rows].batch(torch.tensor([2]), "cpu")[0]  # type: ignore[attr-defined]
        at = int(np.arange(len(data.day))[rows][2])
        torch.testing.assert_close(one, windows.batch(torch.tensor([at]), "cpu")[0])  # type: ignore[attr-defined]


def test_no_window_reads_a_later_day():
    data = gappy()
    network = initialised(lambda n: find_network("time_transformer")(n, 6), 3, 0)
    before = predict(network, windowed(data, 6).features)
    features = np.where((data.day >= 25)[:, None], np.float32(9), data.features)
    after = predict(network, windowed(Dataset(features, data.label, data.day, data.stock, data.shape), 6).features)
    np.testing.assert_array_equal(before[data.day < 25], after[data.day < 25])
    assert not np.isclose(before[data.day >= 25], after[data.day >= 25]).any()


# ------------------------------------------------------------------------------------- learners


SMALL = {
    "mlp": {}, "residual": {"depth": 2}, "factor_transformer": {"width": 16, "feed_forward": 32},
    "time_transformer": {"width": 16, "feed_forward": 32, "dropout": 0.0}, "lstm": {"width": 16}, "gru": {"width": 16},
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_a_signal(name):
    data = signal(days=240, noise=0.5)
    data = windowed(data, 3) if name in WINDOWED else data
    how = {"epochs": 8, "batch": 256, "learning_rate": 5e-3, "patience": 8, **SMALL[name]}
    found = neural(data, 0, network=name, loss="ic", **how)(until(220))(data.features)
    test = data.day > 222
    rows = data.features.features if isinstance(data.features, Windows) else data.features
    assert found.shape == (len(data.day),)
    assert np.corrcoef(found[test], (rows @ [0.5, -0.3, 0.0])[test])[0, 1] > 0.9


@pytest.mark.parametrize("name", NETWORKS)
def test_a_prediction_does_not_depend_on_how_many_rows_are_predicted(name):
    data = signal(days=170, stocks=30)
    features = windowed(data, 4).features if name in WINDOWED else data.features
    more = {"length": 4} if name in WINDOWED else {}
    network = initialised(lambda n: NETWORKS[name](n, **more, **SMALL[name]), 3, 0)
    whole = predict(network, features, batch=512)
    for rows in (1, 7, 513, 5000):
        np.testing.assert_array_equal(predict(network, features[:rows], batch=512), whole[:rows])


@pytest.mark.parametrize(
    "make,match",
    [
        (lambda data: neural(data, 0, network="lstm"), "network 'lstm' reads windows: got rows of one day; see"),
        (lambda data: neural(windowed(data, 5), 0), "network 'mlp' reads rows of one day: got windows"),
        (lambda data: neural(data, 0, widht=3)(until(60)), "network 'mlp': .*widht.*; expected fields of Protocol or"),
        (lambda data: windowed(data, 0), "length: got 0; expected at least 1 session"),
        (lambda data: windowed(data, 5, np.arange(3)), "dates: got 3 for 90 sessions; expected one for each"),
        (lambda data: TimeTransformer(3, 5, encoding="none"), "encoding: got 'none'; expected one of absolute"),
        (lambda data: TimeTransformer(3, 5)(*window()), "window: got 10 sessions; expected 5, as it was built for"),
        (lambda data: LSTM(3, 5, layers=0), "layers: got 0; expected at least 1"),
        (lambda data: ResidualNetwork(3, norm="group"), "norm: got 'group'; expected one of batch, layer, none"),
        (lambda data: ResidualNetwork(3, activation="tanh"), f"got 'tanh'; expected one of {', '.join(ACTIVATIONS)}"),
        (lambda data: ResidualNetwork(3, depth=0), "width, depth: got 128 and 0"),
    ],
)
def test_what_cannot_be_is_refused(make, match):
    with pytest.raises(ParameterError, match=match):
        make(signal(days=90))


def test_an_unknown_network_is_refused():
    with pytest.raises(UnknownNameError, match=r"'lstn' does not exist; expected mlp, .*; did you mean 'lstm'"):
        find_network("lstn")
