"""The mask ablation in the papers' own setting: its split, samples, controls and back-test, no look into the future."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lib import run_study
from lib.errors import ParameterError
from lib.evaluation.core import CORE
from lib.factors import factor_names
from lib.market import paper_gbm
from lib.models.dataset import next_return
from lib.models.splits import Split
from lib.panel import Panel
from lib.portfolio.lagged import OUTSIDE, lagged_book, top_k_weights
from lib.reasons import Reason
from lib.stats.over_seeds import OverSeeds
from lib.studies.own_setting_mask import STUDY
from lib.studies.own_setting_mask.measure import NAMES, PAIRS
from lib.studies.own_setting_mask.scores import (
    Desk,
    book_differences,
    book_numbers,
    frozen_daily,
    frozen_elsewhere,
    mask_samples,
    match_turnover,
    mean_turnover,
    names_within,
    papers_split,
    predict,
    settled_turnover,
)

NAN = np.nan
TINY = {"n_stocks": 50, "n_days": 330, "validation_days": 50, "test_days": 80, "k": 8, "windows": [], "rounds": 5}
SPLIT = papers_split(330, 50, 80)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return run_study("own_setting_mask", scale="smoke", seeds=2, cache=cache, learners=["ridge"], **TINY)


@pytest.fixture(scope="module")
def panel():
    return paper_gbm(50, 330, seed=0).panel


# ----------------------------------------------------------------------------------------------- the split


def test_the_split_keeps_the_papers_test_and_purges_between_the_parts():
    split = papers_split(3500, 252, 756)
    assert split.test_stop - split.test_start == 756 and split.test_stop == 3500
    assert split.test_start - split.validation_start == 252
    # the label of a day ends a day later, and an order trades a day after that: two days belong to no part
    assert split.validation_start - split.fit_stop == split.test_start - split.validation_stop == 2
    with pytest.raises(ParameterError, match="n_days=300"):
        papers_split(300, 100, 200)


def test_short_factor_sets_hold_what_they_say():
    names = tuple(factor_names())
    twenty, sixty = (names_within(names, longest) for longest in (20, 60))
    assert set(twenty) < set(sixty) < set(names) == set(names_within(names, None))
    from lib.factors import find_factors

    assert max(f.window for f in find_factors(sixty)) == 60, "recurrences read everything"


# --------------------------------------------------------------------------------------------- the samples


def test_masks_decide_samples_and_labels(panel):
    data = {mask: mask_samples(panel, mask, CORE[:6]) for mask in ("none", "halt", "full")}
    cells = {"none": panel.observed, "halt": panel.traded, "full": panel.price_valid}
    for mask, found in data.items():
        seen = cells[mask]
        assert seen[found.day, found.stock].all()
        day, stock = (x[np.isfinite(found.label)] for x in (found.day, found.stock))
        assert seen[day + 1, stock].all() and len(day) > 0.9 * len(found.day), "tradable on both days"
    halted = ~panel.traded
    assert halted[data["none"].day, data["none"].stock].any(), "without a mask halted cells are predicted too"


@pytest.mark.parametrize("mask", ["none", "full"])
def test_features_are_neutral_to_industry_and_size_each_day(panel, mask):
    data = mask_samples(panel, mask, ("stock_006",))
    day = 300
    rows = data.day == day
    industry, size = (panel.fields[name][day, data.stock[rows]] for name in ("industry", "float_mkt_cap"))
    x = data.features[rows, 0].astype(float)
    assert abs(x.mean()) < 1e-5 and x.std() == pytest.approx(1, abs=1e-4)
    dummies = (industry[:, None] == np.unique(industry)).astype(float)
    design = np.column_stack([dummies, np.log(size)])
    np.testing.assert_allclose(design.T @ x, 0, atol=1e-3)


def test_what_a_mask_hides_may_hold_anything(panel):
    hidden = ~panel.price_valid
    poison = {"open": NAN, "high": 1e30, "low": -1e30, "vwap": np.inf, "volume": 1e30, "amount": NAN,
              "turnover": np.inf, "float_mkt_cap": 1e30}  # fmt: skip
    fields = {name: np.where(hidden, poison[name], x) if name in poison else x for name, x in panel.fields.items()}
    other = Panel.from_arrays(panel.dates, panel.symbols, fields, panel.reasons, market="cn")
    a, b = (mask_samples(p, "full", CORE) for p in (panel, other))
    np.testing.assert_array_equal(a.features, b.features)
    np.testing.assert_array_equal(a.label, b.label)


# -------------------------------------------------------------------------------------------- the controls


@pytest.fixture(scope="module")
def predictions():
    """Noise with persistence, [T, N], and the same with gaps that last."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(330, 50))
    for t in range(1, 330):
        values[t] = 0.9 * values[t - 1] + 0.4 * values[t]
    gaps = np.zeros(values.shape, dtype=bool)
    for t, n in rng.integers(0, (330, 50), (150, 2)):
        gaps[t : t + 30, n] = True
    return values, np.where(gaps, NAN, values)


