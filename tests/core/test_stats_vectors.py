"""Published numbers and closed forms: each line here can be looked up in the paper it comes from."""

from __future__ import annotations

import numpy as np
import pytest

from lib import stats
from lib.errors import StatisticsError

YEAR = 252
IC_SERIES = [0.02, 0.04, -0.01, 0.03, 0.05, 0.01, -0.02, 0.04, 0.06, 0.02]


@pytest.mark.parametrize(("rho", "expected"), [(-0.1, 17.543), (0.0, 15.875), (0.1, 14.365), (0.2, 12.972)])
def test_lo_annualisation_factor_under_ar1(rho: float, expected: float) -> None:
    # Lo (2002), q = 252
    assert round(stats.lo_factor(rho ** np.arange(1, YEAR), YEAR), 3) == expected


def test_lo_factor_ignores_lags_beyond_q_and_is_a_square_root_without_any() -> None:
    assert stats.lo_factor([], 12) == pytest.approx(12**0.5)
    assert stats.lo_factor([0.3, 0.2, 9.0], 3) == stats.lo_factor([0.3, 0.2], 3)


def test_lo_factor_refuses_autocorrelations_that_leave_no_variance() -> None:
    with pytest.raises(StatisticsError, match="imply a 2-period variance"):
        stats.lo_factor([-1.0], 2)


@pytest.mark.parametrize(("skew", "kurtosis", "expected"), [(0, 3, 0.9817), (-2.448, 10.164, 0.9134)])
def test_psr_of_bailey_and_lopez_de_prado(skew: float, kurtosis: float, expected: float) -> None:
    assert round(stats.psr(0.458, 24, skew, kurtosis), 4) == expected


def test_psr_is_one_half_at_its_benchmark_and_its_variance_is_mertens() -> None:
    assert stats.psr(0.1, 500, -1, 8, benchmark=0.1) == 0.5
    assert stats.sharpe_variance(0.2, 101, -1.0, 7.0) == pytest.approx(
        (1 + 0.2 + 1.5 * 0.04) / 100, rel=1e-14
    )


def test_expected_maximum_of_ten_trials() -> None:
    assert round(stats.expected_maximum(10, 1.0), 4) == 1.5746
    assert stats.expected_maximum(10, 4.0) == pytest.approx(2 * stats.expected_maximum(10))


def test_dsr_of_bailey_and_lopez_de_prado() -> None:
    sharpe, variance = 2.5 / 250**0.5, 0.5 / 250
    assert round(stats.expected_maximum(100, variance), 4) == 0.1132
    assert round(stats.dsr(sharpe, 1250, -3, 10, n_trials=100, trial_variance=variance), 4) == 0.9004
    assert round(stats.dsr(sharpe, 1250, -3, 10, n_trials=46, trial_variance=variance), 4) == 0.9505
    assert round(stats.dsr(sharpe, 1250, n_trials=88, trial_variance=variance), 4) == 0.9505


