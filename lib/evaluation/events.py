"""What happens after a close at the price limit: events, outcomes and their means.

Definitions (all shares are of traded cells, halt rates of listed ones):

* universe of day t: listed members of the day, halted ones included; traded = not halted. A row with a close counts
  even where its open is missing or its close lies outside [low, high]: factors must not see it, an event can.
* limit-up close: close >= limit_up in integer ticks; one-price: also low >= limit_up. Limit-down mirrored.
* r = close / pre_close - 1, gap = open / pre_close - 1 (without a published pre_close: the close of the previous
  session), both missing on halted or unlisted days, on days without a
  limit, and where the close lies outside the limits (a data error).
* "next day" is the next session, whether or not the stock is then still a member; missing values leave a mean.
* five days from close: product of (1 + r) over t+1..t+5 minus 1, a missing day counting 0;
  from the next open: the same divided by (1 + gap of t+1), a missing gap counting 0 as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray, Matrix
from lib.errors import UnknownNameError
from lib.limits.ticks import limit_ticks, to_ticks
from lib.reasons import Reason
from lib.stats import newey_west_error
from lib.stats.checks import is_constant
from lib.stats.forward import ahead, forward_growth

if TYPE_CHECKING:
    from lib.panel import Panel

Ticks = NDArray[np.int64]


#: sessions of the longer outcomes
HORIZON = 5

#: states that need the close to be within the limits
CLOSES = ("close up", "close down", "one-price up", "one-price down")


class _ByDay:
    """Dataclasses of [T, N] arrays, or of dicts of them, that can be cut to some of the days."""

    def on(self, days: NDArray[np.bool_]) -> Self:
        """The same arrays on the days where `days` [T] holds."""
        first, last = np.flatnonzero(days)[[0, -1]]
        rows = slice(first, last + 1) if last - first + 1 == days.sum() else days
        cut = {name: _cut(value, rows) for name, value in vars(self).items()}
        return type(self)(**cut)


def _cut(value: Any, rows: Any) -> Any:
    return {name: array[rows] for name, array in value.items()} if isinstance(value, dict) else value[rows]


@dataclass(frozen=True, eq=False)
class LimitDays(_ByDay):
    """Where prices stand against the limits, each [T, N]; from published or fictitious limits."""

    member: BoolArray  # listed member of the day
    traded: BoolArray  # member and not halted
    halted: BoolArray  # listed and halted, member or not
    at: dict[str, BoolArray]  # "close up", "one-price up", "touch up", ...: listed and traded, member or not
    r: Matrix  # return of the day, NaN where missing
    gap: Matrix  # overnight return, NaN where missing

    def events(self) -> dict[str, BoolArray]:
        """Event name -> cells of members."""
        up, down = self.at["close up"], self.at["close down"]
        plain, sound = ~up & ~down, np.isfinite(self.r)  # a close beyond the limits did not close below them
        cells = {
            "limit-up close": up,
            "limit-up, one price": self.at["one-price up"],
            "limit-up, other": up & ~self.at["one-price up"],
            "touched limit-up, closed below": self.at["touch up"] & ~up & sound,
            "limit-down close": down,
            "limit-down, one price": self.at["one-price down"],
            "touched limit-down, closed above": self.at["touch down"] & ~down & sound,
            "up more than 5 %, no limit": (self.r > 0.05) & plain,
            "down more than 5 %, no limit": (self.r < -0.05) & plain,
            "no limit close": plain,
        }
        return {name: self.traded & event for name, event in cells.items()}


def limit_days(panel: Panel, fictitious: int | None = None) -> LimitDays:
    """Locate limit closes on a panel.

    fictitious: percent of the previous close, such as 10, drawn as limits on a market that has none; the same events
        can then be tabulated where nothing stops trading. None uses the panel's published limits.

    Raises UnknownNameError when the panel has neither published limits nor a fictitious percentage.
    """
    prices = panel.fields
    listed = panel.without(Reason.UNLISTED) & np.isfinite(prices["close"])
    reference = prices["pre_close"] if "pre_close" in prices else _before(prices["close"])
    up, down = _limits(panel, reference, fictitious)
    ticks = {name: to_ticks(prices[name]) for name in ("open", "high", "low", "close")}
    limited = up > 0
    within = limited.copy()
    if fictitious is None:  # a close outside published limits is a data error; that the limit was touched is not
        within &= (ticks["close"] <= up) & (ticks["close"] >= down)
    trades = listed & panel.without(Reason.HALT) & (prices["volume"] > 0)
    usable = trades & within
    at = {
        "close up": ticks["close"] >= up, "close down": ticks["close"] <= down,
        "one-price up": ticks["low"] >= up, "one-price down": (ticks["high"] <= down) & (ticks["high"] > 0),
        "touch up": ticks["high"] >= up, "touch down": (ticks["low"] <= down) & (ticks["low"] > 0),
        "open up": ticks["open"] >= up, "open down": (ticks["open"] <= down) & (ticks["open"] > 0),
    }  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        r, gap = (np.where(usable, prices[name] / reference - 1, np.nan) for name in ("close", "open"))
    return LimitDays(
        listed & panel.universe,
        trades & panel.universe,
        listed & ~trades,
        {name: cells & (usable if name in CLOSES else trades & limited) for name, cells in at.items()},
        r,
        gap,
    )


def _limits(panel: Panel, reference: Matrix, fictitious: int | None) -> tuple[Ticks, Ticks]:
    if fictitious is not None:
        return limit_ticks(to_ticks(reference), fictitious)
    if "limit_up" not in panel.fields:
        raise UnknownNameError("the panel has no limit_up and limit_down; pass fictitious=10 to draw limits at 10 %")
    return to_ticks(panel.fields["limit_up"]), to_ticks(panel.fields["limit_down"])


@dataclass(frozen=True, eq=False)
class Outcomes(_ByDay):
    """What follows each cell, [T, N] each; NaN where missing."""

    gap: Matrix  # next open against the close
    close: Matrix  # next close against the close
    excess: Matrix  # the same less the members' equal-weight mean of that day
    intraday: Matrix  # next close against the next open
    five_from_close: Matrix
    five_from_open: Matrix
    next_is: dict[str, BoolArray]  # the next day closes at a limit, opens at one, is halted


def outcomes(days: LimitDays, horizon: int = HORIZON) -> Outcomes:
    """Returns and states after the close of each cell."""
    gap, close = ahead(days.gap, 1), ahead(days.r, 1)
    growth = forward_growth(np.nan_to_num(days.r), horizon)
    return Outcomes(
        gap,
        close,
        close - ahead(_members_mean(days), 1),
        (1 + close) / (1 + gap) - 1,
        growth - 1,
        growth / (1 + np.nan_to_num(gap)) - 1,
        {name: ahead(cells, 1) for name, cells in {**days.at, "halted": days.halted}.items()},
    )


def _members_mean(days: LimitDays) -> Matrix:
    """Equal-weight mean return of the day's traded members, as a column [T, 1]."""
    used = days.traded & np.isfinite(days.r)
    count = used.sum(axis=1, keepdims=True)
    total = np.where(used, days.r, 0.0).sum(axis=1, keepdims=True)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _before(values: Matrix) -> Matrix:
    """The value of the previous session; NaN on the first day."""
    earlier = np.full_like(values, np.nan)
    earlier[1:] = values[:-1]
    return earlier


