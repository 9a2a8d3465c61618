"""How many cells a window leaves when some are masked: counted on a mask, and by formula.

All shares are conditional: of the cells that are valid today and whose window lies in the stock's life, the share whose
window has enough valid cells. `strict` needs all w of them, `skip` a share of them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray
from lib.errors import StatisticsError
from lib.stats.checks import finite


class Chain(NamedTuple):
    """A two-state chain of valid and masked days: the masked share, and the mean length of a spell of masked days."""

    masked: float
    spell: float

    @property
    def enter(self) -> float:
        """Probability that a valid day is followed (or was preceded) by a masked one: p / ((1 - p) L)."""
        return min(self.masked / ((1 - self.masked) * self.spell), 1.0) if self.masked < 1 else 1.0


def required(window: int, share: float) -> int:
    """Valid cells that a window needs; share 1 is strict."""
    return math.ceil(share * window)


def windows_kept(mask: BoolArray, window: int, needed: int) -> BoolArray:
    """Cells [T, N] that are valid today and have `needed` valid cells in the window; the window lies in the panel."""
    count = np.cumsum(np.vstack([np.zeros((1, mask.shape[1]), dtype=np.int64), mask]), axis=0)
    kept = np.zeros_like(mask)
    if len(mask) >= window:
        kept[window - 1 :] = mask[window - 1 :] & (count[window:] - count[:-window] >= needed)
    return kept


def counted(mask: BoolArray, listed: BoolArray, scored: BoolArray, window: int, share: float) -> tuple[int, int]:
    """(kept, of how many) over the scored cells that are valid today and listed for the whole window."""
    eligible = windows_kept(listed, window, window) & mask & scored
    return int((windows_kept(mask, window, required(window, share)) & eligible).sum()), int(eligible.sum())


def chain_of(mask: BoolArray, listed: BoolArray) -> Chain:
    """Masked share of the listed cells and mean length of masked spells; without any, a spell of 1."""
    masked = ~mask & listed
    starts = masked.copy()
    starts[1:] &= ~masked[:-1]
    total = int(listed.sum())
    if total == 0:
        raise StatisticsError("chain_of: no listed cells, so there is no masked share")
    return Chain(int(masked.sum()) / total, int(masked.sum()) / max(int(starts.sum()), 1) if masked.any() else 1.0)


@finite
def independent(masked: float, window: int, share: float) -> float:
    """Share kept under iid masking: P(Binomial(w - 1, 1 - p) >= needed - 1).

    Strict: (1 - p)^(w - 1).

    >>> round(independent(0.05, 20, 1.0), 4)
    0.3774
    """
    return clustered(Chain(masked, 1 / (1 - masked)), window, share) if masked < 1 else 0.0


@finite
def clustered(chain: Chain, window: int, share: float) -> float:
    """Share kept when masked days follow a two-state chain. Strict: (1 - e)^(w - 1), e = p / ((1 - p) L).

    Skip: the distribution of the number of valid days among the w - 1 before today, by recursion. The chain is
    reversible, so looking back from a valid day is looking ahead from one. Spells of 1 / (1 - p) days on average are
    those of independent cells.

    >>> round(clustered(Chain(0.05, 8.0), 20, 1.0), 4)
    0.8821
    """
    if not (0 <= chain.masked <= 1 and 1 <= chain.spell < math.inf):
        raise StatisticsError(f"clustered: expected a share from 0 to 1 in spells of at least one day, got {chain}")
    enter, leave = chain.enter, 1 / chain.spell
    counts: NDArray[Any] = np.zeros((2, window))  # state (0: valid) x valid days so far
    counts[0, 0] = 1.0
    for _ in range(window - 1):
        valid = counts[0] * (1 - enter) + counts[1] * leave
        masked = counts[0] * enter + counts[1] * (1 - leave)
        counts[0, 1:], counts[0, 0], counts[1] = valid[:-1], 0.0, masked
    return float(counts[:, max(required(window, share) - 1, 0) :].sum())


@finite
def by_stock(mask: BoolArray, listed: BoolArray, scored: BoolArray, window: int, share: float) -> float:
    """Mean of `clustered` over stocks, each with its own chain, weighted by its valid scored cells.

    Raises: StatisticsError without any such cell.
    """
    weight = (mask & scored).sum(axis=0)
    used = np.flatnonzero(weight > 0)
    if len(used) == 0:
        raise StatisticsError("by_stock: no cell is both valid and scored, so there is no share to average")
    found = [clustered(chain_of(mask[:, [stock]], listed[:, [stock]]), window, share) for stock in used]
    return float(np.average(found, weights=weight[used]))


def imposed(shape: tuple[int, int], chain: Chain, rng: np.random.Generator) -> BoolArray:
    """Masked cells [T, N] of a stationary two-state chain."""
    masked = np.zeros(shape, dtype=bool)
    state = rng.random(shape[1]) < chain.masked
    draw, leave = rng.random(shape), 1 / chain.spell
    for day in range(shape[0]):
        masked[day] = state
        state = np.where(state, draw[day] >= leave, draw[day] < chain.enter)
    return masked
