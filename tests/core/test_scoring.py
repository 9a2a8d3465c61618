"""Which cells a variant sees, and how its predictions are scored."""

from __future__ import annotations

import numpy as np
import pytest
from overlay import members, rebuilt

from lib.evaluation import contrasts, scoring, variants
from lib.evaluation.contrasts import difference
from lib.evaluation.scoring import RECORDED, backtests, daily_ics, score, scored_cells
from lib.evaluation.variants import CONTRASTS, FEATURES, VARIANTS, cells, compute_features, variant_dataset
from lib.market import make_market
from lib.models.dataset import next_return
from lib.panel import Panel
from lib.portfolio import active_returns, equal_weight
from lib.reasons import Reason

#: features / labels / universe of every variant, written by hand: raw = strict on observed cells
EXPECTED = {
    "none": ("observed", "strict", "all", "all", "per_factor"),
    "halt_only": ("halt", "skip", "H both", "H", "per_factor"),
    "universe_only": ("observed", "strict", "all", "M", "per_factor"),
    "labels_only": ("observed", "strict", "M both", "all", "per_factor"),
    "row_deletion": ("observed", "strict", "M both", "M", "per_factor"),
    "row_deletion_m1": ("observed", "strict", "M", "M", "per_factor"),
    "mask_skip": ("full", "skip", "M both", "M", "per_factor"),
    "mask_skip_m1": ("full", "skip", "M", "M", "per_factor"),
    "mask_strict": ("full", "strict", "M both", "M", "per_factor"),
    "mask_paper": ("full", "strict", "M both", "M", "intersect"),
    "flags": ("observed", "strict", "all", "all", "per_factor"),
    "gap": ("full", "skip", "M both", "M", "per_factor"),
}


@pytest.fixture(scope="module")
def panel():
    """Some three hundred limit closes, and members that come and go."""
    raw = make_market(60, 400, seed=5).panel
    return rebuilt(raw, raw.fields, universe=members(np.random.default_rng(5), raw.shape))


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    """Intervals are the subject of the tests of `lib.stats`: here they only have to exist."""
    monkeypatch.setattr(scoring, "SAMPLES", 40)


def test_the_variants_are_the_declared_ones():
    found = {
        name: (FEATURES[v.features].mask, FEATURES[v.features].window, v.labels, v.universe, v.join)
        for name, v in VARIANTS.items()
    }
    assert found == EXPECTED
    assert [name for name, v in VARIANTS.items() if v.flags] == ["flags"]
    assert [name for name, v in VARIANTS.items() if FEATURES[v.features].max_gap > 1] == ["gap"]
    assert {name for pair in CONTRASTS for name in pair} <= set(VARIANTS)


def test_windows_differ_only_in_the_contrasts_that_say_so():
    """mask_skip - row_deletion is contamination of windows: labels, universe and joining are the same."""
    for left, right in (("mask_skip", "row_deletion"), ("mask_strict", "row_deletion")):
        a, b = VARIANTS[left], VARIANTS[right]
        assert (a.labels, a.universe, a.join, a.flags) == (b.labels, b.universe, b.join, b.flags)
        assert a.features != b.features


def test_cells_by_a_loop(panel):
    hidden = {"all": 0, "H": Reason.HALT, "M": Reason.HALT | Reason.LIMIT_UP | Reason.LIMIT_DOWN}
    absent = Reason.MISSING | Reason.UNLISTED
    admitted = {name: cells(panel, name) for name in ("all", "H", "M", "H both", "M both")}
    for t, i in np.ndindex(panel.shape):
        for name, bits in hidden.items():
            today = panel.universe[t, i] and not panel.reasons[t, i] & (bits | absent)
            assert admitted[name][t, i] == today
            if name != "all":
                later = t + 1 < panel.shape[0] and not panel.reasons[t + 1, i] & (bits | absent)
                assert admitted[f"{name} both"][t, i] == (today and later)


def test_scored_cells_are_nested(panel):
    found = scored_cells(panel)
    assert not found["m2"][-1].any() and (found["m1"] >= found["m2"]).all()
    lost = found["m1"] & ~found["m2"]
    assert lost.any(), "an entry that could be made, and an exit that could not"
    assert (found["apparent"] & ~found["m1"]).any(), "limit closes look predictable"
    following = np.zeros(panel.shape, dtype=bool)
    following[:-1] = panel.traded[1:]
    np.testing.assert_array_equal(found["apparent"], following & panel.universe & np.isfinite(next_return(panel)))


def test_perfect_foresight_has_an_ic_of_one_and_noise_none(panel):
    foresight = np.where(np.isfinite(next_return(panel)), next_return(panel), 0.0)
    for metric, daily in daily_ics(panel, foresight).items():
        assert np.nanmin(daily) == pytest.approx(1.0), metric
    noise = np.random.default_rng(0).normal(size=panel.shape)
    for metric, daily in daily_ics(panel, noise).items():
        assert abs(np.nanmean(daily)) < 0.05, metric


