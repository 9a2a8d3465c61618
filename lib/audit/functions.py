"""The contract for any function from a panel to factors: a reader's own, a wrapper of pandas code, another package.

    def factor(panel): ...        # -> [T, N] array, or a table of dates x symbols; NaN where there is no value
    def factors(panel): ...       # -> {name: such an array, or (values, valid)}

Such a function declares nothing, so three rules can be asked of it: nothing up to a day changes when everything after
it does (look-ahead); what masked cells hold changes no value (independence); a value does not depend on the column in
which its stock stands (order). For each broken rule the smallest panel is sought that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from lib.arrays import BoolArray, Matrix
from lib.audit.changes import later_replaced
from lib.audit.contract import Finding, Output, Report, audit, changed
from lib.audit.panels import contract_panels, hostile_panel
from lib.audit.reads import Reads
from lib.errors import ParameterError
from lib.panel import Panel

#: the rules that can be asked of a function that declares nothing
RULES: Final = ("look-ahead", "independence", "order")
#: stocks and days of the panels on which a broken rule is sought, smallest first; seeds of each
SIZES: Final = ((2, 12), (3, 20), (4, 30), (6, 45), (9, 70), (12, 90))
SEEDS: Final = 4
#: largest change when stocks change columns or the panel is shorter, as a share of the factor's deviation: sums are
#: added in another order
ORDER_TOLERANCE: Final = 1e-6
MEANING: Final = {
    "look-ahead": "a value changes when later days do",
    "independence": "a value changes when a masked cell holds another number",
    "order": "a value depends on the column in which its stock stands",
}


@dataclass(frozen=True)
class Broken:
    """A factor that breaks a rule: share of the cells looked at, and the smallest panel that shows it.

    stocks, days, seed: of `hostile_panel`; the offending cell lies in column `stock` on row `day`.
    """

    factor: str
    rule: str
    share: float
    stocks: int
    days: int
    seed: int
    day: int
    stock: int

    def __str__(self) -> str:
        share = f"{self.share:.1%}" if self.share >= 0.001 else "less than 0.1%"
        return (
            f"{self.factor}: {self.rule}: {MEANING[self.rule]} ({share} of values); smallest panel: "
            f"{self.stocks} stocks x {self.days} days, seed {self.seed}, row {self.day}, column {self.stock}"
        )


def audit_function(function: Callable[[Panel], Any], *, panels: int = 5, seed: int = 0) -> list[Broken]:
    """The rules that a function breaks; an empty list where it breaks none.

    panels: how many random panels it is run on, each with several contents of the masked cells and another future.

    Raises ParameterError for a function that gives no arrays of the panel's shape, other factors on another panel, or
    other values on the same panel.
    """
    if panels < 1:
        raise ParameterError(f"audit: panels={panels}; expected a whole number from 1")
    compute = computing(function)
    _check_repeats(compute, next(contract_panels(seed, 1, long_days=120)))
    found = _report(compute, contract_panels(seed, panels, long_days=120), seed)
    broken = [(factor, rule) for rule in RULES for factor in found.breaking(rule)]
    return [_smallest(compute, factor, rule, found) for factor, rule in broken]


def computing(function: Callable[[Panel], Any]) -> Callable[[Panel], dict[str, Output]]:
    """The function in the form that the audit runs: {name: (values [T, N], valid [T, N])}."""

    def compute(panel: Panel) -> dict[str, Output]:
        try:
            result = function(panel)
        except Exception as error:
            name, (days, stocks) = getattr(function, "__name__", "the function"), panel.shape
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise ParameterError(f"audit: {name} on a panel of {days} days x {stocks} stocks: {reason}") from error
        named = result if isinstance(result, Mapping) else {getattr(function, "__name__", "factor"): result}
        if not named:
            raise ParameterError("audit: the function gave no factor; expected an array [dates, stocks], or several")
        return {str(name): _output(value, panel, str(name)) for name, value in named.items()}

    return compute


def _output(value: Any, panel: Panel, name: str) -> Output:
    given = value if isinstance(value, tuple) and len(value) == 2 else (value, None)
    try:
        values = _array(given[0], panel)
    except (TypeError, ValueError):
        raise ParameterError(
            f"audit: {name} is {type(given[0]).__name__}; expected an array [dates, stocks] of numbers"
        ) from None
    valid = np.isfinite(values) if given[1] is None else np.asarray(given[1], dtype=bool)
    for what, found in ((name, values), (f"the validity of {name}", valid)):
        if found.shape != panel.shape:
            raise ParameterError(f"audit: {what} has shape {found.shape}; expected the panel's, {panel.shape}")
    if not np.isfinite(values[valid]).all():
        raise ParameterError(f"audit: {name} calls cells valid that hold no number; expected a number in each")
    return np.where(valid, values, 0.0), valid


def _array(value: Any, panel: Panel) -> Matrix:
    """Numbers, NaN where there is none; a table that is labelled by the panel's days and symbols in their order."""
    if isinstance(value, pd.DataFrame):
        labels = pd.DatetimeIndex(panel.dates), pd.Index([str(name) for name in panel.symbols])
        if value.shape == panel.shape and value.columns.isin(labels[1]).all():
            value = value.reindex(columns=labels[1])
        if (
            value.shape == panel.shape
            and isinstance(value.index, pd.DatetimeIndex)
            and value.index.isin(labels[0]).all()
        ):
            value = value.reindex(index=labels[0])
        return np.asarray(value.to_numpy(dtype=float, na_value=np.nan))
    return np.asarray(np.ma.filled(value.astype(float), np.nan) if np.ma.isMaskedArray(value) else value, dtype=float)


