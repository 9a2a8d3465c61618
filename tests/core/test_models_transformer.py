"""The factor-axis Transformer's fast form is the plain one: outputs, gradients, dropped parts, rows on their own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lib.errors import ParameterError
from lib.models.attention import encoder_layer, full_layer, one_token_layer
from lib.models.factor_transformer import TOGETHER, FactorTransformer
from lib.models.networks import seed_dropout
from lib.models.training import initialised

torch.set_num_threads(1)


def network(n_factors: int = 13, dtype: torch.dtype = torch.float32, **settings) -> FactorTransformer:
    """With norms and biases that are not at their plain initial values, so that a missing one shows."""
    built = initialised(lambda n: FactorTransformer(n, **settings), n_factors, 0)
    generator = torch.Generator().manual_seed(1)
    for parameter in built.parameters():
        if parameter.dim() == 1:
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    return built.to(dtype)  # type: ignore[return-value]


def factors(rows: int, n_factors: int = 13, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(rows, n_factors, generator=torch.Generator().manual_seed(2)).to(dtype)


def gradients(built: nn.Module, prediction: Tensor) -> dict[str, Tensor]:
    built.zero_grad()
    (prediction - torch.linspace(-1, 1, len(prediction), dtype=prediction.dtype)).square().mean().backward()
    return {name: p.grad.clone() for name, p in built.named_parameters() if p.grad is not None}


SHAPES = [{}, {"layers": 1}, {"layers": 3}, {"heads": 8, "width": 32, "feed_forward": 48}, {"activation": "gelu"}]


@pytest.mark.parametrize("dtype,outputs,relative", [(torch.float32, 1e-5, 1e-5), (torch.float64, 1e-13, 1e-12)])
@pytest.mark.parametrize("settings", SHAPES, ids=str)
def test_the_fast_form_equals_the_reference(settings, dtype, outputs, relative):
    built, x = network(dtype=dtype, **settings), factors(TOGETHER + 7, dtype=dtype)
    fast, plain = built(x), built.reference(x)
    assert fast.shape == (TOGETHER + 7,) and plain.std() > 0.01
    assert (fast - plain).abs().max() < outputs
    ours, theirs = gradients(built, fast), gradients(built, plain)
    assert set(ours) == set(theirs) == {name for name, _ in built.named_parameters()}
    for name, expected in theirs.items():
        assert (ours[name] - expected).norm() < relative * max(expected.norm(), 1e-3), name
    assert min(expected.norm() for name, expected in theirs.items() if "in_proj_bias" not in name) > 1e-6


def test_at_the_papers_size_the_forms_agree_and_213_factors_have_113857_parameters():
    built, x = network(213), factors(20, 213)
    assert sum(p.numel() for p in built.parameters()) == 113_857
    fast, plain = built(x), built.reference(x)
    assert (fast - plain).abs().max() < 1e-5
    ours, theirs = gradients(built, fast), gradients(built, plain)
    flat = [torch.cat([g.flatten() for g in found.values()]) for found in (ours, theirs)]
    assert (flat[0] - flat[1]).norm() < 1e-5 * flat[1].norm()


@pytest.mark.parametrize("settings", SHAPES[:3], ids=str)
def test_prediction_without_gradients_is_the_same(settings):
    """Inference takes other kernels in torch: the plain form has a fused one."""
    built, x = network(**settings), factors(9)
    with_gradients = built(x).detach()
    built.eval()
    with torch.no_grad():
        torch.testing.assert_close(built(x), with_gradients, rtol=0, atol=1e-6)
        torch.testing.assert_close(built.reference(x), with_gradients, rtol=0, atol=1e-5)


def test_every_factor_matters_and_rows_do_not_see_each_other():
    built, x = network(), factors(5)
    slope = torch.autograd.functional.jacobian(built, x)  # B B F
    assert (slope[torch.arange(5), torch.arange(5)].abs() > 1e-7).all()
    slope[torch.arange(5), torch.arange(5)] = 0
    assert (slope == 0).all()


def test_factors_are_told_apart_by_their_position():
    built, x = network(), factors(5)
    assert not torch.allclose(built(x), built(x.flip(1)), atol=1e-4)
    built.position.data[:] = built.position.data[:1].clone()
    torch.testing.assert_close(built(x), built(x.flip(1)), rtol=0, atol=1e-6)


def test_a_brief_training_tells_factors_apart():
    """Half of the factors count with a plus, half with a minus: what depends on their sum alone finds nothing."""
    built = initialised(lambda n: FactorTransformer(n, width=32, feed_forward=64), 8, 0)
    optimiser = torch.optim.AdamW(built.parameters(), 1e-3)
    sign = torch.tensor([1.0, -1.0]).repeat(4)
    for step in range(60):
        x = torch.randn(128, 8, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        (built(x) - x @ sign).square().mean().backward()
        optimiser.step()
    x = torch.randn(400, 8, generator=torch.Generator().manual_seed(1000))
    with torch.no_grad():
        assert torch.corrcoef(torch.stack([built(x), x @ sign]))[0, 1] > 0.6


def test_one_token_of_a_layer_is_that_token_of_the_whole_layer():
    layer = encoder_layer(32, 4, 64).double()
    layer.self_attn.in_proj_bias.data += torch.linspace(-1, 1, 96)
    tokens = torch.randn(3, 9, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    hidden = torch.zeros(3, 1, 9, 9, dtype=torch.float64)
    hidden[..., 2:4] = -torch.inf
    for which in (0, 4, -1):
        torch.testing.assert_close(one_token_layer(layer, tokens, which), layer(tokens)[:, which])
        found = one_token_layer(layer, tokens, which, bias=hidden[:, :, which])
        torch.testing.assert_close(found, full_layer(layer, tokens, bias=hidden)[:, which])
        assert not torch.allclose(found, layer(tokens)[:, which])


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_bias_changes_the_scores_of_the_first_layer_alone(layers):
    built, x = network(layers=layers, dtype=torch.float64), factors(7, dtype=torch.float64)
    bias = torch.zeros(14, 14, dtype=torch.float64)
    bias[3, 5] = bias[5, 3] = bias[0, 2] = -torch.inf
    hidden = built(x, bias)
    torch.testing.assert_close(hidden, built.reference(x, bias))
    torch.testing.assert_close(built(x, torch.zeros_like(bias)), built(x))
    assert (hidden - built(x)).abs().min() > 1e-6


def test_attention_weights_are_those_of_the_first_layer():
    built, x = network(), factors(4)
    tokens = torch.cat([built.cls.expand(4, 1, -1), built.embed(x[..., None]) + built.position], 1)
    _, expected = built.layers[0].self_attn(tokens, tokens, tokens, average_attn_weights=False)
    torch.testing.assert_close(built.attention(x), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(built.attention(x).sum(-1), torch.ones(4, 4, 14))


def test_dropping_is_seeded_and_for_training_only():
    built, x = network(dropout=0.3), factors(40)

    def trained(seed: int) -> Tensor:
        seed_dropout(built, seed)
        return built.train()(x).detach()

    assert torch.equal(trained(0), trained(0)) and not torch.equal(trained(0), trained(1))
    torch.testing.assert_close(built.eval()(x), built.reference(x), rtol=0, atol=1e-5)
    assert not torch.allclose(trained(0), built.eval()(x), atol=1e-3)


@pytest.mark.parametrize(
    "settings,match",
    [
        ({"width": 30}, "width, heads: got 30 and 4; expected a width that is a multiple"),
        ({"activation": "tanh"}, "activation: got 'tanh'; expected one of relu, gelu"),
        ({"layers": 0}, "n_factors, layers: got 13 and 0"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(settings, match):
    with pytest.raises(ParameterError, match=match):
        FactorTransformer(13, **settings)
