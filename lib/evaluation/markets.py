"""Rows of a study on simulated markets, one per seed, and of a real file beside them.

The simulated market is evidence here: the question is about a mechanism, and its truth is known. The file says what the
same code gives on real prices. An interval over markets comes from the seeds; that of a file from its days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.simulated import market, market_settings
from lib.factors import factor_names, find_factors
from lib.factors.leaves import available_fields
from lib.market import Market
from lib.panel import Panel, row_at
from lib.parameters import Parameter
from lib.stats import MINIMUM_SESSIONS, bootstrap_interval
from lib.stats.over_seeds import MARKET
from lib.store.rows import Config, Settings

SAMPLES = 500
#: the calibration whose markets need no further name
REAL_RATES = "real"
LIMIT_RATES = Parameter(list, [REAL_RATES, "paper"], help="calibrations of the simulated market")


def market_grid(settings: Settings) -> Iterator[Config]:
    """One row per market seed, and per calibration where a study names several; one for the file, if there is one."""
    for seed in settings["seeds"]:
        for rates in settings.get("limit_rates", [REAL_RATES]):
            name = MARKET if rates == REAL_RATES else f"{MARKET}_{rates}"
            yield {"variant": name, "seed": seed, "source": MARKET, "limit_rates": rates}
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0, "source": "data"}


def market_inputs(settings: Settings) -> list[str]:
    """The file that the rows read."""
    return [settings["data_path"]] if settings["data_path"] else []


def row_panel(row: Config, settings: Settings) -> Panel:
    """The panel of a row."""
    if row["source"] == MARKET:
        return row_market(row, settings).panel
    return file_panel(settings)


def row_market(row: Config, settings: Settings) -> Market:
    """The simulated market of a row."""
    size = settings["n_stocks"], settings["n_days"]
    return market(*size, row["seed"], row["limit_rates"], **market_settings(settings))


def cut(panel: Panel, start: str, end: str) -> Panel:
    """The dates from start to the day before end."""
    return panel.rows(row_at(panel.dates, start, "start"), row_at(panel.dates, end, "end"))


def computable(panel: Panel, names: Sequence[str] | None = None) -> list[str]:
    """Those of the 213 factors, or of the names, whose fields the panel has."""
    have = available_fields(panel)
    return [factor.name for factor in find_factors(names or factor_names()) if set(factor.fields) <= have]


def mean_records(row: Config, variant: str, metric: str, daily: np.ndarray) -> Iterator[dict[str, Any]]:
    """The mean of a daily series; on a real file with its 95 % interval by a block bootstrap over days.

    None from fewer than MINIMUM_SESSIONS days.
    """
    known = daily[np.isfinite(daily)]
    n = len(known)
    yield record(row, variant, metric, known.mean() if n else np.nan, n)
    if row["source"] != MARKET and n >= MINIMUM_SESSIONS:
        found = bootstrap_interval(known, np.mean, rng=np.random.default_rng([n, 7]), n_samples=SAMPLES)
        yield record(row, variant, metric + ".low", found.low, n)
        yield record(row, variant, metric + ".high", found.high, n)


def record(row: Config, variant: str, metric: str, value: float, n: int | None = None) -> dict[str, Any]:
    """One number; the variant begins with the name of the market."""
    return {"variant": f"{row['variant']} {variant}".strip(), "metric": metric, "value": float(value), "n": n}