def runs(known: np.ndarray) -> list[int]:
    """Lengths of the gaps, column by column, sorted."""
    found = []
    for column in known.T:
        edges = np.flatnonzero(np.diff(np.concatenate([[1], column.astype(int), [1]])))
        found += list(edges[1::2] - edges[::2])
    return sorted(found)


def test_controls_take_away_the_same_share_every_day(predictions):
    whole, masked = predictions
    wanted = np.isfinite(masked).sum(axis=1)
    for control in (frozen_daily, frozen_elsewhere):
        found = control(whole, masked, np.random.default_rng(1))
        known = np.isfinite(found)
        np.testing.assert_array_equal(known.sum(axis=1), wanted)
        np.testing.assert_array_equal(found[known], whole[known])
        assert not np.array_equal(known, np.isfinite(masked))
        other = control(whole, masked, np.random.default_rng(2))
        assert not np.array_equal(known, np.isfinite(other))
    daily = frozen_daily(whole, masked, np.random.default_rng(1))
    elsewhere = frozen_elsewhere(whole, masked, np.random.default_rng(1))
    assert runs(np.isfinite(elsewhere)) == runs(np.isfinite(masked)), "the same gaps, in other stocks"
    assert max(runs(np.isfinite(daily))) < max(runs(np.isfinite(masked))) / 2


def test_a_control_does_not_know_the_stock(predictions):
    """Gaps where predictions are high: no trace of that is left in the controls."""
    whole = predictions[0]
    biased = np.where(whole > 0.5, NAN, whole)
    assert np.nanmean(biased) < -0.2
    for control in (frozen_daily, frozen_elsewhere):
        assert abs(np.nanmean(control(whole, biased, np.random.default_rng(5))) - whole.mean()) < 0.05


@pytest.mark.parametrize("outside", OUTSIDE)
def test_turnover_is_matched_on_validation_days_only(predictions, outside):
    whole, masked = predictions
    desk = Desk(np.zeros(whole.shape), SPLIT, 8)
    for left, right in ((masked, whole), (whole, masked)):
        match = match_turnover(desk, left, right, outside)
        assert match.buffers.count(None) >= 1
        books = [desk.book(side, outside, buffer, desk.validation)
                 for side, buffer in zip((left, right), match.buffers, strict=True)]  # fmt: skip
        ratio = settled_turnover(books[0]) / settled_turnover(books[1])
        assert ratio == pytest.approx(match.ratio) and match.close == (1 / 1.05 <= ratio <= 1.05)
        plain = [settled_turnover(desk.book(side, outside, None, desk.validation)) for side in (left, right)]
        further = abs(math.log(plain[0] / plain[1]))
        assert abs(math.log(ratio)) <= further + 1e-12, "no further apart than without a buffer"
        later = [side.copy() for side in (left, right)]
        for side in later:
            side[SPLIT.validation_stop :] = np.random.default_rng(9).normal(size=side[SPLIT.validation_stop :].shape)
        assert match_turnover(desk, *later, outside) == match, "the test days have no say"


def test_matching_finds_a_buffer_that_is_there(predictions):
    whole = predictions[0]
    desk = Desk(np.zeros(whole.shape), SPLIT, 8)
    slow = whole.copy()
    slow[1:] = np.cumsum(slow, axis=0)[1:] / 50  # moves less, so its ranks do too
    match = match_turnover(desk, slow, whole, "zero")
    assert match.buffers[0] is None and match.buffers[1] > 8
    assert match_turnover(desk, whole, whole, "zero").buffers == (None, None)


# ------------------------------------------------------------------------------------------- the back-test


