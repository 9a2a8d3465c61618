"""Splits, samples and learners: nothing of the test span reaches a fit, and a fit is a function of its seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lib.errors import ParameterError, UnknownNameError
from lib.factors import FactorSet
from lib.models.dataset import Dataset, both_days, build_dataset, next_return
from lib.models.learners import LEARNERS, find_learner
from lib.models.networks import MLP
from lib.models.splits import Split, fixed_split, walk_forward
from lib.models.training import Protocol, initialised, predict, train
from lib.models.validation import Validation
from lib.models.walk import walk_predictions
from lib.panel import Panel
from lib.reasons import Reason

torch.set_num_threads(1)
DATES = np.busday_offset("2010-01-04", np.arange(700), roll="forward").astype("datetime64[D]")
YEARS = DATES.astype("datetime64[Y]").astype(int) + 1970


# --------------------------------------------------------------------------- splits


def first_rows(split: Split) -> tuple[int, int, int]:
    return split.fit_start, split.validation_start, split.test_start


@pytest.mark.parametrize("horizon", [1, 2, 5])
@pytest.mark.parametrize("lag", [0, 1, 3])
@pytest.mark.parametrize("kind", ["walk", "fixed"])
def test_the_last_label_of_a_part_ends_before_the_next_part(horizon, lag, kind):
    if kind == "walk":
        splits = list(walk_forward(DATES, first_test_year=2011, horizon=horizon, lag=lag))
        assert len(splits) == 2
    else:
        years = {"train": (2010, 2010), "validation": (2011, 2011), "test": (2012, 2012)}
        splits = [fixed_split(DATES, **years, horizon=horizon, lag=lag)]
    for split in splits:
        for stop, start in ((split.fit_stop, split.validation_start), (split.validation_stop, split.test_start)):
            assert stop - 1 + horizon + lag < start, "t + h + lag lies before the first day of the next part"
            assert stop + horizon + lag == start, "and not one day more is thrown away"


@pytest.mark.parametrize("refit_every", [1, 2, 3])
def test_test_spans_cover_every_day_from_the_first_test_year_once(refit_every):
    splits = list(walk_forward(DATES, first_test_year=2011, refit_every=refit_every))
    tested = np.concatenate([np.arange(s.test_start, s.test_stop) for s in splits])
    np.testing.assert_array_equal(tested, np.flatnonzero(YEARS >= 2011))
    assert len(splits) == -(-2 // refit_every)
    assert [int(YEARS[s.test_start]) for s in splits] == list(range(2011, 2013, refit_every))


def test_a_split_by_hand():
    days = np.arange("2012-12-27", "2013-01-04", dtype="datetime64[D]")  # five days, then three
    assert list(walk_forward(days, first_test_year=2013)) == [Split(0, 0, 2, 3, 5, 8)]


@pytest.mark.parametrize("year", [2009, 2010, 2013])
def test_a_test_year_outside_the_data_is_refused(year):
    with pytest.raises(ParameterError, match=rf"first_test_year: got {year}; .*from 2011 to 2012"):
        list(walk_forward(DATES, first_test_year=year))


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_the_validation_days_are_the_tail_of_the_days_before_the_test_span(share):
    for split in walk_forward(DATES, first_test_year=2011, holdout=share):
        assert split.fit_start == 0
        assert split.validation_stop - split.validation_start == round(share * split.validation_stop)


def test_a_fixed_split_takes_whole_calendar_years():
    split = fixed_split(DATES, train=(2010, 2010), validation=(2011, 2011), test=(2012, 2012))
    for year, start in zip((2010, 2011, 2012), first_rows(split), strict=True):
        assert start == np.flatnonzero(year == YEARS)[0]
    assert split.test_stop == len(DATES)
    assert split.fit_stop == split.validation_start - 2 and split.validation_stop == split.test_start - 2


def test_years_between_the_parts_of_a_fixed_split_belong_to_none():
    days = np.arange("2012-01-01", "2017-01-01", dtype="datetime64[D]")
    split = fixed_split(days, train=(2012, 2012), validation=(2014, 2014), test=(2016, 2016))
    assert split == Split(0, 366, 731, 1096, 1461, 1827)  # 366 days of 2012; 2013 and 2015 are in no part


@pytest.mark.parametrize(
    "years,match",
    [
        ({}, "train 2015-2020.*runs from 2010-01-04.*lacks 2015, 2016, .*, 2024"),
        ({"train": (2009, 2010), "validation": (2011, 2011), "test": (2012, 2012)}, "lacks 2009; choose"),
        ({"train": (2010, 2011), "validation": (2011, 2011), "test": (2012, 2012)}, "share no year"),
        ({"train": (2011, 2010), "validation": (2011, 2011), "test": (2012, 2012)}, "follow each other"),
    ],
)
def test_years_that_the_data_lacks_or_that_overlap_are_refused(years, match):
    with pytest.raises(ParameterError, match=match):
        fixed_split(DATES, **years)


def test_a_part_that_the_purge_empties_is_refused():
    with pytest.raises(ParameterError, match="after the purge; expected days in every part"):
        fixed_split(DATES, train=(2010, 2010), validation=(2011, 2011), test=(2012, 2012), horizon=300)


# --------------------------------------------------------------------------- samples


def small_panel() -> Panel:
    """Three stocks, five days; stock 0 closes at its limit on day 2, stock 1 is halted on day 3."""
    close = np.array([[10, 20, 30], [11, 20, 33], [12.1, 21, 33], [12.1, 21, 30], [13, 22, 36]], dtype=float)
    fields = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": np.ones_like(close)}
    reasons = np.zeros(close.shape, np.uint8)
    reasons[2, 0], reasons[3, 1] = Reason.LIMIT_UP, Reason.HALT
    return Panel.from_arrays(np.arange("2020-01-01", "2020-01-06", dtype="datetime64[D]"), list("abc"), fields, reasons)


def test_the_label_of_t_is_earned_from_t_to_the_next_close():
    panel = small_panel()
    label = next_return(panel)
    np.testing.assert_allclose(label[:4, 0], [0.1, 0.1, 0.0, 13 / 12.1 - 1])
    np.testing.assert_allclose(label[:4, 2], [0.1, 0.0, -1 / 11, 0.2])
    assert np.isnan(label[4]).all()
    np.testing.assert_array_equal(label[:-1], panel.returns[1:])


def test_both_days_needs_today_and_tomorrow():
    cells = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1]], dtype=bool)
    expected = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 1], [0, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(both_days(cells), expected)
    masks = both_days(small_panel().price_valid)
    assert masks[:, 0].tolist() == [True, False, False, True, False]
    assert masks[:, 1].tolist() == [True, True, False, False, False]


def until(train_stop: int) -> Split:
    """Nine tenths of the days before train_stop to fit on, the last tenth to validate on."""
    held = train_stop - round(0.1 * train_stop)
    return Split(0, held - 2, held, train_stop, train_stop + 2, train_stop + 3)


def factor_set(values: np.ndarray, valid: np.ndarray) -> FactorSet:
    names = tuple(f"f{k}" for k in range(values.shape[-1]))
    return FactorSet(np.where(valid, values, 0).astype(np.float32), valid, names, {})


@pytest.fixture
def parts() -> dict:
    rng = np.random.default_rng(0)
    valid = rng.random((5, 3, 2)) < 0.7
    valid[0, 0], valid[1, 1] = [True, False], [False, False]
    return {
        "factors": factor_set(rng.normal(size=(5, 3, 2)), valid),
        "label": rng.normal(size=(5, 3)),
        "predicted": rng.random((5, 3)) < 0.8,
        "labelled": rng.random((5, 3)) < 0.7,
    }


@pytest.mark.parametrize("join", ["per_factor", "intersect"])
def test_samples_are_the_predicted_or_labelled_cells_that_have_factors(parts, join):
    data = build_dataset(**parts, join=join)
    any_or_all = {"per_factor": np.any, "intersect": np.all}[join]
    cells = (parts["predicted"] | parts["labelled"]) & any_or_all(parts["factors"].valid, axis=-1)
    np.testing.assert_array_equal(np.column_stack([data.day, data.stock]), np.argwhere(cells))
    np.testing.assert_array_equal(data.features, parts["factors"].values[cells])
    assert data.features.dtype == np.float32 and data.shape == (5, 3)
    assert (np.diff(data.day) >= 0).all()


def test_only_predicted_cells_are_predicted_and_only_labelled_ones_trained_on(parts):
    data = build_dataset(**parts)
    predicted, labelled = (parts[name][data.day, data.stock] for name in ("predicted", "labelled"))
    np.testing.assert_array_equal(data.to_predict(0, 5), np.flatnonzero(predicted))
    inside = (data.day >= 1) & (data.day < 4)
    np.testing.assert_array_equal(data.to_predict(1, 4), np.flatnonzero(inside & predicted))
    np.testing.assert_array_equal(np.isfinite(data.label), labelled)
    assert (predicted & ~labelled).any() and (labelled & ~predicted).any()


def test_an_invalid_factor_is_the_mean_of_its_zscore(parts):
    parts["predicted"][0, 0] = True
    data = build_dataset(**parts)
    row = np.flatnonzero((data.day == 0) & (data.stock == 0))[0]
    assert data.features[row, 0] != 0 and data.features[row, 1] == 0


def test_labels_are_centred_per_day_over_labelled_cells(parts):
    data = build_dataset(**parts)
    cells = np.zeros((5, 3), dtype=bool)
    cells[data.day, data.stock] = True
    trained = cells & parts["labelled"]
    found = np.full((5, 3), np.nan)
    data.grid(slice(None), data.label, found)
    np.testing.assert_array_equal(np.isfinite(found), trained)
    for t in range(5):
        if trained[t].any():
            expected = parts["label"][t, trained[t]] - parts["label"][t, trained[t]].mean()
            np.testing.assert_allclose(found[t, trained[t]], expected, atol=1e-15)


def test_a_label_that_may_not_be_used_changes_nothing(parts):
    clean = build_dataset(**parts)
    poisoned = dict(parts, label=np.where(parts["labelled"], parts["label"], 1e30))
    np.testing.assert_array_equal(build_dataset(**poisoned).label, clean.label)
    missing = dict(parts, label=np.where(parts["labelled"], parts["label"], np.nan))
    np.testing.assert_array_equal(build_dataset(**missing).label, clean.label)


def test_a_missing_outcome_is_not_trained_on(parts):
    label = parts["label"].copy()
    label[2, 1] = np.nan
    parts["predicted"][2, 1] = parts["labelled"][2, 1] = parts["factors"].valid[2, 1, 0] = True
    data = build_dataset(**dict(parts, label=label))
    row = np.flatnonzero((data.day == 2) & (data.stock == 1))[0]
    assert np.isnan(data.label[row])
    features, labels = data.training(0, 5)
    assert len(labels) == len(features) == np.isfinite(data.label).sum() and np.isfinite(labels).all()


def test_extra_features_stand_behind_the_factors(parts):
    flags = np.arange(15.0).reshape(5, 3, 1)
    data = build_dataset(**parts, extra=flags)
    assert data.features.shape[1] == 3
    np.testing.assert_array_equal(data.features[:, 2], flags[data.day, data.stock, 0])


def test_rows_of_days_and_the_way_back(parts):
    data = build_dataset(**parts)
    rows = data.rows(1, 3)
    assert set(data.day[rows]) <= {1, 2} and (rows.stop - rows.start) == np.isin(data.day, [1, 2]).sum()
    grid = np.full((5, 3), np.nan)
    data.grid(rows, np.arange(rows.stop - rows.start, dtype=float), grid)
    np.testing.assert_array_equal(grid[data.day[rows], data.stock[rows]], np.arange(rows.stop - rows.start))
    assert np.isfinite(grid).sum() == rows.stop - rows.start


def test_an_unknown_join_is_refused(parts):
    with pytest.raises(ParameterError, match="join: got 'union'; expected one of per_factor, intersect"):
        build_dataset(**parts, join="union")


def test_a_variant_without_cells_gives_no_samples(parts):
    nothing = np.zeros((5, 3), dtype=bool)
    data = build_dataset(**dict(parts, predicted=nothing, labelled=nothing))
    assert data.features.shape == (0, 2) and data.label.shape == (0,)


# -------------------------------------------------------------------------- learners


def signal(seed=0, days=700, stocks=30, noise=1.0) -> Dataset:
    """Labels are a known function of three features, plus noise; some cells have no label."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(days * stocks, 3)).astype(np.float32)
    y = 0.02 * (x @ [0.5, -0.3, 0.0] + noise * rng.normal(size=len(x)))
    y[rng.random(len(y)) < 0.2] = np.nan
    day, stock = np.divmod(np.arange(len(x)), stocks)
    return Dataset(x, y, day, stock, (days, stocks))


