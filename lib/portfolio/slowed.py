"""A book of any kind slowed down until it trades as much as another one: the general form of `matched_buffer`.

What slows it is one setting in which turnover falls: a buffer, or the cost that an optimiser counts.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from lib.portfolio.matched import STEPS, TOLERANCE, Matched, traded


def slowed(
    turnover: Callable[[float], ArrayLike], low: float, high: float, target: float, tolerance: float = TOLERANCE
) -> Matched:
    """The setting in [low, high] with which a book trades `target` a day, by bisection; `multiple` is that setting.

    turnover: setting -> turnover [D] of the validation days, and of no others. A book that trades less than the target
    with `low` is not made faster. Where no setting comes within the tolerance the nearest one that was tried is
    returned, and `reached` is False.
    """

    def at(setting: float) -> Matched:
        return Matched(setting, traded(turnover(setting)), target, tolerance)

    tried = [at(low)]
    if tried[0].reached or tried[0].ratio < 1:
        return tried[0]
    while not tried[-1].reached and len(tried) < STEPS:
        middle = 0.5 * (low + high)
        tried.append(at(middle))
        low, high = (middle, high) if tried[-1].ratio > 1 else (low, middle)
    return min(tried, key=lambda item: abs(item.ratio - 1.0))
