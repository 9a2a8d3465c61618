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

from lib.audit.contract import Finding, Output, Report, audit
from lib.audit.panels import contract_panels, hostile_panel
from lib.audit.reads import Reads
from lib.errors import ParameterError
from lib.panel import Panel

#: the rules that can be asked of a function that declares nothing
RULES: Final = ("look-ahead", "independence", "order")
#: stocks and days of the panels on which a broken rule is sought, smallest first; seeds of each
SIZES: Final = ((2, 12), (3, 20), (4, 30), (6, 45), (9, 70), (12, 90))
SEEDS: Final = 4
#: largest change when stocks change columns, as a share of the factor's deviation: sums are added in another order
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
        return (
            f"{self.factor}: {self.rule}: {MEANING[self.rule]} ({self.share:.1%} of values); smallest panel: "
            f"{self.stocks} stocks x {self.days} days, seed {self.seed}, row {self.day}, column {self.stock}"
        )


def audit_function(function: Callable[[Panel], Any], *, panels: int = 5, seed: int = 0) -> list[Broken]:
    """The rules that a function breaks; an empty list where it breaks none.

    panels: how many random panels it is run on, each with several contents of the masked cells and another future.

    Raises ParameterError for a function that gives no arrays of the panel's shape.
    """
    compute = computing(function)
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
        values = np.asarray(given[0], dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(
            f"audit: {name} is {type(given[0]).__name__}; expected an array [dates, stocks] of numbers"
        ) from None
    if values.shape != panel.shape:
        raise ParameterError(f"audit: {name} has shape {values.shape}; expected the panel's, {panel.shape}")
    valid = np.isfinite(values) if given[1] is None else np.asarray(given[1], dtype=bool)
    return np.where(valid, values, 0.0), valid


def _report(compute: Callable[[Panel], dict[str, Output]], panels: Iterable[Panel], seed: int) -> Report:
    """Every check but those of declared reads: nothing is declared but the day itself."""
    panels = list(panels)
    reads = dict.fromkeys(compute(panels[0]), Reads(frozenset({0})))
    return audit(compute, panels, reads, rng=np.random.default_rng(seed), order_tolerance=ORDER_TOLERANCE)


def _smallest(compute: Callable[[Panel], dict[str, Output]], factor: str, rule: str, found: Report) -> Broken:
    first = next(item for key, item in found.findings.items() if key[:2] == (factor, rule))
    share = first.cells / max(first.checked, 1)
    for stocks, days in SIZES:
        for seed in range(SEEDS):
            one = _report(compute, [hostile_panel(np.random.default_rng(seed), stocks, days)], seed)
            own = next((item for key, item in one.findings.items() if key[:2] == (factor, rule)), None)
            if own is not None:
                return _broken(own, share, stocks, days, seed)
    return _broken(replace(first, panel=0), share, 0, 0, 0)


def _broken(item: Finding, share: float, stocks: int, days: int, seed: int) -> Broken:
    return Broken(item.factor, item.kind, share, stocks, days, seed, item.day, item.stock)