def test_ridge_equals_the_closed_form():
    data = signal()
    x, y = data.training(0, until(300).fit_stop)
    x = x.astype(np.float64)
    for penalty in (0.001, 0.01, 1.0):
        slope = np.linalg.solve(x.T @ x + penalty * len(y) * np.eye(3), x.T @ y)  # no intercept: both are centred
        expected = data.features.astype(np.float64) @ slope
        found = find_learner("ridge")(data, 0, penalties=[penalty])(until(300))(data.features)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14)
    slope = np.linalg.solve(x.T @ x, x.T @ y)
    np.testing.assert_allclose(slope, 0.02 * np.array([0.5, -0.3, 0.0]), atol=0.001)


def test_ridge_that_walked_on_equals_ridge_fitted_at_once():
    """Sums over the days so far, whatever the stops on the way, and also after a step back."""
    data = signal()
    fit = find_learner("ridge")(data, 0)
    for stop in (150, 151, 333, 333, 97):
        once = find_learner("ridge")(data, 0)(until(stop))(data.features)
        np.testing.assert_allclose(fit(until(stop))(data.features), once, rtol=1e-10, atol=1e-15)
    assert not np.allclose(fit(until(150))(data.features), fit(until(333))(data.features), rtol=1e-3)


def test_ridge_without_a_sample_is_refused():
    with pytest.raises(ParameterError, match=r"ridge needs samples: got none on the days \[7, 7\)"):
        find_learner("ridge")(signal(), 0)(Split(7, 7, 9, 20, 22, 30))


