"""Compiled loops answer as the tensors they replace and as float64 by the definition; a window reads itself alone."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import kernel_cases as cases
import naive
import numpy as np
import pytest
import torch
from kernel_cases import COMPILED, DTYPES, NUMPY, POLICIES, TOLERANCE, WINDOWED, answers, bits, by_loops, one_day
from numpy.lib.stride_tricks import sliding_window_view

from lib.graph import STRICT, Block
from lib.kernels.compiled.build import TILE
from lib.kernels.compiled.scores import LANES
from lib.kernels.precision import KNOWN
from lib.masked import Cells

DAYS = (1, 2, 3, 5, 20, 61, 128, 240)
#: rows of results and stocks: fewer rows than a window, none, one stock, beside and across a tile and its lanes
SHAPES = [(40, 255), (70, 1), (5, 600), (40, 31), (0, 7), (33, 257), (1, 256), (130, 3)]
FIRST_DAYS = (0, 17, 128, 1000, 3)
FLOAT64 = torch.float64


def test_the_widths_tried_lie_beside_those_of_the_loops():
    stocks = {n for _, n in SHAPES}
    assert {TILE - 1, TILE, TILE + 1, LANES - 1, 1} <= stocks and max(stocks) > 2 * TILE


def test_every_primitive_with_loops_belongs_to_a_kind():
    kinds = [*WINDOWED, *cases.POOLING, *cases.CELLWISE, "delta", "ewma"]
    assert sorted(kinds) == sorted(COMPILED) and len(WINDOWED) == 11 and len(cases.POOLING) == 4


# --------------------------------------------------- the tensors they replace


def assert_as_tensors(name, arguments, block):
    found, expected = by_loops(name, arguments, block), cases.by_tensors(name, arguments, block)
    context = f"{name} {arguments[cases.PRIMITIVES[name].series:]} {tuple(found.valid.shape)} {block}"
    assert found.exact == expected.exact and found.values.dtype == expected.values.dtype, context
    assert torch.equal(found.valid, expected.valid), context
    if name in cases.EXACT:
        np.testing.assert_array_equal(cases.shown(found)[0], cases.shown(expected)[0], context)
        return
    dtype = found.values.dtype
    wide = name in [*cases.SUMS, *cases.POOLING]
    reference = cases.by_tensors(name, cases.wide(arguments), block) if wide else expected
    (values, known), tolerance = cases.shown(found), TOLERANCE[dtype]
    expected = cases.shown(reference)[0]
    np.testing.assert_allclose(values[known], expected[known], tolerance, tolerance, err_msg=context)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", WINDOWED)
def test_windows_equal_those_of_tensors(name, policy):
    turn = itertools.count(WINDOWED.index(name) + 3 * list(POLICIES).index(policy))
    for d, dtype, exact in itertools.product(DAYS, DTYPES, (True, False)):
        at = next(turn)
        (rows, stocks), first = SHAPES[at % len(SHAPES)], FIRST_DAYS[at % len(FIRST_DAYS)]
        arguments = cases.arguments_of(name, cases.seeded(name, policy, at), (rows + d - 1, stocks), dtype, exact, d)
        arguments = cases.Days(first, rows).hide(arguments, d - 1)
        assert_as_tensors(name, arguments, Block(first, POLICIES[policy]))


@pytest.mark.parametrize("stocks", sorted({n for _, n in SHAPES}))
@pytest.mark.parametrize("name", sorted({*COMPILED} - {*WINDOWED}))
def test_what_has_no_window_equals_tensors(name, stocks):
    for rows, dtype, exact, members in itertools.product((1, 24), DTYPES, (True, False), (None, 0.0, 0.5)):
        rng = cases.seeded(name, stocks, rows, dtype, exact, members)
        universe = None if members is None else torch.tensor(rng.random((rows, stocks)) < members)
        lead = 4 if name == "delta" else 0
        arguments = cases.arguments_of(name, rng, (rows + lead, stocks), dtype, exact)
        assert_as_tensors(name, arguments, Block(lead, universe=universe))


@pytest.mark.parametrize("name", COMPILED)
def test_no_days_or_no_stocks_give_an_empty_result(name):
    lead = {"delta": 4}.get(name, 3 if name in WINDOWED else 0)
    for shape, dtype, policy in itertools.product(((0, 5), (6, 0), (0, 0)), DTYPES, POLICIES.values()):
        arguments = cases.arguments_of(name, cases.seeded(name), (shape[0] + lead, shape[1]), dtype)
        found = by_loops(name, arguments, Block(9, policy))
        assert found.values.shape == found.valid.shape == shape


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["all masked", "none masked"])
@pytest.mark.parametrize("name", COMPILED)
def test_masked_throughout_and_nowhere(name, share):
    for dtype, policy in itertools.product(DTYPES, POLICIES.values()):
        arguments = cases.arguments_of(name, cases.seeded(name, share), (30, 37), dtype)
        flags = torch.full((30, 37), share == 1)
        arguments = cases.each(lambda a, flags=flags: _with_mask(a, flags), arguments)
        assert_as_tensors(name, arguments, Block(50, policy))
        assert bool(by_loops(name, arguments, Block(50, policy)).valid.any()) == (share == 1)


def _with_mask(x, flags):
    return cases.with_garbage(cases.seeded(), x._replace(values=torch.where(x.valid, x.values, 1.0), valid=flags))


@pytest.mark.parametrize("name", COMPILED)
def test_inputs_are_not_modified_and_may_be_columns_of_others(name):
    """Tiles of stocks are views of a panel, whose rows lie apart."""
    for dtype, exact, policy in itertools.product(DTYPES, (True, False), (STRICT, POLICIES["skip"])):
        arguments = cases.arguments_of(name, cases.seeded(name, dtype, exact), (30, 80), dtype, exact)
        cut = cases.each(lambda a: a._replace(values=a.values[:, ::2], valid=a.valid[:, ::2]), arguments)
        apart = cases.each(lambda a: a._replace(values=a.values.clone(), valid=a.valid.clone()), cut)
        members = torch.tensor(cases.seeded(name).random((30, 80)) < 0.9)[:, ::2] if name in cases.POOLING else None
        found, other = (by_loops(name, x, Block(50, policy, members)) for x in (cut, apart))
        assert bits(found) == bits(other)
        for a, copy in zip(cut, apart, strict=True):
            if isinstance(a, Cells):
                assert a.values.contiguous().numpy().tobytes() == copy.values.numpy().tobytes()
                assert torch.equal(a.valid, copy.valid)


@pytest.mark.parametrize("policy", ["strict", "skip"])
@pytest.mark.parametrize("name", [*WINDOWED, "cs_rank", "cs_zscore"])
def test_results_may_go_where_the_block_says_if_their_type_fits(name, policy):
    for dtype, place in itertools.product(DTYPES, DTYPES):
        arguments, block = cases.arguments_of(name, cases.seeded(name), (30, 70), dtype), Block(50, POLICIES[policy])
        expected = bits(by_loops(name, arguments, block))
        shape = (27 if name in WINDOWED else 30, 70)
        out = torch.full(shape, torch.nan, dtype=place), torch.ones(shape, dtype=torch.bool)
        found = by_loops(name, arguments, replace(block, out=out))
        there = found.values.data_ptr() == out[0].data_ptr(), found.valid.data_ptr() == out[1].data_ptr()
        assert there == ((True, True) if place == dtype else (False, False)) and bits(found) == expected


# ------------------------------------------------------ float64 by definition


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", WINDOWED)
def test_windows_equal_naive_loops(name, policy):
    window, rows = POLICIES[policy], 7
    slow = naive.Policy(window.policy, window.min_share)
    for d, dtype in itertools.product(DAYS, DTYPES):
        arguments = cases.arguments_of(name, cases.seeded(name, policy, d), (rows + d - 1, 6), dtype, True, d)
        found = by_loops(name, arguments, Block(d - 1, window))
        operands = [(a.values.double().numpy(), a.valid.numpy()) for a in arguments if isinstance(a, Cells)]
        values, valid = (x[d - 1 :] for x in getattr(naive, name)(*operands, d, slow))
        np.testing.assert_array_equal(found.valid.numpy(), valid)
        tolerance = 1e-7 if name in cases.EXACT and dtype == torch.float32 else TOLERANCE[dtype]
        np.testing.assert_allclose(cases.shown(found)[0], values, tolerance, tolerance, err_msg=f"{d} {dtype}")


def walk(level, dtype, seed):
    """Prices that start at a level, or returns where the level is 0, in the precision asked for."""
    steps = np.random.default_rng(seed).normal(size=(400, 9))
    steps += np.copysign(0.5, steps)  # no two days alike: nothing is flat
    return (level * (1 + 0.01 * np.cumsum(steps, axis=0)) if level else 0.02 * steps).astype(NUMPY[dtype])


@pytest.mark.parametrize("policy", ["strict", "skip"])
@pytest.mark.parametrize("d", [2, 5, 20, 61, 240])
@pytest.mark.parametrize("level", [0, 1, 1e4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_no_accuracy_is_lost_at_any_level(dtype, level, d, policy):
    x, y = walk(level, dtype, 3), walk(level, dtype, 4)
    block, series = Block(d - 1, POLICIES[policy]), [cases.cells_of(x), cases.cells_of(y)]
    wx, wy = (sliding_window_view(v.astype(np.longdouble), d, axis=0) for v in (x, y))
    ux, uy = (w - w.mean(-1, keepdims=True) for w in (wx, wy))
    spread_x, spread_y = (np.sqrt((u**2).sum(-1) / (d - 1)) for u in (ux, uy))
    size, covariance = abs(wx).mean(-1), (ux * uy).sum(-1) / (d - 1)
    weights = np.arange(1, d + 1)
    expected = {
        "ts_sum": (wx.sum(-1), size * d),
        "ts_mean": (wx.mean(-1), size),
        "decay_linear": ((wx * weights).sum(-1) / weights.sum(), size),
        "ts_std": (spread_x, spread_x),
        "ts_cov": (covariance, spread_x * spread_y),
        "ts_corr": (covariance / (spread_x * spread_y), 1.0),
    }
    for name, (values, scale) in expected.items():
        found = by_loops(name, [*series[: cases.PRIMITIVES[name].series], d], block)
        error = np.abs(found.values.double().numpy() - values) / scale
        assert found.valid.all() and error.max() <= TOLERANCE[dtype], name


@pytest.mark.parametrize("policy", ["strict", "skip"])
@pytest.mark.parametrize("d", [2, 3, 7, 61])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_lone_huge_cell_costs_the_others_nothing(dtype, d, policy):
    """Stock c has it on day c, at the first day of a piece for some windows."""
    x, y = (np.random.default_rng(seed).normal(size=(4 * d, 4 * d)) for seed in (1, 2))
    for size in (1e6, -1e12, 1e18):
        spiked = np.where(np.eye(4 * d, dtype=bool), size, x).astype(NUMPY[dtype])
        other = y.astype(NUMPY[dtype])
        w, v = (sliding_window_view(a.astype(np.longdouble), d, axis=0) for a in (spiked, other))
        uw, uv = (a - a.mean(-1, keepdims=True) for a in (w, v))
        std = np.sqrt((uw**2).sum(-1) / (d - 1))
        corr = (uw * uv).sum(-1) / np.sqrt((uw**2).sum(-1) * (uv**2).sum(-1))
        block, series = Block(d - 1, POLICIES[policy]), [cases.cells_of(spiked), cases.cells_of(other)]
        found = by_loops("ts_std", [series[0], d], block).values.double().numpy()
        np.testing.assert_allclose(found, std.astype(float), TOLERANCE[dtype])
        found = by_loops("ts_corr", [*series, d], block).values.double().numpy()
        np.testing.assert_allclose(found, corr.astype(float), 0, 2 * KNOWN[dtype])


@pytest.mark.parametrize("policy", ["strict", "skip"])
@pytest.mark.parametrize("d", [2, 3, 20, 61, 240])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_window_is_exactly_flat(dtype, d, policy):
    levels = [0.0, 0.1, -17.77, 3.3e-6, 1e4 + 0.1, 3.3e9, 1e-30, 3e37, 1e-44]
    levels += [1e-300, -1e300, 1.7e308, 5e-324] if dtype == FLOAT64 else []
    flat = cases.cells_of(np.full((d + 40, len(levels)), levels), dtype=dtype)
    moving = cases.cells_of(np.random.default_rng(d).normal(size=flat.valid.shape), dtype=dtype)
    block = Block(d - 1, POLICIES[policy])
    for name, series in itertools.product(("ts_corr", "ts_cov"), ([flat, moving], [moving, flat], [flat, flat])):
        found = by_loops(name, [*series, d], block)
        assert found.valid.all() and not found.values.any()
    found = by_loops("ts_std", [flat, d], block)
    assert found.valid.all() and not found.values.any()


@pytest.mark.parametrize("policy", ["strict", "skip"])
@pytest.mark.parametrize("d", [2, 6, 60])
@pytest.mark.parametrize("share", [0.5, 0.999, 1.001, 1.9, 2.1, 5.0])
def test_a_nearly_flat_window_is_flat_up_to_a_millionth(share, d, policy):
    """Values level + and - in turn: a deviation of `share` millionths of the largest absolute value."""
    signs = np.where(np.arange(2 * d) % 2 == 0, 1.0, -1.0)[:, None]
    levels = np.array([1.0, -3.7, 1e-250, 1e8, 1e250])
    y = cases.cells_of(np.random.default_rng(d).normal(size=(2 * d, 5)))
    for name, bessel in (("ts_std", math.sqrt(d / (d - 1))), ("ts_corr", 1.0), ("ts_cov", 1.0)):
        step = share * 1e-6 / bessel
        x = cases.cells_of(levels * (1 + signs * step / (1 - step)))
        for given in [[x, d]] if name == "ts_std" else [[x, y, d], [y, x, d]]:
            found = by_loops(name, given, Block(d - 1, POLICIES[policy]))
            assert found.valid.all() and bool((found.values == 0).all()) == (share <= 1), name
            if name == "ts_std" and share > 1:
                expected = np.broadcast_to(abs(levels) * step / (1 - step) * bessel, found.valid.shape)
                np.testing.assert_allclose(found.values.numpy(), expected, 1e-9)


@pytest.mark.parametrize("policy", ["strict", "skip"])
@pytest.mark.parametrize("dtype,scale", [(torch.float32, 1e-20), (torch.float32, 1e-37), (torch.float32, 1e37),
    (FLOAT64, 1e-300), (FLOAT64, 1e-200), (FLOAT64, 1e-70), (FLOAT64, 1e150), (FLOAT64, 1e300)])  # fmt: skip
def test_deviations_and_correlations_know_no_unit(dtype, scale, policy):
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(60, 40))
    x = cases.cells_of(plain * scale, rng.random(plain.shape) < (1 if policy == "strict" else 0.9), dtype)
    opposite = x._replace(values=-x.values)
    for d in (2, 3, 20):
        block = Block(d - 1, POLICIES[policy])
        same, other = (by_loops("ts_corr", [x, y, d], block) for y in (x, opposite))
        several = by_loops("ts_std", [x, d], block).valid.numpy()
        assert several.any() and np.array_equal(several, same.valid) and np.array_equal(several, other.valid)
        np.testing.assert_allclose(same.values[same.valid], 1.0, 1e-15 if dtype == FLOAT64 else 6e-8)
        np.testing.assert_allclose(other.values[other.valid], -1.0, 1e-15 if dtype == FLOAT64 else 6e-8)
        unscaled = x._replace(values=x.values.double() / scale)
        std, unit = (by_loops("ts_std", [y, d], block).values.double() for y in (x, unscaled))
        subnormal = np.finfo(NUMPY[dtype]).smallest_subnormal / scale
        np.testing.assert_allclose(std[several] / scale, unit[several], TOLERANCE[dtype], subnormal)
        cov = by_loops("ts_cov", [x._replace(values=x.values.double()), unscaled, d], block)
        np.testing.assert_allclose(cov.values[several] / scale, unit[several] ** 2, 1e-11)


# ----------------------------------------------------- a window reads itself


@pytest.mark.parametrize("policy", ["strict", "skip"])
@pytest.mark.parametrize("name", [*WINDOWED, "delta"])
def test_cells_outside_a_window_change_no_bit(name, policy):
    lead = {"delta": 4}.get(name)
    for d, dtype, exact in itertools.product((1, 3, 20, 61), DTYPES, (True, False)):
        rng, before = cases.seeded(name, d, dtype), lead or d - 1
        arguments = cases.arguments_of(name, rng, (before + 70, 45), dtype, exact, lead or d)
        block = Block(200, POLICIES[policy])
        whole = by_loops(name, arguments, block)
        for day in (0, 13, 69):
            kept = torch.zeros(before + 70, 45, dtype=torch.bool)
            kept[day : day + before + 1, ::2] = True
            changed = cases.each(lambda a, kept=kept, rng=rng: _changed_outside(a, kept, rng), arguments)
            found = by_loops(name, changed, block)
            mine = (slice(day, day + 1), slice(None, None, 2))
            expected, result = (Cells(x.values[mine], x.valid[mine]) for x in (whole, found))
            assert bits(expected) == bits(result) and (expected.valid.any() or d == 1)


def _changed_outside(x, kept, rng):
    """Other values and masks: huge numbers, valid or not."""
    other = torch.tensor(rng.choice(cases.GARBAGE[x.values.dtype], x.valid.shape), dtype=x.values.dtype)
    flags = torch.tensor(rng.random(x.valid.shape) < 0.7)
    return x._replace(values=torch.where(kept, x.values, other), valid=torch.where(kept, x.valid, flags))


@pytest.mark.parametrize("name", COMPILED)
def test_masked_cells_change_no_bit(name):
    for dtype, exact, policy in itertools.product(DTYPES, (True, False), POLICIES.values()):
        rng = cases.seeded(name, dtype, exact)
        arguments = cases.arguments_of(name, rng, (40, 70), dtype, exact, 5)
        zeros = cases.each(lambda a: a._replace(values=a.values * a.valid), arguments)
        assert bits(by_loops(name, arguments, Block(60, policy))) == bits(by_loops(name, zeros, Block(60, policy)))


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e30])
def test_poison_in_masked_cells_of_a_panel_changes_no_bit(poison):
    for name, policy in itertools.product(COMPILED, POLICIES.values()):
        given = cases.arguments_of(name, cases.seeded(name), (30, 300), FLOAT64)
        clean, poisoned = (COMPILED[name](*cases.panels(given, hidden), window=policy) for hidden in (0.0, poison))
        assert bits(clean.cells) == bits(poisoned.cells) and clean.valid.any()


@pytest.mark.parametrize("policy", ["strict", "skip", "skip10"])
@pytest.mark.parametrize("name", COMPILED)
def test_days_computed_in_blocks_have_the_bits_of_the_whole_and_no_future(name, policy):
    window, universe = POLICIES[policy], torch.tensor(cases.seeded(name).random((150, 33)) < 0.9)
    for d, dtype in itertools.product((2, 20, 61), DTYPES):
        lead = {"delta": d}.get(name, d - 1 if name in WINDOWED else 0)
        arguments = cases.arguments_of(name, cases.seeded(name, d), (150 + lead, 33), dtype, False, d)
        arguments = cases.Days(5, 150).hide(arguments, lead)
        whole = cases.joined(cases.in_blocks(name, arguments, 150, 5, window=window, universe=universe))
        assert whole.valid.any()
        for size in (1, 7, 64, 128):
            parts = cases.in_blocks(name, arguments, size, 5, window=window, universe=universe)
            assert bits(cases.joined(parts)) == bits(whole), (d, dtype, size)
        past = torch.arange(150 + lead)[:, None].expand(-1, 33) < 80 + lead
        later = cases.each(lambda a, past=past, d=d: _changed_outside(a, past, cases.seeded(d)), arguments)
        found = cases.joined(cases.in_blocks(name, later, 150, 5, window=window, universe=universe))
        assert bits(found.rows(0, 80)) == bits(whole.rows(0, 80))


# -------------------------------------------------------------- sums over rows


@pytest.mark.parametrize("stocks", [1, 31, 32, 33, 255, 257, 600])
def test_row_sums_are_added_in_one_order(stocks):
    """Column c goes to partial sum c modulo LANES, and these are added up in turn: so every width of vectors agrees."""
    values = np.random.default_rng(stocks).lognormal(0, 4, size=(20, stocks))
    valid = np.random.default_rng(1).random(values.shape) < 0.8
    found = by_loops("cs_scale", [cases.cells_of(values, valid), 1.0], Block())
    for given, inside, result in zip(values, valid, found.values.numpy(), strict=True):
        lanes = [sum(np.where(inside, given, 0.0)[lane::LANES].tolist(), 0.0) for lane in range(LANES)]
        total = sum(lanes, 0.0)
        assert total == pytest.approx(math.fsum(given[inside]), rel=1e-14)
        np.testing.assert_array_equal(result[inside], given[inside] / total)


@pytest.mark.parametrize("name", cases.POOLING)
def test_a_row_depends_on_no_other(name):
    for dtype in DTYPES:
        arguments = cases.arguments_of(name, cases.seeded(name), (12, 100), dtype)
        together = by_loops(name, arguments, Block())
        for day in range(12):
            alone = by_loops(name, cases.each(lambda a, day=day: a.rows(day, day + 1), arguments), Block())
            assert bits(alone) == bits(together.rows(day, day + 1))


@pytest.mark.parametrize("dtype,units", [
    (torch.float32, [1e-44, 1e-38, 1e-20, 1.0, 1e20, 3e38]),
    (FLOAT64, [1e-320, 1e-300, 1e-160, 1e-141, 1.0, 1e139, 1e150, 1e160, 1.7e308]),
])  # fmt: skip
def test_scores_know_no_unit_though_squares_leave_the_range(dtype, units):
    """Row k is in unit k; its neighbours, and what its masked cells hold, change nothing."""
    rng = np.random.default_rng(0)
    plain = rng.uniform(-1, 1, size=(len(units), 99)) + np.array([[0.5]])
    x = cases.cells_of(plain / 2 * np.array(units)[:, None], rng.random(plain.shape) < 0.9, dtype)
    scores, valid = cases.shown(by_loops("cs_zscore", [cases.with_garbage(rng, x)], Block()))
    for numbers, inside, found in zip(x.values.numpy().astype(np.longdouble), valid, scores, strict=True):
        given = numbers[inside] / abs(numbers[inside]).max()
        expected = (given - given.mean()) / given.std()
        np.testing.assert_allclose(found[inside], expected.astype(float), 0, 3 * TOLERANCE[dtype])


def test_scores_of_rows_in_units_of_powers_of_two_have_the_same_bits():
    """So the squares that leave the range are added up in the order of all others, on every processor."""
    x = cases.cells_of(np.random.default_rng(0).normal(1, 1, (30, 601)))
    expected = bits(by_loops("cs_zscore", [x], Block()))
    for exponent in (-900, -400, -20, 300, 450, 1000):
        assert bits(by_loops("cs_zscore", [x._replace(values=x.values * 2.0**exponent)], Block())) == expected, exponent


def test_group_labels_are_any_numbers_and_a_lone_member_is_exactly_0():
    labels = np.array([0, -3.0, 2.5, 4095, 4096, 1e6, -1e30, 0.1, 1e30, -0.0])
    for dtype, codes, exact in itertools.product(DTYPES, (labels, np.arange(10.0), np.zeros(10)), (True, False)):
        rng = cases.seeded(dtype, codes.tolist())
        values, member = 7 * rng.normal(size=(15, 80)), rng.integers(0, 9, size=(15, 80))
        member[:, 0] = 9 if codes[9] else 8  # -0 and 0 are one label
        member[:, 1:][member[:, 1:] == member[0, 0]] = 1
        x = cases.with_garbage(rng, cases.cells_of(values, rng.random((15, 80)) < 0.85, dtype, exact))
        groups = cases.with_garbage(rng, cases.cells_of(codes[member], rng.random((15, 80)) < 0.85, dtype))
        universe = rng.random((15, 80)) < 0.9
        found = by_loops("group_neutralize", [x, groups], Block(universe=torch.tensor(universe)))
        series = [(a.values.double().numpy(), a.valid.numpy()) for a in (x, groups)]
        expected, valid = naive.group_neutralize(*series, universe)
        np.testing.assert_array_equal(found.valid.numpy(), valid)
        np.testing.assert_allclose(cases.shown(found)[0], expected, 0, 30 * TOLERANCE[dtype])
        if codes.any():
            assert valid[:, 0].any() and not cases.shown(found)[0][:, 0].any()
    assert answers("group_neutralize", one_day(0.1, 0.1, 0.1, 5), one_day(1, 1, 1, 2)) == [0.0] * 4


# ------------------------------------------------------------------- cell by cell


@pytest.mark.parametrize("dtype,known", [(torch.float32, 2.0**-20), (FLOAT64, 2.0**-30)])
def test_a_difference_of_computed_numbers_is_0_where_it_is_round_off(dtype, known):
    a, b = (1.0, 1.0, -8.0, 1e30), (1 - known, 1 - 2 * known, -8 + 8 * known, 1e30)
    kept = [float(x) - y for x, y in zip(*(torch.tensor(v, dtype=dtype).tolist() for v in (a, b)), strict=True)]
    assert 0 not in kept[:3]
    for exact_a, exact_b in itertools.product((True, False), repeat=2):
        x, y = one_day(*a, dtype=dtype, exact=exact_a), one_day(*b, dtype=dtype, exact=exact_b)
        wanted = kept if exact_a and exact_b else [0.0, kept[1], 0.0, 0.0]
        assert answers("-", x, y) == answers("+", x, y._replace(values=-y.values)) == wanted
        assert answers("-", y, x) == [-value for value in wanted]
    series = cases.cells_of([b, a], dtype=dtype, exact=False)
    assert answers("delta", series, 1) == [0.0, kept[1], 0.0, 0.0]
    assert answers("delta", series._replace(exact=True), 1) == kept
    assert answers("-", one_day(1 - known, 0.5, dtype=dtype, exact=False), 1.0) == [0.0, -0.5]


@pytest.mark.parametrize("policy", ["strict", "skip"])
@pytest.mark.parametrize("dtype,known", [(torch.float32, 2.0**-20), (FLOAT64, 2.0**-30)])
def test_a_sum_of_computed_numbers_is_0_where_it_is_round_off(dtype, known, policy):
    """The last two days cancel but for a share of what is known of the sum of absolute values."""
    for d, share, exact in itertools.product((2, 3, 20, 61), (0.8, 1.25), (True, False)):
        older = (d - 1) / d  # with weights d - 1 and d
        plain, weighted = 2 * share * known, share * known * (d + 1) / 2 * (1 + older) / d
        for name, last in (("ts_sum", plain - 1), ("ts_mean", plain - 1), ("decay_linear", weighted - older)):
            x = cases.cells_of([[0.0]] * (d - 2) + [[1.0], [last]], dtype=dtype, exact=exact)
            found = by_loops(name, [x, d], Block(d - 1, POLICIES[policy]))
            assert found.valid.all() and bool(found.values == 0) == (share < 1 and not exact), (name, d, share)


def test_comparisons_round_what_was_computed():
    a, b = (0.1 + 0.2, 0.3, 0.3 + 1e-8), (0.3, 0.1 + 0.2, 0.3)
    for exact_a, exact_b in itertools.product((True, False), repeat=2):
        x, y = one_day(*a, exact=exact_a), one_day(*b, exact=exact_b)
        differ = exact_a and exact_b
        assert answers("equal", x, y) == [float(not differ), float(not differ), 0.0]
        assert answers("<", x, y) == answers(">", y, x) == [0.0, float(differ), 0.0]
        assert answers("<=", x, y) == answers(">=", y, x) == [float(not differ), 1.0, 0.0]
    assert [answers("equal", one_day(0.1 + 0.2, exact=exact), 0.3) for exact in (True, False)] == [[0.0], [1.0]]
    assert answers("equal", one_day(0.0, -0.0, exact=False), one_day(-0.0, 5e-324)) == [1.0, 1.0]
    assert answers("<", one_day(-0.0, 0.0), one_day(0.0, 5e-324)) == [0.0, 1.0]


def test_where_takes_one_of_two_and_says_whether_it_was_read_from_data():
    condition, x, y = one_day(1.0, 0.0, -0.0, 5e-324), one_day(1.0, 2.0, 3.0, 4.0), one_day(-1.0, -2.0, -3.0, -4.0)
    assert answers("where", condition, x, y) == [1.0, -2.0, -3.0, 4.0]
    assert answers("where", condition, 7, 8) == [7, 8, 8, 7]
    for exact_x, exact_y in itertools.product((True, False), repeat=2):
        given = [condition._replace(exact=False), x._replace(exact=exact_x), y._replace(exact=exact_y)]
        assert by_loops("where", given, Block()).exact == (exact_x and exact_y)
