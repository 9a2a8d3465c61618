"""The sanity of prices in a file: what is masked and counted, and what is refused."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import LoadError
from lib.limits import from_ticks, to_ticks
from lib.panel import REQUIRED, Panel
from lib.reasons import PRICES, derive_limits, previous
from lib.tables import Table

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MISSING_BUDGET: Final = 0.35
#: share of cells that may be off the grid, beyond a limit, or contradictory before the file is refused
DEFECT_BUDGET: Final = 0.001
ADJUSTMENT_TOLERANCE: Final = 0.01
TICK: Final = 0.01
#: calendar days between two sessions across the longest public holiday
LONGEST_HOLIDAY: Final = 12
#: prices stored in 32 bits are off the grid by less than this share of a tick up to 4,000 yuan
_GRID_SLACK: Final = 0.05
_SLACK: Final = 1e-6
_PASS_RAW: Final = "pass raw prices, with pre_close or adj_factor beside them"


def check_values(table: Table, market: str, missing_budget: float, notes: dict[str, Any]) -> BoolArray:
    """Everything that can be said about single rows; returns the contradictory ones, to be masked."""
    _check_missing(table, missing_budget, notes)
    for name, values in table.numbers.items():
        _refuse(table, name, np.isinf(values), "infinite values")
    for name in (*PRICES, "pre_close"):
        if name in table.numbers:
            _refuse(table, name, table.numbers[name] <= 0, "prices of zero or less")
    for name in ("volume", "amount"):
        if name in table.numbers:
            _refuse(table, name, table.numbers[name] < 0, "negative values")
    if market == "cn":
        _check_grid(table)
    return _check_high_low(table, market, notes)


def _check_missing(table: Table, budget: float, notes: dict[str, Any]) -> None:
    empty = {name: int(np.isnan(table.numbers[name]).sum()) for name in REQUIRED}
    notes["empty_values"] = {name: count for name, count in empty.items() if count}
    if max(empty.values()) > budget * table.n_rows:
        counts = ", ".join(f"{name} {count:,}" for name, count in empty.items())
        raise LoadError(
            f"{table.path.name}: more than {budget:.0%} of {table.n_rows:,} rows are empty in a required "
            f"column ({counts}); raise missing_budget if that is meant"
        )


def _refuse(table: Table, name: str, wrong: BoolArray, what: str) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise LoadError(
            f"{table.path.name}: column {name!r} holds {int(wrong.sum()):,} {what}; the first is "
            f"{table.numbers[name][row]:g} at {table.cell(row)}"
        )


def _check_high_low(table: Table, market: str, notes: dict[str, Any]) -> BoolArray:
    """high >= low and close inside, within a tick: refused in China, masked and counted elsewhere."""
    high, low, close = (table.numbers[name] for name in ("high", "low", "close"))
    reach = TICK + _SLACK * np.abs(close)
    wrong = (high < low - _SLACK) | (close > high + reach) | (close < low - reach)
    notes["contradictory_rows"] = count = int(wrong.sum())
    if count and (market == "cn" or count > DEFECT_BUDGET * table.n_rows):
        row = int(wrong.argmax())
        raise LoadError(
            f"{table.path.name}: {count:,} rows with high < low or close outside [low, high]; the first is "
            f"high {high[row]:g}, low {low[row]:g}, close {close[row]:g} at {table.cell(row)}"
        )
    return wrong


def _check_grid(table: Table) -> None:
    prices = np.concatenate([table.numbers[name] for name in PRICES])
    off = np.abs(prices - from_ticks(to_ticks(prices))) > _GRID_SLACK * TICK
    if off.sum() > DEFECT_BUDGET * len(prices):
        row = int(off.argmax()) % table.n_rows
        raise LoadError(
            f"{table.path.name}: {off.mean():.1%} of prices are off the 0.01 grid, "
            f"first {prices[off][0]:.6g} at {table.cell(row)}: they look adjusted; {_PASS_RAW}"
        )


def check_limits(panel: Panel) -> None:
    """Refuse a file in which closes lie beyond the daily limit too often: its prices are not raw."""
    if panel.market != "cn":
        return
    limits = derive_limits(panel.dates, panel.symbols, panel.fields, panel.traded)
    close = panel.fields["close"]
    if limits.source == "return heuristic":
        # the limits are 0.2 points inside the band here, and without pre_close every ex-date is a fall
        beyond = panel.traded & (close > limits.up * 1.01 + TICK)
    else:
        beyond = panel.traded & ((close > limits.up + 1.5 * TICK) | (close < limits.down - 1.5 * TICK))
    panel.notes["closes_beyond_limit"] = count = int(beyond.sum())
    traded = int(panel.traded.sum())
    if count > DEFECT_BUDGET * traded:
        t, n = np.argwhere(beyond)[0]
        raise LoadError(
            f"{panel.notes['file']}: {count:,} of {traded:,} closes ({count / traded:.1%}) lie beyond the "
            f"daily limit ({limits.source}), first {close[t, n]:g} at {panel.dates[t]} {panel.symbols[n]}: "
            f"they look adjusted; {_PASS_RAW}"
        )


def note_calendar(panel: Panel) -> None:
    """Count weekdays without a session, and gaps between sessions no public holiday explains."""
    gaps = np.diff(panel.dates).astype(np.int64)
    weekdays = np.busday_count(panel.dates[0], panel.dates[-1] + 1)
    panel.notes["weekdays_without_session"] = int(weekdays) - int(np.is_busday(panel.dates).sum())
    panel.notes["calendar_holes"] = [
        f"{panel.dates[t]}..{panel.dates[t + 1]}" for t in np.flatnonzero(gaps > LONGEST_HOLIDAY)
    ]


def note_adjustment(panel: Panel) -> None:
    """Count rows whose adj_factor steps differently from close(t-1) / pre_close(t), by more than 1 %."""
    if "adj_factor" not in panel.fields or "pre_close" not in panel.fields:
        return
    wrong = adjustment_disagreement(panel)
    panel.notes["adjustment_disagreement"] = [
        f"{panel.dates[t]} {panel.symbols[n]}" for t, n in np.argwhere(wrong)
    ]


def adjustment_disagreement(panel: Panel) -> BoolArray:
    """Cells [T,N] where adj_factor(t) / adj_factor(t-1) is off close(t-1) / pre_close(t) by more than 1 %.

    t-1 is the stock's previous row, halted or not.
    """
    given, rows = panel.fields["adj_factor"], panel.observed
    with np.errstate(all="ignore"):
        step = given / previous(given, rows)
        expected = previous(panel.fields["close"], rows) / panel.fields["pre_close"]
        return rows & (np.abs(step / expected - 1) > ADJUSTMENT_TOLERANCE)
