"""The checks: which cells of an output break which rule, collected per factor with one example each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lib.arrays import BoolArray
from lib.audit.changes import POISONS, later_replaced, permuted, poisoned
from lib.audit.panels import hostile_panel
from lib.audit.reads import Reads, permitted
from lib.errors import ParameterError
from lib.panel import Panel

#: values [T,N] of any float type, valid bool [T,N]
Output = tuple[NDArray, BoolArray]
Compute = Callable[[Panel], Mapping[str, Output]]

#: "masked day" is the part of the propagation rule that a reader meets first: valid although today's cell is masked
KINDS: Final = ("zero-on-mask", "independence", "propagation", "masked day", "look-ahead", "order")
#: a panel as it is, neither poisoned nor changed
AS_IS: Final = "as is"


@dataclass(frozen=True)
class Finding:
    """Cells in which one factor breaks one rule, over all panels.

    under: what masked cells held ("as is", or one of POISONS). checked: cells that were looked at. The example is the
    first offending cell: number of the panel, row (day) and column (stock).
    """

    factor: str
    kind: str
    under: str
    cells: int
    checked: int
    panel: int
    day: int
    stock: int


@dataclass
class Report:
    """What an audit found, and how much it looked at.

    findings: (factor, kind, under) -> Finding. checked: (factor, kind) -> cells looked at; a kind that was checked in
    no cell of a factor says nothing about it. panels: number of panels.
    """

    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    checked: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    panels: int = 0

    def breaking(self, kind: str, under: str | None = None) -> list[str]:
        """Factors that break a rule, under anything or under one poison, in the order they were met."""
        keys = (key for key in self.findings if key[1] == kind and under in (None, key[2]))
        return list(dict.fromkeys(key[0] for key in keys))

    def unchecked(self, kind: str) -> list[str]:
        """Factors in which a rule was checked in no cell."""
        return sorted({factor for (factor, k), cells in self.checked.items() if k == kind and cells == 0})

    def note(self, factor: str, kind: str, wrong: BoolArray, checked: int, under: str = AS_IS) -> None:
        """Take in one check of one factor on the current panel: the offending cells, and how many were looked at."""
        key = (factor, kind, under)
        self.checked[factor, kind] += checked
        self.seen[key] += checked
        cells = int(wrong.sum())
        if cells:
            old = self.findings.get(key)
            day, stock = divmod(int(wrong.argmax()), wrong.shape[1])
            panel, day, stock = (old.panel, old.day, old.stock) if old else (self.panels, day, stock)
            total = cells + (old.cells if old else 0)
            self.findings[key] = Finding(factor, kind, under, total, self.seen[key], panel, day, stock)


def audit(
    compute: Compute,
    panels: Iterable[Panel],
    reads: Mapping[str, Reads],
    *,
    rng: np.random.Generator,
    poisons: Iterable[str] = tuple(POISONS),
    order_tolerance: float | None = None,
) -> Report:
    """Run the contract over every factor that `compute` gives, on every panel.

    compute: panel -> {factor: (values, valid)}, the same factors on every panel. reads: what each factor declares to
    read. rng: draws the futures and orders. order_tolerance: largest change when stocks change columns, as a share of
    the factor's standard deviation; None leaves that check out.

    Raises ParameterError for a factor without declared reads.
    """
    report = Report()
    for panel in panels:
        plain = compute(panel)
        undeclared = sorted(set(plain) - set(reads))
        if undeclared:
            raise ParameterError(f"no declared reads for {', '.join(undeclared[:5])}: add them to `reads`")
        _check_zero(report, plain, AS_IS)
        _check_propagation(report, plain, panel, reads)
        for poison in poisons:
            found = compute(poisoned(panel, poison))
            _check_zero(report, found, poison)
            _check_independence(report, plain, found, poison)
        _check_look_ahead(report, plain, compute, panel, rng)
        if order_tolerance is not None:
            _check_order(report, plain, compute, panel, rng, order_tolerance)
        report.panels += 1
    return report


def _check_zero(report: Report, found: Mapping[str, Output], under: str) -> None:
    for name, (values, valid) in found.items():
        wrong = ~valid & (values != 0)  # NaN is not 0 either
        report.note(name, "zero-on-mask", wrong, int((~valid).sum()), under)


def _check_propagation(report: Report, plain: Mapping[str, Output], panel: Panel, reads: Mapping[str, Reads]) -> None:
    allowed = {each: permitted(panel, each) for each in {reads[name] for name in plain}}
    for name, (_, valid) in plain.items():
        cells = int(valid.sum())
        report.note(name, "propagation", valid & ~allowed[reads[name]], cells)
        if 0 in reads[name].prices:
            report.note(name, "masked day", valid & ~panel.mask, cells)


def _check_independence(report: Report, plain: Mapping[str, Output], found: Mapping[str, Output], poison: str) -> None:
    for name, (values, valid) in plain.items():
        report.note(name, "independence", changed((values, valid), found[name]), int(valid.sum()), poison)


def changed(before: Output, after: Output) -> BoolArray:
    """Cells [T,N] that are valid in one output only, or valid in both with other bits."""
    bits = f"u{before[0].dtype.itemsize}"
    same = np.ascontiguousarray(before[0]).view(bits) == np.ascontiguousarray(after[0]).view(bits)
    return np.asarray((before[1] != after[1]) | (before[1] & ~same))


def _check_look_ahead(
    report: Report, plain: Mapping[str, Output], compute: Compute, panel: Panel, rng: np.random.Generator
) -> None:
    n_days, n_stocks = panel.shape
    day = int(rng.integers(9 * n_days // 10, n_days - 1))  # late: windows need room before it
    found = compute(later_replaced(panel, day, hostile_panel(rng, n_stocks, n_days)))
    until = slice(day + 1)
    for name, (values, valid) in plain.items():
        other = (found[name][0][until], found[name][1][until])
        wrong = changed((values[until], valid[until]), other)
        report.note(name, "look-ahead", wrong, int(valid[until].sum()))


def _check_order(
    report: Report,
    plain: Mapping[str, Output],
    compute: Compute,
    panel: Panel,
    rng: np.random.Generator,
    tolerance: float,
) -> None:
    order = rng.permutation(panel.shape[1])
    found = compute(permuted(panel, order))
    for name, (values, valid) in plain.items():
        values, valid = values[:, order].astype(np.float64), valid[:, order]
        other, other_valid = found[name]
        scale = values[valid].std() if valid.any() else 0.0
        with np.errstate(invalid="ignore"):  # inf - inf: apart
            apart = ~(np.abs(other - values) <= tolerance * scale)
        report.note(name, "order", (valid != other_valid) | (valid & apart), int(valid.sum()))
