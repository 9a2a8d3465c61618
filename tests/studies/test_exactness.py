"""Round-off decides nothing: formulas of whole numbers give what exact arithmetic gives, cell by cell.

Prices are whole numbers of ticks, so that every comparison, rank and sum has an exact answer in fractions.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from lib.engine.stream import Stream, rows_of
from lib.factors import find_factors
from lib.graph import Node, field
from lib.kernels.switch import kernels
from lib.masked import Cells, Masked
from lib.ops import cs_rank, decay_linear, delta, equal, group_neutralize, log, sign, ts_corr, ts_cov, ts_rank, ts_sum

DAYS = 12
open_, high, low, close = (field(name) for name in ("open", "high", "low", "close"))
PATHS = pytest.mark.parametrize("path", ["compiled", "tensors"])


def ticks(stocks: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Prices in ticks [T, N], low <= open, close <= high, with many ties."""
    rng = np.random.default_rng([seed, stocks])
    level = rng.integers(300, 3000, size=stocks)
    opened, closed = (level + rng.integers(-20, 21, size=(DAYS, stocks)) for _ in range(2))
    up, down = (rng.integers(0, 10, size=(DAYS, stocks)) for _ in range(2))
    return {
        "open": opened, "close": closed,
        "high": np.maximum(opened, closed) + up, "low": np.minimum(opened, closed) - down,
    }  # fmt: skip


def computed(formula: Node, prices: dict[str, np.ndarray], path: str, exact: bool = True) -> np.ndarray:
    """The formula on prices of 0.01 a tick, in mixed precision, NaN where masked."""
    leaves = {
        name: Masked(torch.tensor(values * 0.01), torch.ones(values.shape, dtype=torch.bool), exact)
        for name, values in prices.items()
    }
    out = np.full((DAYS, prices["open"].shape[1]), np.nan)

    def keep(_: int, day: int, cells: Cells) -> None:
        out[day : day + len(cells.valid)] = np.where(cells.valid.numpy(), cells.values.double().numpy(), np.nan)

    with kernels(path):
        Stream([formula]).run(rows_of(leaves), DAYS, keep, rows=5)
    return out


def fractions(values: np.ndarray) -> np.ndarray:
    return np.vectorize(Fraction, otypes=[object])(values)


def exact_rank(values: np.ndarray) -> np.ndarray:
    """Ascending average rank of each row over its number of cells, as fractions. values: whole numbers or fractions."""
    out = np.empty(values.shape, dtype=object)
    for row, to in zip(values, out, strict=True):
        order = sorted(range(len(row)), key=lambda i: row[i])
        start = 0
        while start < len(order):
            stop = start + 1
            while stop < len(order) and row[order[stop]] == row[order[start]]:
                stop += 1
            for i in order[start:stop]:
                to[i] = Fraction(start + 1 + stop, 2 * len(row))
            start = stop
    return out


def as_float(values: np.ndarray) -> np.ndarray:
    return values.astype(float)


@PATHS
@pytest.mark.parametrize("stocks", [60, 300])
def test_sums_of_ranks_compare_exactly(stocks, path):
    """The inner comparison of number 62: rank(open) + rank(open) < rank((high + low) / 2) + rank(high)."""
    p = ticks(stocks)
    found = computed(cs_rank(open_) + cs_rank(open_) < cs_rank((high + low) / 2) + cs_rank(high), p, path)
    expected = 2 * exact_rank(p["open"]) < exact_rank(p["high"] + p["low"]) + exact_rank(p["high"])
    np.testing.assert_array_equal(found, as_float(expected))


@PATHS
@pytest.mark.parametrize("exact", [True, False], ids=["from data", "adjusted"])
def test_means_of_prices_compare_exactly(path, exact):
    """The comparison of number 92: (high + low) / 2 + close < low + open, where a tick is no binary fraction."""
    p = ticks(300)
    found = computed((high + low) / 2 + close < low + open_, p, path, exact)
    expected = p["high"] + p["low"] + 2 * p["close"] < 2 * (p["low"] + p["open"])
    tied = p["high"] + p["low"] + 2 * p["close"] == 2 * (p["low"] + p["open"])
    assert tied.any()
    np.testing.assert_array_equal(found, as_float(expected))
    for comparison, holds in ((high + low) / 2 + close <= low + open_, expected | tied), (
        equal((high + low) / 2 + close, low + open_), tied
    ):  # fmt: skip
        np.testing.assert_array_equal(computed(comparison, p, path, exact), as_float(holds))


