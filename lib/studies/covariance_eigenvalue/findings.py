"""What the study of covariance eigenvalues says: who stays above zero, by how much, and who does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OneMarket


@dataclass(frozen=True)
class Eigenvalue(OneMarket):
    """The numbers of the study `covariance_eigenvalue` for one market."""

    @property
    def sizes(self) -> list[int]:
        words = (variant.split(" ", 2) for variant in self.numbers.variants)
        return sorted({int(word[1]) for word in words if word[0] == self.source})

    @property
    def largest(self) -> int:
        return self.sizes[-1]

    def find(self, estimator: str, metric: str, size: int = 0) -> Estimate:
        """A metric of an estimator; by default for the largest number of stocks."""
        return self.numbers.find(f"{self.source} {size or self.largest} {estimator}", metric)

    def message(self) -> str:
        """Who is refused, and how often."""
        shrunk = max(self.find(name, "negative").value for name in ("ledoit-wolf", "ledoit-wolf float32"))
        pairs = self.find("pairwise shrunk", "negative").value
        return (
            f"Of {self.largest} stocks, Ledoit-Wolf has a negative eigenvalue on {100 * shrunk:.0f} % of days, a "
            f"pairwise covariance of masked returns on {100 * pairs:.0f} %, even shrunk"
        )

    def floor_message(self) -> str:
        """How far the lowest eigenvalue is from the round-off that would have to reach it."""
        lowest = min(self.numbers.seeds(self._variant("ledoit-wolf"), "lowest of all"))
        rounding = np.abs(self.numbers.seeds(self._variant("sample float32"), "round-off of all"))
        text = f"On no day does Ledoit-Wolf fall below {lowest:.2g} of the mean eigenvalue"
        if len(rounding) == 0:
            return f"{text}; with fewer stocks than days no eigenvalue of the sample covariance is zero either"
        return (
            f"{text}; the round-off of float32, seen where the sample covariance should have zeros, is at most "
            f"{rounding.max():.0e}"
        )

    def refusal_message(self) -> str:
        """What cvxpy says to the matrices that are only just negative."""
        double, single = (100 * self.find(name, "refused").value for name in ("sample", "sample float32"))
        return (
            f"cvxpy refuses the sample covariance on {double:.0f} % of days in float64 and on {single:.0f} % in "
            "float32: its test allows a fixed -1e-10, whatever the precision"
        )

    def needed_message(self) -> str:
        """What it would take to repair the pairwise matrix by shrinking."""
        needed, given = self.find("pairwise", "needed").value, self.find("pairwise shrunk", "intensity").value
        return (
            f"To repair the pairwise matrix of {self.largest} stocks takes an intensity of {needed:.2f}; the formula, "
            f"which does not know that it is broken, gives {given:.2f}"
        )

    def cost_message(self) -> str:
        """What the safe ways cost in stocks."""
        kept = self.find("complete", "stocks").value
        return f"Complete windows keep {kept:.0f} of {self.largest} stocks; filling keeps all of them"

    def _variant(self, estimator: str) -> str:
        return f"{self.source} {self.largest} {estimator}"
