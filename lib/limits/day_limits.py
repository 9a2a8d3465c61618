"""The limit prices of every cell: from which source, by which rule, and on which days there was none after all.

A limit is computed from what was known before the day, and the day's own row may refute it: where a price lies well
beyond a limit, that limit was not in force. Such are the first day of the delisting period, a relisting, a resumption
after a reorganisation; no table of bands holds them. The cell is then judged by the widest band of its board on that
day, for the special treatment may have ended unnoticed, and where a price lies well beyond that as well, by none: it
could be traded both ways. A close at the limit to the tick is a lock, and the other prices cannot refute it: one of
them is a bad tick far more often than a free close falls on that very tick. Nothing of a later day is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray, FloatArray
from lib.errors import PanelError
from lib.limits.exchanges import (
    BOARDS,
    UNKNOWN_BOARD,
    bands,
    first_sessions,
    is_cut,
    kinds_of,
    ticks_per_yuan,
    widest_bands,
)
from lib.limits.listing import (
    PRICES,
    Fields,
    complete_cells,
    listed_cells,
    listing_days,
    previous,
)
from lib.limits.ticks import limit_prices, to_ticks

#: slack of the return heuristic (paper B, section 3.2): half a tick on a two-yuan stock, and rounding
HEURISTIC_SLACK: Final = 0.002
HEURISTIC: Final = "return heuristic"
#: well beyond a limit: by more than this share of the limit price, and by more than so many ticks. A limit in force
#: holds to the tick; the share is what the few digits of a factor can do to a reference. The largest bad tick in the
#: prices of 2010-2025 is two ticks (SH600521 on 2013-05-23); the nearest of the 13 days there that had no limit lies
#: 6 % beyond (SZ000709 on 2010-01-25).
WELL_BEYOND: Final = 0.002
BAD_TICKS: Final = 2
#: the share where a limit is a guess (`HEURISTIC`), and on the first day of an issue, which Shenzhen limited by
#: halting: SZ002709 on 2014-01-23 closed 0.8 % beyond, at +45.2 % under a limit of 44 %
LOOSELY_BEYOND: Final = 0.02


@dataclass(frozen=True, eq=False)
class Limits:
    """Limit prices [T,N] in yuan (NaN: no limit that day) and where they come from.

    open_up, open_down: what the opening auction takes; the same as up and down except on the first day of an issue
    per_yuan: ticks in a yuan, [N]
    loose: cells [T,N] whose limit is known less well: `LOOSELY_BEYOND`
    """

    up: FloatArray
    down: FloatArray
    source: str
    open_up: FloatArray
    open_down: FloatArray
    per_yuan: NDArray[np.int64]
    loose: BoolArray

    def touched(self, price: FloatArray, *, at_open: bool = False) -> tuple[BoolArray, BoolArray]:
        """Cells whose price is at or beyond the upper and at or beyond the lower limit."""
        up, down = (self.open_up, self.open_down) if at_open else (self.up, self.down)
        if self.source == HEURISTIC:
            return price >= up, price <= down
        # compare whole ticks, so that a price that went through float32 still equals its limit
        ticks = to_ticks(price, self.per_yuan)
        return (
            np.isfinite(up) & (ticks >= to_ticks(up, self.per_yuan)),
            np.isfinite(down) & (ticks <= to_ticks(down, self.per_yuan)),
        )

    def refuted(self, fields: Fields, traded: BoolArray) -> BoolArray:
        """Traded cells whose close lies well beyond a limit; or another price, where the close is not at a limit."""
        bad = (BAD_TICKS + 0.5) / self.per_yuan
        share = np.where(self.loose, LOOSELY_BEYOND, WELL_BEYOND) if self.loose.any() else WELL_BEYOND
        above = np.maximum(self.up * (1 + share), self.up + bad)
        below = np.minimum(self.down * (1 - share), self.down - bad)
        beyond = {name: (fields[name] > above) | (fields[name] < below) for name in PRICES}
        by_any = traded & np.logical_or.reduce(list(beyond.values()))
        if not by_any.any():
            return by_any
        at_up, at_down = self.touched(fields["close"])
        return by_any & (beyond["close"] | ~(at_up | at_down))


def derive_limits(
    dates: NDArray[Any], symbols: NDArray[Any], fields: Fields, traded: BoolArray | None = None
) -> Limits:
    """Limit prices from the first source the fields allow (under market="cn").

    1. published `limit_up` and `limit_down`; 2. `pre_close` with `limit_pct`; 3. `pre_close` with the
    band of board and date; 4. the heuristic |r| >= L - 0.002, expressed here as the price at which it
    sets in. Which source is used depends on the fields present, never on their values. The first day of an issue has
    the rule of `lib.limits.exchanges.FIRST_SESSIONS` in place of 2. and 3., and where nothing is published for it.
    """
    rules = _Rules.of(dates, symbols, fields)
    return _with_first_locks(_from_first_source(rules, fields, traded), rules, fields)


def _from_first_source(rules: _Rules, fields: Fields, traded: BoolArray | None) -> Limits:
    """`derive_limits`, less what the first day of an issue shows without an issue price."""
    if "limit_up" in fields and "limit_down" in fields:
        return rules.opened(_published(rules, fields))
    percent = _percent(rules, fields)
    if "pre_close" in fields:
        up, down = rules.prices(fields["pre_close"], percent)
        named = "pre_close and " + ("limit_pct" if "limit_pct" in fields else "board")
        return rules.opened(Limits(up, down, named, up, down, rules.per_yuan, rules.first_day))
    if traded is None:
        traded = complete_cells(fields)
    reference = previous(fields["close"], traded)
    reach = np.where(rules.first_day, np.nan, percent) / 100 - HEURISTIC_SLACK
    up, down = reference * (1 + reach), reference * (1 - reach)
    return Limits(up, down, HEURISTIC, up, down, rules.per_yuan, np.ones(up.shape, dtype=bool))


def _with_first_locks(limits: Limits, rules: _Rules, fields: Fields) -> Limits:
    """`limits` with the close of a first day that nothing but a lock explains, where the issue price is not known.

    An open is at most the auction's share above the issue price. So the limit is at least as far above the open as the
    one share is above the other (1.44 / 1.2), and a close that is both the high and that far up is taken for the limit;
    the lower limit likewise.
    """
    if not rules.first_day.any():
        return limits
    unknown = rules.first_day & np.isnan(limits.up) & np.isnan(limits.down)
    if not unknown.any():
        return limits
    opened, high, low, close = (fields[name] for name in PRICES)
    auction, slack = rules.first["auction"], 1.5 / rules.per_yuan
    rise = (100 + rules.first["rise"]) / (100 + auction)
    fall = (100 - rules.first["fall"]) / (100 - auction)
    up = np.where(unknown & (close >= high) & (close >= opened * rise - slack), close, np.nan)
    down = np.where(unknown & (close <= low) & (close <= opened * fall + slack), close, np.nan)
    return replace(
        limits,
        up=np.where(unknown, up, limits.up),
        down=np.where(unknown, down, limits.down),
        open_up=np.where(unknown, up / rise - slack, limits.open_up),
        open_down=np.where(unknown, down / fall + slack, limits.open_down),
    )


def limits_in_force(
    dates: NDArray[Any], symbols: NDArray[Any], fields: Fields, traded: BoolArray, limits: Limits
) -> tuple[Limits, BoolArray]:
    """`limits` less those that the day's own prices refute, and the cells [T,N] that are left without any.

    A refuted limit gives way to the widest band of the board, if no price lies well beyond that one either.
    """
    refuted = limits.refuted(fields, traded)
    if not refuted.any():
        return limits, refuted
    wide = _widest(dates, symbols, fields, traded, limits)
    free = refuted & ~(np.isfinite(wide.up) & ~wide.refuted(fields, traded))

    def left(usual: FloatArray, instead: FloatArray) -> FloatArray:
        return np.where(free, np.nan, np.where(refuted, instead, usual))

    kept = replace(
        limits,
        up=left(limits.up, wide.up),
        down=left(limits.down, wide.down),
        open_up=left(limits.open_up, wide.open_up),
        open_down=left(limits.open_down, wide.open_down),
    )
    return kept, free


def _widest(dates: NDArray[Any], symbols: NDArray[Any], fields: Fields, traded: BoolArray, limits: Limits) -> Limits:
    """The limits of the widest band of each board, where that is wider than `limits`; NaN elsewhere."""
    rules = _Rules.of(dates, symbols, fields)
    given = "pre_close" in fields
    reference = fields["pre_close"] if given else previous(fields["close"], traded)
    percent = np.where(rules.first_day | rules.free, np.nan, widest_bands(rules.kind, dates[:, None]))
    up, down = rules.prices(reference, percent)
    wider = (up > limits.up) & (down < limits.down)
    up, down = np.where(wider, up, np.nan), np.where(wider, down, np.nan)
    return Limits(up, down, "widest band", up, down, rules.per_yuan, limits.loose)


@dataclass(frozen=True, eq=False)
class _Rules:
    """What the tables of `lib.limits.exchanges` say about the cells: [N], [T,N], or both where a board changes."""

    dates: NDArray[Any]
    symbols: NDArray[Any]
    kind: NDArray[np.str_]
    per_yuan: NDArray[np.int64]
    free: BoolArray  # sessions after listing without a limit
    first_day: BoolArray  # first day of an issue, with limits of its own
    first: dict[str, FloatArray]  # those limits, [N]
    reference: FloatArray | None  # the previous close

    @classmethod
    def of(cls, dates: NDArray[Any], symbols: NDArray[Any], fields: Fields) -> _Rules:
        listed = listed_cells(dates, fields)
        kind = _kinds(symbols, fields)
        listed_on, age = listing_days(dates, fields, listed)
        early = np.where(listed.any(axis=0), listed.argmax(axis=0), len(dates) - 1)
        first = first_sessions(kind if kind.ndim == 1 else kind[early, np.arange(len(symbols))], listed_on)
        own = listed & (age < first["sessions"])
        limited = np.isfinite(first["rise"])
        per_yuan = ticks_per_yuan(kinds_of(symbols))
        return cls(dates, symbols, kind, per_yuan, own & ~limited, own & limited, first, fields.get("pre_close"))

    def prices(self, reference: FloatArray, percent: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Limit prices under a band, and under the rule of the first day where that is in force."""
        rise = np.where(self.first_day, self.first["rise"], percent)
        fall = np.where(self.first_day, self.first["fall"], percent)
        return limit_prices(reference, rise, fall, is_cut(self.kind), self.per_yuan)

    def opened(self, limits: Limits) -> Limits:
        """With what the opening auction of a first day takes, where the issue price is known."""
        if self.reference is None or not self.first_day.any():
            return limits
        auction = np.where(self.first_day, self.first["auction"], np.nan)
        up, down = limit_prices(self.reference, auction, None, is_cut(self.kind), self.per_yuan)
        return replace(limits, open_up=np.fmin(up, limits.up), open_down=np.fmax(down, limits.down))


