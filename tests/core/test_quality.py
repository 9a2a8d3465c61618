"""The quality filter: daily numbers against loops, measures against references, planted faults, luck."""

from __future__ import annotations

import math

import numpy as np
import pytest
from overlay import rough_panel
from scipy.stats import pearsonr, rankdata
from statsmodels.stats.proportion import proportion_confint
from toy_factors import factor_set, panel_of, persistent, planted

from lib.errors import ParameterError
from lib.factors import FactorSet
from lib.factors.quality import (
    CRITERIA,
    HORIZONS,
    Bound,
    Daily,
    Periods,
    computable,
    count_interval,
    daily_scores,
    distinct,
    judge,
    measure,
    null_estimates,
    passes,
    rank_correlation,
    thresholds,
)  # fmt: skip
from lib.factors.quality.criteria import loosened
from lib.factors.quality.daily import MIN_CELLS, centred_ranks, forward_return
from lib.factors.quality.layout import Layout
from lib.factors.quality.measures import PERIOD
from lib.panel import Panel
from lib.stats import newey_west_error, newey_west_errors

CUT = 900


@pytest.fixture(scope="module")
def toy() -> tuple[Panel, Daily]:
    panel, factors = planted()
    return panel, daily_scores(panel, [factor_set(factors)], sample=range(100, CUT - 20, 20))


def filtered(daily: Daily):
    """Verdict and measures on the training period, the planted neighbour beside the one that should fail by it."""
    place = {name: k for k, name in enumerate(daily.names)}
    pairs = [(place["sensitivity"], place["neighbour"])]
    measures = measure(daily.before(CUT), pairs)
    return judge(daily.names, measures, thresholds(), rank_correlation(daily.ranks)), measures


# ------------------------------------------------------------------------------------------ planted faults


def test_every_planted_fault_is_the_reason_given(toy):
    _, daily = toy
    verdict, _ = filtered(daily)
    expected = {name: name for name in daily.names} | {"neighbour": "ic"}
    assert {name: verdict.reason(k) for k, name in enumerate(daily.names)} == expected


def test_a_twin_names_the_one_that_stays_and_a_fault_does_not_hide_the_others(toy):
    _, daily = toy
    verdict, _ = filtered(daily)
    place = {name: k for k, name in enumerate(daily.names)}
    assert verdict.leader[place["redundant"]] == place["kept"]
    assert verdict.leader[place["decay"]] == -1
    assert set(verdict.failed(place["decay"])) == {"decay", "turnover"}, "new every day, so it ranks anew too"
    assert verdict.failed(place["kept"]) == []


def test_the_verdict_depends_on_nothing_after_the_cut(toy):
    """Other returns from the cut on: the same bits."""
    panel, daily = toy
    _, factors = planted()
    returns = panel.returns.copy()
    returns[0] = 0
    rng = np.random.default_rng(1)
    returns[CUT:] = rng.normal(0, 0.03, returns[CUT:].shape)
    changed = {k: np.where(np.arange(len(v))[:, None] >= CUT, rng.normal(size=v.shape), v) for k, v in factors.items()}
    again = daily_scores(panel_of(returns), [factor_set(changed)], sample=range(100, CUT - 20, 20))
    assert not np.array_equal(daily.ic, again.ic, equal_nan=True)
    (one, measured), (two, measured_again) = filtered(daily), filtered(again)
    for name in CRITERIA:
        for a, b in zip(measured[name], measured_again[name], strict=True):
            assert np.array_equal(a, b, equal_nan=True), name
    assert np.array_equal(one.leader, two.leader)


def test_labels_that_reach_the_test_period_are_left_out(toy):
    _, daily = toy
    assert len(daily.before(CUT).kept) == CUT - max(HORIZONS)


# ------------------------------------------------------------------------------------------ daily numbers


def test_daily_numbers_equal_loops():
    panel = rough_panel(40, 80)
    rng = np.random.default_rng(3)
    values = np.round(rng.normal(size=panel.shape), 1)  # ties
    valid = rng.random(panel.shape) < 0.9
    found = daily_scores(panel, [FactorSet(values[..., None], valid[..., None], ("x",), {})])
    scored = panel.price_valid & panel.universe
    has = scored & valid
    ranks = [dict(zip(np.flatnonzero(c), rankdata(x[c]), strict=True)) for x, c in zip(values, has, strict=True)]
    defined = 0
    for t, row in enumerate(ranks):
        assert found.covered[t, 0] == pytest.approx(len(row) / max(scored[t].sum(), 1))
        for h, horizon in enumerate(HORIZONS):
            labels = {i: total(panel.returns, t, i, horizon) for i in row}
            pairs = [(row[i], label) for i, label in labels.items() if math.isfinite(label)]
            defined += compare(found.ic[h, t, 0], pairs)
        if t:
            before = ranks[t - 1]
            defined += compare(found.kept[t, 0], [(r, before[i]) for i, r in row.items() if i in before])
    assert defined > 300


