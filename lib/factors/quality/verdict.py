"""Which candidates pass: every test, the first one that fails, and the near-duplicate that stands in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lib.factors.quality.criteria import CRITERIA, REDUNDANCY
from lib.factors.quality.measures import Bound
from lib.factors.quality.redundancy import distinct

#: compare the estimate; or demand that the whole interval passes; or only that some of it does
Standard = Literal["value", "low", "high"]


@dataclass(frozen=True)
class Verdict:
    """The filter's answer for F candidates.

    passed: bool [F, K], the K tests in the order of CRITERIA. leader: int [F], position of the kept candidate that
    represents it: its own where it is kept, -1 where a test failed.
    """

    names: tuple[str, ...]
    passed: np.ndarray
    leader: np.ndarray

    @property
    def stable(self) -> np.ndarray:
        """Candidates [F] that pass every test of their own: what is left before near-duplicates are removed."""
        return np.asarray(self.passed.all(axis=1))

    @property
    def kept(self) -> np.ndarray:
        """Candidates [F] that are left at the end."""
        return np.asarray(self.leader == np.arange(len(self.leader)))

    def failed(self, candidate: int) -> list[str]:
        """Every test that a candidate fails, in order; "redundant" for a near-duplicate of a stronger one."""
        found = [name for name, ok in zip(CRITERIA, self.passed[candidate], strict=True) if not ok]
        return found or ([] if self.kept[candidate] else ["redundant"])

    def reason(self, candidate: int) -> str:
        """The first test that a candidate fails, or "kept"."""
        return next(iter(self.failed(candidate)), "kept")


def passes(
    measures: Mapping[str, Bound] | Mapping[str, np.ndarray], limits: Mapping[str, float], standard: Standard = "value"
) -> np.ndarray:
    """bool [F, K]: measure >= threshold, test by test; an undefined measure does not pass."""
    values = (measures[name] for name in CRITERIA)
    chosen = (getattr(value, standard) if isinstance(value, Bound) else value for value in values)
    return np.stack([value >= limits[name] for name, value in zip(CRITERIA, chosen, strict=True)], axis=1)


def judge(
    names: tuple[str, ...],
    measures: Mapping[str, Bound],
    limits: Mapping[str, float],
    correlation: np.ndarray,
    redundancy: float = REDUNDANCY,
) -> Verdict:
    """The verdict on every candidate; of near-duplicates the one with the highest information ratio stays."""
    passed = passes(measures, limits)
    eligible = np.asarray(passed.all(axis=1))
    leader = distinct(correlation, measures["ir"].value, eligible, redundancy)
    return Verdict(names, passed, leader)
