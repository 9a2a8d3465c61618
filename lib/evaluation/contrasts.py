"""Two sets of predictions compared: information, and books gross before net.

A book that merely trades less must not look better. So every comparison of two books gives, for the headline
(executed_open) and for the papers' idealisation (naive_close): the difference of active Sharpe ratios and of annual
returns, gross and net of costs; both turnovers; the difference net of costs once both trade the same; and the cost at
which one stops being better than the other. Active: over equal weight, so what the market gives everyone has no part.

Metrics of a run, all of left minus right unless a side is named:
    RUN.active_sharpe_gross, RUN.active_sharpe, RUN.annual_gross, RUN.annual_net
    RUN.turnover, RUN.turnover.left, RUN.turnover.right         mean a day, bought plus sold over equity
    RUN.break_even_bps      the cost a side at which both earn the same; missing where there is none, see next
    RUN.dominance           1: left earns more at every cost; -1: right; 0: it depends on the cost
    RUN.matched.*           with the buffer of the side that trades more widened until both trade the same on validation
                            days, measured on the days after them: multiple (the buffer in units of k),
                            validation_ratio and turnover_ratio (left over right, on validation days and after them),
                            active_sharpe and annual_net. Where no buffer makes the turnovers equal within 5 per cent
                            there is validation_ratio alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.evaluation import scoring
from lib.evaluation.scoring import (
    BOOKS,
    COST_BPS,
    RECORDED,
    RUNS,
    SESSIONS,
    annual_sharpe,
    daily_ics,
    resampled,
)
from lib.portfolio import (
    active_returns,
    break_even_bps,
    dominance,
    equal_weight,
    flat,
    matched_buffer,
    simulate,
    top_k_buffer,
    traded,
    validation_days,
)
from lib.stats import bootstrap_interval, mean_difference_interval, sharpe_difference_interval
from lib.store.rows import Record, records

if TYPE_CHECKING:
    from lib.panel import Panel

#: one side of a contrast: predictions [T, N] and the daily series that `score` gave for them
Side = tuple[np.ndarray, Mapping[str, np.ndarray]]
#: series that marks predictions whose orders keep off limits and halts, as the variant `flags` does
ORDERS_MASKED = "orders_masked"
#: fewer validation days say nothing about turnover
ENOUGH_DAYS = 20


def difference(
    panel: Panel, left: Side, right: Side, rng: np.random.Generator, samples: int | None = None
) -> list[Record]:
    """Paired differences left - right with 95 % intervals of the mean by a block bootstrap over common days.

    ICs are compared on the cells that both sides predict, books on the days of both.
    samples: resampled paths behind each interval; 0: no intervals; None: `scoring.SAMPLES`.
    """
    samples = scoring.SAMPLES if samples is None else samples
    common = np.isfinite(left[0]) & np.isfinite(right[0])
    ics = [daily_ics(panel, side[0], common, RECORDED) for side in (left, right)]
    found: list[Record] = []
    for metric in RECORDED:
        found += mean_difference(metric, ics[0][metric], ics[1][metric], rng, samples)
    for run in RUNS:
        found += sharpe_difference(
            f"{run}.sharpe", left[1][f"{run}.returns"], right[1][f"{run}.returns"], rng, samples
        )
    for run in BOOKS:
        found += gross_and_net(run, left[1], right[1], rng, samples)
        found += at_matched_turnover(panel, run, left, right, rng, samples)
    return found + _inflation(left[1]["apparent_ic"], right[1]["apparent_ic"], rng, samples)


def gross_and_net(
    run: str, left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray], rng: np.random.Generator, samples: int
) -> Iterator[Record]:
    """Two books before and after costs, their turnovers, and the cost at which they earn the same."""
    for end, active in (("_gross", "active_gross"), ("", "active")):
        a, b = _both(f"{run}.{active}", left, right)
        yield from sharpe_difference(f"{run}.active_sharpe{end}", a, b, rng, samples)
        name = f"{run}.annual{end or '_net'}"
        yield from mean_difference(name, SESSIONS * a, SESSIONS * b, rng, samples)
    gross = _both(f"{run}.active_gross", left, right)
    a, b = _both(f"{run}.turnover", left, right)
    found = trading(float(np.mean(gross[0] - gross[1])), float(a.mean()), float(b.mean()))
    yield from records({f"{run}.{metric}": value for metric, value in found.items()}, len(a))


def trading(gross: float, left: float, right: float) -> dict[str, float]:
    """What the turnovers of two books make of their mean daily gross difference; see the head of this file.

    >>> trading(0.0004, 0.6, 0.1)["break_even_bps"]
    8.0
    """
    case = (gross, left - right, max(left, right))
    found = {"turnover": left - right, "turnover.left": left, "turnover.right": right}
    found |= {"break_even_bps": break_even_bps(*case), "dominance": float(dominance(*case))}
    return {metric: value for metric, value in found.items() if np.isfinite(value)}


def at_matched_turnover(
    panel: Panel, run: str, left: Side, right: Side, rng: np.random.Generator, samples: int
) -> Iterator[Record]:
    """Two books after costs on the days after the validation days, the one that trades more slowed down on those."""
    turnover = _both(f"{run}.turnover", left[1], right[1])
    days = len(turnover[0])
    trial, prefix = validation_days(days), f"{run}.matched"
    if trial < ENOUGH_DAYS:
        return
    rates = [traded(side[:trial]) for side in turnover]
    fast = int(rates[1] > rates[0])
    start, how = panel.shape[0] - days, _how(panel, run, (left, right)[fast])
    prediction = (left, right)[fast][0]
    found = matched_buffer(panel, prediction, rates[1 - fast], start=start, stop=start + trial, **how)
    if found.turnover > 0 and found.target > 0:
        yield {"metric": f"{prefix}.validation_ratio", "value": _left_over_right(found.ratio, fast), "n": trial}
    if not found.reached:
        return
    yield {"metric": f"{prefix}.multiple", "value": found.multiple, "n": trial}
    slowed = simulate(panel, prediction, policy=top_k_buffer(multiple=found.multiple), start=start, **how)
    net, traded_after = list(_both(f"{run}.active", left[1], right[1])), list(turnover)
    net[fast], traded_after[fast] = active_returns(slowed, equal_weight(panel)), slowed.turnover
    a, b = net[0][trial:], net[1][trial:]
    rates = [float(side[trial:].mean()) for side in traded_after]
    if min(rates) > 0:
        yield {"metric": f"{prefix}.turnover_ratio", "value": rates[0] / rates[1], "n": days - trial}
    yield from sharpe_difference(f"{prefix}.active_sharpe", a, b, rng, samples)
    yield from mean_difference(f"{prefix}.annual_net", SESSIONS * a, SESSIONS * b, rng, samples)


def _left_over_right(ratio: float, fast: int) -> float:
    """A ratio of the faster side over the slower one, as left over right."""
    return 1 / ratio if fast else ratio


def _how(panel: Panel, run: str, side: Side) -> dict[str, Any]:
    """How the book of a side is run again."""
    fill, execution = RUNS[run]
    allowed = panel.price_valid if bool(side[1].get(ORDERS_MASKED, False)) else None
    return {"fill": fill, "execution": execution, "costs": flat(COST_BPS), "orders_allowed": allowed}


def _both(
    name: str, left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """A daily series of both sides, on the days of both: a book that starts later ends on the same day."""
    days = min(len(left[name]), len(right[name]))
    return left[name][-days:], right[name][-days:]


def mean_difference(metric: str, a: np.ndarray, b: np.ndarray, rng: np.random.Generator, samples: int) -> list[Record]:
    """Mean of a - b, two daily series [T], over the days on which both are defined, with its interval."""
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 2:
        return []
    if not resampled(a[known], samples):
        return records({metric: float(np.mean((a - b)[known]))}, int(known.sum()))
    found = mean_difference_interval(a[known], b[known], rng=rng, n_samples=samples)
    return records(found.columns(metric), int(known.sum()))


def sharpe_difference(
    metric: str, a: np.ndarray, b: np.ndarray, rng: np.random.Generator, samples: int
) -> list[Record]:
    """Sharpe ratio of a minus that of b, two daily series that end on the same day, with its interval.

    A variant whose first predictions come later starts later: only the days of both count.
    """
    days = min(len(a), len(b))
    a, b = a[-days:], b[-days:]
    if not resampled(a, samples):
        return records({metric: annual_sharpe(a) - annual_sharpe(b)}, days)
    found = sharpe_difference_interval(a, b, rng=rng, periods=SESSIONS, n_samples=samples)
    return records(found.columns(metric), days)


def _inflation(left: np.ndarray, right: np.ndarray, rng: np.random.Generator, samples: int) -> list[Record]:
    """Mean apparent IC of right over left, minus 1, in per cent, each on its own cells: the papers' inflation."""
    days = min(len(left), len(right))
    pair = np.column_stack([left[-days:], right[-days:]])
    pair = pair[np.isfinite(pair).all(axis=1)]
    if len(pair) < 2:
        return []

    def ratio(path: np.ndarray) -> float:
        masked, plain = path.mean(axis=0)
        return float(100 * (plain / masked - 1))

    metric = "apparent_ic.inflation"
    if not resampled(pair, samples):
        return records({metric: ratio(pair)}, len(pair))
    return records(bootstrap_interval(pair, ratio, rng=rng, n_samples=samples).columns(metric), len(pair))
