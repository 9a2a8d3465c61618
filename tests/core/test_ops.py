"""The contract of every primitive, generated from its declaration, and its values against naive loops."""

from __future__ import annotations

import inspect
import zlib

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import ops
from lib.engine.stream import evaluate
from lib.errors import ExpressionError
from lib.graph import SKIP, STRICT, Window, field
from lib.kernels.switch import kernels
from lib.masked import Masked


@pytest.fixture(autouse=True, params=["compiled", "tensors"])
def path(request):
    """Both implementations of the primitives keep the contract."""
    with kernels(request.param):
        yield


POISON = (np.nan, np.inf, -np.inf, 1e30)
WINDOWED = ["ts_sum", "ts_mean", "ts_min", "ts_max", "ts_product", "ts_std", "ts_rank", "ts_corr", "ts_cov",
            "ts_argmax", "ts_argmin", "decay_linear"]  # fmt: skip

#: primitive -> example parameters. A primitive without an entry fails `test_every_primitive_is_listed`.
PARAMETERS: dict[str, tuple] = {
    **dict.fromkeys(WINDOWED, (4,)),
    "delay": (3,), "delta": (2,), "ewma": (0.3,), "cs_scale": (2.0,), "clip": (-0.5, 1.5),
    **dict.fromkeys(["cs_rank", "cs_zscore", "group_neutralize", "abs", "sign", "log", "power", "signedpower",
                     "min", "max", "equal", "where", "+", "-", "*", "/", "negative", "<", "<=", ">", ">=", "&", "|"],
                    ()),
}  # fmt: skip

#: day offsets each primitive reads with the parameters above, written by hand from the specification
READS: dict[str, set[int]] = {
    **{name: {0, 1, 2, 3} for name in WINDOWED},
    "delay": {3}, "delta": {0, 2}, "ewma": {0},
    **{name: {0} for name in PARAMETERS if name not in [*WINDOWED, "delay", "delta"]},
}  # fmt: skip

ALL = sorted(PARAMETERS)


def make(rng, shape=(24, 7), share=0.85, poison=None, positive=False, coarse=False):
    """A random series: values, validity. Masked cells hold poison unless told otherwise."""
    values = rng.normal(size=shape)
    if coarse:
        values = np.round(values)  # ties
    if positive:
        values = np.abs(values) + 0.5
    valid = rng.random(shape) < share
    values = np.where(valid, values, rng.choice(POISON, size=shape) if poison is None else poison)
    return values, valid


def masked(series, dtype=torch.float64):
    return Masked(torch.tensor(series[0], dtype=dtype), torch.tensor(series[1]))


def inputs_of(name, rng, **how):
    """As many series as the primitive takes; groups are codes, bases of powers are positive."""
    primitive = ops.PRIMITIVES[name]
    series = [make(rng, positive=name in ("power", "log"), **how) for _ in range(primitive.series)]
    if name == "group_neutralize":
        values, valid = series[1]
        series[1] = (np.where(valid, np.round(np.nan_to_num(values, posinf=0, neginf=0)), values), valid)
    if name == "where":
        values, valid = series[0]
        series[0] = (np.where(valid, (np.nan_to_num(values, posinf=0, neginf=0) > 0) * 1.0, values), valid)
    return series


def call(name, series, window=STRICT, universe=None, dtype=torch.float64):
    operands = [masked(s, dtype) for s in series]
    return ops.PRIMITIVES[name](*operands, *PARAMETERS[name], window=window, universe=universe)


def same(a, b):
    return torch.equal(a.values, b.values) and torch.equal(a.valid, b.valid)


def seeded(name, extra=0):
    return np.random.default_rng([zlib.crc32(name.encode()), extra])


def test_every_primitive_is_listed():
    elsewhere = {"last_valid"}  # lib.factors.formulas.gaps, which exists to break the propagation rule; tested there
    assert set(PARAMETERS) == set(ops.PRIMITIVES) - elsewhere == set(READS)


