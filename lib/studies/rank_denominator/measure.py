"""What dividing ranks by all stocks instead of the valid ones does to factors, and where it cannot do anything.

Paper B, s5.2: with 200 of 3,000 stocks halted the wrong denominator cost an IC of 0.003. Here every one of the 213
factors that ranks stocks is computed with both denominators on the same cells. The formula alone says which of them
cannot notice (see denominators.py); the numbers say whether it is right, and what the others lose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lib.engine import evaluate
from lib.evaluation.markets import computable, cut, mean_records, record, row_panel
from lib.factors import factor_names, find_factors
from lib.factors.leaves import panel_leaves
from lib.graph import Node, Window
from lib.models.dataset import next_return
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.reasons import Reason
from lib.stats import ic
from lib.stats.over_seeds import MARKET
from lib.studies.rank_denominator.denominators import MASKED, Masked, day_map, over_all, ranked_factors

#: days of the picture
PICTURED = 100
#: scenario -> (multiple of the halted share, days of a wave, days from wave to wave)
SCENARIOS = {"constant": (1, 50, 50), "waves": (1, 10, 50), "storm": (5, 10, 50)}
AS_IT_IS = "as it is"
WARM_UP = 90  # days; the longest window of the factors that rank is 80
SPELL = 10  # days for which a stock stays halted
TOGETHER = 12  # factors whose three forms are in memory at the same time
MINIMUM_CELLS = 20
ROUND_OFF = 1e-11  # relative
Records = Iterator[dict[str, Any]]
Cells = np.ndarray


def compute(row: Config, settings: Settings) -> RowResult:
    panel = row_panel(row, settings)
    if row["source"] != MARKET:
        panel = cut(panel, settings["data_start"], settings["data_end"])
        return RowResult(list(_scenario(row, AS_IT_IS, panel, True)))
    records: list[dict[str, Any]] = []
    for name in SCENARIOS:
        halted = imposed_halts(name, panel.shape, settings["halted_share"], np.random.default_rng([row["seed"], 11]))
        records += _picture(row, name, halted)
        records += _scenario(row, name, with_halts(panel, halted), name == "waves")
    return RowResult(records)


def imposed_halts(name: str, shape: tuple[int, int], share: float, rng: np.random.Generator) -> Cells:
    """Halted cells [T, N] of a scenario: the same number of stocks, drawn anew for every spell, on days of a wave."""
    times, wave, period = SCENARIOS[name]
    count, halted = round(share * times * shape[1]), np.zeros(shape, dtype=bool)
    for start in range(0, shape[0], SPELL):
        if start % period < wave:
            halted[start : start + SPELL, rng.choice(shape[1], count, replace=False)] = True
    return halted


def with_halts(panel: Panel, halted: Cells) -> Panel:
    """The panel with these cells halted and no others masked; prices as they are."""
    reasons = np.where(halted, np.uint8(Reason.HALT), np.uint8(0))
    return Panel.from_arrays(panel.dates, panel.symbols, panel.fields, reasons=reasons, copy=False)


def _picture(row: Config, name: str, halted: Cells) -> Records:
    """Valid share of stocks on some days: the ceiling of the rank."""
    for day in range(PICTURED):
        yield record(row, name, f"share day {day}", 1 - halted[day].mean())


def _scenario(row: Config, name: str, panel: Panel, each: bool) -> Records:
    """Records of every factor, if each, and of all of them together."""
    label = next_return(panel)
    cells = panel.mask & panel.universe & np.isfinite(label)
    cells[:WARM_UP] = False
    gains: dict[str, list[np.ndarray]] = {f"{kind} {masked}": [] for masked in MASKED for kind in ("all", "can")}
    pooled: dict[str, list[float]] = {masked: [] for masked in MASKED}
    for factor, true, spoiled in three_forms(panel, computable(panel, ranked_factors(factor_names()))):
        scored = cells & np.isfinite(true)
        right = _ic(true, label, scored), _pooled(true, label, scored)
        if each:
            yield record(row, f"{name} {factor}", "ic", np.nanmean(right[0]), int(scored.sum()))
        for masked, values in spoiled.items():
            daily, over_all_days = _gains(right, values, label, scored)
            gains[f"all {masked}"].append(daily)
            gains[f"can {masked}"] += [] if day_map(find_factors([factor])[0].node, masked) else [daily]
            pooled[masked].append(over_all_days)
            yield from _factor_records(row, f"{name} {factor}", masked, daily, over_all_days, each)
    for what, found in gains.items():
        yield from mean_records(row, name, f"gain {what}", np.mean(found, axis=0))
        yield record(row, name, f"factors {what}", len(found))
    for place, losses in pooled.items():
        yield record(row, name, f"pooled gain {place}", float(np.mean(losses)), len(losses))


def _gains(
    right: tuple[np.ndarray, float], spoiled: np.ndarray, label: np.ndarray, cells: Cells
) -> tuple[np.ndarray, float]:
    """What the right denominator gains, in the direction of the factor's IC: rank IC by day, pooled correlation."""
    daily, pooled = right
    gain = np.sign(np.nanmean(daily)) * (daily - _ic(spoiled, label, cells))
    return gain, float(np.sign(pooled) * (pooled - _pooled(spoiled, label, cells)))