def test_the_papers_mlp_has_44033_parameters():
    network = MLP(213)
    assert sum(p.numel() for p in network.parameters()) == 44_033
    assert network(torch.zeros(7, 213)).shape == (7,)


FAST = Protocol(learning_rate=5e-3, batch=256, epochs=3)


def trained(seed: int, data: Dataset | None = None) -> np.ndarray:
    data = data or signal()
    sample, validation = data.training(0, 150), held_out(data)
    network = train(initialised(MLP, 3, seed), sample, validation, seed=seed, protocol=FAST)
    return predict(network, data.features[:500])


def held_out(data: Dataset, sign: int = 1) -> Validation:
    rows = data.rows(160, 200)
    return Validation(data.features[rows], sign * data.label[rows], data.day[rows])


def test_training_is_a_function_of_its_seed():
    state = torch.random.get_rng_state()
    first = trained(0)
    torch.manual_seed(99)  # whatever the global generator holds
    again = trained(0)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, trained(1))
    torch.random.set_rng_state(state)
    trained(0)
    assert torch.equal(torch.random.get_rng_state(), state), "and leaves the global generator as it was"


def test_initial_weights_depend_on_the_seed_alone():
    def weights(seed):
        return torch.cat([p.flatten() for p in initialised(MLP, 3, seed).parameters()])

    assert torch.equal(weights(4), weights(4)) and not torch.equal(weights(4), weights(5))