def _published(rules: _Rules, fields: Fields) -> Limits:
    """The limits of the file; a first day for which it has none gets that day's own."""
    up, down = fields["limit_up"], fields["limit_down"]
    empty = rules.first_day & np.isnan(up) & np.isnan(down)
    if rules.reference is not None and empty.any():
        rise, fall = rules.prices(rules.reference, np.full(up.shape, np.nan))
        up, down = np.where(empty, rise, up), np.where(empty, fall, down)
    return Limits(up, down, "published", up, down, rules.per_yuan, rules.first_day)


def _percent(rules: _Rules, fields: Fields) -> FloatArray:
    """The band of each cell in percent; NaN on days without a limit."""
    if "limit_pct" in fields:
        percent: FloatArray = fields["limit_pct"]
        _check_percent(percent, rules)
    else:
        percent = bands(rules.kind, rules.dates[:, None], fields.get("is_st", np.False_) == 1)
    return np.where(rules.free, np.nan, percent)


def _check_percent(percent: FloatArray, rules: _Rules) -> None:
    wrong = (percent < 1) | (percent >= 100)
    if wrong.any():
        t, n = np.argwhere(wrong)[0]
        raise PanelError(
            f"limit_pct is in percent, from 1 to 99: got {percent[t, n]:g} at {rules.dates[t]} "
            f"{rules.symbols[n]} ({int(wrong.sum())} cells); write 10 for ten percent, NaN for a day without a limit"
        )


def _kinds(symbols: NDArray[Any], fields: Fields) -> NDArray[np.str_]:
    """Kinds [N] from the codes, or [T,N] where a `board` field names boards; an unknown code is on the main board."""
    kind = kinds_of(symbols)
    kind = np.where(kind == UNKNOWN_BOARD, "main", kind)
    named = named_boards(fields)
    return kind if named is None else np.where(np.isin(named, BOARDS), named, kind)


def named_boards(fields: Fields) -> NDArray[np.str_] | None:
    """The `board` field, where it names boards."""
    named = fields.get("board")
    if named is not None and named.dtype.kind in "UT" and np.isin(named, BOARDS).any():
        return named
    return None