def _factor_records(row: Config, variant: str, masked: Masked, daily: np.ndarray, pooled: float, each: bool) -> Records:
    yield record(row, variant, f"change {masked}", np.nanmax(np.abs(daily)))
    if each:
        yield record(row, variant, f"gain {masked}", np.nanmean(daily))
        yield record(row, variant, f"pooled gain {masked}", pooled)


def three_forms(panel: Panel, names: list[str]) -> Iterator[tuple[str, np.ndarray, dict[Masked, np.ndarray]]]:
    """Each factor's values [T, N], NaN where invalid, with the right denominator and with all stocks instead."""
    total = int(panel.universe.sum(axis=1).max())
    for start in range(0, len(names), TOGETHER):
        factors = find_factors(names[start : start + TOGETHER])
        forms = [(f.node, *(over_all(f.node, total, masked) for masked in MASKED)) for f in factors]
        values = _values(panel, [node for form in forms for node in form])
        for place, factor in enumerate(factors):
            true, *others = values[place * (1 + len(MASKED)) : (place + 1) * (1 + len(MASKED))]
            yield factor.name, true, dict(zip(MASKED, others, strict=True))


def _values(panel: Panel, nodes: list[Node]) -> list[np.ndarray]:
    import torch

    fields = {field for node in nodes for field in node.fields}
    universe = torch.from_numpy(panel.universe.copy())
    found = evaluate(nodes, panel_leaves(panel, fields), window=Window("skip"), universe=universe)
    return [np.where(item.valid.numpy(), item.values.numpy(), np.nan) for item in found]


def _ic(factor: np.ndarray, label: np.ndarray, cells: Cells) -> np.ndarray:
    return ic(places(factor, cells), label, cells, kind="spearman", min_cells=MINIMUM_CELLS)


def places(values: np.ndarray, cells: Cells) -> np.ndarray:
    """Places 0, 1, .. of the day's different values [T, N]; values that differ by round-off share one.

    Products of ranks tie as fractions. Whether they do as floats must not depend on the order of operations.
    """
    x = np.where(cells, values, np.inf)
    order = np.argsort(x, axis=1, kind="stable")
    ordered = np.take_along_axis(x, order, axis=1)
    with np.errstate(invalid="ignore"):
        step = np.diff(ordered, axis=1) > ROUND_OFF * np.abs(ordered[:, 1:])
    place = np.zeros(x.shape)
    np.put_along_axis(place, order[:, 1:], np.cumsum(step, axis=1).astype(float), axis=1)
    return place


def _pooled(factor: np.ndarray, label: np.ndarray, cells: Cells) -> float:
    """Correlation over all cells of all days."""
    return float(np.corrcoef(factor[cells], label[cells])[0, 1])
