"""The sanity of single rows and of the calendar: what is masked and counted, and what is refused."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lib.errors import LoadError
from lib.load.columns import BoolArray, Table
from lib.panel import REQUIRED, Panel
from lib.reasons import PRICES, Reason

MISSING_BUDGET: Final = 0.35
#: share of cells that may be off the grid, beyond a limit, or contradictory before the file is refused
DEFECT_BUDGET: Final = 0.001
TICK: Final = 0.01
#: calendar days between two sessions across the longest public holiday
LONGEST_HOLIDAY: Final = 12
#: stocks that are not all halted on one day
SEVERAL: Final = 2
#: no number of a daily row is larger: the largest market values are about 1e13 yuan
LARGEST: Final = 1e15
_SLACK: Final = 1e-6
_HALT_HINT: Final = "; 0 stands for no price on a halted row only: volume 0, or halted 1"


def check_values(table: Table, market: str, missing_budget: float, notes: dict[str, Any]) -> BoolArray:
    """Everything that can be said about single rows; returns the contradictory ones, to be masked."""
    _check_missing(table, missing_budget, notes)
    check_numbers(table)
    return _check_high_low(table, market, notes)


def check_numbers(table: Table) -> None:
    """Refuse infinite and absurd values, prices that are not positive, negative volumes and amounts."""
    for name, values in table.numbers.items():
        _refuse(table, name, np.isinf(values), "infinite values")
        _refuse(table, name, np.abs(values) > LARGEST, f"values beyond {LARGEST:.0e}")
    numbers = table.numbers
    for name in (*PRICES, "pre_close", "vwap", "limit_up", "limit_down", "adj_factor"):
        if name in numbers:
            what, hint = ("factors", "") if name == "adj_factor" else ("prices", _HALT_HINT)
            _refuse(table, name, numbers[name] <= 0, f"{what} of zero or less", hint)
    for name in ("volume", "amount", "turnover", "cap", "float_mkt_cap"):
        if name in numbers:
            _refuse(table, name, numbers[name] < 0, "negative values")


def _check_missing(table: Table, budget: float, notes: dict[str, Any]) -> None:
    empty = {name: int(np.isnan(table.numbers[name]).sum()) for name in REQUIRED}
    notes["empty_values"] = {name: count for name, count in empty.items() if count}
    if max(empty.values()) > budget * table.n_rows:
        counts = ", ".join(f"{name} {count:,}" for name, count in empty.items())
        raise LoadError(
            f"{table.name}: more than {budget:.0%} of {table.n_rows:,} rows are empty in a required "
            f"column ({counts}); raise missing_budget if that is meant"
        )


def _refuse(table: Table, name: str, wrong: BoolArray, what: str, hint: str = "") -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise LoadError(
            f"{table.name}: column {table.called(name)} holds {int(wrong.sum()):,} {what}; the first is "
            f"{table.numbers[name][row]:g} at {table.cell(row)}{hint}"
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
            f"{table.name}: {count:,} rows with high < low or close outside [low, high]; the first is "
            f"high {high[row]:g}, low {low[row]:g}, close {close[row]:g} at {table.cell(row)}"
        )
    return wrong


def note_calendar(panel: Panel) -> None:
    """Count weekdays without a session, and name what should not be there or not be missing.

    Without a calendar of the exchange a lost day cannot be told from a holiday of one day: weekdays that are missing
    between two sessions are named, and so are sessions on a weekend, gaps that no public holiday explains, and days on
    which none of several stocks traded: rows that a program filled in for a holiday.
    """
    gaps = np.diff(panel.dates).astype(np.int64)
    alone = panel.dates[:-1][gaps == 2] + 1
    panel.notes["weekdays_missing_alone"] = [str(day) for day in alone[np.is_busday(alone)]]
    panel.notes["weekend_sessions"] = [str(day) for day in panel.dates[~np.is_busday(panel.dates)]]
    idle = (panel.without(Reason.UNLISTED).sum(axis=1) >= SEVERAL) & ~panel.traded.any(axis=1)
    panel.notes["idle_sessions"] = [str(day) for day in panel.dates[idle]]
    weekdays = np.busday_count(panel.dates[0], panel.dates[-1] + 1)
    panel.notes["weekdays_without_session"] = int(weekdays) - int(np.is_busday(panel.dates).sum())
    panel.notes["calendar_holes"] = [
        f"{panel.dates[t]}..{panel.dates[t + 1]}" for t in np.flatnonzero(gaps > LONGEST_HOLIDAY)
    ]
