"""Block bootstrap: the indices, the automatic block, coverage on a dependent series, pairing."""

from __future__ import annotations

import numpy as np
import pytest

from lib import stats
from lib.errors import StatisticsError
from lib.stats.bootstrap import circular_indices, stationary_indices


def ar1(rho: float, days: int, rng: np.random.Generator) -> np.ndarray:
    shocks, x = rng.normal(size=days + 50), np.zeros(days + 50)
    for t in range(1, x.size):
        x[t] = rho * x[t - 1] + shocks[t]
    return x[50:]


def test_stationary_runs_have_geometric_length_and_uniform_rows() -> None:
    indices = stationary_indices(50, 200_000, 10.0, np.random.default_rng(0))
    breaks = np.mean((np.diff(indices) % 50) != 1)
    assert breaks == pytest.approx(0.1 * 49 / 50, abs=0.003)  # one fresh start in 50 continues by chance
    assert np.bincount(indices, minlength=50).min() > 3000
    lengths = np.diff(np.flatnonzero((np.diff(indices) % 50) != 1))
    assert np.std(lengths) == pytest.approx(np.mean(lengths), rel=0.1)  # geometric: deviation about the mean


def test_circular_runs_have_a_fixed_length_and_wrap() -> None:
    indices = circular_indices(7, 23, 5, np.random.default_rng(1))
    assert indices.size == 23 and indices.min() >= 0 and indices.max() < 7
    for start in range(0, 23, 5):
        assert (np.diff(indices[start : start + 5]) % 7 == 1).all()
    assert stationary_indices(7, 23, 1.0, np.random.default_rng(1)).max() < 7


@pytest.mark.parametrize("kind", ["stationary", "circular"])
@pytest.mark.parametrize("rho", [0.3, 0.7])
def test_automatic_block_approaches_its_closed_form_for_ar1(kind: str, rho: float) -> None:
    days = 40_000
    factor = 1.0 if kind == "stationary" else 1.5  # D is 2 g0^2 or 4/3 g0^2
    expected = (factor * (2 * rho / (1 - rho**2)) ** 2 * days) ** (1 / 3)
    x = ar1(rho, days, np.random.default_rng(2))
    assert stats.optimal_block(x, kind) == pytest.approx(expected, rel=0.15)


def test_automatic_block_of_noise_is_short() -> None:
    assert stats.optimal_block(np.random.default_rng(3).normal(size=2000)) < 8
    assert stats.optimal_block(np.full(30, 0.1)) == 1.0


@pytest.mark.parametrize(("days", "cap"), [(60, 20), (121, 33)])
def test_automatic_block_is_capped(days: int, cap: int) -> None:
    # alternating series have almost no long-run variance, so the formula asks for very long blocks
    blocks = [stats.optimal_block(ar1(-0.97, days, np.random.default_rng(seed))) for seed in range(30)]
    assert max(blocks) == cap  # T/3 for a short series, 3 sqrt T for a longer one


def naive_block(x: np.ndarray) -> float:
    n = len(x)
    mean = sum(x) / n

    def gamma(k: int) -> float:
        return sum((x[t] - mean) * (x[t - k] - mean) for t in range(k, n)) / n

    quiet, limit = max(5, int(np.sqrt(np.log10(n)))), 2 * np.sqrt(np.log10(n) / n)
    most, m = int(np.ceil(np.sqrt(n))) + quiet, 0
    while m < most and any(
        abs(gamma(m + k) / gamma(0)) >= limit for k in range(1, quiet + 1) if m + k <= most
    ):
        m += 1
    big = min(2 * max(m, 1), most)
    top = {k: min(1.0, 2 * (1 - abs(k) / big)) for k in range(-big, big + 1)}
    g = sum(top[k] * abs(k) * gamma(abs(k)) for k in top)
    g0 = sum(top[k] * gamma(abs(k)) for k in top)
    return max(
        1.0, min((2 * g**2 / (2 * g0**2)) ** (1 / 3) * n ** (1 / 3), np.ceil(min(3 * np.sqrt(n), n / 3)))
    )


def test_automatic_block_equals_a_naive_loop() -> None:
    for seed, rho in enumerate([0.0, 0.3, 0.6, -0.4]):
        x = ar1(rho, 180, np.random.default_rng(seed))
        assert stats.optimal_block(x) == pytest.approx(naive_block(x), rel=1e-10)