def test_the_papers_eighteen_primitives_exist():
    papers = set(WINDOWED) | {"cs_rank", "cs_zscore", "cs_scale", "delay", "delta", "ewma"}
    assert len(papers) == 18 and papers <= set(ops.PRIMITIVES)


# ------------------------------------------------------------------ the contract


@pytest.mark.parametrize("window", [STRICT, SKIP, Window("skip", 0.8)], ids=["strict", "skip", "skip80"])
@pytest.mark.parametrize("name", ALL)
def test_zero_on_mask_and_finite(name, window):
    out = call(name, inputs_of(name, seeded(name)), window)
    assert torch.isfinite(out.values).all()
    assert (out.values[~out.valid] == 0).all()
    assert out.values.dtype == torch.float64 and out.valid.any() and not out.valid.all()


@pytest.mark.parametrize("window", [STRICT, SKIP], ids=["strict", "skip"])
@pytest.mark.parametrize("name", ALL)
def test_masked_cells_change_nothing(name, window):
    clean = inputs_of(name, seeded(name), poison=0.0)
    expected = call(name, clean, window)
    for poison in POISON:
        poisoned = [(np.where(valid, values, poison), valid) for values, valid in clean]
        assert same(call(name, poisoned, window), expected), poison


@pytest.mark.parametrize("name", ALL)
def test_propagation_under_strict(name):
    """Valid exactly where every cell at a declared offset is; undefined results may remove more."""
    primitive = ops.PRIMITIVES[name]
    series = inputs_of(name, seeded(name, 1), share=0.88, shape=(60, 12))
    out = call(name, series).valid.numpy()
    joint = np.logical_and.reduce([valid for _, valid in series])
    expected = np.zeros_like(joint)
    reads = sorted(primitive.reads(*PARAMETERS[name]))
    for t in range(reads[-1], len(joint)):
        expected[t] = np.logical_and.reduce([joint[t - k] for k in reads])
    assert not (out & ~expected).any()
    if not primitive.partial:
        assert (out == expected).all()
    assert out.sum() >= 200 and (~expected[reads[-1] :]).sum() >= 50


@pytest.mark.parametrize("name", ALL)
def test_declared_offsets_are_those_really_read(name):
    """Mask one input cell at a time: only its own stock, at the offsets of the hand-written table, loses validity.

    A recurrence keeps its accumulator, so a masked day masks that day only, though it changes later values.
    """
    primitive = ops.PRIMITIVES[name]
    series = inputs_of(name, seeded(name, 2), share=1.0)
    before = call(name, series)
    lost: set[int] = set()
    for position, (values, valid) in enumerate(series):
        changed = valid.copy()
        changed[10, 3] = False
        after = call(name, [*series[:position], (values, changed), *series[position + 1 :]])
        rows, stocks = torch.nonzero(before.valid & ~after.valid, as_tuple=True)
        assert set(stocks.tolist()) <= {3}
        lost |= {row - 10 for row in rows.tolist()}
    assert lost == READS[name] == set(primitive.reads(*PARAMETERS[name]))


@pytest.mark.parametrize("name", ALL)
def test_pools_only_where_declared(name):
    """Changing one valid cell reaches other stocks only through a primitive declared as pooling."""
    primitive = ops.PRIMITIVES[name]
    series = inputs_of(name, seeded(name, 3), share=1.0, shape=(24, 30))
    before = call(name, series).values
    values = series[0][0].copy()
    values[10, 3] += 7.0
    after = call(name, [(values, series[0][1]), *series[1:]]).values
    others = [i for i in range(values.shape[1]) if i != 3]
    assert (not torch.equal(before[:, others], after[:, others])) == primitive.pools


