"""False discovery rates, errors of a Sharpe ratio, p-values of a mean IC: published vectors, then null and power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from lib.errors import StatisticsError
from lib.stats import false_discovery, lo_variance, newey_west_p, newey_west_t, sharpe, sharpe_interval

#: Benjamini & Hochberg (1995), section 3.2: 15 tests, of which the procedure rejects four at 5 %, Bonferroni's three
PUBLISHED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


def test_the_published_example_rejects_four_and_by_three():
    assert (false_discovery(PUBLISHED) <= 0.05).sum() == 4
    assert (false_discovery(PUBLISHED, dependence="any") <= 0.05).sum() == 3


def test_adjusted_values_are_scipys_and_follow_the_order_given():
    p = np.random.default_rng(0).permutation(PUBLISHED)
    for dependence, method in (("positive", "bh"), ("any", "by")):
        np.testing.assert_allclose(
            false_discovery(p, dependence=dependence), false_discovery_control(p, method=method), rtol=1e-12
        )


def test_the_false_discovery_rate_is_kept_with_and_without_effects():
    rng, rates, found = np.random.default_rng(1), [], []
    for _ in range(300):
        z = rng.normal(size=100)
        z[:20] += 4.0
        p = np.array([2 * _tail(abs(x)) for x in z])
        rejected = false_discovery(p) <= 0.1
        rates.append(rejected[20:].sum() / max(rejected.sum(), 1))
        found.append(rejected[:20].mean())
    assert 0.06 < np.mean(rates) < 0.1, "80 of 100 tests are null, so the rate is 0.08"
    assert np.mean(found) > 0.9


def _tail(x):
    from statistics import NormalDist

    return NormalDist().cdf(-x)


@pytest.mark.parametrize("bad", [[-0.1, 0.5], [0.5, 1.1], [np.nan], []])
def test_what_is_no_p_value_is_refused(bad):
    with pytest.raises(StatisticsError):
        false_discovery(bad)
    with pytest.raises(StatisticsError, match="dependence"):
        false_discovery([0.5], dependence="none")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ratio", "n", "printed"), [(0.5, 12, 0.306), (0.5, 60, 0.137), (1.0, 60, 0.158), (3.0, 500, 0.105)]
)
def test_los_table_of_standard_errors(ratio, n, printed):
    assert lo_variance(ratio, n) ** 0.5 == pytest.approx(printed, abs=5e-4)


def test_the_three_errors_agree_on_independent_normal_returns():
    r = np.random.default_rng(2).normal(0.05, 1.0, 100_000)
    errors = [sharpe_interval(r, kind=kind).error for kind in ("normal", "mertens", "hac")]
    np.testing.assert_allclose(errors, errors[0], rtol=0.02)
    assert sharpe_interval(r).value == pytest.approx(sharpe(r))


def test_mertens_error_is_that_of_its_formula():
    r = np.array([0.02, -0.01, 0.03, 0.01, -0.02, 0.02, -0.06])
    z = (r - r.mean()) / r.std()
    ratio = r.mean() / r.std(ddof=1)
    expected = (1 - (z**3).mean() * ratio + ((z**4).mean() - 1) / 4 * ratio**2) / (r.size - 1)
    assert sharpe_interval(r, periods=1).error == pytest.approx(expected**0.5)


def test_intervals_cover_and_only_the_hac_one_under_dependence():
    rng, n = np.random.default_rng(3), 750
    kinds = ("normal", "mertens", "hac")
    covered = {(kind, rho): 0 for kind in kinds for rho in (0.0, 0.5)}
    for _ in range(300):
        shocks = rng.standard_t(5, n + 50)
        for rho in (0.0, 0.5):
            x = np.zeros(n + 50)
            for t in range(1, n + 50):
                x[t] = rho * x[t - 1] + shocks[t]
            for kind in kinds:
                found = sharpe_interval(x[50:], kind=kind, periods=1, lags=10 if kind == "hac" else None)
                covered[kind, rho] += found.low <= 0 <= found.high
    shares = {key: count / 300 for key, count in covered.items()}
    assert all(0.92 < shares[kind, 0.0] < 0.98 for kind in kinds)
    assert shares["normal", 0.5] < 0.85 and shares["mertens", 0.5] < 0.85 and shares["hac", 0.5] > 0.90


def test_an_unknown_kind_and_constant_returns_are_refused():
    with pytest.raises(StatisticsError, match="kind"):
        sharpe_interval([0.1, 0.2], kind="other")  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="constant"):
        sharpe_interval([0.1, 0.1])
    with pytest.raises(StatisticsError):
        lo_variance(0.5, 1)


def test_the_p_value_of_a_mean_is_that_of_its_t_and_needs_the_overlap():
    x = [0.02, 0.04, -0.01, 0.03, 0.05, 0.01, -0.02, 0.04, 0.06, 0.02]
    assert newey_west_p(x, 2) == pytest.approx(2 * _tail(newey_west_t(x, 2)))
    with pytest.raises(StatisticsError, match="overlap"):
        newey_west_p(x, 1, horizon=5)


def test_overlapping_labels_reject_a_true_null_unless_the_lags_say_so():
    rng, naive, honest = np.random.default_rng(4), 0, 0
    for _ in range(300):
        x = np.convolve(rng.normal(size=1019), np.ones(20) / 20, "valid")  # 20-day labels, every day
        naive += newey_west_p(x, 0) < 0.05
        honest += newey_west_p(x, 40, horizon=20) < 0.05
    assert naive / 300 > 0.55 and honest / 300 < 0.16
