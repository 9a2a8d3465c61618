"""What a training period says about each candidate: the measures that the tests compare with their thresholds.

Sampling error is that of the days: Newey-West for means of daily numbers, linearised for ratios of two of them,
Wilson's for shares of quarters. What is counted rather than sampled (coverage, flat days, spread) has no interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from lib.factors.quality.criteria import MIN_DAYS
from lib.factors.quality.daily import HORIZONS, Daily
from lib.stats.inference import Z95, newey_west_errors

#: sessions of a sub-period, about a quarter
PERIOD = 60
#: days with a defined IC that a sub-period needs to have a direction
PERIOD_DAYS = 20
HOLDING = HORIZONS[-1]


class Bound(NamedTuple):
    """F estimates at once, [F] each; `lib.stats.Estimate` is one number, with words for it."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, value: np.ndarray, error: np.ndarray | float = 0.0) -> Bound:
        return cls(value, value - Z95 * error, value + Z95 * error)


@dataclass(frozen=True)
class Periods:
    """Sums of daily ICs over sub-periods: all that the tests of information need, and small enough to draw again.

    days, ic, squares: [P, F], number, sum and sum of squares of the defined one-day ICs. held_days, held: [P, F],
    number and sum of the ICs over the holding period. pairs: neighbours, see
    `lib.factors.formulas.parametric.neighbours`.
    """

    days: np.ndarray
    ic: np.ndarray
    squares: np.ndarray
    held_days: np.ndarray
    held: np.ndarray
    pairs: np.ndarray

    @classmethod
    def of(cls, daily: Daily, pairs: Sequence[tuple[int, int]] = ()) -> Periods:
        first, last = daily.ic[0].astype(np.float64), daily.ic[-1].astype(np.float64)
        return cls(
            _sums(np.isfinite(first)), _sums(np.nan_to_num(first)), _sums(np.nan_to_num(first) ** 2),
            _sums(np.isfinite(last)), _sums(np.nan_to_num(last)), np.array(pairs, dtype=int).reshape(-1, 2),
        )  # fmt: skip

    def drawn(self, order: np.ndarray) -> Periods:
        """The periods `order` in place of these: a resampled history."""
        return replace(self, **{name: getattr(self, name)[order] for name in _SUMS})

    def centred(self) -> Periods:
        """Every daily IC less its candidate's mean: what is left when nothing is predictable.

        Centring takes a little of the quarters' spread away, which sqrt(P / (P - 1)) gives back.
        """
        mean, size = self.mean, len(self.days)
        again = np.sqrt(size / max(size - 1, 1))
        held_mean = _ratio(self.held.sum(axis=0), self.held_days.sum(axis=0))
        return replace(
            self,
            ic=again * (self.ic - self.days * mean),
            squares=self.squares - 2 * mean * self.ic + self.days * mean**2,
            held=again * (self.held - self.held_days * held_mean),
        )

    def flipped(self, signs: np.ndarray) -> Periods:
        """Every period's ICs times +1 or -1, one sign for all candidates: they keep their size and resemblance."""
        s = signs[:, None]
        return replace(self, ic=s * self.ic, held=s * self.held)

    @property
    def mean(self) -> np.ndarray:
        """Mean daily IC, [F]; NaN without days."""
        return _ratio(self.ic.sum(axis=0), self.days.sum(axis=0))

    @property
    def deviation(self) -> np.ndarray:
        """Deviation of the daily IC (ddof = 1), [F]."""
        n = self.days.sum(axis=0)
        return np.sqrt(np.maximum(_ratio(self.squares.sum(axis=0) - n * self.mean**2, n - 1), 0))

    @property
    def counted(self) -> np.ndarray:
        """Periods [P, F] with days enough to have a direction."""
        return self.days >= PERIOD_DAYS

    def estimates(self) -> dict[str, np.ndarray]:
        """ic, ir, stability, decay and sensitivity of each candidate, [F]; NaN where undefined."""
        mean, direction = self.mean, np.sign(self.mean)
        agree = (direction * self.ic > 0) & self.counted
        held = _ratio(self.held.sum(axis=0), self.held_days.sum(axis=0))
        return {
            "ic": np.abs(mean),
            "ir": _ratio(np.abs(mean), self.deviation),
            "stability": _ratio(agree.sum(axis=0), self.counted.sum(axis=0)),
            "decay": _ratio(held / HOLDING**0.5, mean),
            "sensitivity": _ratio(neighbour_mean(mean, self.pairs), mean),
        }


