"""Metrics and inference: one import for every statistic that a table prints.

performance: one return series. selection: luck and the best of many trials. inference: tests and intervals
of means and Sharpe ratios. bootstrap: blocks of days. information: the information coefficient.
An undefined statistic raises `StatisticsError`; it is never 0 or NaN. Two documented exceptions for tables:
`summary` leaves undefined metrics out, `ic` returns NaN on days without enough cells.
"""

from __future__ import annotations

from lib.stats.bootstrap import (
    MINIMUM_SESSIONS,
    block_bootstrap,
    block_length,
    bootstrap_interval,
    least_block,
    mean_difference_interval,
    optimal_block,
    percentile_interval,
    prediction_interval,
    sharpe_difference_interval,
)
from lib.stats.estimates import Estimate
from lib.stats.inference import (
    SharpeDifference,
    autocorrelation,
    holm,
    lo_factor,
    lo_sharpe,
    mean_interval,
    newey_west_error,
    newey_west_errors,
    newey_west_t,
    normal_interval,
    path_interval,
    sharpe_difference,
    student_quantile,
)
from lib.stats.information import ic
from lib.stats.multiple import false_discovery, newey_west_p
from lib.stats.performance import (
    annual_return,
    annual_volatility,
    calmar,
    equity,
    max_drawdown,
    sharpe,
    sortino,
    summary,
    turnover,
)
from lib.stats.rows import masked_ranks, percentile_ranks
from lib.stats.selection import (
    Moments,
    dsr,
    effective_trials,
    expected_maximum,
    min_backtest_length,
    min_track_record,
    moments,
    psr,
    sharpe_variance,
)
from lib.stats.sharpe_errors import SharpeEstimate, lo_variance, sharpe_interval

__all__ = [
    "Estimate",
    "MINIMUM_SESSIONS",
    "Moments",
    "SharpeDifference",
    "SharpeEstimate",
    "annual_return",
    "annual_volatility",
    "autocorrelation",
    "block_bootstrap",
    "block_length",
    "bootstrap_interval",
    "calmar",
    "dsr",
    "effective_trials",
    "equity",
    "expected_maximum",
    "false_discovery",
    "holm",
    "ic",
    "least_block",
    "lo_factor",
    "lo_sharpe",
    "lo_variance",
    "masked_ranks",
    "max_drawdown",
    "mean_difference_interval",
    "mean_interval",
    "min_backtest_length",
    "min_track_record",
    "moments",
    "newey_west_error",
    "newey_west_errors",
    "newey_west_p",
    "newey_west_t",
    "normal_interval",
    "optimal_block",
    "path_interval",
    "percentile_interval",
    "percentile_ranks",
    "prediction_interval",
    "psr",
    "sharpe",
    "sharpe_difference",
    "sharpe_difference_interval",
    "sharpe_interval",
    "sharpe_variance",
    "sortino",
    "student_quantile",
    "summary",
    "turnover",
]
