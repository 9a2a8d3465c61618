"""The papers' baselines: each against a naive reference or the library, blind to the future and to masked cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.errors import ParameterError, UnknownNameError
from lib.factors import FactorSet
from lib.models.arima import arima, coefficients, forecast
from lib.models.baselines import BASELINES, SAMPLES, find_baseline
from lib.models.dataset import Dataset
from lib.models.ensembles import ensemble
from lib.models.factor_model import ENOUGH, fama_macbeth, rolling_betas
from lib.models.fits import boosted_trees, mlp, ridge
from lib.models.fitted import Fitted, on_sample, thinned
from lib.models.linear import PENALTIES, lasso, path
from lib.models.rules import RULES, rule_scores, rules
from lib.models.splits import Split
from lib.models.support_vectors import svm
from lib.models.trees import forest, gradient_boosting, lightgbm_with, xgboost
from lib.models.validation import Validation
from lib.models.walk import walked
from lib.models.windows import Windows, windowed
from lib.panel import Panel
from lib.reasons import Reason

torch.set_num_threads(1)
DAYS, STOCKS, FACTORS = 130, 30, 5
SPLIT = Split(0, 80, 82, 105, 107, 130)
SLOPE = np.array([1.0, -0.5, 0.0, 0.0, 0.0])
#: short fits of every learner
SHORT: dict[str, dict[str, int]] = {
    "random_forest": {"trees": 5}, "extra_trees": {"trees": 5}, "gradient_boosting": {"rounds": 20},
    "xgboost": {"rounds": 20}, "svm": {}, "ridge": {}, "lasso": {}, "textbook_rules": {}, "fitted_rules": {},
    "fama_macbeth": {}, "arima": {"stocks": 2},
    "mean_of_three": {},
    **{name: {"rounds": 10} for name in BASELINES if name.startswith("lightgbm")},
    **{name: {"epochs": 1} for name in ("mlp", "mlp_few")},
    **{name: {"epochs": 1} for name, entry in BASELINES.items() if entry.network},
}  # fmt: skip
#: whose short fits take seconds
LONG = ("arima", "transformer", "time_transformer", "svm", "extra_trees")
EVERY = [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in sorted(BASELINES)]


def samples(seed: int = 0, noise: float = 1.0, slope: np.ndarray = SLOPE) -> Dataset:
    """Samples whose label is linear in the factors; a fifth of the cells are masked."""
    rng = np.random.default_rng(seed)
    day, stock = np.nonzero(rng.random((DAYS, STOCKS)) < 0.8)
    features = rng.normal(size=(len(day), len(slope))).astype(np.float32)
    label = 0.02 * (features @ slope + noise * rng.normal(size=len(day)))
    label[rng.random(len(day)) < 0.05] = np.nan
    return Dataset(features, label, day, stock, (DAYS, STOCKS))


def later_changed(data: Dataset, after: int) -> Dataset:
    """The same samples with other features and labels after a day."""
    rng, late = np.random.default_rng(9), data.day > after
    features, label = np.array(data.features), data.label.copy()
    features[late], label[late] = rng.normal(size=features[late].shape), 0.5 * rng.normal(size=late.sum())
    return replace(data, features=features, label=label)


def seen_by(name: str, data: Dataset) -> Dataset:
    """The samples that a learner of that name reads."""
    kind = find_baseline(name).samples
    if kind == "labels":
        codes = (data.stock % 4).astype(np.float32)[:, None]
        return replace(data, features=np.hstack([data.features, codes]))
    if kind == "returns":
        return windowed(replace(data, features=data.features[:, :1]), 20)
    return windowed(data, 4) if kind == "days" else data


def predicted(name: str, data: Dataset, seed: int = 0) -> np.ndarray:
    """The prediction of the test days by a short fit."""
    seen = seen_by(name, data)
    options = SHORT[name]
    if name == "mean_of_three":
        members = (ridge, lambda data, seed: boosted_trees(data, seed, rounds=5),
                   lambda data, seed: mlp(data, seed, epochs=1))  # fmt: skip
        return walked(seen, ensemble(seen, seed, members=members), [SPLIT])
    return walked(seen, find_baseline(name).fit(seen, seed, **options), [SPLIT])


# ------------------------------------------------------------------------------ of every learner


def test_every_entry_is_tested_and_reads_samples_that_exist():
    assert set(SHORT) == set(BASELINES)
    assert {entry.samples for entry in BASELINES.values()} == set(SAMPLES)
    with pytest.raises(UnknownNameError, match="learner 'laso' does not exist"):
        find_baseline("laso")


@pytest.mark.parametrize("name", EVERY)
def test_a_prediction_reads_no_later_day_and_only_its_own_cells(name):
    data = samples()
    before = predicted(name, data)
    assert np.isfinite(before[data.day[data.day >= 107], data.stock[data.day >= 107]]).all()
    after = predicted(name, later_changed(data, 115))
    assert np.array_equal(before[:116], after[:116], equal_nan=True)
    if name != "textbook_rules":
        changed = predicted(name, later_changed(data, 60))
        assert not np.allclose(before[107:116], changed[107:116], equal_nan=True), "the test can see a change"


@pytest.mark.parametrize("name", sorted(set(BASELINES) - {"textbook_rules", "arima"}))
def test_nothing_to_fit_is_said(name):
    data = samples()
    data = replace(data, label=np.where(data.day < 81, np.nan, data.label))
    with pytest.raises(ParameterError, match="samples"):
        predicted(name, data)


# ------------------------------------------------------------------------------ sub-samples


def test_thinned_keeps_whole_fit_days_and_every_validation_day():
    data = samples()
    thin = thinned(data, SPLIT, 200, seed=3)
    inside = data.day < SPLIT.fit_stop
    kept = np.isfinite(thin.label)
    assert 150 < (kept & inside).sum() <= 200
    days = np.unique(data.day[kept & inside])
    for day in days:
        own = data.day == day
        assert np.array_equal(kept[own], np.isfinite(data.label[own]))
    assert np.array_equal(thin.label[~inside], data.label[~inside], equal_nan=True)
    other = thinned(data, SPLIT, 200, seed=4)
    assert not np.array_equal(thin.label, other.label, equal_nan=True)
    assert np.isfinite(thinned(data, SPLIT, 1, seed=0).label[inside]).sum() > 1, "one day at least"


def test_a_learner_on_a_sample_is_the_learner_on_the_thinned_samples():
    data = samples()
    there = on_sample(data, 3, learner=ridge, rows=200)(SPLIT)(data.features)
    assert np.allclose(there, ridge(thinned(data, SPLIT, 200, 3), 3)(SPLIT)(data.features))


# ------------------------------------------------------------------------------ linear


def test_the_path_from_sums_is_that_of_the_samples():
    from sklearn.linear_model import Lasso

    data = samples(slope=np.array([1.0, -0.5, 0.3, 0.0, 0.1]))
    features, label = data.training(0, 80)
    wide = features.astype(np.float64)
    found = path(wide.T @ wide, label @ wide, len(label))
    largest = np.abs(label @ wide).max() / len(label)
    for place in (1, 5, 10):
        model = Lasso(largest * PENALTIES[place], fit_intercept=False, tol=1e-10).fit(wide, label)
        assert found[:, place] == pytest.approx(model.coef_, abs=2e-6)
    assert not found[:, 0].any(), "the first penalty leaves no factor"


def test_lasso_finds_the_factors_that_count_and_nothing_in_noise():
    model = lasso(samples(noise=0.5), 0)(SPLIT)
    assert isinstance(model, Fitted) and model.importance.sum() == pytest.approx(1)
    assert model.importance[0] > model.importance[1] > 10 * model.importance[2:].max()
    twin = samples()
    doubled = replace(twin, features=np.hstack([twin.features, twin.features[:, :1]]))  # X'X has no inverse
    assert np.isfinite(lasso(doubled, 0)(SPLIT)(doubled.features)).all()


# ------------------------------------------------------------------------------ kernels and trees


def test_svm_takes_the_cost_of_the_best_validation_ic():
    from sklearn.svm import SVR

    data = samples()
    features, label = data.training(0, 80)
    scale, validation = np.std(label), Validation.of(data, SPLIT)
    costs = (1e-5, 0.1)
    models = [SVR(kernel="linear", C=cost, epsilon=0.1).fit(features, label / scale) for cost in costs]
    best = max(models, key=lambda model: validation.ic(model.predict(validation.features)))
    found = svm(data, 0, kernel="linear", costs=costs)(SPLIT)(features)
    assert found == pytest.approx(scale * best.predict(features))
    with pytest.raises(ParameterError, match="kernel 'cubic' does not exist"):
        svm(data, 0, kernel="cubic")


@pytest.mark.parametrize(
    "learner",
    [lambda d, s: forest(d, s, trees=10), lambda d, s: forest(d, s, kind="extra_trees", trees=10),
     lambda d, s: gradient_boosting(d, s, rounds=40), lambda d, s: xgboost(d, s, rounds=40)],
)  # fmt: skip
def test_trees_find_a_product_that_no_line_can_and_say_which_factors_they_used(learner):
    data = samples(noise=0.1, slope=np.zeros(FACTORS))
    label = 0.02 * np.sign(data.features[:, 0]) * data.features[:, 1]
    data = replace(data, label=label)
    model = learner(data, 1)(SPLIT)
    rows = data.rows(107, 130)
    assert np.corrcoef(model(data.features[rows]), label[rows])[0, 1] > 0.6
    assert model.importance.shape == (FACTORS,) and model.importance.sum() == pytest.approx(1)
    assert model.importance[:2].sum() > 0.6
    assert np.array_equal(model(data.features[rows]), learner(data, 1)(SPLIT)(data.features[rows]))
    assert model(data.features[:0]).shape == (0,)


def test_boosting_of_scikit_learn_is_its_own_with_the_best_number_of_trees():
    from sklearn.ensemble import HistGradientBoostingRegressor

    data = samples()
    features, label = data.training(0, 80)
    scale, validation = np.std(label), Validation.of(data, SPLIT)
    whole = HistGradientBoostingRegressor(
        learning_rate=0.05, max_leaf_nodes=31, early_stopping=False, min_samples_leaf=20, max_bins=63, max_iter=40,
        random_state=0,
    ).fit(features, label / scale)  # fmt: skip
    stages = list(whole.staged_predict(validation.features))
    best = max((10, 20, 30, 40), key=lambda trees: validation.ic(stages[trees - 1]))
    expected = scale * list(whole.staged_predict(features))[best - 1]
    assert gradient_boosting(data, 0, rounds=40)(SPLIT)(features) == pytest.approx(expected)


def test_xgboost_stops_at_the_best_validation_ic():
    import xgboost as library

    data = samples()
    validation = Validation.of(data, SPLIT)
    found = validation.ic(xgboost(data, 0, rounds=30, learning_rate=0.3)(SPLIT)(validation.features))
    features, label = data.training(0, 80)
    settings = {"tree_method": "hist", "max_bin": 64, "nthread": 1, "seed": 0, "base_score": 0.0, "eta": 0.3,
                "max_depth": 5, "colsample_bytree": 0.6, "subsample": 0.5, "min_child_weight": 0.01 * len(label),
                "lambda": 1.0}  # fmt: skip
    model = library.train(settings, library.DMatrix(features, label=label / np.std(label)), num_boost_round=30)
    ics = [validation.ic(model.inplace_predict(validation.features, iteration_range=(0, n))) for n in range(1, 31)]
    assert found == pytest.approx(max(ics), abs=1e-6)


def test_lightgbm_with_nothing_of_its_own_is_lightgbm():
    data = samples()
    rows = data.features[:200]
    plain = boosted_trees(data, 0, rounds=15)(SPLIT)(rows)
    assert np.array_equal(plain, lightgbm_with(data, 0, rounds=15)(SPLIT)(rows))
    assert not np.array_equal(plain, lightgbm_with(data, 0, rounds=15, sampling="goss")(SPLIT)(rows))
    with pytest.raises(ParameterError, match="sampling 'mvs' does not exist"):
        lightgbm_with(data, 0, sampling="mvs")


def test_labels_as_categories_are_split_as_sets():
    """Only odd labels rise: a set needs one split, an order of the numbers needs one for each."""
    data = samples(noise=0.1, slope=np.zeros(FACTORS))
    codes = (data.stock % 12).astype(np.float32)
    label = np.where(codes % 2 == 1, 0.02, -0.02)
    data = replace(data, features=np.hstack([data.features, codes[:, None]]), label=label)
    rows = data.rows(107, 130)

    def explained(**options: object) -> float:
        model = lightgbm_with(data, 0, rounds=1, num_leaves=2, learning_rate=1.0, **options)(SPLIT)
        return float(np.corrcoef(model(data.features[rows]), label[rows])[0, 1])

    assert explained(categories=(-1,)) > 0.99 > 0.6 > explained()


def test_bundles_of_exclusive_columns_change_no_tree():
    data = samples()
    dummies = (data.stock[:, None] % 6 == np.arange(6)).astype(np.float32)
    data = replace(data, features=np.hstack([data.features, dummies]))
    found = [lightgbm_with(data, 0, rounds=5, bundle=bundle)(SPLIT)(data.features[:300]) for bundle in (True, False)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)


# ------------------------------------------------------------------------------ ensemble


def test_an_ensemble_is_the_mean_of_scores_on_the_scale_of_the_validation_days():
    data = samples()
    small = lambda data, seed: lambda split: lambda rows: 1e-6 * rows[:, 0].astype(np.float64)  # noqa: E731
    large = lambda data, seed: lambda split: lambda rows: 1e6 * rows[:, 1].astype(np.float64)  # noqa: E731
    flat = lambda data, seed: lambda split: lambda rows: np.zeros(len(rows))  # noqa: E731
    found = ensemble(data, 0, members=(small, large, flat))(SPLIT)(data.features)
    held = Validation.of(data, SPLIT).features
    expected = sum(data.features[:, k].astype(np.float64) / held[:, k].astype(np.float64).std() for k in (0, 1)) / 3
    assert found == pytest.approx(expected)


# ------------------------------------------------------------------------------ rules and betas


def small_panel(poison: float = 3.0, days: int = 150, later: float = 1.0) -> Panel:
    """Random walks of 25 stocks; a tenth of the cells is halted and holds poison; `later` scales the last ten days."""
    rng = np.random.default_rng(1)
    close = 10 * np.exp(np.cumsum(0.02 * rng.normal(size=(days, 25)), axis=0))
    close[-10:] *= later
    cap = close * rng.uniform(1, 50, 25)
    reasons = np.where(rng.random(close.shape) < 0.1, np.uint8(Reason.HALT), np.uint8(0))
    masked = np.where(reasons > 0, poison, close)
    fields = dict.fromkeys(("open", "high", "low", "close"), masked) | {"volume": np.ones_like(close)}
    fields["cap"] = np.where(reasons > 0, poison, cap)
    fields["pre_close"] = np.where(reasons > 0, poison, np.vstack([close[:1], close[:-1]]))
    dates = np.busday_offset("2015-01-05", np.arange(days), roll="forward").astype("datetime64[D]")
    return Panel.from_arrays(dates, [f"s{i:02d}" for i in range(25)], fields, reasons)


@pytest.mark.parametrize("make", [rule_scores, rolling_betas])
def test_masked_cells_and_later_days_do_not_reach_a_score(make):
    clean = make(small_panel())
    assert clean.valid.any()
    for poison in (np.nan, np.inf, 1e30):
        with np.errstate(all="ignore"):
            found = make(small_panel(poison))
        assert np.array_equal(found.values, clean.values) and np.array_equal(found.valid, clean.valid)
    later = make(small_panel(later=2.0))
    assert np.array_equal(later.values[:-10], clean.values[:-10])
    assert not np.array_equal(later.values, clean.values)


def test_rules_by_a_loop():
    panel = small_panel()
    found, close, valid = rule_scores(panel), panel.adjusted("close"), panel.mask
    raw = np.full((*panel.shape, 2), np.nan)
    for t in range(60, panel.shape[0]):
        for i in range(panel.shape[1]):
            if not valid[t, i]:
                continue
            last = {d: close[t - d + 1 : t + 1, i][valid[t - d + 1 : t + 1, i]] for d in (5, 20)}
            if len(last[5]) >= 2.5 and len(last[20]) >= 10:
                raw[t, i, 0] = last[5].mean() / last[20].mean() - 1
            changes = [close[s, i] - close[s - 1, i] for s in range(t - 13, t + 1) if valid[s, i] and valid[s - 1, i]]
            if len(changes) >= 7 and valid[t - 1, i]:
                up, down = np.mean(np.maximum(changes, 0)), np.mean(np.maximum(np.negative(changes), 0))
                raw[t, i, 1] = 50 - 100 * up / (up + down)
    for column, rule in enumerate((RULES.index("averages 5/20"), RULES.index("rsi 14"))):
        own = raw[60:, :, column]
        known = np.isfinite(own)
        assert np.array_equal(known, found.valid[60:, :, rule])
        mean, sd = np.nanmean(own, axis=1, keepdims=True), np.nanstd(own, axis=1, keepdims=True)
        assert found.values[60:, :, rule][known] == pytest.approx(((own - mean) / sd)[known], abs=2e-4)


def test_rules_have_the_signs_that_they_are_given():
    data = samples(noise=0.2)
    features = data.features
    assert rules(data, 0)(SPLIT)(features) == pytest.approx(features.mean(axis=1), abs=1e-6)
    fitted = rules(data, 0, signs="fitted")(SPLIT)(features[:, :2] @ np.eye(2, FACTORS, dtype=np.float32))
    assert fitted == pytest.approx((features[:, 0] - features[:, 1]) / FACTORS, abs=1e-6)


def test_betas_by_least_squares_of_one_window():
    panel = small_panel()
    found = rolling_betas(panel, window=100, least=50)
    assert found.names == ("market", "size")
    known, day = panel.mask & np.isfinite(panel.returns), 140
    market, size = np.full(day + 1, np.nan), np.full(day + 1, np.nan)
    for t in range(1, day + 1):
        market[t] = panel.returns[t, known[t]].mean()
        both = known[t] & panel.mask[t - 1]
        before = panel.fields["cap"][t - 1]
        low, high = np.quantile(before[both], [1 / 3, 2 / 3])
        size[t] = panel.returns[t, both & (before <= low)].mean() - panel.returns[t, both & (before > high)].mean()
    for stock in np.flatnonzero(found.valid[day, :, 0])[:8]:
        span = np.arange(day - 99, day + 1)
        span = span[known[span, stock]]
        design = np.column_stack([np.ones(len(span)), market[span], size[span]])
        expected = np.linalg.lstsq(design, panel.returns[span, stock], rcond=None)[0][1:]
        assert found.values[day, stock] == pytest.approx(expected, abs=1e-5)
    assert not found.valid[:49].any()


def test_premia_are_the_mean_of_daily_slopes():
    data = samples()
    slopes = []
    for day in range(SPLIT.fit_start, SPLIT.fit_stop):
        features, label = data.training(day, day + 1)
        if len(label) >= FACTORS + ENOUGH:
            slopes.append(np.linalg.lstsq(np.column_stack([np.ones(len(label)), features]), label, rcond=None)[0][1:])
    assert 5 < len(slopes) < SPLIT.fit_stop
    found = fama_macbeth(data, 0)(SPLIT)(data.features)
    assert found == pytest.approx(data.features @ np.mean(slopes, axis=0), abs=1e-6)


# ------------------------------------------------------------------------------ ARIMA


def test_a_forecast_is_that_of_statsmodels_over_a_long_window():
    from statsmodels.tsa.arima.model import ARIMA

    rng = np.random.default_rng(0)
    values = rng.normal(size=(120, 1)).astype(np.float32)
    data = Dataset(values, np.zeros(120), np.arange(120), np.zeros(120, dtype=int), (120, 1))
    windows = windowed(data, 100).features
    assert isinstance(windows, Windows)
    seen = values[:, 0].astype(np.float64)
    model = ARIMA(seen[:111], order=(1, 0, 1), trend="n").filter([0.6, -0.3, 1.0])
    assert forecast(windows[110:111], 0.6, -0.3) == pytest.approx(model.forecast(1), abs=1e-6)


def test_a_masked_session_is_expected_and_not_seen():
    values = np.array([[1.0], [2.0], [3.0]], dtype=np.float32)
    data = Dataset(values, np.zeros(3), np.array([0, 1, 3]), np.zeros(3, dtype=int), (4, 1))  # day 2 is masked
    windows = windowed(data, 4).features
    expected = 0.0
    for value in (1.0, 2.0, None, 3.0):
        seen = expected if value is None else value
        expected = 0.5 * seen + 0.2 * (seen - expected)
    assert forecast(windows[2:3], 0.5, 0.2) == pytest.approx([expected])


def test_pooled_coefficients_are_those_that_made_the_returns():
    rng = np.random.default_rng(3)
    shocks, returns = rng.normal(size=(700, 3)), np.zeros((700, 3))
    for t in range(1, 700):
        returns[t] = 0.7 * returns[t - 1] + shocks[t] - 0.3 * shocks[t - 1]
    found = np.median([coefficients(returns[:, k]) for k in range(3)], axis=0)
    assert found == pytest.approx([0.7, -0.3], abs=0.1)
    day, stock = np.nonzero(np.ones((700, 3)))
    data = Dataset(returns.reshape(-1, 1).astype(np.float32), np.zeros(2100), day, stock, (700, 3))
    data = windowed(data, 30)
    model = arima(data, 0, stocks=3)(Split(0, 600, 602, 650, 652, 700))
    assert model(data.features[2000:2001]) == pytest.approx(forecast(data.features[2000:2001], *found), abs=0.02)


def test_arima_refuses_other_samples_and_short_histories():
    with pytest.raises(ParameterError, match="windows of one factor"):
        arima(samples(), 0)
    data = windowed(replace(samples(), features=samples().features[:, :1]), 10)
    with pytest.raises(ParameterError, match="needs a stock with 50 fit days"):
        arima(data, 0)(replace(SPLIT, fit_stop=40))


def test_factor_sets_of_rules_and_betas_are_zero_where_masked():
    for made in (rule_scores(small_panel()), rolling_betas(small_panel())):
        assert isinstance(made, FactorSet) and not made.values[~made.valid].any()
