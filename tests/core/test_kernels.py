"""The fast elementary operations answer as torch's own do, ranks as SciPy's, logarithms and powers as exact ones."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import kernel_cases as cases
import numpy as np
import pytest
import torch
from kernel_cases import DTYPES, NUMPY, answers, by_loops, one_day
from scipy.stats import rankdata

from lib.graph import Block
from lib.kernels import elementary as kernels
from lib.kernels import ranks, scores, windows
from lib.kernels.compiled import elementary
from lib.kernels.precision import KNOWN, comparable, round_mantissa, without_round_off

ODD = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-38, -3e30]


def pair(dtype, seed=0):
    rng = np.random.default_rng(seed)
    a, b = (torch.tensor(rng.choice([*ODD, *rng.normal(size=9)], size=(17, 13)), dtype=dtype) for _ in range(2))
    return a, b, torch.tensor(rng.random((17, 13)) < 0.6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_keep_is_where(dtype):
    a, _, flags = pair(dtype)
    expected = torch.where(flags, a, torch.zeros((), dtype=dtype))
    out = torch.full_like(a, 7.0)
    assert kernels.keep(a, flags, out=out) is out
    for found in (kernels.keep(a, flags), out):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
    assert not kernels.keep(a, torch.zeros_like(flags)).isnan().any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_comparisons_and_counts_are_torchs(dtype):
    a, b, flags = pair(dtype, 1)
    for ours, theirs in ((kernels.at_most, torch.le), (kernels.above, torch.gt)):
        assert torch.equal(ours(a, b), theirs(a, b)) and torch.equal(ours(a, 0.0), theirs(a, 0.0))
        assert torch.equal(ours(a, b[:1]), theirs(a, b[:1]))
    out = torch.empty_like(flags)
    assert kernels.at_most(a, b, out=out) is out and torch.equal(out, a <= b)
    assert torch.equal(kernels.as_number(flags, dtype), flags.to(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_dot_of_rows_reads_its_row_only(dtype):
    rng = np.random.default_rng(3)
    x, y = (torch.tensor(rng.normal(size=(3, 7, 1000)), dtype=dtype) for _ in range(2))
    found = kernels.row_dot(x, y)
    products = [[sum(map(float, a * b)) for a, b in zip(i, j, strict=True)] for i, j in zip(x, y, strict=True)]
    expected = np.array(products)[..., None]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4 if dtype == torch.float32 else 1e-11)
    assert torch.equal(kernels.row_dot(x, y[:, :1]), kernels.row_dot(x, y[:, :1].expand_as(x).contiguous()))
    for row in range(7):
        assert torch.equal(kernels.row_dot(x[:, row : row + 1].contiguous(), y[:, row : row + 1].contiguous()),
                           found[:, row : row + 1])  # fmt: skip


# ----------------------------------------------------------------------- ranks


def naive_ranks(values, pool):
    out = np.full(values.shape, np.nan)
    for row, chosen, to in zip(values, pool, out, strict=True):
        to[chosen] = rankdata(row[chosen], method="average")
    return out


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distinct", [1, 2, 5, 10**6])
def test_ranks_are_scipys_average_ranks(dtype, distinct, exact):
    rng = np.random.default_rng(distinct)
    values = (rng.integers(-distinct, distinct, size=(40, 60)) / 8).astype("f4" if dtype == torch.float32 else "f8")
    values[values == 0] *= rng.choice([1.0, -1.0], size=(values == 0).sum())  # both zeros
    pool = rng.random(values.shape) < rng.uniform(0, 1, size=(40, 1))
    poison = rng.choice([np.nan, np.inf, -np.inf, 1e30], size=values.shape).astype(values.dtype)
    poisoned = torch.tensor(np.where(pool, values, poison))
    found = ranks.row_ranks(poisoned, torch.tensor(pool), exact, torch.float64).numpy()
    np.testing.assert_array_equal(np.where(pool, found, np.nan), naive_ranks(values, pool))


def test_values_of_any_size_are_ranked():
    values = torch.tensor([[-1e300, 1e300, -1e-300, 1e-300, 0.0, -5e-324]], dtype=torch.float64)
    pool = torch.ones_like(values, dtype=torch.bool)
    # the smallest subnormal number has no 30 bits: computed, it is 0
    assert ranks.row_ranks(values, pool, False, torch.float64).tolist() == [[1.0, 6.0, 2.0, 5.0, 3.5, 3.5]]
    assert ranks.row_ranks(values, pool, True, torch.float64).tolist() == [[1.0, 6.0, 2.0, 5.0, 4.0, 3.0]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_read_from_data_keep_their_last_bit(dtype):
    step = torch.finfo(dtype).eps
    values = torch.tensor([[1.0, 1.0 + step, 1.0 - step / 2]], dtype=dtype)
    pool = torch.ones_like(values, dtype=torch.bool)
    assert ranks.row_ranks(values, pool, True, dtype).tolist() == [[2.0, 3.0, 1.0]]
    assert ranks.row_ranks(values, pool, False, dtype).tolist() == [[2.0, 2.0, 2.0]]
    assert comparable(values, True) is values
    assert torch.equal(comparable(values, False), torch.ones_like(values))


@pytest.mark.parametrize("dtype,known", [(torch.float32, 20), (torch.float64, 30)])
def test_computed_numbers_are_rounded_to_the_digits_they_are_known_to(dtype, known):
    """To the nearest of 2^known steps an octave, half away from zero; what is within half a step stays in place."""
    rng = np.random.default_rng(known)
    values = torch.tensor(rng.normal(size=(50, 60)) * 10.0 ** rng.integers(-30, 30, size=(50, 60)), dtype=dtype)
    mantissa, exponent = np.frexp(values.double().numpy())  # mantissa in [1/2, 1)
    scaled = mantissa * 2.0 ** (known + 1)
    expected = np.ldexp(np.sign(scaled) * np.floor(abs(scaled) + 0.5), exponent - known - 1)
    np.testing.assert_array_equal(round_mantissa(values).double().numpy(), expected)
    assert torch.equal(round_mantissa(round_mantissa(values)), round_mantissa(values))
    half = torch.tensor([1 + 2.0 ** -(known + 1), -1 - 2.0 ** -(known + 1)], dtype=dtype)
    assert round_mantissa(half).tolist() == [1 + 2.0**-known, -1 - 2.0**-known]


@pytest.mark.parametrize("dtype,known", [(torch.float32, 2.0**-20), (torch.float64, 2.0**-30)])
def test_a_sum_that_is_small_beside_what_cancelled_in_it_is_0(dtype, known):
    size = torch.tensor([1e6, 1e6, 1e6, 0.0], dtype=dtype)
    total = size * known * torch.tensor([1.0, -1.0, 1.01, 1.0], dtype=dtype)
    assert KNOWN[dtype] == known
    assert without_round_off(total, size, False).tolist() == [0.0, 0.0, total[2].item(), 0.0]
    assert without_round_off(total, size, True) is total


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1.0])
def test_shared_positions_do_not_depend_on_the_way_they_are_found(share):
    tied = torch.tensor(np.random.default_rng(3).random((9, 30)) < share)
    position = torch.arange(1.0, 32.0).expand(9, 31)
    expected = torch.empty(9, 31)
    for row in range(9):
        runs = np.concatenate(([0], np.cumsum(~tied[row].numpy())))
        for run in np.unique(runs):
            expected[row, runs == run] = position[row, runs == run].mean()
    assert torch.equal(ranks._shared(position, tied), expected)


# ------------------------------------------------- logarithms, exponentials, powers

SPREAD = np.random.default_rng(0)
POSITIVE = [*10.0 ** SPREAD.uniform(-307, 308, 1500), *(1 + SPREAD.normal(0, 0.1, 1500)), *SPREAD.lognormal(0, 1, 1500),
            *(1 + 2.0**-52 * SPREAD.integers(-50, 50, 200)), *(5e-324 * SPREAD.integers(1, 2**52, 300)),
            *2.0 ** np.arange(-1074, 1024, 7), 5e-324, 1.7976931348623157e308, 2**-0.5, 2**0.5, 1.0]  # fmt: skip
EXPONENTS = [*SPREAD.uniform(-745, 709.7, 1500), *SPREAD.normal(0, 1, 1500), *SPREAD.normal(0, 1e-9, 300),
             *(math.log(2) * (np.arange(-1074, 1024, 7) + 0.5)), 0.0, -0.0, 5e-324, 709.78, -745.13]  # fmt: skip


@pytest.mark.parametrize("ours,exact,arguments", [
    (elementary.logarithm, Decimal.ln, POSITIVE), (elementary.exponential, Decimal.exp, EXPONENTS),
], ids=["log", "exp"])  # fmt: skip
def test_logarithm_and_exponential_are_correct_to_their_last_place(ours, exact, arguments):
    with localcontext(prec=40, Emin=-9999, Emax=9999):
        for x in map(float, arguments):
            found, expected = ours(x), exact(Decimal(x))
            assert abs(Decimal(found) - expected) <= Decimal("1.5") * Decimal(math.ulp(float(expected))), x


def test_the_ends_of_logarithm_and_exponential():
    assert elementary.logarithm(1.0) == 0 and elementary.exponential(0.0) == elementary.exponential(-0.0) == 1
    assert [elementary.exponential(x) for x in (709.79, 1e300, np.inf)] == [np.inf] * 3
    assert [elementary.exponential(x) for x in (-745.2, -1e300, -np.inf)] == [0.0] * 3
    assert math.isnan(elementary.exponential(math.nan))


@pytest.mark.parametrize("dtype,known", [(torch.float32, 2.0**-20), (torch.float64, 2.0**-30)])
def test_the_logarithm_of_a_computed_1_is_0(dtype, known):
    numbers = (1 + known, 1 - known, 1 + 2 * known, 0.0, -1.0, 1.0, math.e)
    rounded = torch.tensor(numbers, dtype=dtype).tolist()
    for exact in (True, False):
        near = [math.log(x) if exact else 0.0 for x in rounded[:2]]
        wanted = [*near, math.log(rounded[2]), None, None, 0.0, math.log(rounded[6])]
        found = answers("log", one_day(*numbers, dtype=dtype, exact=exact))
        assert found[3:5] == wanted[3:5] == [None, None]
        assert found[:3] + found[5:] == pytest.approx(wanted[:3] + wanted[5:], rel=1e-7, abs=0)


POWERS = {  # (x, p): x ** p, sign(x) |x| ** p
    (0.0, 0.0): (1.0, 0.0), (-0.0, 3.0): (0.0, 0.0), (0.0, 2.0): (0.0, 0.0), (0.0, 0.5): (0.0, 0.0),
    (0.0, -1.0): (None, None), (5.0, 0.0): (1.0, 1.0), (-5.0, 0.0): (1.0, -1.0), (1.0, 1e300): (1.0, 1.0),
    (-2.0, 2.0): (4.0, -4.0), (-2.0, 3.0): (-8.0, -8.0), (-2.0, -1.0): (-0.5, -0.5), (-2.0, -2.0): (0.25, -0.25),
    (-4.0, 0.5): (None, -2.0), (-8.0, 1 / 3): (None, -2.0), (4.0, 0.5): (2.0, 2.0), (4.0, -0.5): (0.5, 0.5),
    (2.0, 64.0): (2.0**64, 2.0**64), (-2.0, 63.0): (-(2.0**63), -(2.0**63)), (2.0, 65.0): (2.0**65, 2.0**65),
    (-1.0, 2.0**60): (1.0, -1.0), (-1.0, 1e9 + 1): (-1.0, -1.0), (1e200, 2.0): (None, None),
    (-1e200, 3.0): (None, None),
    (1e-200, 2.0): (0.0, 0.0), (-1e-200, 3.0): (0.0, 0.0), (1e-200, 2.5): (0.0, 0.0), (1e-200, -2.0): (None, None),
    (10.0, 308.2): (10**308.2, 10**308.2), (5e-324, 1.0): (5e-324, 5e-324), (0.5, 1074.0): (5e-324, 5e-324),
}  # fmt: skip


@pytest.mark.parametrize("x,p", POWERS)
def test_powers_at_the_edges(x, p):
    for name, expected in zip(("power", "signedpower"), POWERS[x, p], strict=True):
        wanted = [None if expected is None else pytest.approx(expected, rel=1e-12, abs=0)]
        for operands in ((one_day(x), p), (one_day(x), one_day(p)), (x, one_day(p))):
            assert answers(name, *operands) == wanted


@pytest.mark.parametrize("dtype", DTYPES)
def test_powers_of_many_numbers(dtype):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.3, 3, (5, 400)).astype(NUMPY[dtype])
    for p in (1, 2, 3, 7.0, 64, 0.5, -1, 0.3, -2.7, 1 / 3):
        expected = x.astype(np.longdouble) ** np.longdouble(p)
        found = by_loops("power", [cases.cells_of(x), p], Block()).values.numpy()
        np.testing.assert_allclose(found, expected.astype(float), 5e-7 if dtype == torch.float32 else 1e-13)


def test_a_quotient_needs_a_denominator_and_a_result():
    tiny = np.nextafter(1e-20, 1)
    x = one_day(1.0, 1.0, -1.0, 0.0, 1e300, 1e300, 6.0)
    y = one_day(1e-20, tiny, -tiny, 0.0, 1e-10, -1e5, 3.0)
    assert answers("/", x, y) == [None, 1 / tiny, 1 / tiny, None, None, 1e300 / -1e5, 2.0]
    assert answers("/", one_day(1.0, 0.0), 0) == [None, None] and answers("/", 1.0, one_day(4.0, 0.0)) == [0.25, None]
    assert answers("/", one_day(1.0, dtype=torch.float32), one_day(1e-20, dtype=torch.float32)) == [None]


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_overflows_is_invalid_and_0(dtype):
    most = torch.finfo(dtype).max
    huge = one_day(most, most, 1.0, dtype=dtype)
    for name, arguments in {"*": (huge, huge), "+": (huge, huge), "/": (huge, 0.5), "power": (huge, 3)}.items():
        found = by_loops(name, list(arguments), Block())
        assert found.valid.tolist() == [[False, False, True]] and found.values[0, :2].tolist() == [0.0, 0.0], name
        assert huge.valid.all()
    for name in ("ts_sum", "ts_std", "ts_cov"):
        x = cases.cells_of([[most, 1.0], [-most if name != "ts_sum" else most, 2.0]], dtype=dtype)
        found = by_loops(name, [x, x, 2] if name == "ts_cov" else [x, 2], Block(1))
        assert found.valid.tolist() == [[False, True]] and found.values[0, 0] == 0, name


@pytest.mark.parametrize("name", ["ts_argmax", "ts_argmin", "ts_rank"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_computed_numbers_that_round_to_infinity_have_a_position(dtype, name):
    for sign in (1, -1):
        x = cases.cells_of(np.full((5, 2), sign * torch.finfo(dtype).max), dtype=dtype, exact=False)
        assert (by_loops(name, [x, 3], Block(2)).values == 1).all()


def test_sums_that_leave_the_range_are_right_or_invalid():
    swing = cases.cells_of([[1.7e308], [-1.7e308], [1.0]])
    found = by_loops("ewma", [swing, 0.3], Block())
    assert torch.isfinite(found.values[found.valid]).all()
    rows = one_day(1.7e308, 1.7e308, 1e308)
    assert answers("cs_scale", rows, 1.0) in ([None] * 3, pytest.approx([17 / 44, 17 / 44, 10 / 44]))
    found = answers("group_neutralize", rows, one_day(0, 0, 0))
    assert found in ([None] * 3, pytest.approx([7e307 / 3, 7e307 / 3, -1.4e308 / 3]))


# --------------------------------------------------------------------- windows


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [2, 3, 20, 61, 128])
def test_a_tree_for_few_windows_gives_the_bits_of_doubling_for_many(dtype, d):
    rng = np.random.default_rng(d)
    x, y = (torch.tensor(rng.normal(size=(d + 299, 5)) + 50, dtype=dtype) for _ in range(2))
    valid = torch.tensor(rng.random(x.shape) < 0.8)

    def statistics(rows: slice):
        a, b, v = x[rows], y[rows], valid[rows]
        pairs = ((0, 0), (0, 1))
        yield windows.total(a, d)
        yield windows.product(a / 50, d)
        yield windows.extreme_position(a, None, d, True).to(dtype)
        yield from windows.weighted_total(a, d)
        for counted in (None, v):
            n, products = windows.moments((a.double(), b.double()), pairs, counted, d)
            yield from products
            yield torch.as_tensor(n, dtype=torch.float64).expand_as(products[0])
        yield windows.count(v, d).to(dtype)

    many = list(statistics(slice(None)))
    for end in (d, d + 57, len(x)):
        one = list(statistics(slice(end - d, end)))
        for whole, single in zip(many, one, strict=True):
            assert torch.equal(whole[end - d : end - d + 1], single)


@pytest.mark.parametrize("dtype,tolerance", [(torch.float64, 1e-12), (torch.float32, 5e-7)])
@pytest.mark.parametrize("d", [5, 20, 240])
def test_accuracy_against_float64(dtype, tolerance, d):
    """Sums, deviations and correlations of prices; relative for the first two, absolute for the last.

    Moments are float64 whatever the prices are, so their tolerance is too.
    """
    rng = np.random.default_rng(0)
    prices = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, size=(500, 20)), axis=0))
    x = torch.tensor(prices, dtype=dtype)
    y = torch.tensor(prices * np.exp(rng.normal(0, 0.01, size=prices.shape)), dtype=dtype)
    (rows_x, rows_y) = (v.double().unfold(0, d, 1).numpy() for v in (x, y))
    np.testing.assert_allclose(windows.total(x, d).double(), rows_x.sum(-1), rtol=tolerance)
    everywhere = torch.ones(x.shape, dtype=torch.bool)
    n, (xx, yy, xy) = windows.moments((x.double(), y.double()), ((0, 0), (1, 1), (0, 1)), None, d)
    np.testing.assert_allclose(torch.sqrt(xx / (n - 1)), rows_x.std(-1, ddof=1), rtol=1e-12)
    counted, products = windows.moments((x.double(), y.double()), ((0, 0), (1, 1), (0, 1)), everywhere, d)
    assert n == d and (counted == d).all()
    for some, all_of in zip(products, (xx, yy, xy), strict=True):
        torch.testing.assert_close(some, all_of, rtol=1e-12, atol=1e-12 * float(xx.max()))
    centred_x, centred_y = (r - r.mean(-1, keepdims=True) for r in (rows_x, rows_y))
    expected = (centred_x * centred_y).sum(-1) / np.sqrt((centred_x**2).sum(-1) * (centred_y**2).sum(-1))
    np.testing.assert_allclose(xy / torch.sqrt(xx) / torch.sqrt(yy), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("d", [2, 7, 20, 240])
def test_a_constant_window_has_no_spread(d, masked):
    x = torch.full((d + 40, 4), 3.3, dtype=torch.float64) * torch.tensor([1.0, 1e-6, 1e9, 17.77])
    valid = torch.tensor(np.random.default_rng(d).random(x.shape) < 0.7)
    poisoned = torch.where(valid, x, 1e30) if masked else x
    _, (xx,) = windows.moments((poisoned,), ((0, 0),), valid if masked else None, d)
    assert not xx.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_go_towards_their_targets_one_after_the_other(dtype):
    rng = np.random.default_rng(5)
    targets, weights = rng.normal(size=(40, 7)), rng.choice([0.0, 0.1, 0.7, 1.0], size=(40, 7))
    start = rng.normal(size=(1, 7))
    found = kernels.interpolated_down(*(torch.tensor(x, dtype=dtype) for x in (start, targets, weights)))
    level = start[0].copy()
    for day in range(40):
        level = (1 - weights[day]) * level + weights[day] * targets[day]
        np.testing.assert_allclose(found[day].numpy(), level, atol=1e-5 if dtype == torch.float32 else 1e-14)
    kept = torch.tensor(weights[1:] == 0)
    assert kept.any() and torch.equal(found[1:][kept], found[:-1][kept])
    first = kernels.interpolated_down(torch.zeros(1, 7), torch.tensor(targets[:1]).float(), torch.ones(1, 7))
    assert torch.equal(first, torch.tensor(targets[:1]).float())


@pytest.mark.parametrize("d", range(1, 21))
def test_windows_that_overlap_see_every_row(d):
    rng = np.random.default_rng(d)
    x, flags = torch.tensor(rng.normal(size=(60, 3))), torch.tensor(rng.random((60, 3)) < 0.9)
    most = np.stack([x[t : t + d].numpy().max(axis=0) for t in range(61 - d)])
    every = np.stack([flags[t : t + d].numpy().all(axis=0) for t in range(61 - d)])
    np.testing.assert_array_equal(windows.overlapping(x, torch.maximum, d).numpy(), most)
    np.testing.assert_array_equal(windows.all_valid(flags, d).numpy(), every)


def scored(x, pool):
    """Scores of each row in float64, by the definition."""
    out = np.zeros(x.shape)
    for row, members, scores_of in zip(x.astype(float), pool, out, strict=True):
        inside = row[members]
        if len(inside) and inside.std() > 1e-6 * abs(inside).max():
            scores_of[members] = (inside - inside.mean()) / inside.std()
    return out


UNITS = {
    torch.float32: [1e-44, 1e-37, 1e-30, 1e-20, 1e-16, 1e-11, 1.0, 1e10, 1e18, 1e22, 1e30, 3e38],
    torch.float64: [1e-320, 1e-300, 1e-200, 1e-160, 1e-148, 1e-100, 1.0, 1e150, 1e154, 1e160, 1e250, 1.7e308],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("signs", ["positive", "both", "mirrored"])
def test_scores_know_no_unit(dtype, signs):
    rng = np.random.default_rng(7)
    x = rng.uniform(0.5, 1.0, size=(len(UNITS[dtype]), 300))
    if signs != "positive":
        x[:, 150:] *= -1
    if signs == "mirrored":
        x[:, 150:] = -x[:, :150]  # a mean of exactly 0
    rows = torch.tensor(x * np.array(UNITS[dtype])[:, None]).to(dtype)
    pool = torch.tensor(rng.random(rows.shape) < 0.9)
    poisoned = torch.where(pool, rows, torch.tensor(rng.choice([np.nan, np.inf, -3e38], size=rows.shape)).to(dtype))
    found = scores.standardised_rows(poisoned, pool)
    expected = scored(unit_free(rows), pool.numpy())
    assert abs(expected).max(axis=1).min() > 1
    np.testing.assert_allclose(found.numpy()[pool], expected[pool], atol=4e-6)
    for t in range(len(rows)):  # neighbours of another unit change no bit
        alone = scores.standardised_rows(poisoned[t : t + 1], pool[t : t + 1])
        assert torch.equal(alone[0][pool[t]], found[t][pool[t]])


def unit_free(rows):
    """Rows in float64 over their largest absolute value."""
    exact = rows.numpy().astype(np.longdouble)
    return (exact / abs(exact).max(axis=1, keepdims=True)).astype(np.float64)


@pytest.mark.parametrize("level", [0.0, 1.0, -30.0, 1e4])
def test_scores_are_those_of_float64_whatever_the_level(level):
    rng = np.random.default_rng(6)
    x = rng.normal(level, 1.0, size=(40, 501)).astype(np.float32)
    pool = rng.random(x.shape) < 0.8
    pool[3], pool[4, 1:] = False, False  # nobody, and at most one
    x[5], x[6], x[7] = 12.5, 0.0, 0.1  # flat; 0.1 has no exact mean
    x[8] = 1e4 * (1 + 4e-7 * rng.normal(size=501))  # flat up to round-off
    x[9] = 1e4 * (1 + 1e-3 * rng.normal(size=501))
    shifted = torch.tensor(np.where(pool, x, rng.choice([1e30, -1e30, 7.0], size=x.shape).astype(np.float32)))
    found = scores.standardised_rows(shifted, torch.tensor(pool))
    assert torch.isfinite(found).all()
    expected = scored(x, pool)
    assert abs(expected[[5, 6, 7, 8]]).max() == 0 and abs(expected[9]).max() > 1
    np.testing.assert_allclose(found.numpy()[pool], expected[pool], atol=2e-6)
    for t in range(len(x)):  # a row by itself has the same bits
        alone = scores.standardised_rows(shifted[t : t + 1], torch.tensor(pool[t : t + 1]))
        assert torch.equal(alone[0][torch.tensor(pool[t])], found[t][torch.tensor(pool[t])])
