"""The optimiser in the papers' lagged back-test, and what two books of an ablation are compared by."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from lib.errors import ParameterError
from lib.evaluation.ladder import (
    COMPONENTS,
    FITS,
    OTHERS,
    SYSTEMS,
    WORDS,
    Ladder,
    contributions,
    equal_turnover,
    trained,
)
from lib.evaluation.lagged_optimiser import IC, OPTIMISERS, SENSES, OptimiserDesk, expected
from lib.market import paper_gbm
from lib.models.dataset import Dataset
from lib.models.splits import Split
from lib.panel import Panel
from lib.stats.over_seeds import OverSeeds

SPLIT = Split(0, 150, 152, 170, 172, 180)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return paper_gbm(45, 180, seed=3).panel


@pytest.fixture(scope="module")
def prediction(panel: Panel) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.where(rng.random(panel.shape) < 0.6, rng.normal(0, 2e-3, panel.shape), np.nan)


def changed(panel: Panel, where: np.ndarray, value: float) -> Panel:
    """Other prices in the given cells, the same mask."""
    fields = {name: np.where(where, value, x) if name in ("close", "open", "high", "low", "pre_close") else x
              for name, x in panel.fields.items()}  # fmt: skip
    return Panel.from_arrays(panel.dates, panel.symbols, fields, panel.reasons, market="cn")


@pytest.mark.parametrize("covariance", list(OPTIMISERS))
def test_the_weights_solve_the_papers_problem(panel: Panel, prediction: np.ndarray, covariance: str) -> None:
    desk = OptimiserDesk.of(panel, panel, SPLIT)
    weights, fallbacks = desk._weights(prediction, OPTIMISERS[covariance], slice(172, 174), SENSES)
    assert fallbacks == 0
    history = np.where(panel.mask, panel.returns, np.nan)[173 - 119 : 174]
    mean = np.nanmean(history, axis=0)
    x = np.where(np.isfinite(history), history - mean, 0.0) * np.sqrt(120 / np.isfinite(history).sum(axis=0))
    if covariance == "sample":
        sigma = x.T @ x / 120 + 1e-6 * np.eye(45)
    else:
        from sklearn.covariance import ledoit_wolf

        sigma, _ = ledoit_wolf(x, assume_centered=True)
    known = np.isfinite(prediction[173])
    among = prediction[173][known]
    score = (among - among.mean()) / among.std()
    mus = {"literal": np.nan_to_num(prediction[173]), "standardised": np.zeros(45)}
    mus["standardised"][known] = IC * np.nanstd(history, axis=0)[known] * score
    for sense, mu in mus.items():
        w = cp.Variable(45)
        problem = cp.Problem(cp.Maximize(mu @ w - 10 * cp.quad_form(w, cp.psd_wrap(sigma))),
                             [cp.sum(w) == 1, w >= 0, w <= 0.03])  # fmt: skip
        best = problem.solve(solver=cp.CLARABEL)
        ours = weights[sense][1]
        assert ours.sum() == pytest.approx(1) and ours.min() >= -1e-9 and ours.max() <= 0.03 + 1e-9
        assert mu @ ours - 10 * ours @ sigma @ ours == pytest.approx(best, abs=1e-8)


def test_a_day_reads_nothing_later_and_no_masked_cell(panel: Panel, prediction: np.ndarray) -> None:
    later, other = np.zeros(panel.shape, dtype=bool), prediction.copy()
    later[176:], other[176:] = True, 9.0
    masked = [(~panel.mask, value, prediction) for value in (np.inf, 1e30, np.nan)]
    for where, value, shown in ((later, 777.0, other), *masked):
        found = []
        for each, predicted in ((panel, prediction), (changed(panel, where, value), shown)):
            desk = OptimiserDesk.of(panel, each, SPLIT)
            found.append(desk._weights(predicted, OPTIMISERS["ledoit_wolf"], slice(172, 176), SENSES)[0])
        for sense in SENSES:
            np.testing.assert_array_equal(found[0][sense], found[1][sense])


def test_expected_returns_are_zero_without_a_prediction() -> None:
    history = np.random.default_rng(1).normal(0, 0.02, (120, 4))
    used = np.array([True, True, True, False])
    day = np.array([0.001, np.nan, 0.003, 0.5])
    assert expected(day, history, used, "literal")[:3].tolist() == [0.001, 0.0, 0.003]
    standard = expected(day, history, used, "standardised")
    np.testing.assert_allclose(standard[[0, 2]], IC * history.std(axis=0)[[0, 2]] * np.array([-1, 1]))
    assert standard[1] == 0 and np.isnan(standard[3])
    assert (expected(np.full(4, np.nan), history, used, "standardised")[:3] == 0).all()


def test_too_few_days_for_the_covariance_are_refused(panel: Panel) -> None:
    with pytest.raises(ParameterError, match="120 days before it"):
        OptimiserDesk.of(panel, panel, Split(0, 90, 92, 110, 112, 180))


def test_the_faster_book_counts_a_cost_until_both_trade_the_same() -> None:
    def book(rate: float):
        return lambda cost: np.full(30, rate / (1 + 100 * cost))

    found = equal_turnover(book(0.2), book(0.5), 0.05)
    assert found.reached and found.costs[0] == 0 and found.costs[1] == pytest.approx(0.015, abs=1e-3)
    assert found.ratio == pytest.approx(1, abs=0.05)
    other = equal_turnover(book(0.5), book(0.2), 0.05)
    assert other.costs == found.costs[::-1] and other.ratio == pytest.approx(1 / found.ratio)
    short = equal_turnover(book(0.5), book(0.2), 0.001)
    assert not short.reached and short.ratio > 2


def test_one_thing_at_a_time_is_removed() -> None:
    assert set(SYSTEMS) == {*FITS, "no shrinkage"} and set(WORDS) == set(COMPONENTS)
    for left, right in COMPONENTS.values():
        a, b = (vars(FITS.get(side, FITS["full"])) for side in (left, right))
        apart = [name for name in a if a[name] != b[name]]
        assert len(apart) == (right != "no shrinkage"), (left, right, apart)


def test_what_the_mask_has_over_a_component_is_a_difference_of_differences() -> None:
    levels = {name: {"x": float(place**2)} for place, name in enumerate(SYSTEMS)}
    found = contributions(levels)
    for name in OTHERS:
        (a, b), (c, d) = COMPONENTS["mask"], COMPONENTS[name]
        by_hand = levels[a]["x"] - levels[b]["x"] - (levels[c]["x"] - levels[d]["x"])
        assert found[f"mask over {name}"]["x"] == by_hand
    assert contributions({"full": {"x": 1.0}}) == {}


def test_the_order_of_contributions_is_that_of_the_means() -> None:
    import pandas as pd

    lines = []
    for seed in range(6):
        levels = {name: {"x": float(place) + 0.01 * seed * place} for place, name in enumerate(SYSTEMS)}
        found = contributions(levels)
        lines += [("t", variant, seed, "x", values["x"], 1, "reduced") for variant, values in found.items()]
    frame = pd.DataFrame(lines, columns=["study", "variant", "seed", "metric", "value", "n", "setting"])
    ladder = Ladder(OverSeeds(frame))
    sizes = [ladder.contribution(name, "x").value for name in ladder.ranked("x")]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == 5
    parts = ladder.mask_is_largest("x")
    assert [part.sign for part in parts] == [np.sign(part.value) for part in parts]


def test_a_fit_reads_no_test_day_and_predicts_in_returns() -> None:
    rng = np.random.default_rng(0)
    day, stock = (axis.ravel() for axis in np.mgrid[:100, :30])
    features = rng.normal(size=(day.size, 4)).astype(np.float32)
    label = 0.01 * features[:, 0] + 0.02 * rng.normal(size=day.size)
    split = Split(0, 60, 62, 80, 82, 100)
    asked = []

    def fit(label: np.ndarray, name: str, rows: int | None = None) -> np.ndarray:
        data = Dataset(features, label, day, stock, (100, 30))

        def made() -> Dataset:
            asked.append(name)
            return Dataset(features[:1800], label[:1800], day[:1800], stock[:1800], (60, 30))

        predict = trained(data, split, made, FITS[name], 0, rows=rows, epochs=20, batch=256, learning_rate=0.01,
                          dropout=0.0)  # fmt: skip
        return predict(features[-600:])

    later = np.where(day >= split.test_start, 7.0, label)
    for name in ("full", "no augmentation"):
        np.testing.assert_array_equal(fit(label, name), fit(later, name))
    assert set(asked) == {"full"}, "a fit without a synthetic panel does not make one"
    plain = fit(label, "no AdjMSE")
    assert np.corrcoef(plain, features[-600:, 0])[0, 1] > 0.8 and 0.005 < plain.std() < 0.02
    assert not np.allclose(fit(label, "another seed"), fit(label, "full"))
    assert not np.allclose(fit(label, "no AdjMSE", rows=600), plain)
