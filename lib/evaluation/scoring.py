"""Score one set of predictions the same way for every variant: information, executed money, coverage.

Levels of one set; differences between two are in `lib.evaluation.contrasts`. A book's return stands gross and net of
costs, with its turnover and the cost that would use up what it earns over equal weight before costs.

Daily series are kept as arrays; a metric is a statistic of a series with an interval. The interval of a level is the
95 % prediction interval for one path of the papers' test length, by a block bootstrap over days: it says where a
single back-test of that length would land, not how precisely the mean is known. A level that a page tests against zero
has the interval of its mean as well, as NAME.mean (see `Numbers.tested`). Where intervals come from other markets
(samples = 0) only the statistic itself is recorded, and from fewer than MINIMUM_SESSIONS days too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lib.errors import StatisticsError
from lib.models.dataset import both_days, next_return
from lib.portfolio import active_returns, equal_weight, flat, phantom_alpha, simulate, top_k_buffer
from lib.stats import MINIMUM_SESSIONS, annual_return, bootstrap_interval, ic, max_drawdown, prediction_interval, sharpe
from lib.stats.forward import ahead
from lib.store.rows import Record, records

if TYPE_CHECKING:
    from lib.panel import Panel
    from lib.portfolio import Backtest

SESSIONS = 243  # a year of A-share trading
PAPER_DAYS = 756  # the papers' test span: three years of 252 days
COST_BPS = 8.0
SAMPLES = 1000  # paths behind an interval, where a study asks for no other number
MINIMUM_CELLS = 20  # stocks a day's IC needs

#: name of a run -> (fill, execution). naive_close is the papers' own back-test; executed_open is the headline.
RUNS = {
    "naive_close": ("close", "naive"),
    "executed_close": ("close", "executed"),
    "executed_open": ("open", "executed"),
}
_TRADED = ("active_sharpe_gross", "active_sharpe", "turnover", "break_even_bps")
#: what is recorded of each of them
RUN_METRICS = {
    "naive_close": ("sharpe", "sharpe_gross", "annual_return", "max_drawdown", *_TRADED),
    "executed_close": ("sharpe", "active_sharpe"),
    # gross of costs too: a variant that merely trades less must not look better
    "executed_open": ("sharpe", "max_drawdown", *_TRADED),
}
#: the runs whose books are compared gross and net of costs: the headline, and the papers' idealisation
BOOKS = ("executed_open", "naive_close")
Series = dict[str, np.ndarray]


def scored_cells(panel: Panel) -> dict[str, np.ndarray]:
    """Cells [T, N] an IC may be measured on.

    apparent: traded on the next day. m1: entry executable today, any outcome. m2: executable today and tomorrow, which
    conditions on the future and flatters.
    """
    outcome = np.isfinite(next_return(panel)) & panel.universe
    return {
        "apparent": outcome & ahead(panel.traded),
        "m1": outcome & panel.price_valid,
        "m2": outcome & both_days(panel.price_valid),
    }


#: metric -> (cells, kind of correlation)
IC_METRICS: dict[str, tuple[str, Literal["pearson", "spearman"]]] = {
    "apparent_ic": ("apparent", "pearson"), "m1_ic": ("m1", "pearson"), "m2_ic": ("m2", "pearson"),
    "m1_rank_ic": ("m1", "spearman"),
}  # fmt: skip
RECORDED = ("apparent_ic", "m1_ic", "m2_ic")


def daily_ics(
    panel: Panel, prediction: np.ndarray, among: np.ndarray | None = None, metrics: Iterable[str] = IC_METRICS
) -> Series:
    """Daily ICs [T], one series per metric.

    among: cells to restrict to, such as those that both sides of a contrast predict.
    """
    predicted = np.isfinite(prediction) if among is None else np.isfinite(prediction) & among
    label, cells = next_return(panel), scored_cells(panel)
    series = {}
    for metric in metrics:
        where, kind = IC_METRICS[metric]
        series[metric] = ic(prediction, label, cells[where] & predicted, kind=kind, min_cells=MINIMUM_CELLS)
    return series


def backtests(panel: Panel, prediction: np.ndarray, orders_allowed: np.ndarray | None) -> dict[str, Backtest]:
    """The runs of RUNS, at 8 bps a side."""

    def run(fill: Any, execution: str) -> Backtest:
        return simulate(
            panel, prediction, policy=top_k_buffer(), fill=fill, execution=execution, costs=flat(COST_BPS),
            orders_allowed=orders_allowed,
        )  # fmt: skip

    return {name: run(*how) for name, how in RUNS.items()}


def score(
    panel: Panel,
    prediction: np.ndarray,
    *,
    orders_allowed: np.ndarray | None,
    rng: np.random.Generator,
    samples: int | None = None,
) -> tuple[list[Record], Series]:
    """Every metric of a set of predictions [T, N] (NaN: none), and the daily series behind them.

    samples: resampled paths behind each interval; 0: no intervals; None: SAMPLES.
    """
    samples = SAMPLES if samples is None else samples
    days = np.flatnonzero(np.isfinite(prediction).any(axis=1))
    span = slice(int(days[0]), int(days[-1]) + 1)
    series = {name: values[span] for name, values in daily_ics(panel, prediction, metrics=RECORDED).items()}
    found = [record for name, values in series.items() for record in ic_records(name, values, rng, samples)]
    found.append(_coverage(panel, prediction, span))
    benchmark = equal_weight(panel)
    for name, run in backtests(panel, prediction, orders_allowed).items():
        found += _run_records(name, run, benchmark, rng, samples)
        series |= run_series(name, run, benchmark)
    for fill in ("close", "open"):
        found += _phantom_records(panel, prediction, fill, orders_allowed, rng, samples)
    return found, series


def _coverage(panel: Panel, prediction: np.ndarray, span: slice) -> Record:
    listed = (panel.universe & panel.observed)[span]
    predicted = np.isfinite(prediction[span]) & listed
    return {"metric": "coverage", "value": float(predicted.sum() / listed.sum()), "n": int(listed.sum())}


def ic_records(name: str, daily: np.ndarray, rng: np.random.Generator, samples: int) -> list[Record]:
    """Mean of a daily IC [T] over its defined days, with its interval; nothing where fewer than two are defined."""
    known = daily[np.isfinite(daily)]
    if len(known) < 2:
        return []
    return _with_interval(name, known, np.mean, rng, samples)


def _run_records(
    name: str, run: Backtest, benchmark: np.ndarray, rng: np.random.Generator, samples: int
) -> list[Record]:
    series = dict.fromkeys(_STATISTICS, run.returns) | {
        "sharpe_gross": run.gross,
        "active_sharpe": active_returns(run, benchmark),
        "active_sharpe_gross": active_returns(run, benchmark, gross=True),
    }
    found: list[Record] = []
    for metric in RUN_METRICS[name]:
        if metric in series:
            statistic = _STATISTICS.get(metric, annual_sharpe)
            found += _with_interval(f"{name}.{metric}", series[metric], statistic, rng, samples)
        else:
            found += _trading_record(name, metric, run, series["active_sharpe_gross"])
    return found


def _trading_record(name: str, metric: str, run: Backtest, active_gross: np.ndarray) -> list[Record]:
    """turnover: mean a day, without the first day, which only buys. break_even_bps: the cost in basis points a side
    that uses up the gross return over equal weight; negative where there is none, missing for a book that never trades.
    """
    if metric == "turnover":
        value = float(run.turnover[1:].mean())
    elif run.turnover.any():
        value = float(1e4 * active_gross.mean() / run.turnover.mean())
    else:
        return []
    return records({f"{name}.{metric}": value}, len(run.returns))


def run_series(name: str, run: Backtest, benchmark: np.ndarray) -> Series:
    """What is kept of a run, by day: its return, that over equal weight net and gross, its turnover."""
    series = {"returns": run.returns, "active": active_returns(run, benchmark)}
    if name in BOOKS:
        series |= {"active_gross": active_returns(run, benchmark, gross=True), "turnover": run.turnover}
    return {f"{name}.{what}": values for what, values in series.items()}


def _phantom_records(
    panel: Panel,
    prediction: np.ndarray,
    fill: Any,
    orders_allowed: np.ndarray | None,
    rng: np.random.Generator,
    samples: int,
) -> list[Record]:
    """Naive minus executed return of the same predictions, zero cost, a year; and the part of refused limit-up buys."""
    found = phantom_alpha(panel, prediction, policy=top_k_buffer(), fill=fill, orders_allowed=orders_allowed)
    return [
        *_with_interval(f"phantom_{fill}", found.total, _annual_mean, rng, samples),
        *_tested(f"phantom_{fill}", found.total, rng, samples),
        *_with_interval(f"phantom_{fill}.limit_up_buys", found.limit_up_buys, _annual_mean, rng, samples),
    ]


def _with_interval(
    name: str, daily: np.ndarray, statistic: Callable[[np.ndarray], float], rng: np.random.Generator, samples: int
) -> list[Record]:
    """The statistic and its prediction interval for one path of the papers' length; nothing where it is undefined."""
    try:
        if not resampled(daily, samples):
            return records({name: statistic(daily)}, len(daily))
        found = prediction_interval(daily, statistic, length=PAPER_DAYS, rng=rng, n_samples=samples)
    except StatisticsError:
        return []
    return records(found.columns(name), len(daily))


def _tested(name: str, daily: np.ndarray, rng: np.random.Generator, samples: int) -> list[Record]:
    """An annual mean with the interval of that mean, for its test against zero; nothing where there is none."""
    if not resampled(daily, samples):
        return []
    found = bootstrap_interval(daily, _annual_mean, rng=rng, n_samples=samples)
    return records(found.columns(f"{name}.mean"), len(daily))


def resampled(daily: np.ndarray, samples: int) -> bool:
    """Whether a daily series gets an interval from resampled paths of its own."""
    return samples > 0 and len(daily) >= MINIMUM_SESSIONS


def annual_sharpe(returns: np.ndarray) -> float:
    """Sharpe ratio a year of 243 sessions."""
    return sharpe(returns, periods=SESSIONS)


def _annual_return(returns: np.ndarray) -> float:
    return annual_return(returns, periods=SESSIONS)


def _annual_mean(returns: np.ndarray) -> float:
    return float(returns.mean()) * SESSIONS


_STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "sharpe": annual_sharpe, "annual_return": _annual_return, "max_drawdown": max_drawdown,
}  # fmt: skip