@pytest.mark.parametrize("name", ALL)
def test_inputs_are_not_modified(name):
    series = inputs_of(name, seeded(name, 4))
    operands = [masked(s) for s in series]
    copies = [(m.values.clone(), m.valid.clone()) for m in operands]
    ops.PRIMITIVES[name](*operands, *PARAMETERS[name])
    for operand, (values, valid) in zip(operands, copies, strict=True):
        assert torch.equal(operand.values, values) and torch.equal(operand.valid, valid)


@pytest.mark.parametrize("window", [STRICT, SKIP], ids=["strict", "skip"])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape,share", [((2, 7), 1.0), ((1, 1), 1.0), ((24, 1), 0.8), ((24, 7), 0.0)],
                         ids=["T<window", "one cell", "one stock", "all masked"])  # fmt: skip
def test_degenerate_panels(name, shape, share, window):
    primitive = ops.PRIMITIVES[name]
    out = call(name, inputs_of(name, seeded(name, 5), shape=shape, share=share), window)
    assert out.shape == shape and torch.isfinite(out.values).all()
    if share == 0.0 or shape[0] <= max(primitive.reads(*PARAMETERS[name])):
        assert not out.valid.any()


@pytest.mark.parametrize("name", ALL)
def test_nothing_masked(name):
    primitive = ops.PRIMITIVES[name]
    out = call(name, inputs_of(name, seeded(name, 6), share=1.0))
    warm_up = max(primitive.reads(*PARAMETERS[name]))
    assert not out.valid[:warm_up].any()
    if not primitive.partial:
        assert out.valid[warm_up:].all()


@pytest.mark.parametrize("window", [STRICT, SKIP], ids=["strict", "skip"])
@pytest.mark.parametrize("name", ALL)
def test_the_future_changes_nothing(name, window):
    series = inputs_of(name, seeded(name, 7), share=0.9)
    before = call(name, series, window)
    cut = 15
    rng = seeded(name, 8)
    changed = []
    for values, valid in series:
        values, valid = values.copy(), valid.copy()
        values[cut:] = rng.normal(size=values[cut:].shape) + 3
        valid[cut:] = rng.random(valid[cut:].shape) < 0.5
        changed.append((values, valid))
    after = call(name, changed, window)
    assert torch.equal(before.values[:cut], after.values[:cut]) and torch.equal(before.valid[:cut], after.valid[:cut])


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(ALL),
    share=st.floats(0.1, 1.0),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 6)),
    skip=st.booleans(),
)
def test_contract_on_random_masks(seed, name, share, shape, skip):
    window = SKIP if skip else STRICT
    series = inputs_of(name, np.random.default_rng(seed), shape=shape, share=share)
    out = call(name, series, window)
    clean = [(np.where(valid, values, 0.0), valid) for values, valid in series]
    assert same(out, call(name, clean, window))
    assert torch.isfinite(out.values).all() and (out.values[~out.valid] == 0).all()
    if not skip:
        joint = np.logical_and.reduce([valid for _, valid in series])
        for k in ops.PRIMITIVES[name].reads(*PARAMETERS[name]):
            reach = np.zeros_like(joint)
            reach[k:] = joint[: len(joint) - k] if k < len(joint) else False
            assert not (out.valid.numpy() & ~reach).any()


# ---------------------------------------------------------------- values


def reference(name, series, policy, universe=None):
    if name in naive.ELEMENTWISE:
        return naive.elementwise(naive.ELEMENTWISE[name], *series, *PARAMETERS[name])
    function = getattr(naive, name)
    if "universe" in inspect.signature(function).parameters:
        return function(*series, *PARAMETERS[name], universe=universe)
    return function(*series, *PARAMETERS[name], policy)


POLICIES = {"strict": (STRICT, naive.Policy()), "skip": (SKIP, naive.Policy("skip")),
            "skip80": (Window("skip", 0.8), naive.Policy("skip", 0.8))}  # fmt: skip


