"""How far limit closes and halts carry through rolling windows, and which treatment brings a factor nearer the truth.

Paper B, s3.1: rows deleted after the windows are computed do not repair them. The simulated market has a twin, the same
random draws without limits and halts, so "what the factor would have said" is a number. Four treatments are held
against it on the same cells, and a fifth side says what leaving cells out does to the twin's own, clean prices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from lib.evaluation.markets import cut, record, row_market, row_panel
from lib.factors import FactorSet, compute_factors
from lib.market import Market
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats.over_seeds import MARKET
from lib.studies.contamination.distances import (
    AGES,
    CLEARLY,
    SURELY,
    THINNED,
    Distances,
    Events,
    distances,
    sides_of,
    thinned,
)

WARM_UP = 90
Sums = defaultdict[tuple[str, ...], np.ndarray]


def compute(row: Config, settings: Settings) -> RowResult:
    if row["source"] == MARKET:
        return RowResult([*_against_twin(row, row_market(row, settings))])
    panel = cut(row_panel(row, settings), settings["data_start"], settings["data_end"])
    sides = sides_of(panel)
    return RowResult([*_changed(row, panel, sides), *_counts(row, Events(panel))])


def _against_twin(row: Config, market: Market) -> Iterator[dict[str, Any]]:
    panel, twin = market.panel, market.twin().panel
    events, sides, truth = Events(panel), sides_of(panel), compute_factors(twin, window="raw")
    yield from _changed(row, panel, sides)
    yield from _counts(row, events)
    yield from _price_gaps(row, events, panel, twin)
    sides[THINNED] = compute_factors(thinned(twin, panel), window="skip")
    sums: Sums = defaultdict(lambda: np.zeros(4))
    ages: Sums = defaultdict(lambda: np.zeros((2, AGES + 1)))
    for item in distances(events, sides, truth, WARM_UP):
        _add(sums, item, events)
        _add_ages(ages, item, events)
    yield from _sums_records(row, sums)
    yield from _paired_records(row, sums)
    for (side,), (total, count) in ages.items():
        for age in range(1, AGES + 1):
            if count[age]:
                yield record(row, side, f"age {age}", total[age] / count[age], int(count[age]))


def _add(sums: Sums, item: Distances, events: Events) -> None:
    """Add a factor's cells to the sums of its family and of all, by what its window holds."""
    compared = [name for name in item.valid if name != "strict"]
    common = item.known & np.logical_and.reduce([item.valid[name] for name in compared])
    for what, cells in {**events.classes(item.factor), "any": np.ones_like(common)}.items():
        surviving = item.known & cells
        for name, gap in item.distance.items():
            own = cells & (item.known & item.valid["strict"] & common if name == "strict" else common)
            found = np.array([own.sum(), gap[own].sum(), (gap[own] > SURELY).sum(), (gap[own] > CLEARLY).sum()])
            for family in (item.factor.family, "all"):
                sums["side", family, what, name] += found
                sums["coverage", family, what, name][:2] += surviving.sum(), (surviving & item.valid[name]).sum()
        clean = cells & item.known & item.valid["strict"] & common
        sums["side", "all", what, "raw where strict is valid"] += np.array(
            [clean.sum(), item.distance["raw"][clean].sum(), (item.distance["raw"][clean] > SURELY).sum(),
             (item.distance["raw"][clean] > CLEARLY).sum()])  # fmt: skip
        _add_deleted(sums, item, what, surviving & item.valid["raw"])


def _add_deleted(sums: Sums, item: Distances, what: str, cells: np.ndarray) -> None:
    """Row deletion: the raw factor on every surviving cell where it has a value."""
    gap = item.distance["raw"][cells]
    found = np.array([cells.sum(), gap.sum(), (gap > SURELY).sum(), (gap > CLEARLY).sum()])
    for family in (item.factor.family, "all"):
        sums["side", family, what, "rows deleted"] += found


def _add_ages(ages: Sums, item: Distances, events: Events) -> None:
    common = item.known & np.logical_and.reduce([cells for name, cells in item.valid.items() if name != "strict"])
    cells = common & (events.age > 0)
    for name, gap in item.distance.items():
        if name != "strict":
            age = events.age[cells]
            ages[(name,)] += np.stack([np.bincount(age, gap[cells], AGES + 1), np.bincount(age, minlength=AGES + 1)])


def _sums_records(row: Config, sums: Sums) -> Iterator[dict[str, Any]]:
    for (kind, family, what, name), found in sums.items():
        variant = f"{family}: {what}: {name}"
        if kind == "coverage" and found[0]:
            yield record(row, variant, "coverage", found[1] / found[0], int(found[0]))
        if kind == "side" and found[0]:
            for metric, total in zip(("distance", "differs", "differs clearly"), found[1:], strict=True):
                yield record(row, variant, metric, total / found[0], int(found[0]))


def _paired_records(row: Config, sums: Sums) -> Iterator[dict[str, Any]]:
    """Distance of each treatment less that of the raw factor on the same cells."""
    for (kind, family, what, name), found in sums.items():
        against = "raw where strict is valid" if name == "strict" else "raw"
        other = sums.get(("side", family, what, against))
        if kind == "side" and other is not None and found[0] and found[0] == other[0] and name != against:
            gain = (found[1] - other[1]) / found[0]
            yield record(row, f"{family}: {what}: {name} - raw", "distance", gain, int(found[0]))


def _changed(row: Config, panel: Panel, sides: dict[str, FactorSet]) -> Iterator[dict[str, Any]]:
    """Without a twin: surviving cells whose value changes when windows skip masked cells, by what the window holds."""
    events, raw = Events(panel), sides["raw"]
    sums: Sums = defaultdict(lambda: np.zeros(4))
    for item in distances(events, {"all skipped": sides["all skipped"]}, raw, WARM_UP):
        gap = item.distance["all skipped"]
        for what, cells in {**events.classes(item.factor), "any": np.ones_like(item.known)}.items():
            both = item.known & cells & item.valid["all skipped"]
            sums[(what,)] += np.array([(item.known & cells).sum(), both.sum(), (gap[both] > SURELY).sum(),
                                       (gap[both] > CLEARLY).sum()])  # fmt: skip
    whole = sums[("any",)][0]
    for (what,), (known, both, surely, clearly) in sums.items():
        variant = f"changed: {what}"
        yield record(row, variant, "share of cells", known / whole, int(known))
        if both:
            yield record(row, variant, "differs", surely / both, int(both))
            yield record(row, variant, "differs clearly", clearly / both, int(both))


def _counts(row: Config, events: Events) -> Iterator[dict[str, Any]]:
    listed = events.panel.universe & events.panel.observed
    n = int(listed.sum())
    for what, cells in (("limit closes", events.at_limit), ("halts", events.halted)):
        yield record(row, "", what, (cells & listed).sum() / n, n)


def _price_gaps(row: Config, events: Events, panel: Panel, twin: Panel) -> Iterator[dict[str, Any]]:
    """Mean |log close / twin's close| on a lone limit close and the days after it, and on all surviving cells."""
    gap = np.abs(np.log(panel.fields["close"] / twin.fields["close"]))
    yield record(row, "price", "surviving", gap[events.surviving].mean(), int(events.surviving.sum()))
    day, stock = np.nonzero(events.age == 1)
    yield record(row, "price", "age 0", gap[day - 1, stock].mean() if len(day) else np.nan, len(day))
    for age in range(1, AGES + 1):
        cells = events.age == age
        yield record(row, "price", f"age {age}", gap[cells].mean() if cells.any() else np.nan, int(cells.sum()))