def total(returns: np.ndarray, t: int, i: int, h: int) -> float:
    days = [returns[t + k, i] if t + k < len(returns) else math.nan for k in range(1, h + 1)]
    return math.prod(1 + r for r in days) - 1


def compare(found: float, pairs: list[tuple[float, float]]) -> bool:
    if len(pairs) < MIN_CELLS:
        assert math.isnan(found)
        return False
    assert found == pytest.approx(pearsonr(*zip(*pairs, strict=True)).statistic, abs=2e-5)
    return True


def test_forward_returns_end_with_the_panel():
    returns = np.random.default_rng(0).normal(0, 0.02, (9, 2))
    for h in (1, 3):
        expected = [[total(returns, t, i, h) for i in range(2)] for t in range(9)]
        np.testing.assert_allclose(forward_return(returns, h), expected, atol=1e-12)


def test_layout_keeps_stocks_together():
    cells = np.random.default_rng(0).random((30, 12)) < 0.6
    layout = Layout.of(cells)
    values = np.arange(360.0).reshape(30, 12)
    rows = layout.gather(values)
    for row, used, all_of_day, scored in zip(rows, layout.used, values, cells, strict=True):
        assert row[used].tolist() == all_of_day[scored].tolist()
    before = layout.yesterday(rows)
    assert np.array_equal(before[layout.carried], rows[layout.carried] - 12), "the same stock, one day earlier"
    both = (cells[1:] & cells[:-1]).sum()
    assert layout.carried.sum() == both and not layout.carried[0].any()


def test_ranks_and_spread_of_a_row():
    values = np.array([[3.0, 1.0, 1.0, np.nan, 9.0], [np.nan] * 5])
    ranks, spread = centred_ranks(values, np.isfinite(values))
    np.testing.assert_allclose(ranks[0] * 4, [0.5, -1, -1, 0, 1.5])
    assert spread[0] == 3.0 - 1.0 and math.isnan(spread[1])


def test_masked_cells_and_values_outside_the_universe_are_not_looked_at():
    panel = rough_panel(40, 80)
    rng = np.random.default_rng(3)
    values, valid = rng.normal(size=panel.shape), rng.random(panel.shape) < 0.9
    clean = daily_scores(panel, [FactorSet(values[..., None], valid[..., None], ("x",), {})])
    for poison in (np.nan, np.inf, 1e30):
        dirty = np.where(valid & panel.price_valid & panel.universe, values, poison)
        again = daily_scores(panel, [FactorSet(dirty[..., None], valid[..., None], ("x",), {})])
        for name in ("ic", "kept", "covered", "spread"):
            assert np.array_equal(getattr(clean, name), getattr(again, name), equal_nan=True), name


def test_a_panel_without_a_scored_cell_is_an_error():
    panel = panel_of(np.zeros((5, 3)))
    empty = Panel.from_arrays(panel.dates, panel.symbols, panel.fields, universe=np.zeros((5, 3), dtype=bool))
    with pytest.raises(ParameterError, match="nothing to score"):
        daily_scores(empty, [])


def test_computable_leaves_out_what_the_panel_lacks():
    panel = panel_of(np.zeros((5, 3)))
    assert computable(panel, ["alpha_006", "alpha101_041"]) == ["alpha_006"]


# ----------------------------------------------------------------------------------------------- measures


def test_errors_of_means_are_newey_wests():
    rng = np.random.default_rng(0)
    x = persistent(rng, 3, (400, 4))
    for horizon in (1, 20):
        expected = [newey_west_error(x[:, k], horizon=horizon) for k in range(4)]
        np.testing.assert_allclose(newey_west_errors(x, horizon=horizon), expected, rtol=1e-10)
    x[::7, 0] = np.nan  # a day at the mean, which no mean counts
    known = np.isfinite(x[:, :1])
    filled = np.where(known, x[:, :1], x[known[:, 0], 0].mean())
    np.testing.assert_allclose(newey_west_errors(x[:, :1]), newey_west_errors(filled) * 400 / known.sum(), rtol=1e-10)