def test_numbers_of_a_book_by_hand():
    rng = np.random.default_rng(0)
    gross, turnover = rng.normal(0.001, 0.01, 60), rng.uniform(0, 1, 60)
    book = replace(lagged_book(np.ones((60, 1)), np.zeros((60, 1))), gross=gross, turnover=turnover)
    found = book_numbers({"held": book})
    net = gross - 8e-4 * turnover
    assert found["held.8bps.sharpe"] == pytest.approx(net.mean() / net.std(ddof=1) * math.sqrt(252))
    assert found["held.turnover"] == pytest.approx(turnover[1:].mean())
    path = np.concatenate([[1], np.cumprod(1 + net)])
    assert found["held.8bps.max_drawdown"] == pytest.approx(max(1 - path[t] / path[: t + 1].max() for t in range(61)))
    assert found["held.8bps.annual_return"] == pytest.approx(path[-1] ** (252 / 60) - 1)


def test_what_is_saved_is_the_net_less_the_gross_difference():
    rng = np.random.default_rng(1)
    returns = rng.normal(0, 0.02, (100, 20))
    quiet = lagged_book(top_k_weights(np.tile(rng.normal(size=20), (100, 1)), 5), returns)
    busy = lagged_book(top_k_weights(rng.normal(size=(100, 20)), 5), returns)
    found = book_differences({"sold": quiet}, {"sold": busy})
    assert found["sold.8bps.saved_sharpe"] == pytest.approx(found["sold.8bps.sharpe"] - found["sold.0bps.sharpe"])
    traded = mean_turnover(busy) - mean_turnover(quiet)
    assert found["sold.8bps.saved_return"] == pytest.approx(252 * 8e-4 * traded) and traded > 1


# ----------------------------------------------------------------------------------------------- the study


def test_every_mask_has_its_levels_and_every_pair_its_differences(result):
    numbers = OverSeeds(result.frame)
    for mask in NAMES:
        for metric in ("apparent_ic", "m1_ic", "coverage", "zero.8bps.sharpe", "held.turnover", "sold.0bps.sharpe"):
            assert len(numbers.seeds(f"{mask} ridge | all factors", metric)) == 2, (mask, metric)
    for left, right in PAIRS:
        assert np.isfinite(numbers.find(f"{left} - {right} ridge | all factors", "held.8bps.sharpe").value)
    level = {m: numbers.find(f"{m} ridge | all factors", "held.8bps.sharpe").value for m in ("none", "full")}
    difference = numbers.find("full - none ridge | all factors", "held.8bps.sharpe").value
    assert difference == pytest.approx(level["full"] - level["none"])
    for policy in OUTSIDE:  # nothing is frozen without a mask
        assert numbers.find("none ridge | all factors", f"{policy}.unpredicted").value < 0.02


def test_frozen_names_trade_less_and_the_equal_weight_book_never(result):
    numbers = OverSeeds(result.frame)
    held = numbers.find("full ridge | all factors", "held.turnover").value
    sold = numbers.find("full ridge | all factors", "sold.turnover").value
    assert held < sold and held < numbers.find("none ridge | all factors", "held.turnover").value
    assert numbers.find("equal weight | all factors", "equal weight.turnover").value < 1e-12
    assert numbers.find("full ridge | all factors", "coverage").value < 0.8
    assert numbers.find("none ridge | all factors", "coverage").value > 0.99


def test_the_last_step_has_only_the_closes_at_a_limit(result):
    for seed in (0, 1):
        part = result.frame[result.frame["seed"] == seed]
        numbers = OverSeeds(part)
        cells = numbers.find("full - halt ridge | all factors", "cells masked by one only").value
        panel = paper_gbm(50, 330, seed=seed).panel
        limits = (panel.reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN)) > 0
        assert cells == np.count_nonzero(limits & panel.traded)
        if not cells:
            assert numbers.find("full - halt ridge | all factors", "zero.weight apart").value == 0