def test_only_predicted_cells_are_scored(panel):
    rng = np.random.default_rng(1)
    prediction = np.where(rng.random(panel.shape) < 0.8, rng.normal(size=panel.shape), np.nan)
    kept = rng.random(panel.shape) < 0.9
    for metric, daily in daily_ics(panel, prediction, kept).items():
        expected = daily_ics(panel, np.where(kept, prediction, np.nan))[metric]
        np.testing.assert_array_equal(daily, expected)


def test_a_difference_is_taken_on_the_cells_that_both_predict(panel):
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(2, *panel.shape))
    left[rng.random(panel.shape) < 0.1] = np.nan
    sides = []
    for prediction in (left, right):
        _, series = score(panel, prediction, orders_allowed=None, rng=np.random.default_rng(0))
        sides.append((prediction, series))
    found = {r["metric"]: r["value"] for r in difference(panel, *sides, np.random.default_rng(0))}
    common = np.isfinite(left)
    for metric in RECORDED:
        a, b = (daily_ics(panel, np.where(common, side, np.nan))[metric] for side in (left, right))
        assert found[metric] == pytest.approx(np.nanmean(a - b))
        assert found[f"{metric}.low"] <= found[metric] <= found[f"{metric}.high"]


def test_without_samples_the_statistics_are_the_same_and_have_no_interval(panel):
    rng = np.random.default_rng(8)
    left, right = rng.normal(size=(2, *panel.shape))
    sides, levels = {}, {}
    for samples in (0, 20):
        scored = [score(panel, side, orders_allowed=None, rng=rng, samples=samples) for side in (left, right)]
        sides[samples] = [(side, series) for side, (_, series) in zip((left, right), scored, strict=True)]
        levels[samples] = scored[0][0]
    differences = {samples: difference(panel, *sides[samples], rng, samples) for samples in (0, 20)}
    for found in (levels, differences):
        ends = (".low", ".high", ".mean")
        values = [record for record in found[20] if not record["metric"].endswith(ends)]
        assert found[0] == values and len(found[20]) > 2 * len(found[0])


@pytest.mark.parametrize("poison", [1e30, -1e30])
def test_a_common_cell_is_needed_on_both_sides(panel, poison):
    """What one side predicts where the other does not has no part in the comparison of ICs."""
    rng = np.random.default_rng(4)
    left, right = rng.normal(size=(2, *panel.shape))
    left[rng.random(panel.shape) < 0.2] = np.nan
    hostile = np.where(np.isfinite(left), right, poison)
    plain = np.zeros(panel.shape[0])
    series = {f"{run}.returns": plain for run in scoring.RUNS} | {"apparent_ic": plain}
    series |= {f"{run}.{what}": plain for run in scoring.BOOKS for what in ("active", "active_gross", "turnover")}
    series = {name: values + rng.normal(0.001, 0.01, values.shape) for name, values in series.items()}

    def compared(other):
        return difference(panel, (left, series), (other, series), np.random.default_rng(0))

    assert compared(right) == compared(hostile)
    assert {r["metric"]: r["value"] for r in compared(left)}["m1_ic"] == 0


def test_outcomes_outside_the_predicted_cells_change_no_information_coefficient(panel):
    rng = np.random.default_rng(6)
    prediction = np.where(panel.price_valid & (rng.random(panel.shape) < 0.7), rng.normal(size=panel.shape), np.nan)
    before = daily_ics(panel, prediction)
    unseen = np.zeros(panel.shape, dtype=bool)
    unseen[1:] = ~np.isfinite(prediction[:-1])  # the day after a cell without prediction
    unseen[0] = True
    fields = {n: np.where(unseen, v * 7.0, v) if n == "close" else v for n, v in panel.fields.items()}
    changed = Panel.from_arrays(panel.dates, panel.symbols, fields, panel.reasons.copy(), panel.universe.copy(), "cn")
    assert not np.array_equal(changed.returns, panel.returns, equal_nan=True)
    for metric, daily in daily_ics(changed, prediction).items():
        np.testing.assert_array_equal(daily, before[metric])


def test_too_few_cells_give_no_coefficient(panel):
    prediction = np.full(panel.shape, np.nan)
    prediction[:, :19] = np.random.default_rng(0).normal(size=(panel.shape[0], 19))
    assert all(np.isnan(daily).all() for daily in daily_ics(panel, prediction).values())


def test_flags_say_what_closed_at_a_limit_and_what_was_halted(panel):
    flags = variants._flags(panel)
    for k, bit in enumerate((Reason.LIMIT_UP, Reason.LIMIT_DOWN, Reason.HALT)):
        expected = [[float(bool(r & bit)) for r in row] for row in panel.reasons]
        np.testing.assert_array_equal(flags[..., k], expected)
        assert flags[..., k].any()


