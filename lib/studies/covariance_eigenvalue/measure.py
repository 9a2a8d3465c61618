"""Can a Ledoit-Wolf covariance have a negative eigenvalue, and which covariance of a masked window does?

Paper B, s5.2: about once a year the estimate had one eigenvalue below zero, "numerically zero", and cvxpy refused the
problem. Here the estimate of every day is decomposed, in float64 and float32, beside the sample covariance it
shrinks and beside three ways to leave masked returns out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lib.errors import LibError
from lib.evaluation.markets import record, row_panel
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.studies.covariance_eigenvalue.estimators import ESTIMATORS, MaskedReturns, needed_intensity, refused

LEAST = 10  # stocks a covariance is made of
Records = Iterator[dict[str, Any]]
Found = dict[str, float]


def compute(row: Config, settings: Settings) -> RowResult:
    panel = row_panel(row, settings)
    if panel.shape[0] <= settings["window"]:
        raise LibError(f"windows of {settings['window']} days in a panel of {panel.shape[0]}: give it more days")
    returns, valid = panel.returns, earned(panel)
    records: list[dict[str, Any]] = []
    for size in settings["sizes"]:
        days: dict[str, list[Found]] = {name: [] for name in ESTIMATORS}
        for day in range(settings["window"], panel.shape[0], settings["every"]):
            window = holes(returns, valid, panel.universe[day], day, settings["window"], size)
            if window is not None:
                for name, found in _one_day(window).items():
                    days[name].append(found)
        for name, found_by_day in days.items():
            rank_deficient = name.startswith("sample") and size >= settings["window"]
            records += _records(row, f"{size} {name}", found_by_day, rank_deficient)
    return RowResult(records)


def earned(panel: Panel) -> np.ndarray:
    """Cells [T, N] whose return could be earned: tradable closes today and on the day before."""
    valid = panel.mask.copy()
    valid[1:] &= panel.mask[:-1]
    valid[0] = False
    return valid & np.isfinite(panel.returns)


def holes(
    returns: np.ndarray, valid: np.ndarray, universe: np.ndarray, day: int, length: int, size: int
) -> MaskedReturns | None:
    """The window that ends on `day`, of the first `size` stocks of the universe that are valid on most of its days.

    More than half of the days each: then every pair shares some. None where fewer stocks qualify.
    """
    rows = slice(day - length + 1, day + 1)
    stocks = np.flatnonzero(universe & (2 * valid[rows].sum(axis=0) >= length + 2))[:size]
    if len(stocks) < size:
        return None
    return MaskedReturns(np.nan_to_num(returns[rows][:, stocks], nan=0.0), valid[rows][:, stocks])


def spectra(panel: Panel, day: int, length: int, size: int) -> dict[str, np.ndarray]:
    """Estimator -> eigenvalues of one day's matrix, rising, as shares of their mean."""
    window = holes(panel.returns, earned(panel), panel.universe[day], day, length, size)
    assert window is not None, f"day {day}: fewer than {size} stocks"
    matrices = {name: estimate(window).matrix for name, estimate in ESTIMATORS.items()}
    return {name: np.linalg.eigvalsh(matrix) * len(matrix) / np.trace(matrix) for name, matrix in matrices.items()}


def _one_day(window: MaskedReturns) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for name, estimate in ESTIMATORS.items():
        stocks = int(window.valid.all(axis=0).sum()) if name == "complete" else window.valid.shape[1]
        found[name] = {"stocks": stocks}
        if stocks >= LEAST:
            item = estimate(window)
            lowest = float(np.linalg.eigvalsh(item.matrix)[0])
            found[name] |= {
                "negative": lowest < 0,
                "refused": refused(item.matrix),
                "lowest": lowest / item.level,
                "intensity": item.intensity,
                "needed": needed_intensity(lowest, item.level),
            }
    return found


def _records(row: Config, variant: str, days: list[Found], rank_deficient: bool) -> Records:
    """Means over days; medians of what may be round-off, which has a name of its own because it never comes back."""
    estimated = [day for day in days if "lowest" in day]
    for metric, those in (("stocks", days), *((name, estimated) for name in ("negative", "refused", "intensity"))):
        if those:
            yield record(row, variant, metric, float(np.mean([day[metric] for day in those])), len(those))
    if estimated:
        lowest = [day["lowest"] for day in estimated]
        name = "round-off" if rank_deficient else "lowest"
        yield record(row, variant, name, float(np.median(lowest)), len(lowest))
        yield record(row, variant, f"{name} of all", min(lowest), len(lowest))
        if not rank_deficient:
            yield record(row, variant, "needed", float(np.median([day["needed"] for day in estimated])), len(lowest))
