"""The harness measures what it says: turns taken, ratios paired, errors against definitions, memory of a child."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from lib.errors import LibError, UnknownNameError
from lib.factors import compute_factors, factor_names, find_factors
from lib.graph import field
from lib.ops import PRIMITIVES as OPERATORS
from lib.ops import cs_rank, cs_scale, cs_zscore, delay, equal, group_neutralize, ts_argmin, ts_cov, ts_product
from lib.panel import Panel
from lib.studies.how_fast.bench import child, peers, timing, workloads
from lib.studies.how_fast.bench.accuracy import checked_cells, largest_error, truth
from lib.studies.how_fast.bench.agreement import SHARE, TOLERANCE, _compare, agreement
from lib.studies.how_fast.bench.formulas import PANDAS, evaluate_in_pandas
from lib.studies.how_fast.bench.primitives import PRIMITIVES, contenders, prices
from lib.studies.how_fast.bench.timing import Sample, alternate, ratios, sample, spread
from lib.studies.how_fast.bench.workloads import bench_panel, factor_calls, neutral_calls, pandas_fields, update_calls

# ------------------------------------------------------------------------------------------- timing


def test_calls_take_turns_and_every_second_round_runs_backwards() -> None:
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) for name in "abc"}  # type: ignore[misc]
    samples = alternate(calls, 3, least=0)
    assert "".join(order) == "abc" "cba" "abc"
    assert {name: len(taken) for name, taken in samples.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_warm_sample_follows_an_unmeasured_call_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, order = [0.0], []

    def call(name: str) -> None:
        clock[0] += 1.0 if order[-1:] == [name] else 9.0  # memory that another call has taken costs more
        order.append(name)

    monkeypatch.setattr(timing, "time", SimpleNamespace(process_time=lambda: clock[0], perf_counter=lambda: clock[0]))
    calls = {name: lambda name=name: call(name) for name in "ab"}  # type: ignore[misc]
    samples = alternate(calls, 2, least=0, warm=True)
    assert "".join(order) == "aabb" "bbaa"
    assert samples == {name: [Sample(1.0, 1.0)] * 2 for name in "ab"}


def test_a_sample_counts_processor_time_per_call(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"cpu": 100.0, "wall": 500.0}

    def work() -> None:
        clock["cpu"] += 2.0
        clock["wall"] += 7.0  # the processor was busy with somebody else for the rest

    fake = SimpleNamespace(process_time=lambda: clock["cpu"], perf_counter=lambda: clock["wall"])
    monkeypatch.setattr(timing, "time", fake)
    assert sample(work, calls=3) == Sample(2.0, 7.0)


def test_short_calls_are_repeated_until_the_sample_is_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, count = [0.0], [0]

    def work() -> None:
        clock[0] += 0.25
        count[0] += 1

    monkeypatch.setattr(timing, "time", SimpleNamespace(process_time=lambda: clock[0], perf_counter=lambda: clock[0]))
    samples = alternate({"work": work}, 2, least=1.0)["work"]
    # once to see how long it takes, unmeasured samples, then four calls a sample
    assert count[0] == 1 + timing.WARM * 4 + 2 * 4
    assert samples == [Sample(0.25, 0.25)] * 2


def test_a_clock_that_stands_still_gives_no_division_by_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "time", SimpleNamespace(process_time=lambda: 1.0, perf_counter=lambda: 1.0))
    assert 0 < sample(lambda: None).cpu < 1e-9


def test_the_spread_is_the_prediction_interval_of_one_more_repeat() -> None:
    logs = np.random.default_rng(0).normal(1.0, 0.1, (4000, 6))
    inside = [spread(list(np.exp(row[:5]))) for row in logs]
    covered = np.mean([low <= np.exp(row[5]) <= high for (_, low, high), row in zip(inside, logs, strict=True)])
    assert abs(covered - 0.95) < 3 * (0.95 * 0.05 / len(logs)) ** 0.5
    values = [1.0, 2.0, 4.0]
    low, high = stats.t.interval(0.95, 2, np.log(2), np.log(2) * (1 + 1 / 3) ** 0.5)
    assert spread(values) == pytest.approx((2.0, np.exp(low), np.exp(high)))


def test_one_repeat_has_no_interval_and_equal_ones_a_point() -> None:
    assert spread([3.0]).value == 3.0 and np.isnan(spread([3.0]).low)
    assert spread([0.1, 0.1, 0.1]) == (0.1, 0.1, 0.1)


def test_ratios_pair_repeats() -> None:
    assert ratios([Sample(1, 9), Sample(2, 9)], [Sample(10, 1), Sample(10, 1)]) == [10.0, 5.0]
    assert ratios([Sample(1, 9), Sample(2, 9)], [Sample(10, 1)]) == [10.0], "who took part in fewer rounds has fewer"


def test_what_is_slow_takes_part_in_the_first_rounds_only() -> None:
    order: list[str] = []
    takes = {name: lambda name=name: order.append(name) for name in "ab"}  # type: ignore[misc]
    found = timing.in_turn(takes, 3, {"b": 1})
    assert "".join(order) == "ab" "a" "a" and {name: len(taken) for name, taken in found.items()} == {"a": 3, "b": 1}


def test_a_whole_sample_counts_the_processes_that_a_call_starts() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    found = timing.sample_whole(lambda: subprocess.run([sys.executable, "-c", busy], check=True))
    assert found.cpu > 0.25 and found.wall > 0.25


def test_the_machine_is_described_by_positive_numbers() -> None:
    assert timing.calibration(2)[0].cpu > 0 and timing.bandwidth(2) > 1e6


# --------------------------------------------------------------------------------- operators and truth

X, Y = prices(60, 50, 1)
#: what its version computes by another definition; see the remarks of the page
OTHERWISE = {("mlquantx", "ewma"), ("mlquantx", "decay_linear")}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_library_computes_the_operator_that_it_is_timed_for(name: str) -> None:
    for library, (call, values) in contenders(name, X, Y, 7).items():
        if library != peers.FLOOR and (library, name) not in OTHERWISE:
            assert largest_error(name, values(call()), X, Y, 7) < 1e-6, library


def test_ours_comes_first_and_has_every_operator() -> None:
    assert all(next(iter(contenders(name, X, Y, 5))) == peers.OURS for name in PRIMITIVES)
    assert set(PRIMITIVES) <= set(OPERATORS)


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "installed", lambda peer: peer == "pandas")
    assert set(contenders("ts_mean", X, Y, 5)) == {peers.OURS, peers.FLOOR, "pandas"}
    assert set(factor_calls(bench_panel(30, 5))) == {peers.OURS, "pandas"}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_planted_error_is_found_and_a_missing_value_is_infinitely_wrong(name: str) -> None:
    right = np.zeros_like(X)
    right[checked_cells(name)] = truth(name, X, Y, 7)
    assert largest_error(name, right, X, Y, 7) == 0
    wrong, holes = right.copy(), right.copy()
    wrong[30, 3] += 0.5
    holes[30, 3] = np.nan
    assert largest_error(name, wrong, X, Y, 7) > 1e-3 and np.isinf(largest_error(name, holes, X, Y, 7))


def test_where_ties_leave_a_choice_nothing_is_judged() -> None:
    tied = np.array([[1.0], [2.0], [2.0], [1.5]])
    assert np.isnan(truth("ts_rank", tied, tied, 3)[2, 0]) and truth("ts_rank", tied, tied, 3)[3, 0] == 1 / 3
    assert np.isnan(truth("ts_argmax", tied, tied, 3)[3, 0])


# ----------------------------------------------------------------------------------- formulas in pandas

PANEL = bench_panel(130, 30, seed=3)


@pytest.fixture(scope="module")
def in_pandas() -> tuple[np.ndarray, np.ndarray]:
    """Values and validity [F, T, N] of the 213 by pandas on PANEL."""
    return factor_calls(PANEL, only="pandas")["pandas"]()  # type: ignore[return-value]


def agreeing(ours: np.ndarray, valid: np.ndarray, theirs: np.ndarray) -> float:
    """Share of the valid cells that agree, after the masks were found equal."""
    np.testing.assert_array_equal(valid, ~np.isnan(theirs))
    error = np.abs(ours - theirs)[valid]
    return float((error <= TOLERANCE * np.abs(theirs[valid]).max(initial=1e-30)).mean()) if error.size else 1.0


def test_pandas_gives_the_213_with_our_masks(in_pandas: tuple[np.ndarray, np.ndarray]) -> None:
    ours = compute_factors(PANEL, standardise="zscore")
    theirs = np.where(in_pandas[1], in_pandas[0], np.nan)
    for f, name in enumerate(ours.names):
        assert agreeing(ours.values[..., f], ours.valid[..., f], theirs[f]) >= SHARE, name
    assert ours.valid.any(axis=(0, 1)).all()


@pytest.mark.filterwarnings("ignore::lib.errors.ShortPanelWarning")
def test_pandas_gives_the_101_that_need_no_groups() -> None:
    names = [f.name for f in find_factors(factor_names("alpha101")) if "group_neutralize" not in f.formula]
    nodes = [factor.node for factor in find_factors(names)]
    fields, universe = pandas_fields(PANEL, nodes)
    ours = compute_factors(PANEL, names)
    for position, frame in evaluate_in_pandas(nodes, fields, universe):
        share = agreeing(ours.values[..., position], ours.valid[..., position], frame.to_numpy())
        # pandas leaves round-off where sums of ranks cancel, and ranks it
        assert share >= (SHARE - 0.01 if names[position] == "alpha101_088" else SHARE), names[position]


def test_every_operator_but_the_group_mean_has_a_pandas_expression() -> None:
    assert set(OPERATORS) - set(PANDAS) <= {"group_neutralize", "last_valid"}


def test_the_rest_of_the_operators_against_naive_loops() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.integers(1, 5, (2, 12, 4)).astype(float)
    x[5, 1] = np.nan
    a, b = field("open"), field("close")
    nodes = [ts_product(a, 3), ts_argmin(a, 3), ts_cov(a, b, 3), cs_scale(a), equal(a, b), (a > 1) & (b > 1)]
    frames = {"open": pd.DataFrame(x), "close": pd.DataFrame(y)}
    product, lowest, covariance, scaled, same, both = (
        frame.to_numpy() for _, frame in sorted(evaluate_in_pandas(nodes, frames))
    )
    for t, n in np.ndindex(x.shape):
        window = slice(t - 2, t + 1)
        if t < 2 or np.isnan(x[window, n]).any():
            assert np.isnan([product[t, n], lowest[t, n], covariance[t, n]]).all()
        else:
            assert product[t, n] == pytest.approx(np.prod(x[window, n]))
            assert lowest[t, n] == 1 + np.argmin(x[window, n])
            assert covariance[t, n] == pytest.approx(np.cov(x[window, n], y[window, n])[0, 1], abs=1e-12)
        known = not np.isnan(x[t, n])
        assert not known or scaled[t, n] == pytest.approx(x[t, n] / np.nansum(np.abs(x[t])))
        np.testing.assert_equal(same[t, n], float(x[t, n] == y[t, n]) if known else np.nan)
        np.testing.assert_equal(both[t, n], float(x[t, n] > 1 and y[t, n] > 1) if known else np.nan)


def test_pandas_compares_only_inside_the_universe() -> None:
    x = pd.DataFrame([[1.0, 2.0, 30.0]])
    inside = pd.DataFrame([[True, True, False]])
    close = field("close")
    (_, ranks), (_, scores) = sorted(evaluate_in_pandas([cs_rank(close), cs_zscore(close)], {"close": x}, inside))
    np.testing.assert_array_equal(ranks, [[0.5, 1.0, np.nan]])
    np.testing.assert_array_equal(scores, [[-1.0, 1.0, np.nan]])


def test_repeated_and_nested_formulas_are_all_answered() -> None:
    close = field("close")
    nodes = [delay(close, 1), close, delay(close, 1), delay(close, 1) + 1]
    found = dict(evaluate_in_pandas(nodes, {"close": pd.DataFrame([[1.0], [2.0]])}))
    assert [found[k].to_numpy()[1, 0] for k in range(4)] == [1.0, 2.0, 1.0, 2.0]


def test_an_operator_without_a_pandas_expression_is_named() -> None:
    formula = group_neutralize(field("close"), field("sector"))
    with pytest.raises(UnknownNameError, match="'group_neutralize' has no pandas expression"):
        list(evaluate_in_pandas([formula], {"close": pd.DataFrame([[1.0]]), "sector": pd.DataFrame([[1.0]])}))


# -------------------------------------------------------------------------------------------- workloads


def test_the_panel_has_every_field_and_some_masked_cells() -> None:
    assert 0.01 < 1 - PANEL.mask.mean() < 0.1
    assert compute_factors(PANEL).names == tuple(factor_names())
    assert bench_panel(40, 5, masked=False).mask.all()
    first, second = (bench_panel(40, 5, seed=2).fields["close"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_masked_cells_do_not_reach_pandas(in_pandas: tuple[np.ndarray, np.ndarray]) -> None:
    poisoned = {
        name: np.where(PANEL.mask, values, 1e30) if values.dtype.kind == "f" else values
        for name, values in PANEL.fields.items()
    }
    other = Panel.from_arrays(PANEL.dates, PANEL.symbols, poisoned, PANEL.reasons)
    dirty = factor_calls(other, only="pandas")["pandas"]()
    np.testing.assert_array_equal(in_pandas, dirty)


def test_the_values_of_ours_agree_and_a_wrong_factor_does_not_count() -> None:
    found = agreement(110, 30)["ours"]
    assert (found.agree, found.of) == (len(factor_names()), len(factor_names()))
    expected = np.random.default_rng(0).normal(size=(3, 20, 5))
    values = np.moveaxis(expected, 0, -1).copy()
    values[..., 1] += 0.01
    assert _compare(values, expected)[:2] == (2, 3)


def test_neutralisation_is_measured_against_least_squares() -> None:
    panel = bench_panel(3, 200)
    factors = compute_factors(panel, factor_names()[-1:], standardise="zscore")
    residuals = neutral_calls(panel, factors)["lstsq"]()
    assert isinstance(residuals, np.ndarray)
    valid = factors.valid[1, :, 0]
    labels = panel.fields["industry"][1, valid]
    means = [residuals[1, valid, 0][labels == label].mean() for label in np.unique(labels)]
    np.testing.assert_allclose(means, 0, atol=1e-5)


def test_one_new_day_computed_again_is_the_last_day_of_the_whole() -> None:
    panel = bench_panel(150, 20)
    again = update_calls(panel, 3)["recomputed"]()
    whole = compute_factors(panel.rows(0, 148), standardise="zscore")
    np.testing.assert_array_equal(again.valid[-1], whole.valid[-1])  # type: ignore[attr-defined]


def test_a_child_measures_its_own_memory_and_not_its_parents() -> None:
    ballast = np.ones(100_000_000)  # 0.8 GB in this process, which a child may inherit as its "maximum"
    found = child.run_child(child.Task("ours", 100, 20, to_disk=True))
    assert found.cpu > 0 and found.wall > 0 and found.before > 0
    assert found.peak < ballast.nbytes


SINGLE = {"single": True, "again": 2}


@pytest.mark.parametrize(
    ("options", "cost", "calls"),
    [
        ({}, [9.0], ["warm-up", "memory 2"]),
        (SINGLE, [9.0, 1.0, 1.0], ["memory 1"] * 3),
        # the first call in memory pays for its memory, and is nobody's sample
        (SINGLE | {"to_disk": True}, [9.0, 1.0, 1.0], ["disk 1", *["memory 1"] * 3]),
    ],
    ids=["all threads", "first and later", "to disk first"],
)
def test_a_child_measures_its_first_call_and_later_ones(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], cost: list[float], calls: list[str]
) -> None:
    log: list[str] = []
    clock = [0.0]

    def call(where: str) -> None:
        done = f"{where} {torch.get_num_threads()}"
        clock[0] += 1.0 if done in log else 9.0
        log.append(done)

    def both(panel: Panel, out: Path | None, only: str) -> dict[str, timing.Call]:
        return {only: lambda: call("memory" if out is None else "disk")}

    monkeypatch.setattr(workloads, "factor_calls", both)
    monkeypatch.setattr(workloads, "warm_up_factors", lambda name: log.append("warm-up"))
    monkeypatch.setattr(timing, "time", SimpleNamespace(process_time=lambda: clock[0], perf_counter=lambda: clock[0]))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = child.measure(child.Task("ours", 60, 5, **options))
    finally:
        torch.set_num_threads(before)
    assert [found.cpu, *(taken.cpu for taken in found.again)] == cost and log == calls


def test_a_child_comes_back_with_every_sample() -> None:
    found = child.run_child(child.Task("ours", 100, 8, single=True, again=2))
    assert len(found.again) == 2 and all(isinstance(taken, Sample) and taken.cpu > 0 for taken in found.again)


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(LibError, match="benchmark of nobody, 90 x 5, exit code 1: KeyError: 'nobody'"):
        child.run_child(child.Task("nobody", 90, 5))
