"""The leak detector: a clean pipeline passes with every learner, each planted leak is caught where it sits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from overlay import rough_panel

from lib.errors import ParameterError
from lib.evaluation.leaks import Leak, Trace, another_market, find_leaks
from lib.evaluation.pipeline import Pipeline
from lib.factors import FactorSet
from lib.models.dataset import next_return

torch.set_num_threads(1)
#: momentum, ranks, correlations, volume, a recurrence; they reach back 25 days
FACTORS = ("alpha_001", "alpha_101", "stock_006", "better_013", "add_022", "extra_006")
WALK = {"first_test": "2011-03-15"}


@pytest.fixture(scope="module")
def panel():
    return rough_panel(40, 260, seed=4, start="2010-07-01")


def leaks_of(pipeline: Pipeline, panel, **how) -> list[Leak]:
    return find_leaks(pipeline.trace, panel, rng=np.random.default_rng(0), **how)


# ------------------------------------------------------------------------------------------- clean


@pytest.mark.parametrize(
    "learner, options", [("ridge", {}), ("lightgbm", {"rounds": 15, "num_leaves": 4}), ("mlp", {"epochs": 2})]
)
def test_a_clean_pipeline_passes_with_every_learner(panel, learner, options):
    pipeline = Pipeline(FACTORS, learner=learner, options=options, **WALK)
    poisons = ("NaN", "1e30", "inf", "price") if learner == "ridge" else ("NaN",)
    assert leaks_of(pipeline, panel, poisons=poisons) == []


def test_a_walk_with_monthly_refits_on_a_rolling_window_passes(panel):
    pipeline = Pipeline(FACTORS, refit="monthly", window=120, **WALK)
    trace = pipeline.trace(panel)
    assert len(trace.fitted) == 2 * len(pipeline.splits(panel.dates)) >= 8
    assert leaks_of(pipeline, panel) == []


def test_the_test_can_fail_because_the_market_and_its_change_reach_everything(panel):
    """What is replaced moves factors, members, predictions and the book, and every fit."""
    assert 0.01 < (panel.observed & ~panel.price_valid).mean() < 0.2 and not panel.universe.all()
    other = another_market(panel, np.random.default_rng(0))
    assert (other.universe != panel.universe).any() and (other.reasons != panel.reasons).any()
    plain, moved = (Pipeline(FACTORS, **WALK).trace(each) for each in (panel, other))
    for stage in plain.daily:
        assert (plain.daily[stage] != moved.daily[stage]).any(), stage
    assert all(not np.array_equal(plain.fitted[name][1], moved.fitted[name][1]) for name in plain.fitted)


def test_the_parameters_themselves_do_not_move(panel):
    """Slopes of the ridge, trees and weights, read out of the fitted model, under another future."""
    from lib.audit import later_replaced

    for learner, options in (("ridge", {}), ("lightgbm", {"rounds": 5}), ("mlp", {"epochs": 1})):
        pipeline = Pipeline(FACTORS, learner=learner, options=options, **WALK)
        split = pipeline.splits(panel.dates)[0]
        future = another_market(panel, np.random.default_rng(1))
        known, sooner = (
            parameters(pipeline, learner, later_replaced(panel, row - 1, future))
            for row in (split.test_start - 1, split.fit_stop - 5)
        )
        assert parameters(pipeline, learner, panel) == known, learner
        assert known != sooner, "but days that are fitted do move them"


def parameters(pipeline: Pipeline, learner: str, panel) -> str:
    model = pipeline.fit(pipeline.samples(panel, pipeline.factors(panel)), pipeline.splits(panel.dates)[0])
    if learner == "mlp":
        return str({name: value.tolist() for name, value in model.args[0].state_dict().items()})
    if learner == "ridge":
        return str(model(np.eye(len(FACTORS), dtype=np.float32)).tolist())
    (trees,) = (cell.cell_contents for cell in model.__closure__ if hasattr(cell.cell_contents, "model_to_string"))
    return trees.model_to_string()


# -------------------------------------------------------------------------------------- planted leaks


class LabelOfTheDayAfter(Pipeline):
    """The label of t is earned from t + 1 to t + 2, and the purge has not been told."""

    def label(self, panel):
        label = super().label(panel)
        return np.vstack([label[1:], np.full_like(label[:1], np.nan)])


class StandardisedOverAllDays(Pipeline):
    def factors(self, panel):
        raw = super().factors(panel)
        known = np.where(raw.valid, raw.values.astype(float), np.nan)
        scores = (known - np.nanmean(known, axis=(0, 1))) / np.nanstd(known, axis=(0, 1))
        return FactorSet(np.nan_to_num(scores).astype(np.float32), raw.valid, raw.names, {})


class ValidationInTheFit(Pipeline):
    def fit(self, data, split, **options):
        return super().fit(data, replace(split, fit_stop=split.validation_stop), **options)


class TestInTheFit(Pipeline):
    __test__ = False

    def fit(self, data, split, **options):
        return super().fit(data, replace(split, fit_stop=split.test_stop), **options)


class NoPurge(Pipeline):
    """Each part ends where the next one begins."""

    def splits(self, dates):
        found = super().splits(dates)
        return [replace(s, fit_stop=s.validation_start, validation_stop=s.test_start) for s in found]


class MembersOfTomorrow(Pipeline):
    def seen(self, panel):
        return panel.with_universe(np.vstack([panel.universe[1:], panel.universe[-1:]]))


class LabelAsFeature(Pipeline):
    def factors(self, panel):
        raw, label = super().factors(panel), next_return(panel)
        values, valid = raw.values.copy(), raw.valid.copy()
        values[..., 0], valid[..., 0] = np.nan_to_num(label), np.isfinite(label)
        return FactorSet(values, valid, raw.names, {})


class DelayOfMinusOne(Pipeline):
    def factors(self, panel):
        raw = super().factors(panel)
        values, valid = (np.concatenate([part[1:], part[-1:]]) for part in (raw.values, raw.valid))
        return FactorSet(values, valid, raw.names, {})


class RiskOfTomorrow(Pipeline):
    """Weights divided by a risk that knows the return of t + 1."""

    def book(self, panel, prediction):
        found, returns = super().book(panel, prediction), np.nan_to_num(panel.returns)
        ahead = np.vstack([returns[1:], returns[-1:]])
        return found | {"weights": found["weights"] / (0.01 + np.abs(ahead))}


class SameDayFill(Pipeline):
    """Weights formed at the close of t earn the return of t."""

    def book(self, panel, prediction):
        best = prediction >= np.nanquantile(np.nan_to_num(prediction, nan=-1.0), 0.8, axis=1)[:, None]
        weights = best / np.maximum(best.sum(axis=1), 1)[:, None]
        return {"gross": (weights * np.nan_to_num(panel.returns)).sum(axis=1)}


class MaskedCellsRead(Pipeline):
    """Windows over limit closes."""

    def factors(self, panel):
        return super().factors(panel.with_mask("observed"))


FUTURE, DELETED, MASKED = "the future", "the future (deleted)", "what masked cells hold (1e30)"
FIT, FIRST = "fit for 2011-03-15", "first step of the fit for 2011-03-15"
LEAKS = {
    LabelOfTheDayAfter: (FIRST, FUTURE),
    StandardisedOverAllDays: ("factors", FUTURE),
    ValidationInTheFit: (FIRST, FUTURE),
    TestInTheFit: (FIT, FUTURE),
    NoPurge: (FIRST, FUTURE),
    MembersOfTomorrow: ("features", FUTURE),
    LabelAsFeature: ("factors", FUTURE),
    DelayOfMinusOne: ("factors", FUTURE),
    RiskOfTomorrow: ("weights", FUTURE),
    SameDayFill: ("gross", "its own decision"),
    MaskedCellsRead: ("factors", MASKED),
}


@pytest.mark.parametrize("leaking", LEAKS, ids=lambda leaking: leaking.__name__)
def test_a_planted_leak_is_caught(panel, leaking):
    found = leaks_of(leaking(FACTORS, **WALK), panel)
    stage, change = LEAKS[leaking]
    assert (stage, change) in {(leak.stage, leak.change) for leak in found}


@pytest.mark.parametrize("leaking", [ValidationInTheFit, SameDayFill, MaskedCellsRead], ids=lambda item: item.__name__)
def test_a_leak_is_found_where_it_sits_and_not_before(panel, leaking):
    found = {(leak.stage, leak.change) for leak in leaks_of(leaking(FACTORS, **WALK), panel)}
    if leaking is ValidationInTheFit:
        assert found == {(FIRST, FUTURE)}, "the model may read the validation labels: it chooses by them"
    if leaking is SameDayFill:
        assert found == {("gross", "its own decision")}
    if leaking is MaskedCellsRead:
        assert {change for _, change in found} == {MASKED}


@pytest.mark.parametrize(
    "leaking, learner, options",
    [
        (ValidationInTheFit, "lightgbm", {"rounds": 5}), (TestInTheFit, "lightgbm", {"rounds": 5}),
        (NoPurge, "lightgbm", {"rounds": 5}), (ValidationInTheFit, "mlp", {"epochs": 1}),
    ],
)  # fmt: skip
def test_leaks_of_the_fit_are_caught_with_other_learners(panel, leaking, learner, options):
    found = leaks_of(leaking(FACTORS, learner=learner, options=options, **WALK), panel)
    assert any(leak.stage == FIRST for leak in found)


def test_a_leak_says_what_moved_when_and_where():
    day = np.datetime64("2011-03-15")
    assert str(Leak("weights", FUTURE, day, day - 1, 12)) == (
        "weights: 12 numbers move when the future from 2011-03-15 on is changed, first on 2011-03-14"
    )
    assert str(Leak(FIT, MASKED, None, None, 3)).endswith(f"3 numbers move when {MASKED} is changed")


def test_a_pipeline_that_predicts_nothing_is_refused(panel):
    nothing = Trace({"prediction": np.full(panel.shape, np.nan)})
    with pytest.raises(ParameterError, match=r"predicts 0 days of 2010-07-01 to .*; expected a stage called"):
        find_leaks(lambda each, orders: nothing, panel, rng=np.random.default_rng(0))
    with pytest.raises(ParameterError, match=r"days: got cuts .*expected rows from 1 to 259"):
        leaks_of(Pipeline(FACTORS, **WALK), panel, days=(999,))
