"""The comparison of the two forms of the Transformer measures what it says; no time is judged here."""

from __future__ import annotations

import math

import pytest
import torch

from lib.models.factor_transformer import FactorTransformer
from lib.studies.how_fast import transformer
from lib.studies.how_fast.report import forms_of_the_transformer
from lib.studies.how_fast.transformer import GOALS, compare, report

torch.set_num_threads(1)


def test_both_forms_are_measured_in_both_kinds_of_work():
    found = compare(factors=6, rows=8, repeats=3, least=0)
    assert set(found.ratio) == set(found.fast_ms) == set(found.plain_ms) == set(GOALS)
    assert all(ratio.low <= ratio.value <= ratio.high for ratio in found.ratio.values())
    assert 0 <= found.outputs < 1e-5 and 0 < found.gradients < 1e-5
    assert all(f"{work}: fast form" in report(found) for work in GOALS)


def test_a_form_that_differs_shows(monkeypatch: pytest.MonkeyPatch):
    plain = FactorTransformer.reference
    monkeypatch.setattr(FactorTransformer, "reference", lambda self, x: 1.01 * plain(self, x))
    found = compare(factors=6, rows=8, repeats=1, least=0)
    assert found.outputs > 1e-4 and found.gradients == pytest.approx(0.02, abs=0.005)
    assert math.isnan(found.ratio["training"].low)


def test_training_is_a_step_with_gradients_and_inference_is_without():
    network, x = FactorTransformer(5), torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    for form in ("fast", "plain"):
        transformer._inference(network, x)[form]()
        assert not network.training and all(p.grad is None for p in network.parameters())
    transformer._training(network, x)["fast"]()
    assert network.training and all(p.grad is not None for p in network.parameters())


def test_make_bench_prints_it(monkeypatch: pytest.MonkeyPatch):
    asked: list[dict] = []
    monkeypatch.setattr(transformer, "compare", lambda **how: asked.append(how) or compare(6, 8, 1, least=0))
    assert "training: fast form" in forms_of_the_transformer("smoke") and "inference" in forms_of_the_transformer(
        "paper"
    )
    assert asked[0]["factors"] == 39 and asked[1] == {}, "the papers' size unless it must be quick"
