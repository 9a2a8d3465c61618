"""The criterion by which every learner chooses, and that none of them uses the validation days for anything else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import pearsonr
from test_models import signal, until

from lib.errors import ParameterError, UnknownNameError
from lib.models.dataset import Dataset
from lib.models.learners import find_learner
from lib.models.splits import Split
from lib.models.validation import MINIMUM_CELLS, Validation
from lib.models.walk import walk_predictions
from lib.stats import ic

FAST = {
    "ridge": {"penalties": (1e-3, 1.0)},
    "lightgbm": {"rounds": 30, "bagging_fraction": 0.5},
    "mlp": {"epochs": 4, "batch": 512, "learning_rate": 0.01},
}
SPLIT = until(300)


def with_label(data: Dataset, label: np.ndarray) -> Dataset:
    return Dataset(data.features, label, data.day, data.stock, data.shape)


def fitted(name: str, data: Dataset, split: Split = SPLIT) -> np.ndarray:
    return find_learner(name)(data, 0, **FAST[name])(split)(data.features[:600])


# ---------------------------------------------------------------------- the criterion


@pytest.fixture
def uneven() -> Dataset:
    """Days with 12 to 40 labelled stocks, in units that differ from day to day."""
    rng = np.random.default_rng(3)
    counts = rng.integers(12, 41, 60)
    day = np.repeat(np.arange(60), 45)
    stock = np.tile(np.arange(45), 60)
    label = rng.normal(size=len(day)) * (1 + day) + 100 * day
    label[stock >= counts[day]] = np.nan
    return Dataset(rng.normal(size=(len(day), 2)).astype(np.float32), label, day, stock, (60, 45))


def test_the_criterion_is_the_mean_of_daily_correlations(uneven):
    prediction = 1e-3 * np.random.default_rng(4).normal(size=len(uneven.day)) + uneven.day
    expected, kept = [], np.zeros(len(uneven.day), dtype=bool)
    for day in range(20, 50):
        cells = (uneven.day == day) & np.isfinite(uneven.label)
        if cells.sum() >= MINIMUM_CELLS:
            kept |= cells
            expected.append(pearsonr(prediction[cells], uneven.label[cells])[0])
    assert 5 < len(expected) < 30, "some days have too few stocks"
    validation = Validation.of(uneven, Split(0, 18, 20, 50, 52, 60))
    np.testing.assert_array_equal(validation.features, uneven.features[kept])
    assert validation.ic(prediction[kept]) == pytest.approx(np.mean(expected), rel=1e-9)


def test_the_criterion_is_the_mean_of_the_daily_ic_of_the_statistics():
    data, rng = signal(), np.random.default_rng(0)
    prediction = rng.normal(size=len(data.day))
    grids = [np.full(data.shape, np.nan) for _ in range(2)]
    for grid, values in zip(grids, (prediction, data.label), strict=True):
        data.grid(slice(None), values, grid)
    daily = ic(*grids, np.isfinite(grids[1]))[270:300]
    rows = data.rows(270, 300)
    validation = Validation(data.features[rows], data.label[rows], data.day[rows])
    scored = np.isfinite(data.label[rows]) & np.isin(data.day[rows], 270 + np.flatnonzero(np.isfinite(daily)))
    assert validation.ic(prediction[rows][scored]) == pytest.approx(np.nanmean(daily), rel=1e-9)


def test_equal_predictions_count_as_nothing_and_undefined_ones_as_undefined():
    x = np.zeros((60, 1), np.float32)
    label, day = np.random.default_rng(0).normal(size=60), np.repeat([5, 9], 30)
    validation = Validation(x, label, day)
    assert validation.ic(np.full(60, 0.1)) == 0.0
    assert validation.ic(np.where(day == 5, label, 0.3)) == pytest.approx(0.5)
    assert np.isnan(validation.ic(np.where(day == 5, np.nan, label)))


def test_where_no_day_has_enough_stocks_all_days_with_two_count():
    counts = [1, 2, MINIMUM_CELLS - 1]
    day = np.repeat([3, 5, 8], counts)
    label = np.random.default_rng(0).normal(size=len(day))
    validation = Validation(np.zeros((len(day), 1), np.float32), label, day)
    assert len(validation.features) == 2 + MINIMUM_CELLS - 1
    assert validation.ic(np.where(day == 8, label, -label)[1:]) == pytest.approx(0.0)
    day, label = np.append(day, 8), np.append(label, 0.7)
    assert len(Validation(np.zeros((len(day), 1), np.float32), label, day).features) == MINIMUM_CELLS


@pytest.mark.parametrize("rows", [0, 1])
def test_validation_without_labelled_stocks_is_refused(rows):
    with pytest.raises(ParameterError, match="validation needs labelled stocks: got no day with two on"):
        Validation(np.zeros((rows, 1), np.float32), np.zeros(rows), np.full(rows, 7))


# ------------------------------------------------------------- what learners do with it


@pytest.mark.parametrize("learner", FAST)
def test_fits_read_the_labels_of_fit_days_and_choices_those_of_validation_days(learner):
    """Labels of no part are poisoned; those of the validation days may not matter but for stopping and choosing."""
    data = signal(days=320, noise=3.0)
    before = fitted(learner, data)
    outside = (data.day >= SPLIT.fit_stop) & (data.day < SPLIT.validation_start) | (data.day >= SPLIT.validation_stop)
    np.testing.assert_array_equal(before, fitted(learner, with_label(data, np.where(outside, 1e30, data.label))))
    rescaled = np.where(data.day >= SPLIT.validation_start, 2.0 * data.label, data.label)
    np.testing.assert_array_equal(before, fitted(learner, with_label(data, rescaled)), "only order and shape count")
    seen = np.where(data.day == SPLIT.fit_stop - 1, 5.0 * data.label, data.label)
    assert not np.array_equal(before, fitted(learner, with_label(data, seen))), "the last fit day is fitted"


@pytest.mark.parametrize("learner", FAST)
def test_days_before_the_first_fit_day_are_not_read(learner):
    data, split = signal(days=320), Split(100, 268, 270, 300, 302, 310)
    hidden = with_label(data, np.where(data.day < 100, 1e30, data.label))
    np.testing.assert_array_equal(fitted(learner, data, split), fitted(learner, hidden, split))
    assert not np.array_equal(fitted(learner, data, split), fitted(learner, data))


def test_ridge_between_two_days_is_ridge_on_those_days_alone():
    data = signal()
    fit = find_learner("ridge")(data, 0)
    for start, stop in ((0, 200), (60, 200), (60, 260), (0, 150)):
        split = Split(start, stop, 270, 300, 302, 310)
        once = find_learner("ridge")(data, 0)(split)(data.features)
        np.testing.assert_allclose(fit(split)(data.features), once, rtol=1e-10, atol=1e-15)


def test_ridge_takes_the_penalty_of_the_best_validation_ic():
    """Two factors nearly alike: which penalty is best depends on the validation days, found by trying each."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300 * 30, 2)).astype(np.float32)
    x[:, 1] = x[:, 0] + 0.05 * x[:, 1]
    day, stock = np.divmod(np.arange(len(x)), 30)
    chosen = set()
    for shift in (-3.0, 0.0, 3.0):
        weights = np.where(day[:, None] < 270, [0.2, -0.1], [0.05 + shift, 0.05 - shift])
        data = Dataset(x, (x * weights).sum(axis=1) + 0.3 * rng.normal(size=len(x)), day, stock, (300, 30))
        validation = Validation.of(data, SPLIT)
        grid = (1e-4, 1e-2, 1.0)
        alone = {p: find_learner("ridge")(data, 0, penalties=[p])(SPLIT) for p in grid}
        best = max(grid, key=lambda p: validation.ic(alone[p](validation.features)))
        for order in (grid, grid[::-1]):
            found = find_learner("ridge")(data, 0, penalties=order)(SPLIT)(x)
            np.testing.assert_array_equal(found, alone[best](x))
        chosen.add(best)
    assert len(chosen) > 1


