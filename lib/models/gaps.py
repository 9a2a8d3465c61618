"""How far apart the parts of a split must lie: derived from the label and from the declared look-back of the factors.

A label of day t is known after day t + horizon, and an order sent after the close of t fills `lag` days later, so a day
is purged whose interval [t, t + horizon + lag] reaches the first day of a later part. Where a fit goes on after the
days that are tested, as in cross-validation, its first days still read those days through their windows: they are
embargoed for as long as the longest window reaches back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib.errors import ParameterError
from lib.factors import find_factors


@dataclass(frozen=True)
class Gaps:
    """horizon, lag, embargo: sessions. Raises ParameterError unless horizon >= 1, lag >= 0 and embargo >= 0."""

    horizon: int = 1
    lag: int = 1
    embargo: int = 0

    def __post_init__(self) -> None:
        for name, least in (("horizon", 1), ("lag", 0), ("embargo", 0)):
            value = getattr(self, name)
            if value < least:
                raise ParameterError(f"{name}: got {value}; expected at least {least} sessions")

    @classmethod
    def of(cls, names: Sequence[str], *, horizon: int = 1, lag: int = 1) -> Gaps:
        """The gaps of some factors: the embargo is the longest reach of their formulas (`lib.graph.Node.memory`).

        A recurrence reaches as far as it declares to remember. Raises UnknownNameError.

        >>> Gaps.of(["alpha_101"]).embargo, Gaps.of(["alpha_101", "stock_006"], horizon=5).purge
        (0, 6)
        """
        return cls(horizon, lag, max((factor.node.memory for factor in find_factors(list(names))), default=0))

    @property
    def purge(self) -> int:
        """Sessions before a later part that belong to neither part."""
        return self.horizon + self.lag