_SUMS = ("days", "ic", "squares", "held_days", "held")


def measure(daily: Daily, pairs: Sequence[tuple[int, int]] = ()) -> dict[str, Bound]:
    """Every measure of every candidate on the days of `daily`, which must be the training period and no more.

    Undefined measures are NaN; a candidate without neighbours has sensitivity inf, because nothing speaks against it.
    """
    periods = Periods.of(daily, pairs)
    found = periods.estimates()
    ic, held = daily.ic[0].astype(np.float64), daily.ic[-1].astype(np.float64)
    direction, mean = np.sign(periods.mean), np.abs(periods.mean)
    error = newey_west_errors(ic)
    decayed = direction * (held / HOLDING**0.5 - found["decay"] * ic)
    moved = direction * (neighbour_mean(ic, periods.pairs) - found["sensitivity"] * ic)
    return {
        **_counted(daily),
        "ic": Bound.of(found["ic"], error),
        "ir": Bound.of(found["ir"], _ratio(error, periods.deviation)),
        "stability": Bound(found["stability"], *_wilson(found["stability"], periods.counted.sum(axis=0))),
        "decay": Bound.of(found["decay"], _ratio(newey_west_errors(decayed, horizon=HOLDING), mean)),
        "sensitivity": _without_neighbours(Bound.of(found["sensitivity"], _ratio(newey_west_errors(moved), mean))),
        "turnover": Bound.of(_mean(daily.kept), newey_west_errors(daily.kept.astype(np.float64))),
    }


def _counted(daily: Daily) -> dict[str, Bound]:
    has = daily.covered > 0
    since = np.logical_or.accumulate(has, axis=0)
    days = since.sum(axis=0)
    defined = np.isfinite(daily.ic[0]).sum(axis=0)
    coverage = np.where(defined >= MIN_DAYS, _ratio((daily.covered * since).sum(axis=0), days), np.nan)
    labelled = np.isfinite(daily.ic[0]).any(axis=1, keepdims=True)  # days without labels are excluded
    values = {
        "coverage": np.where(days == 0, 0.0, coverage),
        "flat": _ratio(defined, (has & labelled).sum(axis=0)),
        "distribution": _scale_drift(daily.spread),
    }
    return {name: Bound.of(value) for name, value in values.items()}


def _scale_drift(spread: np.ndarray) -> np.ndarray:
    """5th over 95th percentile over the days that have a spread, [F]; 0 where the 95th is 0."""
    ordered = np.sort(spread, axis=0)  # NaN last
    last = np.maximum(np.isfinite(spread).sum(axis=0) - 1, 0)
    low, high = (np.take_along_axis(ordered, (last * p).astype(int)[None], axis=0)[0] for p in (0.05, 0.95))
    return np.where(high > 0, _ratio(low, high), np.where(np.isnan(high), np.nan, 0.0))


def neighbour_mean(values: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Mean over each candidate's neighbours, [..., F]; NaN for those that have none."""
    size = values.shape[-1]
    weights = np.zeros((size, size))
    weights[pairs[:, 1], pairs[:, 0]] = 1.0
    count = weights.sum(axis=0)
    return np.where(count > 0, np.nan_to_num(values) @ weights / np.maximum(count, 1), np.nan)


def _without_neighbours(bound: Bound) -> Bound:
    return Bound(*(np.where(np.isnan(bound.value), np.inf, item) for item in bound))


def _wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a share of n."""
    n = np.maximum(n, 1)
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    return middle - half, middle + half


def _sums(x: np.ndarray) -> np.ndarray:
    """Sums over consecutive periods of [T, F]; a short rest joins the last period."""
    starts = np.arange(0, max(len(x) - PERIOD // 2, 1), PERIOD)
    return np.add.reduceat(x.astype(np.float64), starts, axis=0)


def _mean(x: np.ndarray) -> np.ndarray:
    return _ratio(np.nan_to_num(x).sum(axis=0, dtype=np.float64), np.isfinite(x).sum(axis=0))


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, NaN where b is 0."""
    b = np.asarray(b, dtype=np.float64)
    return np.divide(a, b, out=np.full(np.broadcast_shapes(np.shape(a), b.shape), np.nan), where=b != 0)
