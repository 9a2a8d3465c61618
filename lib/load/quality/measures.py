"""The quality control of paper A, section 4.A, with every exclusion counted, and without its look-ahead.

The paper excludes securities with fewer than 250 trading days, with daily returns beyond 20 %, or with "irregular
trading patterns", and corrects for survivorship. Dropping a whole security for what it does later uses the
future: to leave out in 2012 the stock that jumps in 2019 is to have seen 2019. So each rule comes in two forms. `as_of`
looks back only and takes the cell out of the universe of its day; `whole` is the paper's sentence taken
literally, and takes the security out on all days. Prices are not touched: a window still reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from lib.arrays import BoolArray, FloatArray
from lib.errors import ParameterError
from lib.panel import Panel
from lib.reasons import Reason

Mode = Literal["as_of", "whole"]
MODES: Final = ("as_of", "whole")


@dataclass(frozen=True)
class Rules:
    """Thresholds of the exclusions; None switches one off.

    min_history: trading days a stock has had since listing (paper A: 250). One that is there on the first date was
                 listed before, unknown when, and passes, unless `list_date` tells its age.
    max_return:  largest daily return, either way (paper A: 0.20); a cent of rounding is allowed
    max_idle:    largest share of days without trading in the last `window` sessions since listing. The paper does not
                 say what an irregular pattern is; this is ours.
    outlier:     largest absolute return in units of the stock's own scale: 1.4826 x the median absolute return of
                 its `window` traded days before, at least half of them there
    """

    min_history: int | None = 250
    max_return: float | None = 0.20
    max_idle: float | None = 0.5
    outlier: float | None = 15.0
    window: int = 60

    def __post_init__(self) -> None:
        for name, low in (("min_history", 1), ("max_return", 0.0), ("max_idle", 0.0), ("outlier", 0.0), ("window", 2)):
            value, whole, needed = getattr(self, name), name in ("min_history", "window"), name == "window"
            if value is None and not needed:
                continue
            kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
            if isinstance(value, bool) or not isinstance(value, kinds) or not (np.isfinite(value) and value >= low):
                expected = f"a {'whole ' if whole else ''}number of at least {low}{'' if needed else ', or None'}"
                raise ParameterError(f"{name} = {value!r}: expected {expected}")


@dataclass(frozen=True, eq=False)
class Exclusion:
    """One rule: the cells [T,N] it takes out as of their day, and the securities [N] it would drop whole."""

    name: str
    rule: str
    cells: BoolArray
    securities: BoolArray


@dataclass(frozen=True, eq=False)
class Quality:
    """What each rule excludes from the universe of a panel, and who survives in the file."""

    panel: Panel
    exclusions: tuple[Exclusion, ...]

    def excluded(self, mode: Mode = "as_of") -> BoolArray:
        """Cells [T,N] that some rule takes out."""
        _check_mode(mode)
        out = np.zeros(self.panel.shape, dtype=bool)
        for item in self.exclusions:
            out |= item.cells if mode == "as_of" else item.securities
        return out

    def applied(self, mode: Mode = "as_of") -> Panel:
        """The panel with the excluded cells out of its universe; masks, reasons and prices are as before.

        mode="whole" is the paper's rule; it looks ahead and says so in the notes.
        """
        universe = self.panel.universe & ~self.excluded(mode)
        counts = {item.name: int(_count(item, mode, self.panel)) for item in self.exclusions}
        note: dict[str, Any] = {"mode": mode, "looks_ahead": mode == "whole", "cells": counts}
        panel = replace(self.panel, universe=universe, notes=self.panel.notes | {"quality": note})
        return panel

    def rows(self) -> list[dict[str, Any]]:
        """One record a rule, then all together: cells and securities excluded, and their shares of the universe."""
        members = self.panel.universe
        total, securities = max(1, int(members.sum())), members.any(axis=0)
        out = []
        for item in (*self.exclusions, self._together()):
            cells, whole = int((item.cells & members).sum()), int((item.securities & securities).sum())
            out.append(
                {
                    "rule": item.name, "excludes": item.rule, "cells as of their day": cells, "share": cells / total,
                    "securities, whole": whole, "cells, whole": int((members & item.securities).sum()),
                }
            )  # fmt: skip
        return out

    def _together(self) -> Exclusion:
        whole = np.logical_or.reduce([item.securities for item in self.exclusions]) if self.exclusions else np.zeros(
            self.panel.shape[1], dtype=bool)  # fmt: skip
        return Exclusion("together", "any of the above", self.excluded(), whole)

    def survivorship(self) -> dict[str, int]:
        """Stocks by how their rows end: at the last date, before it, and those there from the first date on.

        A file without any stock that ended holds survivors only, as of its last day.
        """
        rows = self.panel.traded
        ever = rows.any(axis=0)
        last = len(rows) - 1 - rows[::-1].argmax(axis=0)
        alive = len(rows) - 1 - last <= ENDED_AFTER
        return {
            "stocks": int(ever.sum()),
            "there on the first date": int((ever & rows[0]).sum()),
            "listed later": int((ever & ~rows[0]).sum()),
            "ended before the last date": int((ever & ~alive).sum()),
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """(subject, text) for a report."""
        for row in self.rows():
            yield (
                "quality",
                f"{row['rule']}: {row['cells as of their day']:,} cells ({row['share']:.2%} of the universe); "
                f"as whole securities {row['securities, whole']:,}",
            )
        counts = self.survivorship()
        ended = counts["ended before the last date"]
        only = "" if ended else ": survivors only, returns of any rule on it are flattered"
        yield "survivors", f"{ended:,} of {counts['stocks']:,} stocks end before the last date{only}"


#: sessions without trading at the end of a panel after which a stock counts as ended
ENDED_AFTER: Final = 60


def quality_control(panel: Panel, rules: Rules | None = None) -> Quality:
    """The exclusions of the rules on a panel; nothing is taken out before `Quality.applied`.

    Source: paper A, section 4.A. Nothing about day t depends on a later day in the cells; the securities do.
    """
    return Quality(panel, tuple(_exclusions(panel, rules or Rules())))


def _exclusions(panel: Panel, rules: Rules) -> Iterator[Exclusion]:
    if rules.min_history is not None:
        age, enough = _age(panel), rules.min_history
        yield Exclusion("history", f"fewer than {enough} trading days since listing", age < enough, age[-1] < enough)
    change = panel.returns
    if rules.max_return is not None:
        extreme = np.abs(change) > rules.max_return + _rounding(panel)
        text = f"a daily return beyond {rules.max_return:.0%}"
        yield Exclusion("extreme move", text, extreme, np.any(extreme, axis=0))
    if rules.max_idle is not None:
        idle = _idle_share(panel, rules.window) > rules.max_idle
        text = f"no trading on more than {rules.max_idle:.0%} of the last {rules.window} sessions"
        yield Exclusion("irregular trading", text, idle, np.any(idle, axis=0))
    if rules.outlier is not None:
        far = np.abs(change) > rules.outlier * _own_scale(panel, rules.window)
        text = f"a return beyond {rules.outlier:g} times the stock's own scale"
        yield Exclusion("outlier", text, far, np.any(far, axis=0))


def _age(panel: Panel) -> FloatArray:
    """Trading days since listing, the day itself included; business days for the time before the panel."""
    before = np.where(panel.without(Reason.UNLISTED)[0], np.inf, 0.0)
    if "list_date" in panel.fields:
        listed = panel.fields["list_date"][-1]
        given = np.where(np.isnat(listed), panel.dates[0], listed)
        elapsed = np.busday_count(np.minimum(given, panel.dates[0]), panel.dates[0])
        before = np.where(np.isnat(listed), before, elapsed)
    return np.asarray(before + np.cumsum(panel.traded, axis=0))


def _rounding(panel: Panel) -> FloatArray:
    """A limit price is rounded to a cent, so a move of exactly the band can be half a cent beyond it."""
    with np.errstate(all="ignore"):
        half = 0.00501 / panel.previous_close
    return np.where(np.isfinite(half), half, 0.0)


def _idle_share(panel: Panel, window: int) -> FloatArray:
    """Share of the last `window` sessions since listing on which the stock did not trade."""
    observed = np.logical_or.accumulate(panel.observed, axis=0)
    idle = np.cumsum(observed & ~panel.traded, axis=0)
    there = np.cumsum(observed, axis=0)
    idle[window:], there[window:] = idle[window:] - idle[:-window], there[window:] - there[:-window]
    return np.where(there >= window, idle / np.maximum(there, 1), 0.0)


def _own_scale(panel: Panel, window: int) -> FloatArray:
    """1.4826 x median |return| of the `window` sessions before the day, NaN with fewer than half of them traded."""
    size = np.where(panel.traded, np.abs(panel.returns), np.nan)
    scale = np.full(panel.shape, np.nan)
    for t in range(window // 2, len(size)):
        past = np.sort(size[max(0, t - window) : t], axis=0)  # NaN last
        count = np.isfinite(past).sum(axis=0)
        columns, low, high = np.arange(past.shape[1]), np.maximum((count - 1) // 2, 0), np.maximum(count // 2, 0)
        middle = (past[low, columns] + past[np.minimum(high, len(past) - 1), columns]) / 2
        scale[t] = np.where((count >= window // 2) & (middle > 0), 1.4826 * middle, np.nan)
    return scale


def _count(item: Exclusion, mode: Mode, panel: Panel) -> int:
    out = item.cells if mode == "as_of" else np.broadcast_to(item.securities, panel.shape)
    return int((out & panel.universe).sum())


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise ParameterError(f"mode is {mode!r}; expected one of {', '.join(map(repr, MODES))}")
