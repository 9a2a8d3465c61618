"""Claims that need no sampling: identities, counts, shares, and two ways to build the mask.

Ranks, rolling sums and masks are checked on the prices of simulated markets and, if one is given, of a file; the rest
is arithmetic on what the papers state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lib.evaluation.markets import market_grid, record, row_panel
from lib.factors import factor_names
from lib.factors.registry import FAMILIES
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.studies.identities import checks
from lib.studies.limit_events.mask_building import HEURISTICS, OPERATIONS, heuristic_errors, nan_against_mask

ARITHMETIC = "arithmetic"
WIDTHS = (32, 64, 96, 104, 128)
GAMMAS = (0.01, 0.1, 1.0, 10.0, 1e3, 1e6)
BITS = (16, 32, 64)
#: the paper's number of parameters, to two digits
CLAIMED, ROUNDING = 220_000.0, 5_000.0
WINDOW = 20
Records = Iterator[dict[str, Any]]


def grid(settings: Settings) -> Iterator[Config]:
    yield {"variant": ARITHMETIC, "seed": 0, "source": ARITHMETIC}
    yield from market_grid(settings)


def compute(row: Config, settings: Settings) -> RowResult:
    if row["source"] == ARITHMETIC:
        return RowResult(list(_arithmetic(row)))
    panel = row_panel(row, settings)
    return RowResult([*_ranks(row, panel), *_rolling(row, panel), *_masks(row, panel)])


def _arithmetic(row: Config) -> Records:
    yield record(row, "", "parameters of the MLP", checks.mlp_parameters())
    for reading in checks.READINGS:
        for width in WIDTHS:
            yield record(row, reading, f"width {width}", checks.transformer_parameters(width, reading))
        found = checks.widths_that_give(CLAIMED, ROUNDING, reading)
        yield record(row, reading, "widths that give it", len(found))
        yield record(row, reading, "smallest of them", found[0] if found else np.nan)
    for family in FAMILIES:
        yield record(row, "factors", family, len(factor_names(family)))
    yield record(row, "factors", "all", len(factor_names()))
    for gamma in GAMMAS:
        yield record(row, f"gamma {gamma:g}", "penalty ratio", checks.penalty_ratio(gamma))
        yield record(row, f"gamma {gamma:g}", "distance from MSE", checks.distance_from_mse(gamma))
    for bits in BITS:
        size = checks.panel_bytes(bits)
        yield record(row, f"{bits} bits", "GB", size / checks.GB)
        yield record(row, f"{bits} bits", "GiB", size / checks.GIB)
    for name, first in (("first rows", 0), ("middle rows", (WINDOW - 1) // 2), ("last rows", WINDOW - 1)):
        yield record(row, "convolution", f"days ahead, {name}", checks.days_ahead(WINDOW, first))


def _ranks(row: Config, panel: Panel) -> Records:
    """Double argsort of the day's returns and prices, without a mask, with masked cells last, with zeros in them."""
    for what, values in (("return", panel.returns), ("price", panel.fields["close"])):
        known = np.isfinite(values)
        cases = {
            "no mask": (panel.observed & known, np.nan),
            "masked cells last": (panel.mask & known, np.nan),
            "masked cells as 0": (panel.mask & known, 0.0),
        }
        for case, (cells, filling) in cases.items():
            found = checks.rank_agreement(values, cells, filling)
            for metric, value in found.items():
                yield record(row, f"rank: {what}: {case}", metric, value, int(cells.sum()))


def _rolling(row: Config, panel: Panel) -> Records:
    values = panel.adjusted("close")
    for case, cells in (("no mask", np.isfinite(values)), ("masked", panel.mask & np.isfinite(values))):
        for metric, value in checks.rolling_agreement(values, cells, WINDOW).items():
            yield record(row, f"rolling: {case}", metric, value, int(cells.sum()))


def _masks(row: Config, panel: Panel) -> Records:
    if "limit_pct" in panel.fields:
        for heuristic in HEURISTICS:
            for metric, value in heuristic_errors(panel, heuristic).items():
                yield record(row, f"limits: {heuristic}", metric, value, int(panel.traded.sum()))
    for operation in OPERATIONS:
        for metric, value in nan_against_mask(panel, operation).items():
            yield record(row, f"NaN: {operation}", metric, value, int(panel.observed.sum()))


def setting(row: Config, settings: Settings) -> str:
    return "same" if row["source"] == ARITHMETIC else "different"
