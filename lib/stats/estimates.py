"""Estimates with their intervals, looked up in a study's tidy frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

MINUS = "\N{MINUS SIGN}"
#: what the names of the ends of an interval add to that of its number
ENDS = (".low", ".high")


class Estimate(NamedTuple):
    """A number with its 95 % interval; the ends are NaN where there is none."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def sign(self) -> int:
        """1 or -1 when the interval lies on that side of zero, 0 when it does not exclude zero or is missing."""
        return (self.low > 0) - (self.high < 0)

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return (self.high - self.low) / 2

    def times(self, factor: float) -> Estimate:
        """In another unit; `factor` is positive."""
        return Estimate(*(factor * number for number in self))

    @property
    def against(self) -> Estimate:
        """The same number counted in the other direction."""
        return Estimate(-self.value, -self.high, -self.low)

    def columns(self, name: str) -> dict[str, float]:
        """As three cells of a table's row.

        >>> Estimate(0.2, 0.1, 0.3).columns("ic")
        {'ic': 0.2, 'ic.low': 0.1, 'ic.high': 0.3}
        """
        return {name: self.value, f"{name}.low": self.low, f"{name}.high": self.high}

    def text(self, digits: int = 2, unit: str = "") -> str:
        """Value, unit and interval.

        >>> Estimate(0.0123, -0.01, 0.03).times(100).text(1, " %").replace(MINUS, "-")
        '+1.2 % [-1.0, +3.0]'
        """
        shown = signed(self.value, digits) + unit
        if math.isnan(self.low) or math.isnan(self.high):
            return shown
        return f"{shown} [{signed(self.low, digits)}, {signed(self.high, digits)}]"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, a real minus, and no sign on what rounds to zero.

    >>> signed(0.126), signed(-0.001), signed(float("nan"))
    ('+0.13', '0.00', 'n/a')
    """
    if not math.isfinite(value):
        return "n/a"
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", MINUS)


class Numbers(Mapping[tuple[str, str], Estimate]):
    """(variant, metric) -> Estimate, from a study's tidy frame.

    Over several seeds the value and the ends of the interval are averaged: the interval stays that of one market or
    one path, and does not shrink with the number of seeds.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        means = frame.groupby(["variant", "metric"], sort=False, as_index=False)["value"].mean()
        columns = (means["variant"], means["metric"], means["value"])
        self._values: dict[tuple[str, str], float] = {(v, m): x for v, m, x in zip(*columns, strict=True)}

    def __getitem__(self, key: tuple[str, str]) -> Estimate:
        variant, metric = key
        ends = (self._values.get((variant, metric + end), math.nan) for end in ENDS)
        return Estimate(self._values[key], *ends)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return (key for key in self._values if not key[1].endswith(ENDS))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def find(self, variant: str, metric: str) -> Estimate:
        """The estimate, or one of NaNs where the study has none."""
        return self.get((variant, metric), Estimate(math.nan))

    def tested(self, variant: str, metric: str) -> Estimate:
        """The estimate with the interval of its mean, for a test against zero or against another level.

        A level of a price file has two intervals: where one further path would land (`find`), and this one, recorded
        as "METRIC.mean". Where a study records one interval only, such as that over market seeds, it is that.
        """
        found = self.find(variant, f"{metric}.mean")
        return self.find(variant, metric) if math.isnan(found.value) else found

    @property
    def variants(self) -> list[str]:
        """In the order of the frame."""
        return list(dict.fromkeys(variant for variant, _ in self))


def join(sentences: Sequence[str]) -> str:
    """Sentences as a Markdown list; the words before the first full stop in bold.

    >>> join(["Rows. They are deleted."])
    '- **Rows.** They are deleted.'
    """
    lines = []
    for sentence in sentences:
        head, stop, rest = sentence.partition(". ")
        lines.append(f"- **{head}{stop.strip()}** {rest}" if stop else f"- {sentence}")
    return "\n".join(lines)
