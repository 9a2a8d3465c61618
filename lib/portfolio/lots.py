"""How many shares an order may be about: board lots, and what may be sold besides.

A buy has at least `least` shares and then a multiple of `step`. A sell follows the same rule, or it sells the whole
position in one go, odd remainder included: here odd shares go last. They may not be sold in parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.arrays import Matrix, Vector
from lib.limits.day_limits import named_boards
from lib.limits.exchanges import ALWAYS, boards_of, dated
from lib.panel import Panel

#: of a share: what rounding of floats may take from a whole number
SLACK: Final = 1e-6


class Lot(NamedTuple):
    """Order sizes of a board from a day on, in shares."""

    board: str
    since: str
    least: int
    step: int
    source: str


#: a board without a row, and a symbol that is on none, trade as the main board; rules since mid-2026: not seen
LOTS: Final = (
    Lot("main", ALWAYS, 100, 100, "rules: english.sse.com.cn/start/trading/mechanism; Shenzhen: public"),
    Lot("chinext", ALWAYS, 100, 100, "rules: as the main board"),
    Lot("star", "2019-07-22", 200, 1, "rules: star.sse.com.cn, trading features"),
    Lot("bse", "2021-11-15", 100, 1, "public: Beijing, at least 100, then single shares"),
)


@dataclass(frozen=True, eq=False)
class LotSizes:
    """Least order and step [T, K] of K boards by day, and the board of each stock [N]."""

    least: Matrix
    step: Matrix
    board: NDArray[np.intp]

    @classmethod
    def of(cls, panel: Panel) -> LotSizes:
        """From `LOTS`; the panel's `board` field, where it names boards, goes before the symbol."""
        names = [*dict.fromkeys(row.board for row in LOTS)]
        rows = [[row for row in LOTS if row.board == name] for name in names]
        least, step = (
            np.stack([dated([(row.since, getattr(row, name)) for row in own], panel.dates) for own in rows], axis=1)
            for name in ("least", "step")
        )
        given = named_boards(panel.fields)
        board = boards_of(panel.symbols) if given is None else given[0]
        return cls(least, step, np.array([names.index(b) if b in names else 0 for b in board], dtype=np.intp))

    def buy(self, t: int, shares: Vector) -> Vector:
        """The largest order of day t that is no larger than `shares` [N]; 0 where there is none."""
        step = self.step[t][self.board]
        whole = np.floor((shares + SLACK) / step) * step
        return np.where(whole >= self.least[t][self.board], whole, 0.0)

    def sell(self, t: int, shares: Vector, held: Vector) -> Vector:
        """As `buy`, or the whole position where all of it may be sold."""
        return np.where(shares + SLACK >= held, held, self.buy(t, shares))
