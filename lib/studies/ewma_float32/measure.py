"""Does an exponentially weighted average in float32 drift away, and what would that cost a factor?

Paper B, s5.2: after 2,500 days the float32 average was 0.3 % off and a factor built on it lost an IC of 0.005. Here
every way to compute the average is held against one in the longest floating type, on the same prices, and so is
every rule for days without a price, which changes the average without any rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lib.errors import LibError
from lib.evaluation.markets import mean_records, record, row_panel
from lib.models.dataset import next_return
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats import ic, masked_ranks
from lib.studies.ewma_float32.masked_days import RULES, keep_level
from lib.studies.ewma_float32.smoothing import (
    ADJUSTED,
    COARSE,
    METHODS,
    adjusted_reference,
    error_bound,
    reference,
    relative_error,
)

#: spans of the averages, in days; days at which errors are read; relative errors put on an exact average
SPANS = (5, 20, 60, 252)
STEPS = (10, 30, 100, 300, 1000, 2500)
NOISE = (0.0003, 0.003, 0.03)
MINIMUM_CELLS = 20  # stocks a day's IC needs
ROUND_OFF = 1e-12  # relative, of float64 after thousands of days
BAD = 0.01  # relative error from which a result is called broken
Records = Iterator[dict[str, Any]]


def compute(row: Config, settings: Settings) -> RowResult:
    panel = row_panel(row, settings)
    prices = traded_prices(panel, max(STEPS) + 1)
    records = [*_forms(row, prices), *_rules(row, panel)]
    for span in SPANS:
        records += _factor(row, panel, span)
    return RowResult(records)


def traded_prices(panel: Panel, days: int) -> np.ndarray:
    """The first `days` valid adjusted closes of every stock that has so many, [days, K].

    Raises LibError when no stock has.
    """
    close, valid = panel.adjusted("close"), panel.mask
    long = np.flatnonzero(valid.sum(axis=0) >= days)
    if len(long) == 0:
        raise LibError(f"no stock of {panel.shape[1]} has {days} valid closes; take more days: {panel.shape[0]} now")
    return np.stack([close[valid[:, stock], stock][:days] for stock in long], axis=1)


def _forms(row: Config, prices: np.ndarray) -> Records:
    """Errors of every implementation, in both precisions, at some days and ever."""
    for span in SPANS:
        true, adjusted = reference(prices, span), adjusted_reference(prices, span)
        for method, smooth in {**METHODS, **COARSE}.items():
            for dtype in ("float32",) if method in COARSE else ("float32", "float64"):
                got = smooth(prices.astype(dtype), span)
                error = relative_error(got, adjusted if method in ADJUSTED else true)
                yield from _error_records(row, f"span {span} {_label(method, dtype)}", error)
        yield record(row, f"span {span} bound", "error", error_bound(span))


def _label(method: str, dtype: str) -> str:
    return method if method in COARSE else f"{method}, {dtype}"


def _error_records(row: Config, variant: str, error: np.ndarray) -> Records:
    stocks = error.shape[1]
    for step in STEPS:
        yield record(row, variant, f"error at {step}", _known(error[step].max()), stocks)
    last = error[max(STEPS)]
    yield record(row, variant, "error", _known(last.max()), stocks)
    yield record(row, variant, "median error", _known(np.median(last)), stocks)
    broken = np.flatnonzero((error > BAD).any(axis=1))
    yield record(row, variant, "breaks at", broken[0] if len(broken) else np.nan, stocks)


def _known(error: float) -> float:
    """An error, or NaN where some stock has no finite average."""
    return error if np.isfinite(error) else np.nan


def _rules(row: Config, panel: Panel) -> Records:
    """How far other rules for masked days take the average from ours, in float64, on valid cells of the second half."""
    close, valid = panel.adjusted("close"), panel.mask
    for span in SPANS:
        ours = keep_level(np.where(valid, close, 0.0), valid, span)
        for name, rule in RULES.items():
            gap = np.abs(rule(np.where(valid, close, 0.0), valid, span) / ours - 1)[len(close) // 2 :]
            gap = gap[np.isfinite(gap)]
            variant = f"span {span} rule {name}"
            gap[gap < ROUND_OFF] = 0.0  # the same rule, computed in another order
            yield record(row, variant, "median", np.median(gap), len(gap))
            yield record(row, variant, "p99", np.quantile(gap, 0.99), len(gap))


def _factor(row: Config, panel: Panel, span: int) -> Records:
    """IC of close / average - 1 in float64, in float32, and in float64 with a relative error put on the average."""
    valid, label = panel.mask & panel.universe, next_return(panel)
    exact = distance(panel, span, np.float64)
    cells = valid & np.isfinite(label) & np.isfinite(exact)
    cells[:span] = False
    true = ic(exact, label, cells, min_cells=MINIMUM_CELLS)
    variant = f"factor span {span}"
    yield from mean_records(row, variant, "ic float64", true)
    single = distance(panel, span, np.float32)
    sides = {"float32": single} | {f"error {size:g}": _disturbed(panel, exact, size, span) for size in NOISE}
    sign = np.sign(np.nanmean(true))
    for name, factor in sides.items():
        other = ic(factor, label, cells, min_cells=MINIMUM_CELLS)
        yield from mean_records(row, variant, f"loss {name}", sign * (true - other))
    yield record(row, variant, "ranks changed", _ranks_changed(exact, single, cells), int(cells.sum()))


def distance(panel: Panel, span: int, dtype: type) -> np.ndarray:
    """close / average - 1, computed in one precision throughout; NaN where the close is masked."""
    close: np.ndarray = np.where(panel.mask, panel.adjusted("close"), 1.0).astype(dtype)
    return np.asarray(close / keep_level(close, panel.mask, span) - dtype(1))


def _disturbed(panel: Panel, factor: np.ndarray, size: float, span: int) -> np.ndarray:
    """The factor if the average were wrong by a normal relative error of this size, independent from cell to cell."""
    rng = np.random.default_rng([span, round(1 / size), *panel.shape])
    return np.asarray((1 + factor) / (1 + size * rng.standard_normal(factor.shape)) - 1)


def _ranks_changed(a: np.ndarray, b: np.ndarray, cells: np.ndarray) -> float:
    return float((masked_ranks(a, cells) != masked_ranks(b.astype(float), cells))[cells].mean())
