"""What the synthetic market is calibrated to, and how near it comes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import pandas as pd

from lib.stats.estimates import signed
from lib.stats.over_seeds import OverSeeds

CSI, REAL, PAPER = "csi300", "synthetic real", "synthetic paper"

_WHERE: Final = {CSI: "on real prices", REAL: "in the made-up market"}

#: relative half-width of a band around a target of each setting, where no other band is given
REAL_BAND: Final = 0.20
PAPER_BAND: Final = 0.15


class Band(NamedTuple):
    """A target with the band that counts as reached; without a target NaN, and a band may be open on one side."""

    target: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies in the band."""
        return self.low <= value <= self.high


def around(target: float, width: float) -> Band:
    """Target with a relative band.

    >>> around(-2.0, 0.2)
    Band(target=-2.0, low=-2.4, high=-1.6)
    """
    low, high = sorted((target * (1 - width), target * (1 + width)))
    return Band(target, low, high)


def between(low: float, high: float) -> Band:
    """A band without a target."""
    return Band(math.nan, low, high)


POSITIVE: Final = between(0.0, math.inf)
NEGATIVE: Final = between(-math.inf, 0.0)


class Target(NamedTuple):
    """One row of the calibration table. metric: of the study; unit: "%" are shares and returns, shown times 100."""

    label: str
    metric: str
    unit: str
    real: Band | None
    paper: Band | None


def _real(target: float) -> Band:
    return around(target, REAL_BAND)


def _paper(target: float) -> Band:
    return around(target, PAPER_BAND)


#: five days after a limit-up close: two standard errors of the real mean, .51 and .49 % with the overlap of days
_FROM_CLOSE, _FROM_OPEN = Band(0.0235, 0.0133, 0.0337), Band(0.0019, -0.0079, 0.0117)

TARGETS: Final = (
    Target("limit-up closes, calm years", "limit-up closes, calm", "%", _real(0.0048), None),
    Target("limit-down closes, calm years", "limit-down closes, calm", "%", _real(0.0017), None),
    Target("limit-up closes, stress", "limit-up closes, bear", "%", _real(0.0313), None),
    Target("limit-down closes, stress", "limit-down closes, bear", "%", _real(0.0309), None),
    Target("limit closes, calm", "limit closes, calm", "%", None, _paper(0.012)),
    Target("limit closes, bear", "limit closes, bear", "%", None, _paper(0.048)),
    Target("limit closes, rally", "limit closes, rally", "%", None, _paper(0.035)),
    Target("halted cells", "halted", "%", _real(0.018), _paper(0.01)),
    Target("halt spells, mean days", "halt spells: mean", "", _real(6.5), _paper(8.0)),
    Target("next open gap after limit-up", "limit-up: next gap", "%", _real(0.0215), POSITIVE),
    Target("next open gap after limit-down", "limit-down: next gap", "%", _real(-0.0230), NEGATIVE),
    Target("five days from a limit-up close", "limit-up: five days from close", "%", _FROM_CLOSE, None),
    Target("five days from the next open", "limit-up: five days from next open", "%", _FROM_OPEN, None),
    Target("limit-up again next day", "limit-up: again next day", "%", _real(0.16), between(0.128, 0.336)),
    Target("one-price share of limit-up days", "limit-up: one price", "%", _real(0.06), between(0.048, 0.192)),
    Target("cross-sectional daily sd", "cross-sectional sd", "%", between(0.019, 0.025), between(0.025, 0.032)),
    Target("excess kurtosis of returns", "excess kurtosis", "", _real(4.1), between(4.0, 8.0)),
    Target("mean pairwise correlation", "pairwise correlation", "", Band(0.33, 0.15, 0.54), between(0.15, 0.5)),
    Target("acf of |r|, 1 day", "acf of |r|, lag 1", "", _real(0.17), around(0.15, REAL_BAND)),
    Target("acf of |r|, 5 days", "acf of |r|, lag 5", "", _real(0.13), around(0.12, REAL_BAND)),
    Target("acf of |r|, 20 days", "acf of |r|, lag 20", "", _real(0.09), around(0.08, REAL_BAND)),
    Target("closes at the day's low, no limit close", "close at the low", "%", _real(0.0225), None),
    Target("closes at the day's high, no limit close", "close at the high", "%", _real(0.0220), None),
    Target("log volume against 20 days, limit-up", "volume on limit-up", "", _real(0.81), POSITIVE),
    Target("the same, one-price limit-up", "volume on one-price limit-up", "", _real(-1.19), NEGATIVE),
    Target("the same, day after a limit-up", "profile: volume, day +1", "", _real(0.93), POSITIVE),
)  # fmt: skip