@PATHS
@pytest.mark.parametrize("stocks", [60, 300])
def test_ranks_of_differences_of_rank_sums(stocks, path):
    """The first part of number 88: rank(decay(rank(open) + rank(low) - rank(high) - rank(close), 8))."""
    p = ticks(stocks)
    inner = cs_rank(open_) + cs_rank(low) - (cs_rank(high) + cs_rank(close))
    chain = cs_rank(open_) + cs_rank(low) - cs_rank(high) - cs_rank(close)
    exact = exact_rank(p["open"]) + exact_rank(p["low"]) - exact_rank(p["high"]) - exact_rank(p["close"])
    assert len(np.unique(as_float(exact[-1]))) < stocks, "there are ties to get right"
    weighted = np.full(exact.shape, None, dtype=object)
    for t in range(7, DAYS):
        weighted[t] = sum(exact[t - age] * (8 - age) for age in range(8))
    for formula in (inner, chain):
        np.testing.assert_array_equal(computed(sign(formula), p, path), np.sign(as_float(exact)))
        np.testing.assert_allclose(computed(cs_rank(formula), p, path), as_float(exact_rank(exact)), rtol=1e-7)
        found = computed(cs_rank(decay_linear(formula, 8)), p, path)
        np.testing.assert_allclose(found[7:], as_float(exact_rank(weighted[7:])), rtol=1e-7)


def test_the_published_numbers_62_88_and_92_are_such_formulas():
    (factor,) = find_factors(["alpha101_092"])
    assert "(high+low)/2+close<low+open" in factor.formula
    (factor,) = find_factors(["alpha101_062"])
    assert "cs_rank(open)+cs_rank(open)<cs_rank((high+low)/2)+cs_rank(high)" in factor.formula
    (factor,) = find_factors(["alpha101_088"])
    assert "cs_rank(open)+cs_rank(low)-(cs_rank(high)+cs_rank(close))" in factor.formula


@PATHS
def test_sums_over_windows_that_cancel_are_zero(path):
    """Ranks less their mean: over days whose ranks add up to it the sum is 0, not round-off with a sign."""
    p = ticks(20, seed=3)
    mirrored = dict(p)
    for t in range(1, DAYS, 2):  # every second day is the day before, upside down: ranks r and 1 + 1/n - r
        mirrored["close"] = mirrored["close"].copy()
        mirrored["close"][t] = 4000 - mirrored["close"][t - 1]
    ranks = exact_rank(mirrored["close"])
    middle = float(Fraction(21, 40))
    found = computed(sign(ts_sum(cs_rank(close) - middle, 2)), mirrored, path)
    exact = np.array([[ranks[t, i] + ranks[t - 1, i] - Fraction(21, 20) for i in range(20)] for t in range(1, DAYS)])
    assert (exact[::2] == 0).all() and (exact[1::2] != 0).any()
    np.testing.assert_array_equal(found[1:], np.sign(as_float(exact)))


@PATHS
def test_changes_of_what_did_not_change_are_zero(path):
    p = ticks(40, seed=5)
    p["close"][6:9] = p["close"][5]
    mean = (close + close + close) / 3
    found = computed(sign(delta(mean, 1)), p, path)
    exact = np.sign(np.diff(p["close"].astype(int), axis=0))
    np.testing.assert_array_equal(found[1:], exact)
    assert (computed(log(mean / close), p, path) == 0).all()


@PATHS
def test_members_of_a_group_of_equals_differ_from_its_mean_by_nothing(path):
    third = (close + close + close) / 3
    for stocks in (30, 41, 49, 93):
        alike = {name: np.full_like(x, 701) for name, x in ticks(stocks, seed=7).items()}
        found = computed(sign(group_neutralize(third, equal(close, close))), alike, path)  # a sign is taken in float64
        assert (found == 0).all()


@PATHS
@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e20])
def test_nearly_flat_windows_are_uncorrelated(path, scale):
    """A window whose deviations are round-off of its level has no direction."""
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(DAYS, 5)) * 1e-12
    for dtype in (torch.float64, torch.float32):
        valid = torch.ones(DAYS, 5, dtype=torch.bool)
        flat = Masked(torch.tensor(scale * (1 + noise), dtype=dtype), valid, exact=False)
        moving = Masked(torch.tensor(rng.normal(size=(DAYS, 5)), dtype=dtype), valid)
        with kernels(path):
            for a, b in ((flat, moving), (moving, flat)):
                for operator in (ts_corr, ts_cov):
                    out = operator(a, b, 5)
                    assert out.valid[4:].all() and (out.values == 0).all()


@PATHS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_read_from_data_compare_in_every_bit(path, dtype):
    step = 2.0**-23 if dtype == torch.float32 else 2.0**-52
    values = torch.tensor([[1.0, 1.0 + step, 1.0 - step / 2]] * 3, dtype=dtype)
    valid = torch.ones_like(values, dtype=torch.bool)
    read, made = Masked(values, valid), Masked(values, valid, exact=False)
    rising = Masked(torch.tensor([[1.0], [1.0 + step], [1.0]], dtype=dtype), torch.ones(3, 1, dtype=torch.bool))
    with kernels(path):
        assert cs_rank(read).values[0].tolist() == pytest.approx([2 / 3, 1.0, 1 / 3])
        assert cs_rank(made).values[0].tolist() == pytest.approx([2 / 3] * 3)
        assert (read < float(values[0, 1])).values[0].tolist() == [1.0, 0.0, 1.0]
        assert (made < float(values[0, 1])).values[0].tolist() == [0.0, 0.0, 0.0]
        assert (read - 1.0).values[0, 1] == step and (made - 1.0).values[0, 1] == 0
        assert ts_rank(rising, 3).values[2, 0] == pytest.approx(2 / 3)