def _check_repeats(compute: Callable[[Panel], dict[str, Output]], panel: Panel) -> None:
    """Refuse what is drawn at random or keeps a state: every rule would seem to break."""
    once, again = compute(panel), compute(panel)
    other = [name for name in once if name not in again or changed(once[name], again[name]).any()]
    if other or len(once) != len(again):
        raise ParameterError(
            f"audit: {', '.join(other[:3]) or 'the function'} gives other values when it is asked again on the same "
            f"panel; fix its random numbers, and keep nothing between calls"
        )


def _report(compute: Callable[[Panel], dict[str, Output]], panels: Iterable[Panel], seed: int) -> Report:
    """Every check but those of declared reads: nothing is declared but the day itself."""
    panels = list(panels)
    names = list(compute(panels[0]))

    def same(panel: Panel) -> dict[str, Output]:
        found = compute(panel)
        if list(found) != names:
            raise ParameterError(f"audit: the function gave {_listed(names)} on one panel, {_listed(found)} on another")
        return found

    reads = dict.fromkeys(names, Reads(frozenset({0})))
    report = audit(same, panels, reads, rng=np.random.default_rng(seed), order_tolerance=ORDER_TOLERANCE)
    rng = np.random.default_rng([seed, 1])
    for report.panels, panel in enumerate(panels):
        _check_earlier(report, same, panel, rng)
        _check_end(report, same, panel, rng)
    return report


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:5])


def _check_earlier(
    report: Report, compute: Callable[[Panel], dict[str, Output]], panel: Panel, rng: np.random.Generator
) -> None:
    """Look-ahead at an earlier day than the contract takes: a slip may lie in the first rows alone."""
    n_days, n_stocks = panel.shape
    stop = int(rng.integers(1, n_days))
    plain, found = compute(panel), compute(later_replaced(panel, stop - 1, hostile_panel(rng, n_stocks, n_days)))
    for name, (values, valid) in plain.items():
        before, after = (values[:stop], valid[:stop]), (found[name][0][:stop], found[name][1][:stop])
        report.note(name, "look-ahead", changed(before, after), int(valid[:stop].sum()))


def _check_end(
    report: Report, compute: Callable[[Panel], dict[str, Output]], panel: Panel, rng: np.random.Generator
) -> None:
    """Look-ahead of what counts from the end: a value may not change when later days are left out."""
    n_days = len(panel.dates)
    stop = int(rng.integers(9 * n_days // 10, n_days))
    plain, found = compute(panel), compute(panel.rows(0, stop))
    for name, (values, valid) in plain.items():
        wrong = _apart((values[:stop], valid[:stop]), found[name])
        report.note(name, "look-ahead", wrong, int(valid[:stop].sum()))


def _apart(before: Output, after: Output) -> BoolArray:
    """Cells valid in one output only, or valid in both and further apart than the tolerance."""
    (values, valid), (other, other_valid) = before, after
    scale = values[valid].std() if valid.any() else 0.0
    return np.asarray((valid != other_valid) | (valid & ~(np.abs(other - values) <= ORDER_TOLERANCE * scale)))


def _smallest(compute: Callable[[Panel], dict[str, Output]], factor: str, rule: str, found: Report) -> Broken:
    first = next(item for key, item in found.findings.items() if key[:2] == (factor, rule))
    share = first.cells / max(first.checked, 1)
    for stocks, days in SIZES:
        for seed in range(SEEDS):
            try:
                one = _report(compute, [hostile_panel(np.random.default_rng(seed), stocks, days)], seed)
            except ParameterError:  # it needs a longer or a wider panel
                continue
            own = next((item for key, item in one.findings.items() if key[:2] == (factor, rule)), None)
            if own is not None:
                return _broken(own, share, stocks, days, seed)
    return _broken(replace(first, panel=0), share, 0, 0, 0)


def _broken(item: Finding, share: float, stocks: int, days: int, seed: int) -> Broken:
    return Broken(item.factor, item.kind, share, stocks, days, seed, item.day, item.stock)