@pytest.mark.parametrize("coarse", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", ALL)
def test_equals_a_naive_loop(name, policy, coarse):
    window, slow = POLICIES[policy]
    series = inputs_of(name, seeded(name, 9), share=0.9, shape=(30, 9), coarse=coarse)
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        rounded = [(values.astype(np.float32) if dtype == torch.float32 else values, valid) for values, valid in series]
        out = call(name, rounded, window, dtype=dtype)
        values, valid = reference(name, rounded, slow)
        assert out.values.dtype == dtype
        np.testing.assert_array_equal(out.valid.numpy(), valid)
        np.testing.assert_allclose(out.values.numpy(), values, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("d", [1, 2, 3, 5, 8, 13, 30])
@pytest.mark.parametrize("name", WINDOWED)
def test_every_window_length_equals_a_naive_loop(name, d):
    series = inputs_of(name, seeded(name, d), share=0.95, shape=(40, 5))
    for window, slow in POLICIES.values():
        out = ops.PRIMITIVES[name](*[masked(s) for s in series], d, window=window)
        values, valid = getattr(naive, name)(*series, d, slow)
        np.testing.assert_array_equal(out.valid.numpy(), valid)
        np.testing.assert_allclose(out.values.numpy(), values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["cs_rank", "cs_zscore", "cs_scale", "group_neutralize"])
def test_cross_sections_pool_inside_the_universe(name):
    rng = seeded(name, 10)
    series = inputs_of(name, rng)
    universe = rng.random(series[0][0].shape) < 0.6
    out = call(name, series, universe=torch.tensor(universe))
    values, valid = reference(name, series, None, universe)
    np.testing.assert_array_equal(out.valid.numpy(), valid)
    np.testing.assert_allclose(out.values.numpy(), values, rtol=1e-12, atol=1e-12)
    assert not (out.valid.numpy() & ~universe).any()


@pytest.mark.parametrize("dtype,tolerance", [(torch.float64, 1e-12), (torch.float32, 5e-7)])
@pytest.mark.parametrize("level", [1.0, 1e4])
def test_spread_is_accurate_at_any_price_level(dtype, tolerance, level):
    """Deviations are measured from the window's own first cell, so a high level costs no accuracy."""
    values = (level + np.cumsum(np.random.default_rng(3).normal(size=(200, 6)), axis=0)).astype(
        np.float32 if dtype == torch.float32 else np.float64
    )
    x = masked((values, np.ones_like(values, dtype=bool)), dtype)
    exact = np.stack([values[t - 19 : t + 1].astype(np.float64).std(axis=0, ddof=1) for t in range(19, 200)])
    relative = np.abs(ops.ts_std(x, 20).values[19:].double().numpy() / exact - 1)
    assert relative.max() <= tolerance


# ----------------------------------------------------- equivalences, as data

SERIES = masked(make(np.random.default_rng(11), shape=(40, 6), share=0.9, positive=True))
OTHER = masked(make(np.random.default_rng(12), shape=(40, 6), share=0.9))
EQUIVALENCES = {
    "variance is cov(x, x)": (ops.ts_cov(SERIES, SERIES, 5), ops.ts_std(SERIES, 5) * ops.ts_std(SERIES, 5)),
    "sum is d means": (ops.ts_sum(SERIES, 7), ops.ts_mean(SERIES, 7) * 7),
    "minimum is minus the maximum of minus": (ops.ts_min(SERIES, 6), -ops.ts_max(-SERIES, 6)),
    "product is exp of the sum of logs": (ops.log(ops.ts_product(SERIES, 4)), ops.ts_sum(ops.log(SERIES), 4)),
    "delta is x minus delay": (ops.delta(SERIES, 3), SERIES - ops.delay(SERIES, 3)),
    "ewma with alpha 1 is the identity": (ops.ewma(SERIES, 1.0), SERIES),
    "correlation is symmetric": (ops.ts_corr(SERIES, OTHER, 8), ops.ts_corr(OTHER, SERIES, 8)),
    "correlation ignores scale": (ops.ts_corr(SERIES, OTHER, 8), ops.ts_corr(SERIES * 250 + 3, OTHER, 8)),
    "one-day decay is the identity": (ops.decay_linear(SERIES, 1), SERIES),
}  # fmt: skip


@pytest.mark.parametrize("title", EQUIVALENCES)
def test_equivalences(title):
    left, right = EQUIVALENCES[title]
    assert torch.equal(left.valid, right.valid) and left.valid.any()
    torch.testing.assert_close(left.values, right.values, rtol=1e-10, atol=1e-12)


def test_correlation_with_itself_is_one():
    out = ops.ts_corr(OTHER, OTHER, 6)
    torch.testing.assert_close(out.values[out.valid], torch.ones(int(out.valid.sum()), dtype=torch.float64))


def test_flat_windows_are_exactly_flat():
    flat = Masked(torch.full((12, 3), 0.1, dtype=torch.float32), torch.ones(12, 3, dtype=torch.bool))
    moving = Masked(torch.arange(36.0).reshape(12, 3), torch.ones(12, 3, dtype=torch.bool))
    correlations = ops.ts_corr(flat, moving, 5), ops.ts_corr(moving, flat, 5)
    for out in (ops.ts_std(flat, 5), *correlations, ops.ts_cov(flat, moving, 5)):
        assert out.valid[4:].all() and (out.values == 0).all()
    assert (ops.cs_zscore(flat).values == 0).all() and ops.cs_zscore(flat).valid.all()


def test_round_off_breaks_no_ties():
    """0.1 + 0.2 and 0.3 differ in their last bit; a rank of computed values must not see it."""
    valid = torch.ones(1, 3, dtype=torch.bool)
    third = Masked(torch.tensor([[0.3, 0.1, 0.5]], dtype=torch.float64), valid)
    summed = Masked(torch.tensor([[0.1, 0.1, 0.1]], dtype=torch.float64), valid) + Masked(
        torch.tensor([[0.2, 0.2, 0.2]], dtype=torch.float64), valid
    )
    both = ops.where(third < 0.2, summed, third)
    assert both.values[0, 0] != both.values[0, 1]
    assert ops.cs_rank(both).values[0, 0] == ops.cs_rank(both).values[0, 1]


# ------------------------------------------------------- symbols and values


@pytest.mark.parametrize("name", ALL)
def test_a_formula_evaluates_to_what_the_eager_call_gives(name):
    series = inputs_of(name, seeded(name, 13))
    universe = torch.tensor(seeded(name, 14).random(series[0][0].shape) < 0.8)
    symbols = [field(f"x{i}") for i in range(len(series))]
    node = ops.PRIMITIVES[name](*symbols, *PARAMETERS[name])
    leaves = {f"x{i}": masked(s) for i, s in enumerate(series)}
    for window in (STRICT, SKIP):
        assert same(evaluate([node], leaves, window=window, universe=universe)[0], call(name, series, window, universe))


@pytest.mark.parametrize("build,expected", [
    (lambda x: ops.delay(x, -1), "reads the future"),
    (lambda x: ops.ts_mean(x, 0), "whole number of days"),
    (lambda x: ops.ts_mean(x, 2.5), "whole number of days"),
    (lambda x: ops.ewma(x, 1.5), "weight in"),
    (lambda x: ops.ts_mean(3.0, 5), "constant has no meaning"),
    (lambda x: ops.ts_corr(x, 5), "constant has no meaning|expected 2"),
    (lambda x: ops.ts_mean("close", 5), "expected a masked value"),
    (lambda x: Window("lenient"), "window policy"),
    (lambda x: Window("skip", 0.0), "min_share"),
], ids=["delay<0", "window 0", "fraction", "alpha", "constant", "one series", "text", "policy", "share"])  # fmt: skip
@pytest.mark.parametrize("x", [field("close"), SERIES], ids=["symbol", "value"])
def test_meaningless_compositions_are_refused(build, expected, x):
    with pytest.raises(ExpressionError, match=expected):
        build(x)