def clustered_mean(values: Matrix, cells: BoolArray, *, horizon: int = 1) -> tuple[float, float, int]:
    """(mean, standard error, n) of the finite values [T, N] in some cells; values outside them are never read.

    Residuals are summed within a day, s(t), because one day's limit closes share that day's news. Outcomes of
    `horizon` sessions overlap, so their day sums are correlated over horizon - 1 sessions: Newey-West,
    se = sqrt[sum s(t)^2 + 2 sum_k (1 - k/(L+1)) sum_t s(t) s(t-k)] / n with L = 3 horizon, which keeps 95 % of the
    error that the overlap of five days makes (L = horizon - 1 keeps 82 %); L = 0, clustered by day, for horizon 1.
    Days without an event have s(t) = 0, so that lags are sessions.
    NaN for an empty selection, and an error of NaN where T <= L; an error of 0 where all values are equal.
    Sources: Liang & Zeger (1986); Newey & West (1987); Driscoll & Kraay (1998).
    """
    used = cells & np.isfinite(values)
    n = int(used.sum())
    if n == 0:
        return float("nan"), float("nan"), 0
    mean = float(values[used].mean())
    by_day = np.where(used, values - mean, 0.0).sum(axis=1)
    lags = 3 * horizon if horizon > 1 else 0
    if is_constant(by_day):
        return mean, 0.0, n
    if len(by_day) <= lags:
        return mean, float("nan"), n
    return mean, newey_west_error(by_day, lags, horizon=horizon) * len(by_day) / n, n


def spans(dates: NDArray[np.datetime64]) -> Iterator[tuple[str, BoolArray]]:
    """("2010", days of 2010), ..., ("all", every day)."""
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    for year in np.unique(years):
        yield str(year), years == year
    yield "all", np.ones(len(dates), dtype=bool)
