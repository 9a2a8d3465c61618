"""A market and the truth behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.arrays import FloatArray
from lib.panel import Panel


@dataclass(frozen=True, eq=False)
class Truth:
    """What the generator knows and no factor may read. Arrays are [T,N] unless stated.

    alpha:    planted alpha, formed with what is known at the close of t, earned from close t to close t+1.
    mu_trad:  expected log return from t to t+1 that can be earned, beyond what all stocks share through their
              factors: alpha plus the expected decay of the transitory component.
    unfilled: log desired - log close at t: what tick, limits and halts cut off, and nobody could earn.
    desired:  log price the market wanted at the close, in yuan per share of the first day: merged shares do not
              move it, as they do the raw prices of the panel.
    regime:   "calm", "bear" or "rally" [T].
    signals:  the three planted signals [3,T,N], float32.
    theme:    stocks of the scripted episode [N]; all of them where it has no theme.
    """

    alpha: FloatArray
    mu_trad: FloatArray
    unfilled: FloatArray
    desired: FloatArray
    regime: NDArray[np.str_]
    signals: NDArray[np.float32]
    theme: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for array in vars(self).values():
            array.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Market:
    """A synthetic panel and the truth behind it.

    config: the parameters it was made with. episode_days: days of the scripted episode as a slice of the rows,
    empty without one.
    """

    panel: Panel
    truth: Truth
    config: Any
    seed: int
    episode_days: slice
    _without_exchange: Callable[[], Market] = field(repr=False)

    def __repr__(self) -> str:
        t, n = self.panel.shape
        episode = self.episode_days.stop - self.episode_days.start
        scripted = f", a scripted episode of {episode} days" if episode > 0 else ""
        masked = float((~self.panel.mask & self.panel.universe).sum() / max(self.panel.universe.sum(), 1))
        return (
            f"Market({t} dates {self.panel.dates[0]}..{self.panel.dates[-1]} x {n} stocks, seed={self.seed}, "
            f"{masked:.1%} of cells masked{scripted}; .panel, .truth, .twin())"
        )

    def twin(self) -> Market:
        """The same random draws without limits and halts.

        A stock whose path never met a limit and that never halted is the same in both, price for price. What a
        factor says here minus what it says in the twin is upstream contamination, measured without any model.
        The twin's `unfilled` holds only the rounding to the tick; with spill below 1 its prices differ after
        every limit close, because nothing was lost.
        """
        return self._without_exchange()