@dataclass(frozen=True)
class Calibration:
    """The numbers of the study `calibration`: metric by variant and seed."""

    numbers: OverSeeds

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Calibration:
        return cls(OverSeeds(frame))

    @property
    def has_real(self) -> bool:
        """Whether a price file was measured."""
        return CSI in self.numbers.variants

    def mean(self, variant: str, metric: str) -> float:
        """Mean over the seeds, NaN where the study has none."""
        return self.numbers.find(variant, metric).value

    def spread(self, variant: str, metric: str) -> float:
        """Standard deviation over the seeds; NaN below two of them."""
        found = self.numbers.seeds(variant, metric)
        return float(found.std(ddof=1)) if len(found) > 1 else math.nan

    def rows(self) -> Iterator[dict[str, object]]:
        """The calibration table: target and band, real prices, and both settings with mean and spread."""
        for target in TARGETS:
            row: dict[str, object] = {"quantity": target.label, "unit": target.unit}
            row["CSI 300"] = self._shown(CSI, target)
            for name, variant, band in (("real", REAL, target.real), ("paper", PAPER, target.paper)):
                row[f"{name}: target"] = _scaled(band.target, target.unit) if band else math.nan
                row[f"{name}: band"] = _band_text(band, target.unit)
                row[f"{name}: mean"] = self._shown(variant, target)
                row[f"{name}: sd"] = _scaled(self.spread(variant, target.metric), target.unit)
                row[f"{name}: reached"] = _reached(band, self.mean(variant, target.metric))
            yield row

    def _shown(self, variant: str, target: Target) -> float:
        return _scaled(self.mean(variant, target.metric), target.unit)

    def missed(self, setting: str) -> list[str]:
        """Labels of the targets of a setting ("real" or "paper") that its mean does not reach."""
        variant = REAL if setting == "real" else PAPER
        bands = ((t, t.real if setting == "real" else t.paper) for t in TARGETS)
        return [t.label for t, band in bands if band and _reached(band, self.mean(variant, t.metric)) == "no"]

    def reached(self, setting: str) -> tuple[int, int]:
        """(targets reached, targets there are) of a setting."""
        there = sum((t.real if setting == "real" else t.paper) is not None for t in TARGETS)
        return there - len(self.missed(setting)), there

    def message(self) -> str:
        """How many targets are reached, and which are not."""
        texts = []
        for setting, name in (("real", "The default setting"), ("paper", 'The setting `limit_rates="paper"`')):
            reached, there = self.reached(setting)
            missed = self.missed(setting)
            tail = f" It misses: {'; '.join(missed)}." if missed else ""
            texts.append(f"{name} reaches {reached} of its {there} targets.{tail}")
        return "\n\n".join(texts)

    @property
    def first(self) -> str:
        """The variant that sentences speak of: real prices if they were measured, else the default setting."""
        return CSI if self.has_real else REAL

    def profile_message(self) -> str:
        """What follows a limit-up close, in the market and on real prices."""
        texts = []
        for variant in ([CSI] if self.has_real else []) + [REAL]:
            next_day = 100 * self.mean(variant, "profile: price, day +1")
            later = 100 * self.mean(variant, "profile: price, day +10") - next_day
            texts.append(f"{signed(next_day, 1)} and {signed(later, 1)} % {_WHERE[variant]}")
        return f"The day after a limit-up close, and the nine days after that: {', '.join(texts)}"

    def spell_message(self) -> str:
        """How many halts and limit runs are over after a day."""
        halt, run = (100 * (1 - self.mean(self.first, f"{s} spells: at least 2")) for s in ("halt", "limit-up"))
        return f"{halt:.0f} % of halts and {run:.0f} % of limit-up runs last one day {_WHERE[self.first]}"

    def clustering_message(self) -> str:
        """How long large moves are followed by large moves."""
        day, month = (self.mean(self.first, f"acf of |r|, lag {lag}") for lag in (1, 20))
        return f"Large moves follow large moves: {day:.2f} after a day, {month:.2f} after 20 {_WHERE[self.first]}"

    def series(self, variant: str, prefix: str, keys: list[str]) -> list[float]:
        """Means of the metrics prefix + key."""
        return [self.mean(variant, prefix + key) for key in keys]


def _scaled(value: float, unit: str) -> float:
    return 100 * value if unit == "%" else value


def _band_text(band: Band | None, unit: str) -> str:
    """A band for a reader.

    >>> _band_text(between(0.025, 0.032), "%"), _band_text(POSITIVE, ""), _band_text(None, "")
    ('2.5 to 3.2', 'above 0', '')
    """
    if band is None:
        return ""
    low, high = _scaled(band.low, unit), _scaled(band.high, unit)
    if math.isinf(high):
        return f"above {low:.3g}"
    if math.isinf(low):
        return f"below {high:.3g}"
    return f"{low:.3g} to {high:.3g}"


def _reached(band: Band | None, value: float) -> str:
    if band is None or math.isnan(value):
        return ""
    return "yes" if band.holds(value) else "no"
