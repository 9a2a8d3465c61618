"""No statistic returns inf or NaN, and the best of few trials is never worse than no trial at all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lib import stats
from lib.errors import StatisticsError
from lib.stats.selection import FEWEST, NORMAL
from lib.studies.coverage.expected import Chain, by_stock, clustered

HUGE = [1e200, -0.5, 3e200, -0.25]
RNG = np.random.default_rng(0)
FEW: dict[str, Any] = {"rng": RNG, "n_samples": 9, "block": 1}

#: every statistic of one series, and how it is called
OF_ONE: dict[str, Callable[[Any], Any]] = {
    "sharpe": stats.sharpe,
    "sortino": lambda x: stats.sortino(x, target=1e300),
    "equity": stats.equity,
    "annual_return": stats.annual_return,
    "annual_volatility": stats.annual_volatility,
    "max_drawdown": stats.max_drawdown,
    "calmar": stats.calmar,
    "moments": stats.moments,
    "autocorrelation": lambda x: stats.autocorrelation(x, 1),
    "newey_west_error": stats.newey_west_error,
    "newey_west_t": stats.newey_west_t,
    "lo_sharpe": lambda x: stats.lo_sharpe(x, lags=1),
    "mean_interval": stats.mean_interval,
    "path_interval": stats.path_interval,
    "optimal_block": stats.optimal_block,
    "turnover": lambda x: stats.turnover(np.outer(x, [5e107, 5e107])),
    "effective_trials": lambda x: stats.effective_trials(np.array([x, np.flip(x)]).T),
    "sharpe_difference": lambda x: stats.sharpe_difference(x, np.flip(x)),
    "sharpe_difference_interval": lambda x: stats.sharpe_difference_interval(x, np.flip(x), **FEW),
    "mean_difference_interval": lambda x: stats.mean_difference_interval(x, np.flip(x), **FEW, scale=1e308),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_ONE)
def test_what_overflows_is_an_error_of_the_package(name: str) -> None:
    with pytest.raises(StatisticsError, match=r"doubles end|not finite"):
        OF_ONE[name](HUGE)


@pytest.mark.parametrize("name", [*OF_ONE, "percentile_interval", "holm", "block_bootstrap", "prediction_interval"])
def test_an_empty_series_is_an_error_of_the_package(name: str) -> None:
    resampled = {
        "percentile_interval": stats.percentile_interval,
        "holm": stats.holm,
        "block_bootstrap": lambda x: stats.block_bootstrap(x, np.mean, rng=RNG),
        "prediction_interval": lambda x: stats.prediction_interval(x, np.mean, length=5, rng=RNG),
    }
    with pytest.raises(StatisticsError):
        (OF_ONE | resampled)[name]([])


def test_a_ratio_of_two_overflows_is_no_plausible_zero() -> None:
    with pytest.raises(StatisticsError, match="overflow"):  # the deviation alone is infinite, the ratio would be 0
        stats.sharpe([1e200, 2e200, -1e200])


def test_a_table_of_metrics_leaves_what_overflows_out() -> None:
    assert all(math.isfinite(value) for value in stats.summary(HUGE).values())
    assert "annual_return" not in stats.summary(HUGE)


def test_no_days_times_no_columns_is_refused_in_words() -> None:
    for empty in (np.zeros((0, 3)), np.zeros((5, 0))):
        with pytest.raises(StatisticsError, match="at least one of each"):
            stats.block_bootstrap(empty, np.mean, rng=RNG, block=1)
        with pytest.raises(StatisticsError, match="T and N >= 1"):
            stats.turnover(empty)
        with pytest.raises(StatisticsError, match="T and N >= 1"):
            stats.ic(empty, empty, empty.astype(bool))


def test_a_statistic_that_is_not_finite_on_some_path_is_named() -> None:
    with pytest.raises(StatisticsError, match=r"statistic of the resampled paths: .* not finite"):
        stats.block_bootstrap([1.0, 2.0, 3.0], lambda path: np.nan, rng=RNG, block=1, n_samples=3)
    with pytest.raises(StatisticsError, match="not finite"):
        stats.prediction_interval([1.0, 2.0, 4.0], lambda path: np.inf, length=4, rng=RNG, n_samples=3)


@pytest.mark.parametrize("periods", [0, -252, np.inf, np.nan])
def test_a_year_has_a_finite_number_of_periods(periods: float) -> None:
    for statistic in (stats.sharpe, stats.annual_return, stats.annual_volatility):
        with pytest.raises(StatisticsError, match="periods: expected a finite number above 0"):
            statistic([0.1, -0.1, 0.2], periods=periods)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_moments_that_are_not_finite_are_refused(bad: float) -> None:
    calls: list[Callable[[], float]] = [
        lambda: stats.psr(bad, 100),
        lambda: stats.psr(0.1, bad),
        lambda: stats.psr(0.1, 100, bad),
        lambda: stats.psr(0.1, 100, benchmark=bad),
        lambda: stats.expected_maximum(bad),
        lambda: stats.expected_maximum(3, bad),
        lambda: stats.dsr(0.1, 100, n_trials=bad, trial_variance=0.1),
        lambda: stats.min_track_record(bad),
        lambda: stats.min_backtest_length(5, bad),
        lambda: stats.lo_factor([bad], 12),
    ]
    for call in calls:
        with pytest.raises(StatisticsError):
            call()


def test_words_and_ragged_rows_are_no_series() -> None:
    for values in ("text", [1.0, "x"], [[1.0], [1.0, 2.0]]):
        with pytest.raises(StatisticsError, match="expected numbers"):
            stats.sharpe(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_an_information_coefficient_does_not_depend_on_the_size_of_its_numbers(size: float) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 6, 40))
    cells = rng.random((6, 40)) < 0.9
    expected = [np.corrcoef(a[c], b[c])[0, 1] for a, b, c in zip(x, y, cells, strict=True)]
    np.testing.assert_allclose(stats.ic(size * x, y / size, cells), expected, rtol=1e-12)


def test_a_share_of_windows_needs_cells_and_a_possible_chain() -> None:
    nothing = np.zeros((5, 2), dtype=bool)
    with pytest.raises(StatisticsError, match="no cell is both valid and scored"):
        by_stock(nothing, nothing, nothing, 3, 1.0)
    for chain in (Chain(0.1, 0.0), Chain(1.5, 2.0), Chain(math.nan, 2.0), Chain(0.1, math.inf)):
        with pytest.raises(StatisticsError, match="share from 0 to 1"):
            clustered(chain, 5, 1.0)


# -- the best of N trials -------------------------------------------------------------------------


def formula(n: float) -> float:
    c = 0.5772156649015329
    return (1 - c) * NORMAL.inv_cdf(1 - 1 / n) + c * NORMAL.inv_cdf(1 - 1 / (n * math.e))


def test_one_trial_is_its_own_best() -> None:
    assert stats.expected_maximum(1) == 0.0 == stats.min_backtest_length(1)
    assert stats.dsr(0.1, 250, -1.0, 6.0, n_trials=1, trial_variance=0.02) == stats.psr(0.1, 250, -1.0, 6.0)


def test_more_trials_give_a_better_best_and_a_longer_backtest() -> None:
    trials = [*np.linspace(1, 4, 301), 10, 45, 100, 1e4, 1e12, 1e18, 1e200]
    best = [stats.expected_maximum(n) for n in trials]
    assert all(a < b for a, b in itertools.pairwise(best))
    lengths = [stats.min_backtest_length(n) for n in trials]
    assert all(a < b for a, b in itertools.pairwise(lengths))


@pytest.mark.parametrize("n", [FEWEST, 1.5, 2, 10, 46, 1000])
def test_where_the_approximation_holds_it_is_the_published_one(n: float) -> None:
    assert stats.expected_maximum(n, 4.0) == pytest.approx(2 * formula(n), rel=1e-9)


def test_the_approximation_is_not_used_where_it_falls_below_zero() -> None:
    assert formula(1.2) < 0 < stats.expected_maximum(1.2) < stats.expected_maximum(FEWEST)


@pytest.mark.parametrize("n", [1, 1.01, 1.1, 1.28, 2, 50])
@pytest.mark.parametrize("sharpe", [-0.05, 0.0, 0.15])
def test_deflating_never_raises_a_probability(n: float, sharpe: float) -> None:
    assert stats.dsr(sharpe, 500, -0.5, 5.0, n_trials=n, trial_variance=0.01) <= stats.psr(sharpe, 500, -0.5, 5.0)


def test_settings_of_one_idea_count_as_little_more_than_one_trial() -> None:
    rng = np.random.default_rng(2)
    trials = rng.normal(0.0005, 0.01, (600, 1)) + rng.normal(0, 0.0004, (600, 6))
    count = stats.effective_trials(trials)
    assert 1 < count < 1.1
    best = max((stats.moments(trial) for trial in trials.T), key=lambda found: found.sharpe)
    assert stats.dsr(*best, n_trials=count, trial_variance=1e-6) <= stats.psr(*best)


def test_more_trials_than_a_number_holds_are_an_error() -> None:
    assert stats.expected_maximum(1e300) > stats.expected_maximum(1e299)
    for call in (
        lambda: stats.expected_maximum(1e308),
        lambda: stats.dsr(0.1, 250, n_trials=1e308, trial_variance=0.02),
        lambda: stats.min_backtest_length(1e308),
    ):
        with pytest.raises(StatisticsError, match=r"at most 1e\+300"):
            call()


def test_intervals_and_errors_are_finite_or_an_error_of_the_package() -> None:
    for value, error in ((math.nan, 1.0), (0.0, math.nan), (math.inf, 1.0), (1e308, 1e308)):
        with pytest.raises(StatisticsError, match="normal_interval"):
            stats.normal_interval(value, error)
    with pytest.raises(StatisticsError, match="newey_west_errors"):
        stats.newey_west_errors(np.array([HUGE]).T)
    with pytest.raises(StatisticsError, match="lo_variance"):
        stats.lo_variance(1e308, 1e18)
    gaps = np.array([[0.1, math.nan], [0.3, math.nan], [math.nan, math.nan]])
    assert np.isfinite(stats.newey_west_errors(gaps)).all()


def test_less_than_one_trial_is_an_error() -> None:
    for n in (0.99, 0, -3, math.nan):
        with pytest.raises(StatisticsError, match="at least one trial"):
            stats.expected_maximum(n)