def daily_of(ic: np.ndarray, held: np.ndarray) -> Daily:
    """Daily numbers with these one-day and holding-period ICs [T, F] and nothing wrong elsewhere."""
    shape = ic.shape
    every = np.stack([ic, *[held] * (len(HORIZONS) - 1)])
    names = tuple(map(str, range(shape[1])))
    return Daily(names, every, np.full(shape, 0.9), np.ones(shape), np.ones(shape), np.empty((0, 0, 0)))


def test_measures_by_hand():
    rng = np.random.default_rng(2)
    ic = rng.normal(-0.02, 0.1, (6 * PERIOD, 3))
    held = rng.normal(-0.04, 0.1, (6 * PERIOD, 3))
    ic[:40, 1] = np.nan
    found = measure(daily_of(ic, held), [(0, 1), (0, 2), (1, 0)])
    for k in range(3):
        x = ic[:, k][np.isfinite(ic[:, k])]
        sign = np.sign(x.mean())
        assert found["ic"].value[k] == pytest.approx(abs(x.mean()))
        assert found["ir"].value[k] == pytest.approx(abs(x.mean()) / x.std(ddof=1))
        quarters = [np.nanmean(ic[a : a + PERIOD, k]) for a in range(0, len(ic), PERIOD)]
        right = sum(q * sign > 0 for q in quarters)
        assert found["stability"].value[k] == pytest.approx(right / 6)
        low, high = proportion_confint(right, 6, method="wilson")
        assert (found["stability"].low[k], found["stability"].high[k]) == pytest.approx((low, high), abs=1e-6)
        assert found["decay"].value[k] == pytest.approx(held[:, k].mean() / 20**0.5 / x.mean())
    means = np.nanmean(ic, axis=0)
    assert found["sensitivity"].value[0] == pytest.approx((means[1] + means[2]) / 2 / means[0])
    assert found["sensitivity"].value[1] == pytest.approx(means[0] / means[1])
    assert found["sensitivity"].value[2] == math.inf, "no neighbour speaks against it"


def test_intervals_cover_as_often_as_they_say():
    """True mean IC .02, retention 1/2, autocorrelated days: about 95 % of 400 candidates' intervals hold the truth."""
    rng = np.random.default_rng(4)
    noise = persistent(rng, 1, (1500, 400))
    ic, held = 0.02 + 0.1 * noise, 0.02 * 0.5 * 20**0.5 + 0.1 * persistent(rng, 6, (1500, 400))
    found = measure(daily_of(ic, held))
    for name, truth in (("ic", 0.02), ("ir", 0.2), ("decay", 0.5)):
        covered = ((found[name].low <= truth) & (truth <= found[name].high)).mean()
        assert 0.88 <= covered <= 0.99, (name, covered)


def test_nothing_is_known_of_a_candidate_without_days():
    ic = np.full((200, 1), np.nan)
    found = measure(daily_of(ic, ic))
    assert not passes(found, thresholds()).all()
    assert math.isnan(found["coverage"].value[0]) and math.isnan(found["ic"].value[0])


# ------------------------------------------------------------------------------------ thresholds and twins


def test_thresholds_are_checked():
    assert thresholds({"ic": 0.5}) == thresholds() | {"ic": 0.5}
    with pytest.raises(ParameterError, match="did you mean 'decay'"):
        thresholds({"deca": 1})
    with pytest.raises(ParameterError, match="expected a number"):
        thresholds({"decay": "much"})


def test_strictness_moves_every_threshold_from_asking_nothing():
    limits = thresholds()
    assert loosened(limits, 1.0) == pytest.approx(limits)
    assert loosened(limits, 0.0) == {name: item.lax for name, item in CRITERIA.items()}
    assert all(loosened(limits, 1.2)[name] > value for name, value in limits.items())


def test_an_interval_can_pass_fail_or_leave_it_open():
    ones = {name: Bound(*np.full((3, 3), 9.0)) for name in CRITERIA}
    middle = np.array([0.02, 0.0115, 0.0])
    found = ones | {"ic": Bound(middle, middle - 0.005, middle + 0.005)}
    by = {standard: passes(found, thresholds(), standard).all(axis=1).tolist() for standard in ("low", "value", "high")}
    assert by == {"low": [True, False, False], "value": [True, True, False], "high": [True, True, False]}


