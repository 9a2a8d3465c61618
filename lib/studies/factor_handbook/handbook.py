"""What was measured of each factor, and of all: looked up in the frame of the study, panel by panel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import NamedTuple

import pandas as pd

from lib.evaluation.inputs import OVERLAY
from lib.factors.registry import FAMILIES, PUBLISHED, Factor, catalogue
from lib.stats.estimates import Estimate, Numbers

#: at most so many different values a day: a flat factor; rank correlation with itself rescaled below which it depends
FLAT, UNMOVED = 15, 0.995
#: rank correlation from which two orders are printed as the same
ONE_ORDER = 0.99995
UNITS = ("price unit", "volume unit", "price level", "volume level")


class Measures(NamedTuple):
    """One factor on one panel; relatives and twins are pairs of a name and a rank correlation."""

    coverage: float
    rank_ic: Estimate
    persistence: float
    distinct: float
    relatives: tuple[tuple[str, float], ...]
    twins: tuple[tuple[str, float], ...]
    units: dict[str, float]
    apart: float  # share of cells that float64 would give otherwise; NaN if that was not measured

    @property
    def flat(self) -> bool:
        """Whether a day knows only a handful of different values."""
        return self.distinct <= FLAT

    @property
    def depends_on(self) -> list[str]:
        """The units and levels whose change moves stocks past each other."""
        return [what for what in UNITS if self.units.get(what, 1.0) < UNMOVED]


@dataclass(frozen=True)
class Handbook:
    """The measures of every factor on every panel; `sources` are the panels that are shown."""

    numbers: Numbers
    sources: tuple[str, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Handbook:
        """The panels of a frame; the simulated market only where there are no real prices."""
        sources = list(dict.fromkeys(frame["variant"].str.partition(" ")[0]))
        return cls(Numbers(frame), tuple(name for name in sources if name != OVERLAY) or tuple(sources))

    @cached_property
    def _metrics(self) -> dict[str, dict[str, Estimate]]:
        """variant -> metric -> Estimate."""
        found: dict[str, dict[str, Estimate]] = {}
        for variant, metric in self.numbers:
            found.setdefault(variant, {})[metric] = self.numbers[variant, metric]
        return found

    def measures(self, source: str, name: str) -> Measures | None:
        """The factor on the panel; None where it could not be computed."""
        found = self._metrics.get(f"{source} {name}", {})
        if "coverage" not in found:
            return None
        nothing = Estimate(math.nan)

        def value(metric: str) -> float:
            return found.get(metric, nothing).value

        return Measures(
            value("coverage"), found.get("rank_ic", nothing), value("persistence"), value("distinct"),
            _pairs(found, "relative "), _pairs(found, "twin "),
            {what: value(what) for what in UNITS if what in found}, value("apart from float64"),
        )  # fmt: skip

    def first(self, name: str) -> Measures | None:
        """The factor on the first panel that allows it."""
        return next((found for source in self.sources if (found := self.measures(source, name))), None)

    def lacks(self, source: str, name: str) -> list[str]:
        """The fields that the panel lacks for the factor."""
        found = self._metrics.get(f"{source} {name}", {})
        return [metric.removeprefix("lacks ") for metric in found if metric.startswith("lacks ")]

    def computed(self, source: str) -> Iterator[tuple[Factor, Measures]]:
        """The factors that the panel allows, in the order of the catalogue."""
        for name, factor in catalogue(PUBLISHED).items():
            if found := self.measures(source, name):
                yield factor, found

    def of_panel(self, source: str, metric: str) -> float:
        """A number about the panel itself: masked, sessions, stocks_per_session, factors."""
        return self.numbers.find(source, metric).value

    def between(self, source: str, one: str, other: str) -> float:
        """Mean absolute rank correlation between the factors of two families; NaN where there is none."""
        pairs = ((one, other), (other, one))  # stored once, in the order of the catalogue
        found = (self.numbers.find(f"{source} family {a}", f"correlation {b}").value for a, b in pairs)
        return next((value for value in found if math.isfinite(value)), math.nan)

    def families(self, source: str) -> list[str]:
        """Families with factors on the panel, in the order of the catalogue."""
        return list(dict.fromkeys(factor.family for factor, _ in self.computed(source)))

    # ------------------------------------------------------------------------------------- over factors

    def median_coverage(self, source: str, wanted: Callable[[float], bool]) -> float:
        """Median coverage of the factors whose window is wanted; NaN where there is none."""
        found = [item.coverage for factor, item in self.computed(source) if wanted(factor.window)]
        return median(found) if found else math.nan

    def papers(self, source: str) -> list[Measures]:
        """The papers' factors that the panel allows."""
        return [item for factor, item in self.computed(source) if factor.family in FAMILIES]

    def likeness(self, source: str) -> tuple[float, float]:
        """Mean absolute rank correlation of the papers' factors within a family and between two."""
        families = [family for family in self.families(source) if family in FAMILIES]
        within = [self.between(source, family, family) for family in families]
        between = [self.between(source, a, b) for i, a in enumerate(families) for b in families[i + 1 :]]
        return _mean(within), _mean(between)

    def apart(self, source: str) -> list[tuple[float, str]]:
        """(share of cells that float64 would give otherwise, factor), where it was measured; the largest first."""
        found = [(item.apart, factor.name) for factor, item in self.computed(source) if math.isfinite(item.apart)]
        return sorted(found, key=lambda pair: -pair[0])

    @staticmethod
    def has_twin(measures: Measures) -> bool:
        """Whether another of the 213 orders the stocks almost alike."""
        known = catalogue(PUBLISHED)
        return any(name in known and known[name].family in FAMILIES for name, _ in measures.twins)


def same_formula(factor: Factor) -> list[str]:
    """Names of the other factors that are the very same formula: equal trees are one object."""
    known = catalogue(PUBLISHED).values()
    return [other.name for other in known if other.node is factor.node and other.name != factor.name]


def _pairs(found: dict[str, Estimate], mark: str) -> tuple[tuple[str, float], ...]:
    pairs = [(metric.removeprefix(mark), item.value) for metric, item in found.items() if metric.startswith(mark)]
    return tuple(sorted(pairs, key=lambda pair: -abs(pair[1])))


def _mean(values: list[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
