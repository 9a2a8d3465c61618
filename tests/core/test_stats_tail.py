"""Value-at-risk and expected shortfall: closed forms, published regions, back-tests with size and power."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from scipy.stats import t as student

from lib.errors import StatisticsError
from lib.stats import max_drawdown, sharpe
from lib.stats.rolling import rolling_drawdown, rolling_sharpe, rolling_volatility
from lib.stats.tail import (
    METHODS,
    cornish_fisher_tail,
    historical_tail,
    is_quantile,
    monte_carlo_tail,
    tail_forecasts,
    tail_of,
    weighted_deviation,
)
from lib.stats.tail_tests import (
    christoffersen,
    conditional_coverage,
    exceedances,
    kupiec,
    shortfall_test,
    shortfall_z,
)


def rng(seed=0):
    return np.random.default_rng(seed)


# --------------------------------------------------------------------------------- the estimates


def test_historical_is_the_mean_of_the_worst_days():
    r = rng().normal(size=400)
    worst = np.sort(r)[:10]
    found = historical_tail(r, 0.025)
    assert found.var == pytest.approx(-worst[-1]) and found.es == pytest.approx(-worst.mean())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.01, 0.025, 0.05])
def test_every_method_finds_the_normal_tail(method, level):
    r = rng(1).normal(0.1, 2.0, 200_000)
    found = tail_of(r, level, method, rng(2))
    z = norm.ppf(level)
    assert found.var == pytest.approx(-0.1 - 2 * z, rel=0.03)
    assert found.es == pytest.approx(-0.1 + 2 * norm.pdf(z) / level, rel=0.03)


def test_monte_carlo_finds_the_tail_of_student_t():
    r = student.rvs(8, size=300_000, random_state=3)
    found = monte_carlo_tail(r, 0.01, rng=rng(4), draws=400_000)
    quantile = student.ppf(0.01, 8)
    assert found.var == pytest.approx(-quantile, rel=0.03)
    assert found.es == pytest.approx(student.pdf(quantile, 8) / 0.01 * (8 + quantile**2) / 7, rel=0.03)


def test_cornish_fishers_shortfall_is_the_mean_of_its_quantiles():
    r = rng(5).normal(size=2000)
    r = r - 0.15 * r**2 + 0.05 * r**3
    d = (r - r.mean()) / r.std()
    s, k = (d**3).mean(), (d**4).mean() - 3
    assert is_quantile(s, k) and abs(s) > 0.3

    def quantile(u):
        z = norm.ppf(u)
        shape = z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
        return r.mean() + r.std(ddof=1) * shape

    found = cornish_fisher_tail(r, 0.05)
    assert found.var == pytest.approx(-quantile(0.05))
    assert found.es == pytest.approx(-quad(quantile, 0, 0.05)[0] / 0.05, rel=1e-6)


@pytest.mark.parametrize(
    ("skew", "excess", "fine"),
    [(0, 0, True), (0, 8, True), (0, 8.1, False), (0, -0.1, True),
     (2.4, 6, False), (1.5, 0.5, False), (0.8, 1.5, True)],
)  # fmt: skip
def test_the_domain_is_that_of_quantiles_that_increase(skew, excess, fine):
    z = np.linspace(-4, 0, 4001)
    quantile = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * excess / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    assert is_quantile(skew, excess) == fine == bool((np.diff(quantile) > -1e-12).all())


def test_what_has_no_tail_is_refused():
    jump = np.zeros(250)
    jump[7] = -1.0
    with pytest.raises(StatisticsError, match="do not increase"):
        cornish_fisher_tail(jump)
    for bad in ([0.1, 0.1, 0.1], [0.1, np.nan]):
        with pytest.raises(StatisticsError):
            historical_tail(bad)
    with pytest.raises(StatisticsError, match="level"):
        historical_tail([0.1, 0.2], 1.0)
    with pytest.raises(StatisticsError, match="method"):
        tail_of([0.1, 0.2], 0.05, "parametric", rng())


@pytest.mark.parametrize("decay", [None, 0.94])
@pytest.mark.parametrize("method", METHODS)
def test_a_forecast_reads_only_the_past(method, decay):
    r = rng(6).standard_t(8, size=120)
    other = r.copy()
    other[80:] = 50.0 * rng(7).normal(size=40)
    one, two = (tail_forecasts(x, 0.05, method=method, rng=rng(8), window=40, decay=decay) for x in (r, other))
    assert np.isnan(one.var[:40]).all() and np.isfinite(one.var[40:81]).mean() > 0.9
    np.testing.assert_array_equal(one.var[:81], two.var[:81])
    np.testing.assert_array_equal(one.es[:81], two.es[:81])
    known = np.isfinite(one.es)
    assert (one.es[known] >= one.var[known]).all() and not np.array_equal(one.var[81:], two.var[81:])


def test_a_forecast_is_the_tail_of_its_window():
    r = rng(9).normal(size=90)
    found = tail_forecasts(r, 0.1, method="historical", rng=rng(), window=50, every=3)
    assert (found.var[53], found.es[53]) == historical_tail(r[3:53], 0.1)
    assert found.var[54] == found.var[53] and found.es[56] == historical_tail(r[6:56], 0.1).es
    scale = weighted_deviation(r)
    scaled = tail_forecasts(r, 0.1, method="historical", rng=rng(), window=50, decay=0.94)
    own = historical_tail(r[10:60] / scale[10:60], 0.1)
    assert scaled.es[60] == pytest.approx(own.es * scale[60]) and scaled.var[60] == pytest.approx(own.var * scale[60])
    assert scale[30] ** 2 == pytest.approx(0.94 * scale[29] ** 2 + 0.06 * r[29] ** 2)


# ------------------------------------------------------------------------------------ the back-tests


@pytest.mark.parametrize(
    ("level", "days", "low", "high"),
    [(0.01, 510, 1, 11), (0.01, 1000, 4, 17), (0.05, 255, 6, 21), (0.05, 510, 16, 36), (0.05, 1000, 37, 65),
     (0.025, 255, 2, 12), (0.025, 510, 6, 21), (0.025, 1000, 15, 36)],
)  # fmt: skip
def test_kupiecs_regions_at_five_per_cent(level, days, low, high):
    """Kupiec (1995), table 3: not rejected while low < exceedances < high."""

    def p(count):
        return kupiec([1.0] * count + [0.0] * (days - count), level).p_value

    assert p(low) < 0.05 < p(low + 1) and p(high) < 0.05 < p(high - 1)


def test_christoffersen_is_the_ratio_of_likelihoods():
    hits = np.array([0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0], float)
    pairs = list(pairwise(hits))
    stay = {i: [b for a, b in pairs if a == i] for i in (0, 1)}
    p = {i: np.mean(after) for i, after in stay.items()}
    pooled = np.mean([b for _, b in pairs])

    def log(chances):
        return sum(np.log(c if b else 1 - c) for c, (_, b) in zip(chances, pairs, strict=True))

    expected = 2 * (log([p[a] for a, _ in pairs]) - log([pooled] * len(pairs)))
    assert christoffersen(hits).statistic == pytest.approx(expected)
    both = conditional_coverage(hits, 0.2)
    assert both.statistic == pytest.approx(expected + kupiec(hits, 0.2).statistic)


def test_the_tests_keep_their_size_and_find_what_is_wrong():
    draw, days, level = rng(10), 1000, 0.05
    rejected = dict.fromkeys(("right", "often", "clustered", "deep", "right depth"), 0)
    es, var = norm.pdf(norm.ppf(level)) / level, -norm.ppf(level)
    for _ in range(200):
        r = draw.normal(size=days)
        hits = exceedances(r, np.full(days, var))
        rejected["right"] += conditional_coverage(hits, level).p_value < 0.05
        rejected["often"] += kupiec(exceedances(1.3 * r, np.full(days, var)), level).p_value < 0.05
        volatile = r * np.where(np.arange(days) // 100 % 2, 2.2, 0.2)
        rejected["clustered"] += christoffersen(exceedances(volatile, np.full(days, 1.75))).p_value < 0.05
        rejected["right depth"] += shortfall_test(r, np.full(days, es), hits, rng=draw, samples=200).p_value < 0.05
        rejected["deep"] += shortfall_test(r, np.full(days, 0.85 * es), hits, rng=draw, samples=200).p_value < 0.05
    share = {name: count / 200 for name, count in rejected.items()}
    assert 0.01 <= share["right"] < 0.10 and 0.01 <= share["right depth"] < 0.11
    assert share["often"] > 0.9 and share["clustered"] > 0.8 and share["deep"] > 0.8


def test_acerbi_and_szekelys_five_per_cent_value():
    """Acerbi & Szekely (2014), table 5: at 2.5 % over 250 days, -0.70 for normal returns, -0.74 to -0.82 for t."""
    draw, level, days = rng(11), 0.025, 250
    z = norm.ppf(level)
    es, values = norm.pdf(z) / level, []
    for _ in range(4000):
        r = draw.normal(size=days)
        values.append(shortfall_z(r, np.full(days, es), exceedances(r, np.full(days, -z)), level))
    assert np.mean(values) == pytest.approx(0, abs=0.03)
    assert np.quantile(values, 0.05) == pytest.approx(-0.70, abs=0.05)


def test_tests_refuse_what_says_nothing():
    with pytest.raises(StatisticsError, match="hits"):
        kupiec([0.0, 0.5], 0.05)
    r, es = np.linspace(-1, 1, 30), np.full(30, 0.9)
    with pytest.raises(StatisticsError, match="at least 5"):
        shortfall_test(r, es, exceedances(r, np.full(30, 0.95)), rng=rng())
    with pytest.raises(StatisticsError, match="above 0"):
        shortfall_z(r, -es, np.zeros(30), 0.05)
    assert kupiec([0.0] * 50, 0.05).p_value < 0.05 and christoffersen([0.0] * 50) == (0.0, 1.0)


# ------------------------------------------------------------------------------------- rolling views


def test_rolling_views_are_the_statistics_of_each_window():
    r = 0.01 * rng(12).normal(size=60)
    ratio, deviation, fall = rolling_sharpe(r, 20), rolling_volatility(r, 20), rolling_drawdown(r, 20)
    assert np.isnan(ratio[:19]).all() and len(fall) == 60
    for t in (19, 40, 59):
        part = r[t - 19 : t + 1]
        assert ratio[t] == pytest.approx(sharpe(part)) and fall[t] == pytest.approx(max_drawdown(part))
        assert deviation[t] == pytest.approx(part.std(ddof=1) * 252**0.5)
    with pytest.raises(StatisticsError, match="window"):
        rolling_sharpe(r, 61)