@pytest.mark.parametrize("name", ["none", "labels_only", "row_deletion", "row_deletion_m1", "flags", "mask_paper"])
def test_a_variant_predicts_its_universe_and_learns_from_its_labels(panel, name):
    names = ("alpha_101", "change_002", "stock_006")
    variant = VARIANTS[name]
    factors = compute_features(panel, variant.features, names)
    data = variant_dataset(panel, variant, factors)
    has = factors.valid.all(axis=-1) if variant.join == "intersect" else factors.valid.any(axis=-1)
    outcome = np.isfinite(next_return(panel))
    wanted = {"predicted": has & cells(panel, variant.universe), "label": has & outcome & cells(panel, variant.labels)}
    for what, expected in wanted.items():
        found = np.zeros(panel.shape, dtype=bool)
        used = data.predicted if what == "predicted" else np.isfinite(data.label)
        found[data.day[used], data.stock[used]] = True
        np.testing.assert_array_equal(found, expected)
    assert data.features.shape[1] == 3 + 3 * variant.flags


def test_coverage_and_refusals_are_reported(panel):
    prediction = np.random.default_rng(3).normal(size=panel.shape)
    prediction[:, ::2] = np.nan
    records, _ = score(panel, prediction, orders_allowed=None, rng=np.random.default_rng(0))
    found = {r["metric"]: r["value"] for r in records}
    listed = panel.universe & panel.observed
    assert found["coverage"] == pytest.approx(listed[:, 1::2].sum() / listed.sum())
    runs = backtests(panel, prediction, None)
    assert runs["naive_close"].refused["buy_limit"].sum() == 0 < runs["executed_close"].refused["buy_limit"].sum()
    assert found["executed_open.turnover"] == pytest.approx(runs["executed_open"].turnover[1:].mean())
    for name in ("executed_open.sharpe", "naive_close.annual_return", "phantom_open"):
        assert found[f"{name}.low"] <= found[f"{name}.high"]
    for fill in ("close", "open"):  # tested against zero by a page: the interval of the mean as well
        assert found[f"phantom_{fill}.mean"] == pytest.approx(found[f"phantom_{fill}"])
        assert found[f"phantom_{fill}.mean.low"] <= found[f"phantom_{fill}.mean.high"]


def test_fewer_than_sixty_sessions_have_values_and_no_interval(panel):
    rng = np.random.default_rng(9)
    days = np.random.default_rng(10).normal(size=(60, 2))
    for length, ends in ((59, 0), (60, 2)):
        a, b = days[:length].T
        found = [contrasts.mean_difference("x", a, b, rng, 20), contrasts.sharpe_difference("x", a, b, rng, 20),
                 scoring.ic_records("x", a, rng, 20), scoring._tested("x", a, rng, 20)]  # fmt: skip
        assert [len(records) for records in found] == [1 + ends] * 3 + [(1 + ends) * (ends > 0)]


def test_a_book_is_scored_gross_and_net_and_by_the_cost_that_uses_up_its_lead(panel):
    prediction = np.random.default_rng(3).normal(size=panel.shape)
    records, series = score(panel, prediction, orders_allowed=None, rng=np.random.default_rng(0), samples=0)
    found, index = {r["metric"]: r["value"] for r in records}, equal_weight(panel)
    for name in scoring.BOOKS:
        run = backtests(panel, prediction, None)[name]
        gross, net = (active_returns(run, index, gross=flag) for flag in (True, False))
        for metric, daily in (("active_sharpe_gross", gross), ("active_sharpe", net)):
            assert found[f"{name}.{metric}"] == pytest.approx(daily.mean() / daily.std(ddof=1) * 243**0.5)
        assert found[f"{name}.active_sharpe_gross"] > found[f"{name}.active_sharpe"]
        cost = found[f"{name}.break_even_bps"]
        assert abs((gross - cost / 1e4 * run.turnover).mean()) < 1e-15, "at this cost nothing is left over the index"
        np.testing.assert_array_equal(series[f"{name}.active_gross"], gross)
        np.testing.assert_array_equal(series[f"{name}.turnover"], run.turnover)
    assert found["naive_close.sharpe_gross"] > found["naive_close.sharpe"]


def test_a_book_that_never_trades_has_no_break_even_cost(panel):
    prediction = np.random.default_rng(3).normal(size=panel.shape)
    nobody = np.zeros(panel.shape, dtype=bool)
    records, _ = score(panel, prediction, orders_allowed=nobody, rng=np.random.default_rng(0), samples=0)
    found = {r["metric"]: r["value"] for r in records}
    assert found["executed_open.turnover"] == 0 and "executed_open.break_even_bps" not in found
    assert np.isfinite(list(found.values())).all()
