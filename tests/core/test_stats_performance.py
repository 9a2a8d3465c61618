"""Performance metrics against loops, and the rule that an undefined statistic is an error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import stats
from lib.errors import StatisticsError

RETURNS = np.random.default_rng(0).normal(0.0004, 0.012, 700)


def test_sharpe_and_sortino_equal_loops() -> None:
    mean = sum(RETURNS) / len(RETURNS)
    deviation = math.sqrt(sum((r - mean) ** 2 for r in RETURNS) / (len(RETURNS) - 1))
    downside = math.sqrt(sum(min(r - 0.001, 0.0) ** 2 for r in RETURNS) / len(RETURNS))
    assert stats.sharpe(RETURNS) == pytest.approx(mean / deviation * math.sqrt(252), rel=1e-12)
    assert stats.sharpe(RETURNS, periods=243) == pytest.approx(mean / deviation * math.sqrt(243), rel=1e-12)
    assert stats.sortino(RETURNS, target=0.001) == pytest.approx(
        (mean - 0.001) / downside * math.sqrt(252), rel=1e-12
    )


def test_drawdown_growth_and_calmar_equal_loops() -> None:
    level, high, worst = 1.0, 1.0, 0.0
    for r in RETURNS:
        level *= 1 + r
        high = max(high, level)
        worst = max(worst, 1 - level / high)
    growth = level ** (252 / len(RETURNS)) - 1
    assert stats.max_drawdown(RETURNS) == pytest.approx(worst, rel=1e-12)
    assert stats.annual_return(RETURNS) == pytest.approx(growth, rel=1e-12)
    assert stats.calmar(RETURNS) == pytest.approx(growth / worst, rel=1e-12)
    assert stats.equity(RETURNS)[-1] == pytest.approx(level, rel=1e-12)
    assert stats.annual_volatility(RETURNS) == pytest.approx(np.std(RETURNS, ddof=1) * 252**0.5)


def test_a_loss_on_the_first_day_is_a_drawdown_and_ruin_is_one() -> None:
    assert stats.max_drawdown([-0.25, 0.1]) == 0.25
    assert stats.max_drawdown([0.1, -1.0]) == 1.0
    assert stats.annual_return([0.1, -1.0]) == -1.0
    assert stats.max_drawdown([0.1, 0.0]) == 0.0


@pytest.mark.parametrize("constant", [0.0, 0.1, -0.003, 1e-5])
@pytest.mark.parametrize(
    "statistic",
    [
        stats.sharpe,
        stats.moments,
        stats.newey_west_t,
        stats.lo_sharpe,
        stats.mean_interval,
        stats.path_interval,
    ],
)
def test_constant_returns_are_an_error(constant: float, statistic: Callable[[Any], Any]) -> None:
    with pytest.raises(StatisticsError, match="constant at"):
        statistic(np.full(300, constant))


def test_constant_up_to_rounding_is_an_error() -> None:
    path = 1.01 ** np.arange(400)
    with pytest.raises(StatisticsError, match=r"constant at 0\.01"):
        stats.sharpe(path[1:] / path[:-1] - 1)


def test_small_but_real_variation_is_not_constant() -> None:
    assert math.isfinite(stats.sharpe(1e-6 + 1e-9 * RETURNS))


def test_undefined_ratios_say_what_is_missing() -> None:
    with pytest.raises(StatisticsError, match="none of 2 returns is below the target"):
        stats.sortino([0.01, 0.02])
    with pytest.raises(StatisticsError, match="never falls"):
        stats.calmar([0.01, 0.02])
    with pytest.raises(StatisticsError, match="below -1"):
        stats.max_drawdown([0.1, -1.5])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.1, np.nan, 0.2, np.inf], "2 of 4 observations are not finite, first at position 1"),
        ([0.1], "at least 2 observations, got 1"),
        ([[0.1, 0.2]], r"one dimension \[T\], got shape \(1, 2\)"),
    ],
)
def test_bad_series_are_named(values: Any, message: str) -> None:
    for statistic in (
        stats.sharpe,
        stats.sortino,
        stats.annual_volatility,
        stats.newey_west_t,
        stats.summary,
    ):
        with pytest.raises(StatisticsError, match=message):
            statistic(values)


def test_paired_series_need_the_same_days() -> None:
    with pytest.raises(StatisticsError, match="same days: got 3 and 4"):
        stats.sharpe_difference([1, 2, 4], [1, 2, 4, 5])


def test_summary_leaves_the_undefined_out() -> None:
    full = stats.summary(RETURNS, periods=243)
    assert full == {
        "sharpe": stats.sharpe(RETURNS, periods=243),
        "sortino": stats.sortino(RETURNS, periods=243),
        "annual_return": stats.annual_return(RETURNS, periods=243),
        "annual_volatility": stats.annual_volatility(RETURNS, periods=243),
        "max_drawdown": stats.max_drawdown(RETURNS),
        "calmar": stats.calmar(RETURNS, periods=243),
    }
    assert set(stats.summary([0.0, 0.0])) == {"annual_return", "annual_volatility", "max_drawdown"}


def test_turnover_counts_the_first_purchase_and_drift_only_when_given() -> None:
    weights = np.array([[0.5, 0.5], [0.5, 0.5], [0.0, 1.0]])
    assert stats.turnover(weights) == pytest.approx((1 + 0 + 1) / 3)
    before = np.array([[0.0, 0.0], [0.6, 0.4], [0.5, 0.5]])
    assert stats.turnover(weights, before) == pytest.approx((1 + 0.2 + 1) / 3)
    with pytest.raises(StatisticsError, match="write 0 for a name that is not held"):
        stats.turnover([[np.nan, 1.0]])
    with pytest.raises(StatisticsError, match="before trading are"):
        stats.turnover(weights, before[:2])


@given(st.lists(st.floats(-0.5, 0.5), min_size=5, max_size=60), st.floats(0.1, 10))
def test_sharpe_does_not_depend_on_leverage_and_drawdown_stays_in_range(
    values: list[float], scale: float
) -> None:
    r = np.array(values)
    assert 0 <= stats.max_drawdown(r) <= 1
    if np.ptp(r) > 1e-6:
        assert stats.sharpe(r * scale) == pytest.approx(stats.sharpe(r), rel=1e-6, abs=1e-9)
        assert stats.sharpe(-r) == pytest.approx(-stats.sharpe(r), rel=1e-12)