def test_training_keeps_the_best_epoch():
    """A validation sample of the opposite sign: every step makes it worse, so the first epoch is what is returned."""
    data = signal(noise=0.1)
    fit = data.training(0, 150)

    def after(epochs):
        protocol = Protocol(learning_rate=1e-3, batch=256, epochs=epochs, patience=2)
        network = train(initialised(MLP, 3, 0), fit, held_out(data, -1), seed=0, protocol=protocol)
        return predict(network, data.features[:500])

    np.testing.assert_array_equal(after(1), after(8))


def test_empty_samples_are_refused():
    data = signal()
    with pytest.raises(ParameterError, match="training needs samples: got none to fit"):
        train(MLP(3), data.training(0, 0), held_out(data), seed=0)


#: for a sample of 13,000 rows
LIGHT = {"learning_rate": 0.05, "min_data_share": 0.005, "lambda_l2": 1.0}


@pytest.mark.parametrize("learner,options", [("ridge", {}), ("lightgbm", LIGHT), ("mlp", {"epochs": 40})])
def test_a_learnable_signal_is_learned(learner, options):
    data = signal(noise=1.0)
    predicted = find_learner(learner)(data, 0, **options)(until(560))(data.features)
    test = slice(600 * 30, None)
    truth = data.features[test] @ [0.5, -0.3, 0.0]
    assert np.corrcoef(predicted[test], truth)[0, 1] > 0.95


