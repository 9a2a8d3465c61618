"""What the speed study found, looked up by operator and library.

Variants read "ts_mean w=20 float32 750x1000" for an operator and "factors 750x1000" for larger work; metrics read
"pandas: ratio", with ".low" and ".high" for where 95 % of further repeats lie.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from lib.stats.estimates import Estimate, Numbers

OURS = "ours"
FLOOR = "copy"
PEERS = ("pandas", "bottleneck", "polars", "mlquantx", "kunquant")
#: those that are compared on whole sets of formulaic alphas only
ALPHA_PEERS = ("alpha-lib", "polars_ta")
#: what a peer needs besides its package
NEEDS = {"kunquant": "a C++ compiler", "alpha-lib": "Python 3.12"}
#: an error beyond this is no round-off: another definition, or a wrong number
WRONG = 1e-3
GIB = 2.0**30

_OPERATOR = re.compile(r"(?P<name>\w+) w=(?P<window>\d+) (?P<dtype>float\d\d) (?P<dates>\d+)x(?P<stocks>\d+)")
_WORK = re.compile(r"(?P<what>.+) (?P<dates>\d+)x(?P<stocks>\d+)")


class Size(NamedTuple):
    """Days and stocks of a panel."""

    dates: int
    stocks: int

    @property
    def cells(self) -> int:
        return self.dates * self.stocks

    def __str__(self) -> str:
        return f"{self.dates} days x {self.stocks} stocks"


class Operator(NamedTuple):
    """One measured operator."""

    variant: str
    name: str
    window: int
    dtype: str
    size: Size


class Work(NamedTuple):
    """One measured piece of work: "factors", "update", "alone ours", ..."""

    variant: str
    what: str
    size: Size


class Whole(NamedTuple):
    """All 213 factors once in a process: seconds, bytes at the peak and of the result; threads: "1" or "all"."""

    size: Size
    threads: str
    cpu: float
    wall: float
    peak: float
    output: float


#: operators whose work grows with the window, day by day
LINEAR = ("ts_rank",)


@dataclass(frozen=True)
class Speed:
    """The numbers of a speed run."""

    numbers: Numbers

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Speed:
        return cls(Numbers(frame))

    def find(self, variant: str, library: str, what: str) -> Estimate:
        """A number of one library, such as "ratio" or "ns per cell"; NaN where it was not measured."""
        return self.numbers.find(variant, f"{library}: {what}")

    def installed(self, peer: str) -> bool:
        """Whether a peer was there to be measured."""
        return self.numbers.find("machine", f"{peer}: installed").value == 1

    @property
    def peers(self) -> list[str]:
        return [peer for peer in PEERS if self.installed(peer)]

    @property
    def missing(self) -> list[str]:
        return [peer for peer in PEERS if not self.installed(peer)]

    def operators(self) -> Iterator[Operator]:
        """Every measured operator, in the order of the run."""
        for variant in self.numbers.variants:
            if found := _OPERATOR.fullmatch(variant):
                size = Size(int(found["dates"]), int(found["stocks"]))
                yield Operator(variant, found["name"], int(found["window"]), found["dtype"], size)

    def work(self, what: str) -> list[Work]:
        """Every measured piece of work of a kind, smallest panel first."""
        found = (_WORK.fullmatch(v) for v in self.numbers.variants if not _OPERATOR.fullmatch(v))
        sizes = ((m[0], Size(int(m["dates"]), int(m["stocks"]))) for m in found if m and m["what"] == what)
        return sorted((Work(variant, what, size) for variant, size in sizes), key=lambda item: item.size.cells)

    def whole(self, library: str) -> list[Whole]:
        """All factors in memory, over the sizes of panels; a later call of a process where there is one."""
        found = {}
        for kind, threads in ((f"alone {library}", "all"), ("factors", "1")):
            for item in self.work(kind):
                names = ("cpu", "wall", "peak", "output")
                cpu, wall, peak, output = (self.find(item.variant, library, name).value for name in names)
                if not math.isnan(cpu + peak):
                    found[item.size] = Whole(item.size, threads, cpu, wall, peak, output)
        return sorted(found.values(), key=lambda run: run.size.cells)

    def plain(self, dtype: str = "float32", window: int = 20) -> list[Operator]:
        """The operators at one window length on the panel that all of them were measured on, its largest."""
        found = [item for item in self.operators() if (item.dtype, item.window) == (dtype, window)]
        names = {item.name for item in found}
        panels = {item.size for item in found}
        shared = [size for size in panels if {item.name for item in found if item.size == size} == names]
        largest = max(shared, key=lambda size: size.cells, default=None)
        return [item for item in found if item.size == largest]

    def sweep(self, name: str) -> list[Operator]:
        """One operator over its window lengths, on the panel that has most of them; shortest first."""
        found = [item for item in self.operators() if item.name == name and item.dtype == "float32"]
        by_size: dict[Size, list[Operator]] = {}
        for item in found:
            by_size.setdefault(item.size, []).append(item)
        longest = max(by_size.values(), key=len, default=[])
        return sorted(longest, key=lambda item: item.window)

    def growth(self, name: str, least: int = 20) -> tuple[float, int, int]:
        """Our CPU time at the longest window over that at the shortest of at least `least` days, and both windows."""
        items = [item for item in self.sweep(name) if item.window >= least]
        if len(items) < 2:
            return math.nan, 0, 0
        first, last = (self.find(item.variant, OURS, "cpu").value for item in (items[0], items[-1]))
        return last / first, items[0].window, items[-1].window

    def behind(self, item: Operator) -> list[tuple[str, Estimate]]:
        """The peers that need less CPU time than ours for an operator, in 95 % of repeats; the fastest first."""
        found = [(peer, self.find(item.variant, peer, "ratio")) for peer in self.peers]
        return sorted([pair for pair in found if pair[1].high < 1], key=lambda pair: pair[1].value)

    def ahead(self, item: Operator) -> bool:
        """Whether every peer that has an operator needs more CPU time for it, in 95 % of repeats."""
        found = [self.find(item.variant, peer, "ratio") for peer in self.peers]
        known = [ratio for ratio in found if not math.isnan(ratio.value)]
        return bool(known) and all(ratio.low > 1 for ratio in known)

    def wrong(self) -> list[tuple[Operator, str, float]]:
        """Results that are off by more than round-off, whatever the precision."""
        return [
            (item, peer, error)
            for item in self.operators()
            for peer in (OURS, *self.peers)
            if (error := self.find(item.variant, peer, "error").value) > WRONG
        ]