def test_the_block_is_the_longest_of_level_size_and_the_least() -> None:
    rng = np.random.default_rng(20)
    noise, slow = rng.normal(size=1600), ar1(0.95, 1600, rng)
    sizes = np.repeat([1.0, 4.0] * 8, 100) * rng.normal(size=1600)  # level without memory, size with a long one
    assert stats.block_length(noise) == stats.least_block(1600) == 80.0
    deviation = np.abs(sizes - sizes.mean())
    assert stats.optimal_block(sizes) < 52 < stats.optimal_block(deviation) < 80
    assert stats.block_length(sizes) == 80.0
    assert stats.block_length(sizes, rate=1.3) == round(stats.optimal_block(deviation), 1)
    assert stats.block_length(np.column_stack([noise, sizes]), rate=1.3) == stats.block_length(sizes, rate=1.3)
    assert stats.block_length(np.full(100, 0.1)) == stats.least_block(100) == 20.0, "a constant series"
    assert stats.block_length(slow, rate=1.3) >= round(stats.optimal_block(slow), 1) > 52


def test_few_blocks_expand_the_percentiles() -> None:
    """Of normal samples the expanded interval is t sqrt(k / (k - 1)) deviations wide instead of 1.96."""
    samples = np.random.default_rng(21).normal(size=400_000)
    for blocks, t in ((5, 2.776445), (10.9, 2.262157), (30, 2.045230)):
        k = int(blocks)
        low, high = stats.percentile_interval(samples, blocks=blocks)
        assert (high - low) / 2 == pytest.approx(t * (k / (k - 1)) ** 0.5, rel=0.03)
    many, plain = stats.percentile_interval(samples, blocks=1e6), stats.percentile_interval(samples)
    assert many == pytest.approx(plain, abs=1e-3)
    assert stats.percentile_interval(np.arange(5.0), blocks=0.3) == (0.0, 4.0), "one block: all that was drawn"


def test_a_quantile_leaves_the_share_that_it_should_however_few_the_samples() -> None:
    rng = np.random.default_rng(23)
    below = [np.mean(rng.random(2000) < stats.percentile_interval(rng.random(60), level=0.9)[0]) for _ in range(1500)]
    assert np.mean(below) == pytest.approx(0.05, abs=0.003)


def test_a_bootstrap_interval_expands_the_percentiles_of_its_own_samples() -> None:
    x = ar1(0.3, 300, np.random.default_rng(22))
    found = stats.bootstrap_interval(x, np.mean, rng=np.random.default_rng(1), n_samples=300)
    block = stats.block_length(x)
    samples = stats.block_bootstrap(x, np.mean, rng=np.random.default_rng(1), n_samples=300)
    assert found == (x.mean(), *stats.percentile_interval(samples, blocks=300 / block))


def test_bootstrap_mean_has_the_long_run_variance() -> None:
    rng = np.random.default_rng(4)
    x = ar1(0.6, 3000, rng)
    samples = stats.block_bootstrap(x, np.mean, rng=rng, n_samples=600)
    naive = stats.block_bootstrap(x, np.mean, rng=rng, n_samples=600, block=1)
    truth = (1 / (1 - 0.6)) / 3000**0.5
    assert samples.std() == pytest.approx(truth, rel=0.15)
    assert naive.std() < 0.65 * truth  # independent days miss the dependence


@pytest.mark.parametrize("kind", ["stationary", "circular"])
def test_interval_of_the_mean_covers_about_95_percent_on_ar1(kind: str) -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(150):
        samples = stats.block_bootstrap(ar1(0.4, 400, rng), np.mean, rng=rng, n_samples=200, kind=kind)
        low, high = stats.percentile_interval(samples)
        hits += low <= 0 <= high
    assert 0.87 <= hits / 150 <= 0.99


