"""What the handbook of factors says of each factor, and of all: looked up in the study's frame, panel by panel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import NamedTuple

import pandas as pd

from lib.factors.registry import FAMILIES, PUBLISHED, Factor, catalogue
from lib.stats.estimates import Estimate, Numbers

#: at most so many different values a day: a flat factor; rank correlation with itself rescaled below which it depends
FLAT, UNMOVED = 15, 0.995
#: rank correlation from which two orders are printed as the same
ONE_ORDER = 0.99995
UNITS = ("price unit", "volume unit", "price level", "volume level")
#: windows, in days, that the message about coverage compares
SHORT, LONG = 10, 60


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
    """The measures of every factor on every panel; `sources` are the panels, real prices first."""

    numbers: Numbers
    sources: tuple[str, ...]

    @classmethod
    def of(cls, *frames: pd.DataFrame) -> Handbook:
        """From this build and what was recorded; of a panel that is in both, the first frame counts."""
        kept: list[pd.DataFrame] = []
        sources: list[str] = []
        for frame in (frame for frame in frames if len(frame)):
            panel = frame["variant"].str.partition(" ")[0]
            new = [source for source in panel.unique() if source not in sources]
            kept.append(frame[panel.isin(new)])
            sources += new
        return cls(Numbers(pd.concat(kept)), tuple(sorted(sources, key=lambda name: name == "overlay")))

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
        """The factor on the first panel, real prices before the overlay market, that allows it."""
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

    # ------------------------------------------------------------------------------------- sentences

    def coverage_message(self, source: str) -> str:
        """What a strict window costs."""
        short = self._median_coverage(source, lambda days: days <= SHORT)
        long = self._median_coverage(source, lambda days: LONG <= days < math.inf)
        return (
            f"Windows of up to {SHORT} days keep {short:.0%} of the cells, windows of {LONG} days and more {long:.0%} "
            f"(medians)"
        )

    def _median_coverage(self, source: str, wanted: Callable[[float], bool]) -> float:
        found = [item.coverage for factor, item in self.computed(source) if wanted(factor.window)]
        return median(found) if found else math.nan

    def information_message(self, source: str) -> str:
        """How many factors have an IC that can be told from zero, beside what chance alone would give."""
        found = (item.rank_ic for factor, item in self.computed(source) if factor.family in FAMILIES)
        signs = [ic.sign for ic in found if math.isfinite(ic.low)]
        apart = sum(sign != 0 for sign in signs)
        return (
            f"{apart} of {len(signs)} factors have a rank IC whose 95 % interval excludes zero; without any "
            f"information about {0.05 * len(signs):.0f} would"
        )

    def relatives_message(self, source: str) -> str:
        """How alike factors are within and between families, and how many have a twin."""
        families = [family for family in self.families(source) if family in FAMILIES]
        within = [self.between(source, family, family) for family in families]
        between = [self.between(source, a, b) for i, a in enumerate(families) for b in families[i + 1 :]]
        twins = sum(self.has_twin(item) for factor, item in self.computed(source) if factor.family in FAMILIES)
        return (
            f"Factors of one family correlate {_mean(within):.2f} on average, of two families {_mean(between):.2f}; "
            f"{twins} have a twin among the 213"
        )

    def precision_message(self, source: str) -> str:
        """How many cells float64 would give otherwise, and of which factor most."""
        found = [(item.apart, factor.name) for factor, item in self.computed(source) if math.isfinite(item.apart)]
        if not found:
            return "What single precision costs was not measured"
        worst, name = max(found)
        whole = sum(apart == 0 for apart, _ in found)
        return (
            f"{whole} of {len(found)} factors agree with a float64 evaluation in every cell; the largest remainder is "
            f"{worst:.3%} of the cells, of {name}"
        )

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
