"""A study's answer to a claim: its own number with intervals, in the claim's unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lib.errors import ParameterError

SETTINGS = ("same", "reduced", "different")

Part = tuple[float, float, float]


@dataclass(frozen=True)
class Answer:
    """What a study found for one claim, in the claim's unit.

    low, high: for a level or ratio, the 95 % prediction interval for ONE path of the paper's length; for a
    difference, the 95 % interval of the paired mean; for an identity, the estimate itself or its interval.
    mean_low, mean_high: the 95 % interval of our mean over markets; None where there is one real path.
    markets: independent markets behind these intervals (Student's t); 0 where they come from the days of one path.
    census: everything there was has been counted, so that low = high = estimate, without sampling.
    one_sided: for a claim that only states a bound, the lower and the upper 95 % bound of one path, each one-sided.
    parts: for an order, one (estimate, low, high) per paired difference, each in the claimed direction, so
    that the order holds when all of them are positive; estimate, low and high are then not needed.
    setting: how the study's setting compares with the paper's: same | reduced | different.
    choice: why a choice of ours decides the number, so that the claim cannot be tested by it.
    unavailable: why the claim cannot be answered with the data there is; nothing else is then needed.
    """

    claim_id: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    setting: str = "different"
    note: str = ""
    page: str = ""
    parts: Sequence[Part] = ()
    unavailable: str = ""
    choice: str = ""
    mean_low: float | None = None
    mean_high: float | None = None
    markets: int = 0
    census: bool = False
    one_sided: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.setting not in SETTINGS:
            options = " | ".join(SETTINGS)
            raise ParameterError(f"answer to {self.claim_id}: setting {self.setting!r}; expected {options}")
        for part in self.parts:
            _check_interval(self.claim_id, *part)
        if self.mean_low is not None or self.mean_high is not None:
            _check_interval(self.claim_id, self.estimate, self.mean_low, self.mean_high)
        if self.one_sided:
            _check_interval(self.claim_id, self.one_sided[0], *self.one_sided)
        if self.census and not self.estimate == self.low == self.high:
            got = f"{self.estimate} [{self.low}, {self.high}]"
            raise ParameterError(f"answer to {self.claim_id}: a census has low = high = estimate, got {got}")
        empty = self.parts or self.unavailable or (self.choice and self.estimate is None)
        if not empty:
            _check_interval(self.claim_id, self.estimate, self.low, self.high)


def _check_interval(claim_id: str, estimate: float | None, low: float | None, high: float | None) -> None:
    given = [value for value in (estimate, low, high) if value is not None]
    if estimate is None or not all(map(math.isfinite, given)):
        got = f"{estimate} [{low}, {high}]"
        raise ParameterError(f"answer to {claim_id}: expected a finite estimate and interval, got {got}")
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise ParameterError(f"answer to {claim_id}: expected low <= high, or neither, got [{low}, {high}]")
