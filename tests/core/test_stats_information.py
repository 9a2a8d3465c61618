"""The information coefficient against scipy on every day, with poison in every excluded cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, rankdata, spearmanr

from lib import stats
from lib.errors import StatisticsError

POISON = np.array([np.nan, np.inf, -np.inf, 1e30])


def poisoned(values: np.ndarray, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(cells, values, rng.choice(POISON, size=values.shape))


@pytest.mark.parametrize("kind", ["pearson", "spearman"])
@pytest.mark.parametrize("ties", [False, True])
def test_ic_equals_scipy_day_by_day(kind: str, ties: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40, 60))
    y = 0.2 * x + y
    if ties:
        x, y = np.round(x), np.round(2 * y) / 2
    cells = rng.random((40, 60)) < rng.random((40, 1))
    daily = stats.ic(poisoned(x, cells, rng), poisoned(y, cells, rng), cells, kind=kind, min_cells=10)
    reference = pearsonr if kind == "pearson" else spearmanr
    for t in range(40):
        if cells[t].sum() < 10:
            assert np.isnan(daily[t])
        else:
            assert daily[t] == pytest.approx(reference(x[t, cells[t]], y[t, cells[t]]).statistic, rel=1e-10)
    assert 0 < np.isnan(daily).sum() < 15


def test_excluded_cells_are_never_read() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 30, 50))
    cells = rng.random((30, 50)) < 0.7
    for kind in ("pearson", "spearman"):
        clean = stats.ic(x, y, cells, kind=kind)  # type: ignore[arg-type]
        for _ in range(3):
            dirty = stats.ic(poisoned(x, cells, rng), poisoned(y, cells, rng), cells, kind=kind)  # type: ignore[arg-type]
            np.testing.assert_array_equal(clean, dirty)


def test_inputs_are_not_modified_and_float32_is_read() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 5, 40))
    kept = x.copy()
    cells = np.ones(x.shape, dtype=bool)
    cells[:, 3] = False
    stats.ic(x, y, cells, kind="spearman")
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_allclose(stats.ic(x.astype(np.float32), y, cells), stats.ic(x, y, cells), atol=1e-6)


def test_undefined_days_are_nan_and_counted() -> None:
    x = np.tile(np.arange(30.0), (4, 1))
    y, cells = x.copy(), np.ones(x.shape, dtype=bool)
    y[1], x[2] = 0.1, -7.3  # constant on one side
    cells[3, 19:] = False  # one cell short
    daily = stats.ic(x, y, cells)
    assert daily[0] == pytest.approx(1) and np.isnan(daily[1:]).all()
    assert stats.ic(x, y, cells, min_cells=19)[3] == pytest.approx(1)
    assert stats.ic(x, -y, cells)[0] == pytest.approx(-1)


def test_a_hole_inside_the_scored_cells_is_an_error() -> None:
    x = np.arange(60.0).reshape(2, 30)
    broken, cells = x.copy(), np.ones(x.shape, dtype=bool)
    broken[1, 4] = np.nan
    with pytest.raises(
        StatisticsError, match=r"1 scored cells hold outcomes that are not finite, the first at \(1, 4\)"
    ):
        stats.ic(x, broken, cells)
    with pytest.raises(StatisticsError, match="expected the same"):
        stats.ic(x, x[:, :5], cells)
    with pytest.raises(StatisticsError, match="unknown kind 'kendall'"):
        stats.ic(x, x, cells, kind="kendall")  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="at least 2 cells"):
        stats.ic(x, x, cells, min_cells=1)


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=25))
def test_masked_ranks_equal_scipy_average_ranks(row: list[tuple[int, bool]]) -> None:
    values = np.array([[float(v) for v, _ in row]])
    cells = np.array([[keep for _, keep in row]])
    found = stats.masked_ranks(np.where(cells, values, np.nan), cells)
    np.testing.assert_array_equal(found[cells], rankdata(values[cells]))
    assert (found[~cells] == 0).all()


def test_a_naive_t_test_on_overlapping_labels_rejects_a_true_null_far_too_often() -> None:
    rng = np.random.default_rng(3)
    naive = honest = 0
    for _ in range(200):
        noise = rng.normal(size=520)
        overlapping = np.convolve(noise, np.ones(20), "valid")
        naive += abs(stats.newey_west_t(overlapping, 0)) > 1.96
        honest += abs(stats.newey_west_t(overlapping, 40)) > 1.96
    assert naive / 200 == pytest.approx(0.65, abs=0.1)
    assert honest < naive / 2