@pytest.mark.parametrize(("mask", "learner"), [("none", "ridge"), ("full", "ridge"), ("full", "lightgbm")])
def test_the_future_changes_nothing_before_it(panel, mask, learner):
    """Days from the cut on are replaced: predictions and weights before it stay bit for bit."""
    cut = 290
    rng = np.random.default_rng(7)
    fields = {
        name: np.concatenate([x[:cut], x[cut:][:, rng.permutation(50)]]) if x.dtype.kind == "f" else x
        for name, x in panel.fields.items()
    }
    reasons = panel.reasons.copy()
    reasons[cut:] = np.where(rng.random(reasons[cut:].shape) < 0.2, Reason.HALT, 0)
    other = Panel.from_arrays(panel.dates, panel.symbols, fields, reasons, market="cn")
    found = []
    for p in (panel, other):
        found.append(predict(mask_samples(p, mask, CORE), SPLIT, learner, 0, **_options(learner)))
    a, b = found
    np.testing.assert_array_equal(a[:cut], b[:cut])
    assert not np.array_equal(a[cut:], b[cut:], equal_nan=True)
    desk = Desk.of(panel, SPLIT, 8)
    days = cut - SPLIT.test_start
    for outside in OUTSIDE:
        before, after = (desk.weights(side, outside) for side in (a, b))
        np.testing.assert_array_equal(before[:days], after[:days])
    assert np.isnan(a[: SPLIT.validation_start]).all(), "no prediction where the model was fitted"


def _options(learner: str) -> dict[str, int]:
    return {"rounds": 5} if learner == "lightgbm" else {}


def test_labels_of_the_test_days_reach_no_prediction(panel):
    data = mask_samples(panel, "full", CORE)
    label = np.where(data.day >= SPLIT.validation_stop + 1, 1e3, data.label)
    a, b = (predict(replace(data, label=x), SPLIT, "ridge", 0) for x in (data.label, label))
    np.testing.assert_array_equal(a, b)
    early = replace(data, label=np.where(data.day < SPLIT.fit_stop, -data.label, data.label))
    assert not np.array_equal(predict(early, SPLIT, "ridge", 0), a, equal_nan=True)


def test_a_desk_trades_on_returns_that_follow():
    returns = np.arange(12.0).reshape(6, 2) / 100
    desk = Desk(returns, Split(0, 1, 1, 2, 3, 6), 1)
    prediction = np.tile([1.0, 0.0], (6, 1))
    np.testing.assert_allclose(desk.book(prediction, "sold").gross, returns[3:5, 0])  # the last day has no next one


def test_factors_in_files_are_those_in_memory(panel, monkeypatch):
    from lib.studies.own_setting_mask import scores as measure

    kept = mask_samples(panel, "full", CORE[:5])
    monkeypatch.setattr(measure, "IN_MEMORY", 0)
    stored = mask_samples(panel, "full", CORE[:5])
    np.testing.assert_array_equal(kept.features, stored.features)
    np.testing.assert_array_equal(kept.day, stored.day)


def test_the_grid_of_a_recording():
    rows = pd.DataFrame(STUDY.rows(STUDY.settings("paper")))
    models = rows[rows["mask"] != ""]
    counts = models.groupby(["learner", "condition"])["seed"].nunique().to_dict()
    assert counts == {("ridge", "all factors"): 20, ("lightgbm", "all factors"): 20, ("mlp", "all factors"): 5,
                      ("ridge", "windows to 20 days"): 10, ("ridge", "windows to 60 days"): 10,
                      ("ridge", "the papers' size"): 1}  # fmt: skip
    large = models[models["condition"] == "the papers' size"]
    assert set(large["seed"]) == {42} and set(large["n_stocks"]) == {3000} and set(large["k"]) == {100}
    assert not rows.duplicated(["variant", "seed"]).any(), "a recorded row is found by variant and seed"
    first = STUDY.settings("paper")
    groups = {STUDY.group(row) for row in STUDY.rows(first) if row["condition"] == "the papers' size"}
    assert len(groups) == 1, "one large panel at a time"


def test_the_same_row_gives_the_same_numbers(result):
    settings = STUDY.settings("smoke", 1, {**TINY, "learners": ["ridge"]})
    row = next(row for row in STUDY.rows(settings) if row["mask"] == "full")
    again = STUDY.compute(row, STUDY.row_settings(settings))
    before = OverSeeds(result.frame[result.frame["seed"] == 0])
    for item in again.records:
        np.testing.assert_equal(item["value"], before.find(item["variant"], item["metric"]).value)


def test_next_return_is_what_the_desk_pays(panel):
    desk = Desk.of(panel, SPLIT, 8)
    np.testing.assert_array_equal(desk.next_return, next_return(panel))
