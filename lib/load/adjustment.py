"""Prices have to be raw: four ways to see that they are not, and how far adj_factor agrees with pre_close.

Adjusted prices leave the 0.01 grid; or, rounded back to it, they move beyond the daily limits, or lie beside the
average price that amount and volume give, which no adjustment touches.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import LoadError
from lib.limits.day_limits import HEURISTIC, limits_in_force
from lib.limits.exchanges import UNKNOWN_BOARD, kinds_of
from lib.limits.ticks import from_ticks, to_ticks
from lib.load.checks import DEFECT_BUDGET, TICK
from lib.load.columns import BoolArray, FloatArray, Table
from lib.load.sources.base import Source
from lib.load.units import average_price, in_other_units, outside_range
from lib.panel import Panel
from lib.reasons import PRICES, derive_limits, previous

ADJUSTMENT_TOLERANCE: Final = 0.01
#: most sessions that a new stock has without a limit
UNLIMITED: Final = 5
#: days without a limit that a stock may have besides (delisting period, relisting, resumption) before its prices are in
#: doubt; more of them in one file are the exception, and adjusted prices lie beyond on many
FREE_DAYS: Final = 1
#: rows whose average price may lie outside the day's range: trades after the close, late corrections
AVERAGE_BUDGET: Final = 0.01
#: share of a stock's rows; adjusted prices lie beside the average on more of them than that
FEW_ROWS: Final = 0.2
#: prices stored in 32 bits are off the grid by less than this share of a tick up to 4,000 yuan
_GRID_SLACK: Final = 0.05


def check_grid(table: Table, source: Source) -> None:
    """Refuse prices off the 0.01 grid."""
    prices = np.concatenate([table.numbers[name] for name in PRICES])
    off = np.abs(prices - from_ticks(to_ticks(prices))) > _GRID_SLACK * TICK
    if off.sum() > DEFECT_BUDGET * len(prices):
        row = int(off.argmax()) % table.n_rows
        raise LoadError(
            f"{table.name}: {off.mean():.1%} of prices are off the 0.01 grid, "
            f"first {prices[off][0]:.6g} at {table.cell(row)}: they look adjusted; {source.raw_hint}"
        )


def check_average_price(table: Table, source: Source) -> BoolArray:
    """Rows [rows] whose amount / volume lies outside [low, high]; their volume, amount and vwap say nothing.

    Refused are files in which too many of them lie there by what is no power of ten: their prices are adjusted. Units
    must be settled before.
    """
    outside = outside_range(table)
    if outside is None:
        return np.zeros(table.n_rows, dtype=bool)
    unexplained = outside & ~in_other_units(table)
    if unexplained.sum() > max(1, AVERAGE_BUDGET * (table.numbers["volume"] > 0).sum()):
        _refuse_average_price(table, outside, source)
    return outside


def _refuse_average_price(table: Table, outside: BoolArray, source: Source) -> None:
    with np.errstate(all="ignore"):
        ratio = (average_price(table) / table.numbers["close"])[outside]
    row, symbols = int(outside.argmax()), table.symbols
    stocks = np.unique(symbols.codes[outside])
    there = int(np.isin(symbols.codes, stocks).sum())
    if len(ratio) <= FEW_ROWS * there:
        found = f"{float(np.median(ratio)):.4g} times the close; expected about 1: mend those rows, or take them out"
    else:
        found = _explained(ratio, table.dates.codes[outside], source)
    raise LoadError(
        f"{table.name}: amount / volume lies outside [low, high] on {int(outside.sum()):,} of {table.n_rows:,} rows "
        f"({len(stocks):,} of {len(symbols.values):,} symbols), first at {table.cell(row)}: {found}"
    )


def _explained(ratio: FloatArray, days: NDArray[np.int32], source: Source) -> str:
    """What amount / (volume x close) says: a constant factor is a unit, one that changes is an adjustment."""
    low, middle, high = (float(q) for q in np.quantile(ratio, (0.25, 0.5, 0.75)))
    if high < 1.02 * low and not 0.2 < middle < 5:
        return (
            f"it is {middle:.4g} times the close throughout, so the units of volume or amount are other ones there; "
            f"expected shares and yuan"
        )
    first, last = (float(np.median(ratio[days == day])) for day in (days.min(), days.max()))
    kind = "forward-adjusted (qfq)" if middle > 1 else "backward-adjusted (hfq)"
    return (
        f"it is {first:.4g} times the close at first and {last:.4g} at last, so prices look {kind}; {source.raw_hint}"
    )


def check_limits(panel: Panel, source: Source) -> BoolArray:
    """Refuse a file in which closes lie beyond the daily limit too often: its prices are not raw.

    Returns the cells [T,N] of a leap that only a wrong row explains (`_leaps`).
    """
    if panel.market != "cn":
        return np.zeros(panel.shape, dtype=bool)
    limits = derive_limits(panel.dates, panel.symbols, panel.fields, panel.traded)
    close = panel.fields["close"]
    if limits.source == HEURISTIC:
        # the limits are 0.2 points inside the band here, and without pre_close every ex-date is a fall
        beyond = panel.traded & (close > limits.up * 1.01 + TICK)
    else:
        beyond = panel.traded & ((close > limits.up + 1.5 * TICK) | (close < limits.down - 1.5 * TICK))
    panel.notes["closes_beyond_limit"] = int(beyond.sum())
    _, free = limits_in_force(panel.dates, panel.symbols, panel.fields, panel.traded, limits)
    beyond &= ~(free & (free.sum(axis=0) <= FREE_DAYS))
    # a stock that the file begins with may have been listed that day, and then nothing limited its first sessions
    beyond &= np.cumsum(panel.traded, axis=0) > UNLIMITED
    count, traded = int(beyond.sum()), int(panel.traded.sum())
    if count > max(1, DEFECT_BUDGET * traded):
        t, n = np.argwhere(beyond)[0]
        raise LoadError(
            f"{panel.notes['file']}: {count:,} of {traded:,} closes ({count / traded:.1%}) lie beyond the "
            f"daily limit ({panel.notes['limit_source']}), first {close[t, n]:g} at {panel.dates[t]} "
            f"{panel.symbols[n]}: {_odd_limits(panel) or f'they look adjusted; {source.raw_hint}'}"
        )
    return _leaps(panel, free) if free.any() else free


def _odd_limits(panel: Panel) -> str:
    """What is wrong with the limits of a file, if they are to blame and not its prices; "" else."""
    up, down = (panel.fields.get(name, np.full(panel.shape, np.nan)) for name in ("limit_up", "limit_down"))
    known = panel.traded & np.isfinite(up) & np.isfinite(down)
    if not known.any():
        return ""
    if (up < down)[known].mean() > 0.5:
        return "the upper limits of the file lie below the lower ones; swap them"
    ratio = float(np.median((up + down)[known] / 2 / panel.fields["close"][known]))
    scale = f"the limits of the file are {ratio:.4g} times the closes; expected limits in yuan, in the middle about 1"
    return "" if 0.5 < ratio < 2 else scale


def _leaps(panel: Panel, free: BoolArray) -> BoolArray:
    """Of the cells beyond every limit, those that are a wrong row (a price in another scale, a split without a factor).

    Wrong is a row whose average price lies elsewhere: its volume is empty then. Where the previous close is computed
    from factors, so is a leap on the session after a trade, for the factors tell no split: the days on which a limit
    falls away (first day of the delisting period, relisting, resumption) end a halt, all 18 of them in the prices of
    2010-2025. The first sessions of a stock and one of no known board are believed.
    """
    traded = panel.traded
    wrong = free & np.isnan(panel.fields["volume"])
    if "pre_close" in panel.notes:
        one_day = np.busday_count(panel.dates[:-1], panel.dates[1:]) == 1
        after_trading = np.zeros_like(free)
        after_trading[1:] = traded[:-1] & one_day[:, None]
        known = (kinds_of(panel.symbols) != UNKNOWN_BOARD) | ("board" in panel.fields)
        wrong |= free & after_trading & known & (np.cumsum(traded, axis=0) > UNLIMITED)
    return wrong


def note_adjustment(panel: Panel) -> None:
    """Count ex-dates, and rows whose adj_factor steps differently from close(t-1) / pre_close(t), by more than 1 %."""
    if "pre_close" not in panel.fields:
        return
    panel.notes["ex_dates"] = int(ex_dates(panel).sum())
    if "adj_factor" in panel.fields and "pre_close" not in panel.notes:
        wrong = adjustment_disagreement(panel)
        panel.notes["adjustment_disagreement"] = [f"{panel.dates[t]} {panel.symbols[n]}" for t, n in np.argwhere(wrong)]


def ex_dates(panel: Panel) -> BoolArray:
    """Cells [T,N] whose previous close is not the close of the stock's previous row: dividends, splits, rights."""
    last = previous(panel.fields["close"], panel.observed)
    with np.errstate(all="ignore"):
        step = np.abs(panel.fields["pre_close"] - last)
    return np.asarray(panel.observed & (step > TICK / 2))


def adjustment_disagreement(panel: Panel) -> BoolArray:
    """Cells [T,N] where adj_factor(t) / adj_factor(t-1) is off close(t-1) / pre_close(t) by more than 1 %.

    t-1 is the stock's previous row, halted or not.
    """
    given, rows = panel.fields["adj_factor"], panel.observed
    with np.errstate(all="ignore"):
        step = given / previous(given, rows)
        expected = previous(panel.fields["close"], rows) / panel.fields["pre_close"]
        return rows & (np.abs(step / expected - 1) > ADJUSTMENT_TOLERANCE)
