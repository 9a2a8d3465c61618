"""Daily series cut into groups of days: statistics against a loop, differences paired, nothing read under masks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from overlay import poisoned, rough_panel

from lib.evaluation import slices
from lib.evaluation.scoring import SESSIONS
from lib.evaluation.slices import (
    Kept,
    Measure,
    daily_series,
    group_records,
    interaction_records,
    market_records,
    measure,
)
from lib.reasons import Reason

DAYS = 160
MEASURES = (Measure("naive_close", "sharpe"), Measure("naive_close", "drawdown"), Measure("naive_close", "annual"),
            Measure("phantom_close", "annual"), Measure("m1_ic", "mean"))  # fmt: skip


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(slices, "SAMPLES", 60)


def series(seed: int, days: int = DAYS) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(0.001, 0.01, days) for name in ("naive_close", "phantom_close", "m1_ic")}
    found["m1_ic"][::3] = np.nan
    return found


def some_days(first: int = 10, stop: int = 80, days: int = DAYS) -> np.ndarray:
    return (np.arange(days) >= first) & (np.arange(days) < stop)


def drawdown(returns: np.ndarray) -> float:
    equity = peak = 1.0
    worst = 0.0
    for r in returns:
        equity *= 1 + r
        peak = max(peak, equity)
        worst = max(worst, 1 - equity / peak)
    return worst


def test_levels_by_hand():
    one, days = series(1), some_days()
    found = measure({"a": one}, days, np.random.default_rng(0), MEASURES)
    r = one["naive_close"][10:80]
    mean = sum(r) / 70
    deviation = math.sqrt(sum((x - mean) ** 2 for x in r) / 69)
    known = [x for x in one["m1_ic"][10:80] if not math.isnan(x)]
    assert found.values["a", "naive_close.sharpe"] == pytest.approx(mean / deviation * math.sqrt(SESSIONS))
    assert found.values["a", "naive_close.max_drawdown"] == pytest.approx(drawdown(r))
    assert found.values["a", "naive_close.annual_mean"] == pytest.approx(mean * SESSIONS)
    assert found.values["a", "phantom_close"] == pytest.approx(one["phantom_close"][10:80].sum() / 70 * SESSIONS)
    assert found.values["a", "m1_ic"] == pytest.approx(sum(known) / len(known))
    assert found.days == 70


def test_days_outside_the_group_do_not_matter():
    one, days = series(1), some_days()
    other = {name: np.where(days, values, np.inf) for name, values in one.items()}
    first, second = (measure({"a": s}, days, np.random.default_rng(0), MEASURES) for s in (one, other))
    assert first.values == second.values


def test_a_drawdown_needs_days_that_follow_each_other():
    days = some_days() & (np.arange(DAYS) != 30)
    found = measure({"a": series(1)}, days, np.random.default_rng(0), MEASURES)
    assert ("a", "naive_close.max_drawdown") not in found.values
    assert ("a", "naive_close.sharpe") in found.values


def test_a_series_without_variation_has_no_sharpe_ratio_and_no_record():
    flat = series(1) | {"naive_close": np.zeros(DAYS)}
    found = measure({"a": flat}, some_days(), np.random.default_rng(0), MEASURES)
    assert ("a", "naive_close.sharpe") not in found.values
    records = list(group_records("s", "g", found, ()))
    assert "naive_close.sharpe" not in {record["metric"] for record in records}


def by_name(records):
    return {(r["variant"], r["metric"]): r["value"] for r in records}


def test_differences_are_paired_and_interactions_compare_them():
    sides = {"a": series(1), "b": {name: values + 0.002 for name, values in series(1).items()}, "c": series(1)}
    groups = {
        name: measure(sides, days, np.random.default_rng(k), MEASURES)
        for k, (name, days) in enumerate({"g": some_days(), "h": some_days(80, 160)}.items())
    }
    pairs = (("b", "a"), ("c", "a"))
    found = by_name([r for name, m in groups.items() for r in group_records("s", name, m, pairs)])
    found |= by_name(interaction_records("s", groups, (("g", "h"), ("g", "not there")), pairs))
    for end in ("", ".low", ".high"):
        # a constant gap leaves no doubt about a mean, and none about the comparison of two
        assert found["s b - a g", "naive_close.annual_mean" + end] == pytest.approx(0.002 * SESSIONS)
        assert found["s b - a g - h", "naive_close.annual_mean" + end] == pytest.approx(0.0, abs=1e-12)
        assert found["s c - a g", "naive_close.sharpe" + end] == 0.0, "the same series: no difference at all"
    levels = [found[f"s {p} g", "naive_close.sharpe"] for p in ("b", "a")]
    assert found["s b - a g", "naive_close.sharpe"] == pytest.approx(levels[0] - levels[1])
    gaps = [found[f"s b - a {g}", "naive_close.sharpe"] for g in ("g", "h")]
    assert found["s b - a g - h", "naive_close.sharpe"] == pytest.approx(gaps[0] - gaps[1])
    assert not any("not there" in variant for variant, _ in found)


def test_without_samples_the_values_are_the_same_and_have_no_interval():
    sides, pairs, against = {"a": series(1), "b": series(2)}, (("a", "b"),), (("g", "h"),)
    found = {}
    for samples in (0, 60):
        groups = {
            name: measure(sides, days, np.random.default_rng(0), MEASURES, samples)
            for name, days in {"g": some_days(), "h": some_days(80, 160)}.items()
        }
        found[samples] = by_name([r for name, m in groups.items() for r in group_records("s", name, m, pairs)])
        found[samples] |= by_name(interaction_records("s", groups, against, pairs))
    values = {key: value for key, value in found[60].items() if not key[1].endswith((".low", ".high"))}
    assert found[0] == values and len(found[60]) > 2 * len(values)


def test_a_group_under_sixty_sessions_has_values_and_no_interval():
    groups = {
        name: measure({"a": series(1), "b": series(2)}, days, np.random.default_rng(0), MEASURES)
        for name, days in {"short": some_days(10, 69), "long": some_days(80, 140)}.items()
    }
    pairs, kept = (("a", "b"),), Kept(tested=("m1_ic",))
    found = by_name([r for name, m in groups.items() for r in group_records("s", name, m, pairs, kept)])
    found |= by_name(interaction_records("s", groups, (("short", "long"),), pairs))
    with_ends = {variant for variant, metric in found if metric.endswith((".low", ".high"))}
    assert with_ends == {"s a long", "s b long", "s a - b long"}
    assert np.isfinite(found["s a short", "m1_ic"]) and np.isfinite(found["s a - b short - long", "m1_ic"])
    assert ("s a short", "m1_ic.mean") not in found


def test_the_interval_of_a_level_is_that_of_one_path_and_wider_than_that_of_its_mean():
    name = "naive_close.annual_mean"
    one = measure({"a": series(1)}, some_days(), np.random.default_rng(0), MEASURES, 1000)
    found = by_name(group_records("s", "g", one, (), Kept((name, "m1_ic"), (), (name,))))
    path, mean = (found["s a g", f"{name}{end}.high"] - found["s a g", f"{name}{end}.low"] for end in ("", ".mean"))
    assert found["s a g", f"{name}.mean"] == found["s a g", name] and path > 1.2 * mean
    assert ("s a g", "m1_ic.mean") not in found


def test_only_the_metrics_that_are_kept_are_recorded():
    groups = {"g": measure({"a": series(1), "b": series(2)}, some_days(), np.random.default_rng(0), MEASURES)}
    groups["h"] = groups["g"]
    everything = by_name(group_records("s", "g", groups["g"], (("a", "b"),)))
    kept = Kept(("m1_ic", "phantom_close"), ("m1_ic",))
    found = by_name(group_records("s", "g", groups["g"], (("a", "b"),), kept))
    ends = ("", ".low", ".high")
    wanted = {(f"s {p} g", m + e) for p in "ab" for m in ("m1_ic", "phantom_close") for e in ends}
    wanted |= {("s a - b g", "m1_ic" + end) for end in ends}
    assert found == {key: everything[key] for key in wanted}
    between = by_name(interaction_records("s", groups, (("g", "h"),), (("a", "b"),), kept))
    assert {metric for _, metric in between} == {"m1_ic" + end for end in ends}


def test_the_same_generator_gives_the_same_records():
    runs = [
        by_name(group_records("s", "g", measure({"a": series(1)}, some_days(), np.random.default_rng(3)), ()))
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


# ------------------------------------------------------------------------------------------- on a panel


def test_what_the_market_did_by_a_loop():
    panel = rough_panel()
    days = some_days(50, 120, panel.shape[0])
    found = by_name(market_records(poisoned(panel, np.inf), "m", days))
    listed = traded = up = masked = 0
    for t, i in np.ndindex(panel.shape):
        bits = int(panel.reasons[t, i])
        if days[t] and panel.universe[t, i] and not bits & (Reason.MISSING | Reason.UNLISTED):
            listed += 1
            traded += not bits & Reason.HALT
            up += bool(bits & Reason.LIMIT_UP)
            masked += bool(bits & (Reason.HALT | Reason.LIMIT_UP | Reason.LIMIT_DOWN))
    assert up > 5 and masked > up
    assert found["m", "sessions"] == 70
    assert found["m", "limit_up"] == pytest.approx(up / traded)
    assert found["m", "halted"] == pytest.approx(1 - traded / listed)
    assert found["m", "masked_per_session"] == pytest.approx(masked / 70)
    assert found["m", "masked_share"] == pytest.approx(masked / listed)


def test_daily_series_begin_with_the_test_span():
    panel = rough_panel()
    prediction = np.where(panel.universe, np.random.default_rng(0).normal(size=panel.shape), np.nan)
    prediction[:100] = np.nan
    found = daily_series(panel, prediction, 100, truth=np.random.default_rng(1).normal(size=panel.shape))
    for name, values in found.items():
        assert values.shape == (panel.shape[0],), name
        assert np.isnan(values[:100]).all(), name
    assert np.isfinite(found["executed_open"][100:]).all()
    assert abs(np.nanmean(found["truth_ic"])) < 0.1
    listed = (panel.universe & panel.observed)[120].sum()
    assert found["coverage"][120] == pytest.approx((np.isfinite(prediction[120]) & panel.observed[120]).sum() / listed)
