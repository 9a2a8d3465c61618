"""Distance of factors from what they would have said without limits and halts, cell by cell.

A distance is |factor - factor in the twin| / scale, with the factor's usual spread over stocks in the twin as the
scale: a limit close that moves a factor by a tenth of that spread moves a stock by a few places. It is taken on cells
that survive a deletion of rows, those that can be traded today: there today's close is the twin's to the tick,
because the move that a limit cut off has come out. Whatever differs came in through earlier days, or through peers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lib.audit.reads import declared_reads
from lib.evaluation.markets import computable
from lib.factors import FactorSet, compute_factors, find_factors
from lib.factors.registry import Factor
from lib.panel import Panel
from lib.reasons import Reason

#: how a factor may treat masked cells: (mask, window, days that changes of the close may bridge)
SIDES = {
    "raw": ("observed", "raw", 1),
    "halts skipped": ("halt", "skip", 1),
    "all skipped": ("full", "skip", 1),
    "skipped, bridged": ("full", "skip", 10),
    "strict": ("full", "strict", 1),
}
#: the twin's own prices, with the cells left out that the market's mask leaves out: what leaving out does by itself
THINNED = "twin, thinned"
CLASSES = ("limit close", "halt", "neither")
SURELY, CLEARLY = 0.01, 0.1  # of the scale: a cell differs, and differs by something that matters
CAP = 10.0  # scales; a quotient near zero must not be the mean
ISOLATION, AGES = 40, 30  # days with one masked cell only, and how many days after it are looked at

Cells = np.ndarray


@dataclass(frozen=True)
class Events:
    """Limit closes and halts of a panel, and the cells that survive without them."""

    panel: Panel

    @cached_property
    def at_limit(self) -> Cells:
        return ~self.panel.without(Reason.LIMIT_UP | Reason.LIMIT_DOWN)

    @cached_property
    def halted(self) -> Cells:
        return ~self.panel.without(Reason.HALT)

    @cached_property
    def surviving(self) -> Cells:
        """Cells that remain when rows at limits and in halts are deleted."""
        return self.panel.price_valid & self.panel.universe

    def classes(self, factor: Factor) -> dict[str, Cells]:
        """What the cells that the formula reads hold: a limit close, a halt and no limit close, neither."""
        days = read_days(factor)
        limit, halt = (seen(cells, days) for cells in (self.at_limit, self.halted))
        return dict(zip(CLASSES, (limit, halt & ~limit, ~limit & ~halt), strict=True))

    @cached_property
    def age(self) -> np.ndarray:
        """Days since a limit close that is the only masked cell of `ISOLATION` days, 1..AGES; 0 elsewhere."""
        masked = ~self.panel.price_valid
        count = sum((shifted(masked.astype(np.int64), k) for k in range(ISOLATION)), np.zeros(masked.shape, np.int64))
        age = np.zeros(masked.shape, dtype=np.int64)
        for k in range(1, AGES + 1):
            age[shifted(self.at_limit, k)] = k
        age[(count != 1) | ~self.surviving] = 0
        age[:ISOLATION] = 0
        return age


def read_days(factor: Factor) -> frozenset[int]:
    """Days before today that the formula reads; those a recurrence remembers."""
    if np.isfinite(factor.node.lookback):
        return declared_reads(factor.node).prices
    return frozenset(range(factor.node.memory + 1))


def shifted(cells: np.ndarray, days: int) -> np.ndarray:
    """The cells of so many days ago; nothing before the panel."""
    out = np.zeros_like(cells)
    out[days:] = cells[: len(cells) - days]
    return out


def seen(cells: Cells, days: frozenset[int]) -> Cells:
    """Cells [T, N] from which one of these is seen on one of the days."""
    found = np.zeros_like(cells)
    for day in sorted(days):
        if day < len(cells):
            found |= shifted(cells, day)
    return found


def spread(values: np.ndarray, valid: Cells) -> float:
    """Usual spread of a factor over stocks: the median over days of the distance between quartiles, over 1.349.

    Where that is 0 the median standard deviation; NaN where nothing varies.
    """
    ordered = np.sort(np.where(valid, values.astype(np.float64), np.nan), axis=1)  # NaN sorts last
    count = valid.sum(axis=1)
    days = np.flatnonzero(count >= 8)
    if len(days) == 0:
        return np.nan
    low, high = (ordered[days, (share * (count[days] - 1)).astype(int)] for share in (0.25, 0.75))
    found = float(np.median(high - low)) / 1.349
    if not found > 0:
        found = float(np.median(np.nanstd(ordered[days], axis=1)))
    return found if found > 0 else np.nan


def sides_of(panel: Panel) -> dict[str, FactorSet]:
    """All factors that the panel's fields allow, under each treatment of masked cells."""
    names = computable(panel)
    return {
        name: compute_factors(panel.with_mask(mask), names, window=window, max_gap=max_gap)  # type: ignore[arg-type]
        for name, (mask, window, max_gap) in SIDES.items()
    }


def thinned(twin: Panel, panel: Panel) -> Panel:
    """The twin's prices under the market's mask."""
    return Panel.from_arrays(
        twin.dates, twin.symbols, twin.fields, reasons=panel.reasons, universe=panel.universe, market="cn", copy=False
    )


@dataclass(frozen=True)
class Distances:
    """One factor: the distance of each side from the truth [T, N] and where each is valid."""

    factor: Factor
    distance: Mapping[str, np.ndarray]
    valid: Mapping[str, Cells]
    known: Cells  # the truth is known and the cell survives


def distances(events: Events, sides: Mapping[str, FactorSet], truth: FactorSet, warm_up: int) -> Iterator[Distances]:
    """Factor by factor; factors that never vary are left out."""
    for place, factor in enumerate(find_factors(truth.names)):
        values, known = truth.values[..., place].astype(np.float64), truth.valid[..., place].copy()
        known[:warm_up] = False
        scale = spread(values, known)
        if np.isnan(scale):
            continue
        gaps = {
            name: np.minimum(np.abs(side.values[..., place].astype(np.float64) - values) / scale, CAP)
            for name, side in sides.items()
        }
        valid = {name: side.valid[..., place] for name, side in sides.items()}
        yield Distances(factor, gaps, valid, known & events.surviving)