def test_prediction_interval_covers_one_further_path() -> None:
    rng = np.random.default_rng(6)
    hits = wide = 0
    reach = []
    for _ in range(120):
        known, fresh = ar1(0.3, 500, rng), ar1(0.3, 250, rng)
        interval = stats.prediction_interval(known, np.mean, length=250, rng=rng, n_samples=200)
        hits += interval.low <= fresh.mean() <= interval.high
        reach.append(interval.half_width)
        low, high = stats.percentile_interval(
            stats.block_bootstrap(known, np.mean, rng=rng, n_samples=200, length=250)
        )
        wide += interval.half_width > (high - low) / 2
    assert hits / 120 >= 0.92  # eight blocks: rather too wide than too narrow
    assert np.mean(reach) < 1.5 * 1.96 / (1 - 0.3) * (1 / 250 + 1 / 500) ** 0.5
    assert wide > 100  # our own sample is finite too: wider than resampled paths alone


def test_a_longer_path_is_predicted_more_narrowly() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(0.001, 0.01, 1500)
    short, long = (
        stats.prediction_interval(x, stats.sharpe, length=n, rng=rng, n_samples=300) for n in (250, 1500)
    )
    assert short.half_width > 1.4 * long.half_width
    assert short.value == stats.sharpe(x)


def test_pairs_stay_together() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(300, 1))
    gaps = stats.block_bootstrap(
        np.hstack([x, x + 1]), lambda path: float(np.ptp(path[:, 1] - path[:, 0])), rng=rng, n_samples=20
    )
    assert gaps.max() < 1e-12


def test_paired_differences_are_narrower_than_the_levels() -> None:
    rng = np.random.default_rng(9)
    market = rng.normal(0, 0.02, 1000)
    a, b = market + rng.normal(0.001, 0.002, 1000), market + rng.normal(0.0, 0.002, 1000)
    mean = stats.mean_difference_interval(a, b, rng=rng, n_samples=400, scale=252)
    assert mean.value == pytest.approx((a - b).mean() * 252) and mean.sign == 1
    assert mean.low < mean.value < mean.high
    gap = stats.sharpe_difference_interval(a, b, rng=rng, n_samples=400)
    memmel = stats.sharpe_difference(a, b)
    assert gap.value == pytest.approx(memmel.difference, rel=1e-12)
    assert gap.half_width == pytest.approx(1.96 * memmel.standard_error, rel=0.2)


def test_identical_series_differ_by_exactly_nothing() -> None:
    rng = np.random.default_rng(10)
    x = rng.normal(size=100)
    assert stats.mean_difference_interval(x, x, rng=rng, n_samples=50) == (0.0, 0.0, 0.0)
    assert stats.sharpe_difference_interval(x, x, rng=rng, n_samples=50) == (0.0, 0.0, 0.0)


def test_the_same_generator_gives_the_same_samples() -> None:
    x = np.random.default_rng(11).normal(size=60)
    one, two = (
        stats.block_bootstrap(x, np.mean, rng=np.random.default_rng(1), n_samples=30) for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)
    assert np.unique(one).size > 20


def test_a_last_digit_of_the_data_does_not_choose_other_paths() -> None:
    x = ar1(0.4, 1000, np.random.default_rng(13))
    nudged = x + 1e-4 * np.random.default_rng(14).normal(size=x.size)
    one, two = (stats.block_bootstrap(y, np.mean, rng=np.random.default_rng(15), n_samples=2000) for y in (x, nudged))
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-4)


def test_unusable_arguments_are_named() -> None:
    rng, x = np.random.default_rng(12), np.arange(10.0)
    with pytest.raises(StatisticsError, match="unknown kind 'moving'"):
        stats.block_bootstrap(x, np.mean, rng=rng, kind="moving")  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="block of 1 to 10 days, got 11"):
        stats.block_bootstrap(x, np.mean, rng=rng, block=11)
    with pytest.raises(StatisticsError, match="got 0 and 5"):
        stats.block_bootstrap(x, np.mean, rng=rng, length=0, n_samples=5)
    with pytest.raises(StatisticsError, match="at least 1 day"):
        stats.prediction_interval(x, np.mean, rng=rng, length=0)
    with pytest.raises(StatisticsError, match="between 0 and 1"):
        stats.percentile_interval(x, level=95)
    with pytest.raises(StatisticsError, match="not finite"):
        stats.block_bootstrap([1.0, np.nan], np.mean, rng=rng)
    with pytest.raises(StatisticsError, match=r"got shape \(1, 1, 1\)"):
        stats.block_bootstrap([[[1.0]]], np.mean, rng=rng)