@pytest.mark.parametrize("learner,steps", [("lightgbm", "rounds"), ("mlp", "epochs")])
def test_training_stops_where_the_validation_ic_is_best(learner, steps):
    """Noise as labels, longer training allowed: the result is that of the best number of steps, found by trying."""
    data = signal(days=320, noise=30.0)
    validation = Validation.of(data, SPLIT)
    settings = {"learning_rate": 0.3, "num_leaves": 8} if learner == "lightgbm" else {"learning_rate": 0.01}
    scores = {}
    for count in range(1, 9):
        options = settings | {steps: count}
        scores[count] = validation.ic(find_learner(learner)(data, 0, **options)(SPLIT)(validation.features))
    reached = list(scores.values())
    assert all(later >= sooner - 1e-7 for sooner, later in pairwise(reached))
    assert reached[0] < reached[-1] - 1e-4, "one step is not the best"


def test_trees_are_a_function_of_their_seed():
    data = signal(days=320)
    options = {"rounds": 5, "bagging_fraction": 0.5}
    first, again, other = (find_learner("lightgbm")(data, s, **options)(SPLIT)(data.features) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("learner", FAST)
def test_no_labelled_validation_day_or_fit_day_is_refused(learner):
    data = signal(days=320)
    for first, match in ((SPLIT.validation_start, "validation needs labelled stocks"), (0, "needs")):
        empty = with_label(data, np.where(data.day >= first, np.nan, data.label))
        with pytest.raises(ParameterError, match=match):
            fitted(learner, empty)


@pytest.mark.parametrize("learner,known", [("lightgbm", "num_leaves"), ("mlp", "dropout")])
def test_an_unknown_setting_is_refused_before_anything_is_fitted(learner, known):
    with pytest.raises(UnknownNameError, match=rf"{learner}: setting '{known}s'; expected .*did you mean '{known}'"):
        find_learner(learner)(signal(), 0, **{known + "s": 1})


@pytest.mark.parametrize("learner,setting", [("lightgbm", "lambda_l2"), ("mlp", "dropout"), ("mlp", "batch")])
def test_a_setting_reaches_the_learner(learner, setting):
    data = signal(days=320)
    value = {"lambda_l2": 1e6, "dropout": 0.8, "batch": 256}[setting]
    changed = find_learner(learner)(data, 0, **FAST[learner] | {setting: value})(SPLIT)(data.features[:600])
    assert not np.array_equal(changed, fitted(learner, data))


# -------------------------------------------------------------------------------- walk


def test_a_walk_takes_splits_or_a_first_year_and_not_both():
    data = signal()
    dates = np.arange(700).astype("datetime64[D]")
    for both in ({}, {"splits": [SPLIT], "first_test_year": 1971}):
        with pytest.raises(ParameterError, match=r"splits, first_test_year: got .*; expected exactly one of them"):
            walk_predictions(data, dates, learner="ridge", **both)


def test_a_walk_over_splits_predicts_their_test_days_and_no_others():
    data, splits = signal(), [SPLIT, Split(100, 400, 402, 450, 452, 470)]
    found = walk_predictions(data, np.arange(700).astype("datetime64[D]"), learner="ridge", splits=splits)
    days = np.flatnonzero(np.isfinite(found).any(axis=1))
    np.testing.assert_array_equal(days, [302, *range(452, 470)])
    rows = data.rows(452, 470)
    alone = find_learner("ridge")(data, 0)(splits[1])(data.features[rows])
    np.testing.assert_allclose(found[452:470].ravel(), alone, rtol=1e-10)