def test_rank_correlation_equals_a_loop():
    rng = np.random.default_rng(5)
    ranks = rng.uniform(-0.5, 0.5, (6, 30, 3)).astype(np.float32)
    ranks[rng.random(ranks.shape) < 0.2] = np.nan
    ranks[:, :15, 2] = np.nan
    found = rank_correlation(ranks)
    for i in range(3):
        for j in range(3):
            x, y = ranks[..., i].ravel(), ranks[..., j].ravel()
            both = np.isfinite(x) & np.isfinite(y)
            x, y = x[both].astype(float), y[both].astype(float)
            assert found[i, j] == pytest.approx((x @ y) / math.sqrt((x @ x) * (y @ y)), abs=1e-5)


def test_of_twins_the_strongest_stays():
    correlation = np.array([[1, 0.95, -0.95, 0.2], [0.95, 1, 0.5, 0.2], [-0.95, 0.5, 1, 0.2], [0.2, 0.2, 0.2, 1]])
    strength, everyone = np.array([0.3, 0.2, 0.1, 0.4]), np.ones(4, dtype=bool)
    assert distinct(correlation, strength, everyone, 0.9).tolist() == [0, 0, 0, 3], "opposite signs are twins too"
    assert distinct(correlation, strength, np.array([False, True, True, True]), 0.9).tolist() == [-1, 1, 2, 3]
    assert distinct(correlation, strength, everyone, 0.96).tolist() == [0, 1, 2, 3]


# --------------------------------------------------------------------------------------------------- luck


def null_passed(periods, measures, limits, draws):
    """bool [draws, F]: who passes every test in each draw of the null market."""
    drawn = null_estimates(periods, measures, np.random.default_rng(0), draws)
    return np.stack([passes(values, limits).all(axis=1) for values in drawn])


def test_noise_passes_as_often_as_the_null_market_says(toy):
    """400 noise factors: what passes lies inside the null market's range, and luck does let some through."""
    panel, _ = toy
    rng = np.random.default_rng(8)
    noise = {f"n{k}": persistent(rng, 60) for k in range(100)}
    training = daily_scores(panel, [factor_set(noise)]).before(300)
    limits = thresholds({"ic": 0.005, "ir": 0.02})
    measures, periods = measure(training), Periods.of(training)
    null = null_passed(periods, measures, limits, 300).sum(axis=1)
    actual = passes(measures, limits).all(axis=1).sum()
    low, high = np.quantile(null, [0.005, 0.995])
    assert low <= actual <= high
    assert null.mean() > 1


def test_a_planted_signal_does_not_pass_the_null_market(toy):
    _, daily = toy
    training = daily.before(CUT)
    measures = measure(training)
    again = null_passed(Periods.of(training), measures, thresholds(), 200)
    good = daily.names.index("kept")
    assert passes(measures, thresholds())[good].all()
    assert again[:, good].mean() < 0.2, "a strong signal must not make the null market look predictable"


def test_random_signs_change_directions_and_nothing_else(toy):
    _, daily = toy
    periods = Periods.of(daily.before(CUT))
    flipped = periods.flipped(np.where(np.arange(len(periods.days)) % 2, 1.0, -1.0))
    np.testing.assert_array_equal(np.abs(flipped.ic), np.abs(periods.ic))
    np.testing.assert_array_equal(flipped.squares, periods.squares)
    assert np.sign(flipped.ic[0]).tolist() == (-np.sign(periods.ic[0])).tolist()


def test_the_null_market_predicts_nothing_and_is_as_noisy():
    """Periods taken from centred daily ICs, and the quarters' spread as an unbiased estimate has it."""
    rng = np.random.default_rng(6)
    ic, held = rng.normal(0.05, 0.1, (2, 8 * PERIOD, 5))
    centred = Periods.of(daily_of(ic, held)).centred()
    np.testing.assert_allclose(centred.mean, 0, atol=1e-15)
    np.testing.assert_allclose(centred.held.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(centred.squares.sum(axis=0), ((ic - ic.mean(axis=0)) ** 2).sum(axis=0))
    quarters = ic.reshape(8, PERIOD, 5).sum(axis=1)
    np.testing.assert_allclose((centred.ic**2).mean(axis=0), quarters.var(axis=0, ddof=1))


def test_the_interval_of_the_count_holds_the_count(toy):
    _, daily = toy
    training = daily.before(CUT)
    measures, limits = measure(training), thresholds()
    low, high = count_interval(Periods.of(training), measures, limits, np.random.default_rng(0), 100)
    assert 0 <= low <= passes(measures, limits).all(axis=1).sum() <= high <= len(daily.names)
