"""Ranks over the rows of a panel are SciPy's average ranks, whatever the numbers and their order."""

from __future__ import annotations

import itertools

import kernel_cases as cases
import numpy as np
import pytest
import torch
from kernel_cases import DTYPES, NUMPY, by_loops, seeded, shown
from scipy.stats import rankdata

from lib.graph import Block
from lib.kernels.precision import round_mantissa


def assert_average_ranks(x, universe=None):
    """Against SciPy, row by row; what was computed is ranked by its rounded values."""
    found, valid = shown(by_loops("cs_rank", [x], Block(universe=universe)))
    pool = x.valid if universe is None else x.valid & universe
    np.testing.assert_array_equal(valid, pool.numpy())
    values = (x.values if x.exact else round_mantissa(x.values)).numpy()
    for numbers, inside, result in zip(values, pool.numpy(), found, strict=True):
        expected = rankdata(numbers[inside]) / max(inside.sum(), 1)
        np.testing.assert_array_equal(result[inside], expected.astype(result.dtype))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("title", cases.RANKED)
def test_row_ranks_are_scipys_average_ranks(title, dtype, exact):
    rng = seeded(title)
    for stocks in (1, 2, 31, 257, 5000):
        with np.errstate(over="ignore"):
            values = np.array([cases.RANKED[title](rng, stocks) for _ in range(3)]).astype(NUMPY[dtype])
        values = np.clip(values, np.finfo(NUMPY[dtype]).min, np.finfo(NUMPY[dtype]).max) * np.array([[1], [-1], [1]])
        x = cases.cells_of(values.astype(NUMPY[dtype]), rng.random(values.shape) < [[1.0], [0.7], [0.3]], dtype, exact)
        assert_average_ranks(cases.with_garbage(rng, x), torch.tensor(rng.random(values.shape) < [[1.0], [1.0], [0.5]]))


def test_numbers_that_share_their_leading_bits_are_ranked_in_every_order():
    """Beside numbers of the whole range 42 bits of a key are kept; these differ in the bits below, down to the last."""
    for steps in ([1, 2, 3, 4, 5], [0, 1, 1, 2**21, 2**21 + 1], [0, 2**20, 2**20, 7, 7]):
        close = 1.5 + 2.0**-52 * np.array(list(itertools.permutations(steps)))
        ends = np.broadcast_to([-1e300, 1e300], (len(close), 2))
        assert_average_ranks(cases.cells_of(np.hstack([close, ends])))
        assert_average_ranks(cases.cells_of(np.hstack([ends, -close])))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("largest", [1e300, 2.0**-980, 2.0**-1020])
def test_numbers_next_to_0_are_ranked_on_both_sides_of_it(largest, exact):
    """The least that rounding leaves of 0, beside 0 and numbers 32 powers of two below the largest, in any order."""
    least = 2.0**-1052  # the bit above the 22 that rounding clears
    beside = np.array(list(itertools.permutations([-2 * least, -least, -0.0, least, least, largest * 2.0**-32])))
    ends = np.broadcast_to([-largest, largest], (len(beside), 2))
    assert_average_ranks(cases.cells_of(np.hstack([ends, beside]), exact=exact))
    assert_average_ranks(cases.cells_of(np.hstack([-beside, ends[:, :1]]), exact=exact))
    assert_average_ranks(cases.cells_of(np.hstack([beside, ends[:, 1:]]), exact=exact))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("title", ["reversed", "last bits below 0", "cluster and outlier", "many ties"])
def test_wide_rows_in_the_worst_order_are_ranked(title, exact):
    values = -np.sort(-cases.RANKED[title](seeded(title), 150_000))
    assert_average_ranks(cases.cells_of(np.stack([values, values[::-1]]), exact=exact))
