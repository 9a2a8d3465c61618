"""The tests of the filter in their order, each with a threshold, what it asks and why the threshold is what it is.

The papers name these tests (A s3.A.2, s4.B.3) and state no threshold. Where their tables allow one to be derived it is
derived; elsewhere it is declared, and the study shows how the count moves with it. Every measure is "more is better".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lib.errors import ParameterError, closest


@dataclass(frozen=True)
class Criterion:
    """A test: passed where its measure is at least `threshold`. `lax` is the value at which it asks for nothing.

    curve: the thresholds at which the study counts the survivors again.
    """

    name: str
    threshold: float
    lax: float
    measure: str
    reason: str
    curve: tuple[float, ...]


def _steps(start: float, stop: float, count: int) -> tuple[float, ...]:
    return tuple(round(start + (stop - start) * k / (count - 1), 6) for k in range(count))


CRITERIA: Mapping[str, Criterion] = {
    item.name: item
    for item in (
        Criterion("coverage", 0.5, 0.0, "share of the scored cells with a value, from the candidate's first day on",
                  "most of the universe has to have a value", _steps(0, 1, 11)),
        Criterion("flat", 0.9, 0.0, "share of those days on which the values differ between stocks",
                  "a candidate that ranks nobody on one day in ten is no ranking", _steps(0, 1, 11)),
        Criterion("distribution", 0.1, 0.0, "5th over 95th percentile over days of the distance between deciles 1 and 9",  # noqa: E501
                  "A s4.B.3 excludes unstable distributions; here, a scale that changes more than tenfold",
                  _steps(0, 0.5, 11)),
        Criterion("ic", 0.0115, 0.0, "mean daily IC in the candidate's own direction",
                  "half of the mean that A, Table I reports for raw factors", _steps(0, 0.04, 17)),
        Criterion("ir", 0.0735, 0.0, "mean over deviation of the daily IC",
                  "half of the ratio that A, Table I reports for raw factors", _steps(0, 0.3, 16)),
        Criterion("stability", 0.6, 0.0, "share of quarters (60 days) whose mean IC has the direction of the whole",
                  "three of five; the direction is chosen on the same days, so luck gives more than a half",
                  _steps(0.4, 0.9, 11)),
        Criterion("decay", 0.25, -1.0, "mean strength over the next 20 days as a share of the first day's",
                  "A s6.C holds for 20 days; a quarter is left of a signal that halves every three or four days",
                  _steps(0, 1, 11)),
        Criterion("sensitivity", 0.5, -1.0, "IC of the neighbours in the grid of look-backs as a share of its own",
                  "A s4.B.3 excludes excessive parameter sensitivity; here, neighbours with less than half",
                  _steps(0, 1, 11)),
        Criterion("turnover", 0.5, -1.0, "correlation of today's ranking with yesterday's",
                  "half of the ranking lasts overnight; whoever holds for 20 days needs far more", _steps(0, 1, 11)),
    )
}  # fmt: skip

#: absolute rank correlation from which the weaker of two candidates counts as its near-duplicate
REDUNDANCY = 0.9
#: days with a defined IC below which nothing is judged: the candidate fails coverage
MIN_DAYS = 100


def thresholds(changed: Mapping[str, float] | None = None) -> dict[str, float]:
    """The declared thresholds with some changed. Raises ParameterError for a name that is no test.

    >>> thresholds({"ic": 0.02})["ic"]
    0.02
    """
    for name, value in (changed or {}).items():
        if name not in CRITERIA:
            raise ParameterError(f"threshold {name!r}: no such test{closest(name, CRITERIA)}; {', '.join(CRITERIA)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"threshold {name!r}: got {value!r}; expected a number")
    return {name: float((changed or {}).get(name, item.threshold)) for name, item in CRITERIA.items()}


def loosened(limits: Mapping[str, float], strictness: float) -> dict[str, float]:
    """All thresholds moved together: 0 asks for nothing, 1 is as given, above 1 is stricter than given."""
    lax = {name: item.lax for name, item in CRITERIA.items()}
    return {name: lax[name] + strictness * (value - lax[name]) for name, value in limits.items()}