def test_trees_do_not_depend_on_the_unit_of_the_label():
    data = signal()
    scaled = Dataset(data.features, 1024 * data.label, data.day, data.stock, data.shape)
    one, other = (
        find_learner("lightgbm")(part, 0, rounds=5)(until(300))(part.features[:500]) for part in (data, scaled)
    )
    np.testing.assert_allclose(1024 * one, other, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("learner,options", [("ridge", {}), ("lightgbm", {"rounds": 5}), ("mlp", {"epochs": 1})])
def test_a_prediction_does_not_depend_on_how_many_rows_are_predicted(learner, options):
    """Matrix products may round a row differently when the number of rows changes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9000, 39)).astype(np.float32)
    data = Dataset(x, x[:, 0] + rng.normal(size=9000), np.arange(9000) // 30, np.arange(9000) % 30, (300, 30))
    predictor = find_learner(learner)(data, 0, **options)(until(280))
    whole = predictor(x)
    assert whole.shape == (9000,) and predictor(x[:0]).shape == (0,)
    for rows in (1, 7, 999, 4097, 8999):
        np.testing.assert_array_equal(predictor(x[:rows]), whole[:rows])


def test_an_unknown_learner_is_refused():
    known = "'rigde' does not exist; expected ridge, lightgbm, mlp; did you mean 'ridge'"
    with pytest.raises(UnknownNameError, match=known):
        find_learner("rigde")


# ------------------------------------------------------------------------------ walk


@pytest.mark.parametrize("learner,options", [("ridge", {}), ("lightgbm", {"rounds": 5}), ("mlp", {"epochs": 1})])
@pytest.mark.parametrize("year", [2011, 2012])
def test_the_future_changes_no_prediction(learner, options, year):
    """Everything from t0 on is replaced, t0 inside a test span or on its second day."""
    data = signal(stocks=27)
    how = {"learner": learner, "first_test_year": 2011, **options}
    before = walk_predictions(data, DATES, **how)
    start = int(np.searchsorted(YEARS, year))
    for cut in (start + 1, start + 90):
        rng, later = np.random.default_rng(cut), data.day >= cut
        features, label = data.features.copy(), data.label.copy()
        features[later] = rng.normal(size=features[later].shape) * 5 + 1
        label[data.day >= cut - 1] = rng.normal(size=(data.day >= cut - 1).sum())  # its outcome lies after the cut
        after = walk_predictions(Dataset(features, label, data.day, data.stock, data.shape), DATES, **how)
        np.testing.assert_array_equal(before[:cut], after[:cut])
        assert not np.array_equal(before[cut:], after[cut:])


def test_predictions_cover_the_test_years_and_only_samples():
    data = signal(stocks=27)
    kept = np.random.default_rng(1).random(len(data.day)) < 0.9
    data = Dataset(data.features[kept], data.label[kept], data.day[kept], data.stock[kept], data.shape)
    found = walk_predictions(data, DATES, learner="ridge", first_test_year=2011)
    cells = np.zeros(data.shape, dtype=bool)
    cells[data.day, data.stock] = True
    np.testing.assert_array_equal(np.isfinite(found), cells & (YEARS >= 2011)[:, None])


def test_every_test_year_has_its_own_fit(monkeypatch):
    stops = []

    def spy(data, seed):
        def fit(split):
            stops.append((split.validation_stop, seed))
            return lambda rows: np.zeros(len(rows))

        return fit

    monkeypatch.setitem(LEARNERS, "ridge", spy)
    data = signal(stocks=2)
    walk_predictions(data, DATES, learner="ridge", first_test_year=2011, seed=7)
    walk_predictions(data, DATES, learner="ridge", first_test_year=2011, refit_every=2)
    starts = [int(np.searchsorted(YEARS, year)) for year in (2011, 2012)]
    assert stops == [(starts[0] - 2, 7), (starts[1] - 2, 7), (starts[0] - 2, 0)]
