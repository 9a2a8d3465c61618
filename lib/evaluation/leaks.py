"""The leak detector: a whole pipeline is run again with another future, and with poison under the mask.

A pipeline (panel -> factors -> neutralised samples -> fit -> predictions -> book) leaves a `Trace`: what it gave on
each day, and what it fitted with the first row that the fit may not read. Four changes of the panel follow; whatever
moves that should not is a `Leak`:

* future replaced: every row from a cut on becomes that of another market; nothing before the cut may move, nor any fit
  whose limit lies at or before it;
* future deleted: the panel ends before the cut;
* masked cells: these hold other numbers; neither factors, fits nor predictions may move;
* own decision: what only decides at the close of a day is replaced; what that day earns before costs may not move.

A fit may read labels that are known `lag` sessions before the part that follows it, so cuts lie on that day: a label
that is a session too long, or a purge that is a session too short, shows. `lib.audit` asks the same of single factors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lib.audit import later_replaced, permuted, poisoned
from lib.audit.panels import with_cells
from lib.errors import ParameterError
from lib.panel import Panel

#: fields that fills and returns of a day are made of; the others of a day move the decision at its close only
SETTLED = frozenset({"open", "close", "pre_close", "limit_up", "limit_down", "limit_pct", "halted", "adj_factor"})
#: what is earned on a day, by the decisions before it
EARNED = "gross"
#: days at which same-day fills are sought: a buffer may keep a day's holdings whatever its predictions
DECISION_DAYS = 3


@dataclass(frozen=True)
class Trace:
    """What a pipeline gave on a panel of T days.

    daily: stage -> array [T, ...], row t made at the close of t; one called "gross" is what day t earned before costs.
    fitted: name -> (row, numbers): parameters, or predictions for fixed features, that may read the rows before `row`.
    """

    daily: Mapping[str, np.ndarray]
    fitted: Mapping[str, tuple[int, np.ndarray]] = field(default_factory=dict)


#: a pipeline: panel, whether its book is wanted -> trace
Run = Callable[[Panel, bool], Trace]


@dataclass(frozen=True)
class Leak:
    """A stage that depends on what it may not read. cut: the first day that was changed; day: the first that moved,
    None for a fit; cells: how many numbers moved."""

    stage: str
    change: str
    cut: np.datetime64 | None
    day: np.datetime64 | None
    cells: int

    def __str__(self) -> str:
        when = "" if self.cut is None else f" from {self.cut} on"
        where = "" if self.day is None else f", first on {self.day}"
        return f"{self.stage}: {self.cells} numbers move when {self.change}{when} is changed{where}"


def find_leaks(
    run: Run, panel: Panel, *, rng: np.random.Generator, days: Sequence[int] = (), poisons: Sequence[str] = ("1e30",)
) -> list[Leak]:
    """Every leak of a pipeline on a panel; none for a clean one.

    days: rows at which the future is changed, besides the limits of the fits and the middle of the predicted days.
    poisons: of `lib.audit.POISONS`, what masked cells are made to hold; the previous close is left out there, because
    adjusting for splits reads the closes of limit days by design. Arrays are compared in all their bits.

    Raises ParameterError for a pipeline without a prediction, and for a day outside the panel.
    """
    plain = run(panel, True)
    middle = _middle(plain, panel)
    cuts = sorted({*days, middle, *(row for row, _ in plain.fitted.values())})
    if not all(0 < cut < panel.shape[0] for cut in cuts):
        raise ParameterError(f"days: got cuts {cuts}; expected rows from 1 to {panel.shape[0] - 1}")
    found: list[Leak] = []
    for cut in cuts:
        other = another_market(panel, rng)
        found += _moved(plain, run(later_replaced(panel, cut - 1, other), True), panel, cut, "the future")
    found += _moved(plain, run(panel.rows(0, middle), True), panel, middle, "the future (deleted)")
    for day in range(middle, min(middle + DECISION_DAYS, panel.shape[0])):
        found += _decided(plain, run(other_decisions(panel, day, rng), True), panel, day)
    bare = with_cells(panel, {name: values for name, values in panel.fields.items() if name != "pre_close"})
    before = run(bare, False)
    for poison in poisons:
        found += _moved(before, run(poisoned(bare, poison), False), panel, None, f"what masked cells hold ({poison})")
    return list(dict.fromkeys(found))


def another_market(panel: Panel, rng: np.random.Generator) -> Panel:
    """The panel of another market: stocks in other columns, numbers moved by a third, a third of the members gone."""
    other = permuted(panel, rng.permutation(panel.shape[1]))
    fields = {
        name: values * np.exp(0.3 * rng.standard_normal(panel.shape)) if values.dtype.kind == "f" else values
        for name, values in other.fields.items()
    }
    return with_cells(panel, fields, reasons=other.reasons, universe=other.universe & (rng.random(panel.shape) < 0.7))


def other_decisions(panel: Panel, day: int, rng: np.random.Generator) -> Panel:
    """Row `day` decides otherwise at its close and earns what it earned; everything later is another market."""
    changed = later_replaced(panel, day, another_market(panel, rng))
    fields: dict[str, Any] = {}
    for name, values in changed.fields.items():
        fields[name] = values
        if values.dtype.kind == "f" and name not in SETTLED:
            fields[name] = values.copy()
            fields[name][day] *= np.exp(0.3 * rng.standard_normal(panel.shape[1]))
    return with_cells(changed, fields)


def _middle(plain: Trace, panel: Panel) -> int:
    prediction = plain.daily.get("prediction", np.full(panel.shape, np.nan))
    rows = np.flatnonzero(np.isfinite(prediction).any(axis=1))
    if len(rows) < 2 * DECISION_DAYS:
        raise ParameterError(
            f"find_leaks: the pipeline predicts {len(rows)} days of {panel.dates[0]} to {panel.dates[-1]}; expected a "
            f"stage called prediction with at least {2 * DECISION_DAYS}"
        )
    return int(rows[len(rows) // 2])


def _moved(before: Trace, after: Trace, panel: Panel, cut: int | None, change: str) -> Iterator[Leak]:
    """Stages that moved before the cut, and fits that moved though their limit lies at or before it."""
    until, when = (panel.shape[0], None) if cut is None else (cut, panel.dates[cut])
    for stage, values in before.daily.items():
        wrong = _differs(values[:until], after.daily[stage][:until])
        if wrong.any():
            rows = wrong.reshape(until, -1).any(axis=1)
            yield Leak(stage, change, when, panel.dates[int(rows.argmax())], int(wrong.sum()))
    for name, (row, values) in before.fitted.items():
        if (cut is None or row <= cut) and name in after.fitted:
            wrong = _differs(values, after.fitted[name][1])
            if wrong.any():
                yield Leak(name, change, when, None, int(wrong.sum()))


def _decided(before: Trace, after: Trace, panel: Panel, day: int) -> Iterator[Leak]:
    for stage, values in before.daily.items():
        if stage.endswith(EARNED):
            wrong = _differs(values[: day + 1], after.daily[stage][: day + 1])
            if wrong.any():
                yield Leak(stage, "its own decision", panel.dates[day], panel.dates[day], int(wrong.sum()))


def _differs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two arrays hold other numbers; NaN equals NaN."""
    if a.shape != b.shape:
        return np.ones(a.shape, dtype=bool)
    both = np.isnan(a) & np.isnan(b) if a.dtype.kind == "f" else np.zeros(a.shape, dtype=bool)
    return np.asarray((a != b) & ~both)
