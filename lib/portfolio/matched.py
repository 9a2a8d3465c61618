"""Books compared at equal turnover, and the cost at which one stops being better than the other.

A book that trades less keeps more of its gross return. To see whether that is all, the book that trades more is given a
wider buffer of `top_k_buffer` until both trade the same on validation days; the buffer is then frozen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import ParameterError
from lib.panel import Panel
from lib.portfolio.backtest import simulate
from lib.portfolio.costs import CostSchedule
from lib.portfolio.fills import Fill
from lib.portfolio.policies import BUFFER_MULTIPLE, default_k, top_k_buffer

#: turnovers whose ratio is that close to 1 count as equal
TOLERANCE = 0.05
#: validation days: the first so many sessions, or a third of a shorter span
VALIDATION_DAYS = 243
#: first days of a book, on which it is bought: with fills at the next open the purchase falls on the second day
ENTRY_DAYS = 2
#: back-tests of the bisection at most
STEPS = 14


def validation_days(n_days: int) -> int:
    """Sessions at the start of a span of `n_days` on which a buffer is chosen: 243, or a third of a shorter span.

    >>> validation_days(1000), validation_days(300)
    (243, 100)
    """
    return min(VALIDATION_DAYS, n_days // 3)


def traded(turnover: ArrayLike) -> float:
    """Mean daily turnover [D] (bought plus sold over equity) after the days on which the book is bought."""
    return float(np.mean(np.asarray(turnover, dtype=np.float64)[ENTRY_DAYS:]))


@dataclass(frozen=True)
class Matched:
    """A buffer, in multiples of k, and what it does on the validation days.

    turnover: mean daily turnover with it; target: the turnover wanted.
    """

    multiple: float
    turnover: float
    target: float
    tolerance: float = TOLERANCE

    @property
    def ratio(self) -> float:
        """turnover / target; infinite where the target is zero."""
        return self.turnover / self.target if self.target > 0 else float("inf")

    @property
    def reached(self) -> bool:
        """Whether the turnovers agree within the tolerance."""
        return abs(self.ratio - 1.0) <= self.tolerance


def matched_buffer(
    panel: Panel,
    prediction: ArrayLike,
    target: float,
    *,
    start: int,
    stop: int,
    fill: Fill = "open",
    execution: str = "executed",
    costs: CostSchedule | None = None,
    orders_allowed: NDArray[np.bool_] | None = None,
    tolerance: float = TOLERANCE,
) -> Matched:
    """The buffer of `top_k_buffer` with which the book of `prediction` [T, N] trades `target` a day.

    Only rows start..stop - 1, the validation days, are read. The buffer is at least the default, 2 k: a book can be
    slowed down, not made to trade more. Bisection over multiples of k up to the whole universe; where no buffer comes
    within the tolerance the nearest one is returned, and `reached` is False.
    Raises: ParameterError for a span of no more than the days on which a book is bought.
    """
    if stop - start <= ENTRY_DAYS:
        raise ParameterError(f"matched_buffer needs more than {ENTRY_DAYS} days, got rows {start} to {stop}; take more")

    def at(multiple: float) -> Matched:
        run = simulate(
            panel, prediction, policy=top_k_buffer(multiple=multiple), fill=fill, execution=execution, costs=costs,
            start=start, stop=stop, orders_allowed=orders_allowed,
        )  # fmt: skip
        return Matched(multiple, traded(run.turnover), target, tolerance)

    members = panel.universe[start:stop]
    slots = min(default_k(row) for row in members)
    low, high = BUFFER_MULTIPLE, max(float(members.sum(axis=1).max()) / slots, BUFFER_MULTIPLE)
    tried = [at(low)]
    if tried[0].reached or tried[0].ratio < 1:
        return tried[0]
    tried.append(at(high))
    while not tried[-1].reached and len(tried) < STEPS and high - low > 0.5 / slots and tried[1].ratio < 1:
        middle = 0.5 * (low + high)
        tried.append(at(middle))
        low, high = (middle, high) if tried[-1].ratio > 1 else (low, middle)
    return min(tried, key=lambda item: abs(item.ratio - 1.0))


def break_even_bps(gross: float, turnover: float, typical: float = 0.0, tolerance: float = TOLERANCE) -> float:
    """Cost a side, in basis points, at which a difference of gross returns is used up by one of turnovers.

    c* = gross / turnover: mean daily gross return of left minus right over mean daily turnover of left minus right
    (turnover: bought plus sold over equity). NaN where no such cost exists: the turnovers differ by no more than
    `tolerance` times `typical`, the larger of the two, or c* is not above zero; `dominance` then names the better side.

    >>> round(break_even_bps(0.0004, 0.5), 6), break_even_bps(-0.0004, 0.5)
    (8.0, nan)
    """
    if not abs(turnover) > tolerance * abs(typical):
        return float("nan")
    cost = 1e4 * gross / turnover
    return cost if cost > 0 else float("nan")


def dominance(gross: float, turnover: float, typical: float = 0.0, tolerance: float = TOLERANCE) -> int:
    """1: left earns more at every cost; -1: right does; 0: it depends on the cost. Arguments as `break_even_bps`.

    >>> dominance(0.0004, 0.5), dominance(0.0004, -0.5), dominance(-0.0004, 0.5)
    (0, 1, -1)
    """
    if break_even_bps(gross, turnover, typical, tolerance) > 0:
        return 0
    return int(np.sign(gross)) or -int(np.sign(turnover))
