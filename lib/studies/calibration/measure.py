"""Is the synthetic market like a real one? The calibration table, measured the same way on prices and on markets.

Targets and bands stand in `lib.studies.calibration.findings`, taken from real prices and from paper B alone; what a
setting misses is shown as missed. Nothing here, and no parameter of the market, looks at what a strategy earns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.simulated import market_settings
from lib.market import CALIBRATIONS, REGIMES, make_market
from lib.paper.results.study import Config, RowResult, Settings
from lib.studies.calibration.measures import measure

#: the year of the crash in the real file: the counterpart of the bear regime
STRESS_YEAR = 2015


def grid(settings: Settings) -> Iterator[Config]:
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0, "limit_rates": None}
    for setting in CALIBRATIONS:
        for seed in settings["seeds"]:
            yield {"variant": f"synthetic {setting}", "seed": seed, "limit_rates": setting}


def inputs(settings: Settings) -> list[str]:
    return [settings["data_path"]] if settings["data_path"] else []


def compute(row: Config, settings: Settings) -> RowResult:
    if row["limit_rates"] is None:
        panel = file_panel(settings)
        years = panel.dates.astype("datetime64[Y]").astype(int) + 1970
        found = measure(panel, {"calm": years != STRESS_YEAR, "bear": years == STRESS_YEAR})
    else:
        size = settings["n_stocks"], settings["n_days"]
        market = make_market(*size, row["seed"], limit_rates=row["limit_rates"], **market_settings(settings))
        regime: np.ndarray[Any, Any] = market.truth.regime
        found = measure(market.panel, {name: regime == name for name in REGIMES})
    return RowResult([{"metric": name, "value": value} for name, value in found.items() if not math.isnan(value)])
