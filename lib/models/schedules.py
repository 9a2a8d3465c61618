"""How the learning rate moves through training, as a share of the one that was set (A s4.C)."""

from __future__ import annotations

import math
from collections.abc import Callable

#: (epochs done, with their fraction; epochs in all; epochs of the first cycle) -> share of the learning rate
Schedule = Callable[[float, int, int], float]


def constant(done: float, epochs: int, cycle: int) -> float:
    """1 throughout."""
    return 1.0


def cosine(done: float, epochs: int, cycle: int) -> float:
    """(1 + cos(pi done / epochs)) / 2: from 1 to 0 (Loshchilov and Hutter 2017, without restarts).

    >>> [round(cosine(done, 8, 0), 3) for done in (0, 2, 4, 8)]
    [1.0, 0.854, 0.5, 0.0]
    """
    return (1 + math.cos(math.pi * min(done / epochs, 1.0))) / 2


def restarts(done: float, epochs: int, cycle: int) -> float:
    """Cosines of cycle, 2 cycle, 4 cycle, ... epochs; each starts again at 1 (Loshchilov and Hutter 2017).

    >>> [round(restarts(done, 8, 2), 3) for done in (0, 1, 2, 4, 6)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    length = cycle
    while done >= length:
        done, length = done - length, 2 * length
    return cosine(done, length, cycle)


SCHEDULES: dict[str, Schedule] = {"constant": constant, "cosine": cosine, "restarts": restarts}