@pytest.mark.parametrize(
    ("periods", "skew", "kurtosis", "years"),
    [(252, 0, 3, 2.73), (52, 0, 3, 2.83), (12, 0, 3, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_minimum_track_record_of_annual_two_against_one(
    periods: int, skew: float, kurtosis: float, years: float
) -> None:
    length = stats.min_track_record(2 / periods**0.5, skew, kurtosis, benchmark=1 / periods**0.5, alpha=0.05)
    assert round(length / periods, 2) == years


def test_minimum_track_record_is_where_psr_reaches_its_level() -> None:
    length = stats.min_track_record(0.1, -1.0, 6.0, benchmark=0.02, alpha=0.01)
    assert stats.psr(0.1, length, -1.0, 6.0, benchmark=0.02) == pytest.approx(0.99, abs=1e-12)
    with pytest.raises(StatisticsError, match="does not exceed"):
        stats.min_track_record(0.1, benchmark=0.1)


def test_minimum_backtest_length_of_45_trials() -> None:
    assert round(stats.min_backtest_length(45, 1.0), 1) == 5.0


@pytest.mark.parametrize(("lags", "t"), [(0, 3.140544), (1, 3.339782), (2, 4.861315), (3, 6.368939)])
def test_newey_west_t_vector(lags: int, t: float) -> None:
    assert round(stats.newey_west_t(IC_SERIES, lags), 6) == t


@pytest.mark.parametrize("lags", [0, 1, 5, 20])
def test_newey_west_equals_statsmodels_hac(lags: int) -> None:
    from statsmodels.api import OLS

    x = np.random.default_rng(1).normal(0.1, 1, 300).cumsum() * 0.1 + 3
    fit = OLS(x, np.ones(x.size)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    assert stats.newey_west_t(x, lags) == pytest.approx(fit.tvalues[0], rel=1e-10)


def test_newey_west_default_lags_cover_the_overlap_of_the_labels() -> None:
    x = np.random.default_rng(2).normal(size=400)
    assert stats.newey_west_t(x) == stats.newey_west_t(x, 5)  # floor(4 * 4^(2/9))
    assert stats.newey_west_t(x, horizon=20) == stats.newey_west_t(x, 19)
    with pytest.raises(StatisticsError, match="overlap over 19 lags"):
        stats.newey_west_t(x, 5, horizon=20)


@pytest.mark.parametrize(("rho", "expected"), [(0.0, 0.82), (0.8, 0.37), (0.9, 0.26), (0.95, 0.18)])
def test_memmel_error_on_756_days(rho: float, expected: float) -> None:
    # two series with exact moments: correlation rho, the same small Sharpe ratio
    rng = np.random.default_rng(3)
    white = np.linalg.qr(np.column_stack([np.ones(756), rng.normal(size=(756, 2))]))[0][:, 1:] * 755**0.5
    second = rho * white[:, 0] + (1 - rho**2) ** 0.5 * white[:, 1]
    result = stats.sharpe_difference(white[:, 0] + 0.06, second + 0.06)
    assert round(result.standard_error, 2) == expected
    assert result.difference == pytest.approx(0, abs=1e-10)
    assert result.p_value == pytest.approx(1, abs=1e-9)


def test_memmel_against_its_formula() -> None:
    from scipy.stats import norm

    rng = np.random.default_rng(4)
    a = rng.normal(0.1, 1.0, 500)
    b = 0.5 * a + rng.normal(0.0, 1.0, 500)
    s1, s2, rho = a.mean() / a.std(ddof=1), b.mean() / b.std(ddof=1), np.corrcoef(a, b)[0, 1]
    variance = (2 - 2 * rho + 0.5 * (s1**2 + s2**2 - 2 * s1 * s2 * rho**2)) / 500
    result = stats.sharpe_difference(a, b, periods=250)
    assert result.difference == pytest.approx(
        stats.sharpe(a, periods=250) - stats.sharpe(b, periods=250), rel=1e-12
    )
    assert result.standard_error == pytest.approx((250 * variance) ** 0.5, rel=1e-12)
    assert result.z == pytest.approx((s1 - s2) / variance**0.5, rel=1e-12)
    assert result.p_value == pytest.approx(2 * norm.sf(abs(result.z)), rel=1e-10)


def test_one_annual_sharpe_on_756_days_has_an_error_of_0_58() -> None:
    assert round((stats.sharpe_variance(0.0, 757) * YEAR) ** 0.5, 2) == 0.58


def test_memmel_refuses_a_series_against_itself() -> None:
    x = np.random.default_rng(5).normal(size=50)
    with pytest.raises(StatisticsError, match="perfectly correlated"):
        stats.sharpe_difference(x, 3 * x)


def test_moments_against_scipy() -> None:
    from scipy.stats import kurtosis, skew

    x = np.random.default_rng(6).gamma(2.0, size=400)
    found = stats.moments(x)
    assert found.skew == pytest.approx(skew(x), rel=1e-12)
    assert found.kurtosis == pytest.approx(kurtosis(x, fisher=False), rel=1e-12)
    assert found.sharpe == pytest.approx(stats.sharpe(x, periods=1), rel=1e-14)
    assert found.n == 400
    assert stats.psr(*found) == stats.psr(found.sharpe, 400, found.skew, found.kurtosis)


def test_excess_kurtosis_passed_as_raw_is_noticed() -> None:
    with pytest.raises(StatisticsError, match="excess kurtosis"):
        stats.psr(2.0, 100, skew=2.0, kurtosis=0.5)


def test_effective_trials_between_one_and_all() -> None:
    rng = np.random.default_rng(7)
    common, own = rng.normal(size=(20000, 1)), rng.normal(size=(20000, 10))
    assert stats.effective_trials(own) == pytest.approx(10, abs=0.1)
    assert stats.effective_trials(common + own) == pytest.approx(5.5, abs=0.15)  # rho = 1/2


@pytest.mark.parametrize(
    ("p", "freedom", "printed"),
    [(0.975, 1, 12.706205), (0.975, 2, 4.302653), (0.025, 7, -2.364624), (0.975, 19, 2.093024), (0.999, 99, 3.174604),
     (0.5, 3, 0.0)],
)  # fmt: skip
def test_student_quantile_equals_the_printed_tables(p: float, freedom: int, printed: float) -> None:
    assert stats.student_quantile(p, freedom) == pytest.approx(printed, abs=5e-7)
    with pytest.raises(StatisticsError, match="degree of freedom"):
        stats.student_quantile(p, 0)


def test_seed_intervals_of_a_mean_and_of_one_more_path() -> None:
    from scipy.stats import t, ttest_1samp

    x = np.random.default_rng(8).normal(0.4, 0.2, 20)
    mean, path = stats.mean_interval(x), stats.path_interval(x)
    assert mean == pytest.approx((x.mean(), *ttest_1samp(x, 0).confidence_interval(0.95)), rel=1e-9)
    assert path.half_width == pytest.approx(t.ppf(0.975, 19) * x.std(ddof=1) * (1 + 1 / 20) ** 0.5, rel=1e-9)
    assert mean.sign == 1 and stats.Estimate(0.0, -1.0, 1.0).sign == 0


def test_holm_is_the_running_maximum() -> None:
    p = np.random.default_rng(9).random(25) ** 3
    order = np.argsort(p)
    stepped = [min(max((25 - k) * p[order[k]] for k in range(rank + 1)), 1) for rank in range(25)]
    np.testing.assert_allclose(stats.holm(p)[order], stepped, rtol=1e-12)
    with pytest.raises(StatisticsError, match=r"\[0, 1\]"):
        stats.holm([0.1, 1.2])


def test_autocorrelation_equals_statsmodels() -> None:
    from statsmodels.tsa.stattools import acf

    x = np.random.default_rng(10).normal(size=200).cumsum()
    np.testing.assert_allclose(stats.autocorrelation(x, 12), acf(x, nlags=12)[1:], rtol=1e-10)


def test_lo_sharpe_shrinks_a_trending_series() -> None:
    rng = np.random.default_rng(11)
    shocks = rng.normal(0.0005, 0.01, 2001)
    smooth = shocks[1:] + 0.5 * shocks[:-1]
    assert abs(stats.lo_sharpe(smooth)) < abs(stats.sharpe(smooth))
    assert stats.lo_sharpe(smooth, lags=0) == pytest.approx(stats.sharpe(smooth), rel=1e-12)
