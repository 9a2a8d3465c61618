"""The papers' own synthetic panel, examined: how often its limits bind, and whether anything in it can be predicted.

Rows: `count`, a panel of the papers' recipe counted cell by cell; `ic`, factors and a ridge walked forward on it and,
as the control that the method can find something, on the planted market; `arithmetic`, paper and pencil.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lib.factors.core import CORE
from lib.findings.paper_panel import ARITHMETIC, GBM, PLANTED
from lib.market import GBMConfig, Market, make_market, paper_gbm
from lib.models.dataset import next_return
from lib.models.walk import walk_predictions
from lib.parameters import Parameter
from lib.reasons import Reason
from lib.stats import ic
from lib.studies.base import Config, RowResult, Settings, Study
from lib.studies.gbm_estimators import arithmetic, estimators, steps
from lib.studies.paper_panel_tables import CLAIM_IDS, answer_claims, summary
from lib.studies.synthetic import MARKET_PARAMETERS, market_settings
from lib.studies.variants import VARIANTS, compute_features, variant_dataset

VARIANT: Final = VARIANTS["mask_skip"]
#: |return| in percent whose frequency is counted, for the picture of the tails
TAIL: Final = tuple(range(1, 11))


def _grid(settings: Settings) -> Iterator[Config]:
    yield {"variant": ARITHMETIC, "seed": 0, "part": "arithmetic"}
    for seed in settings["seeds"]:
        for market in (GBM, PLANTED):
            yield {"variant": market, "seed": seed, "part": "count"}
            yield {"variant": market, "seed": seed, "part": "ic"}


def _compute(row: Config, settings: Settings) -> RowResult:
    if row["part"] == "arithmetic":
        cfg, rng = GBMConfig(), np.random.default_rng(0)
        found = dict(arithmetic(cfg)) | dict(steps(cfg.drift, cfg.volatility))
        found |= dict(estimators(cfg.drift, cfg.volatility, settings["years"], settings["n_paths"], rng))
    elif row["part"] == "count":
        market = _market(row, settings["count_stocks"], settings["count_days"], settings)
        found = dict(_counts(market)) | dict(_tail(market))
    else:
        market = _market(row, settings["n_stocks"], settings["n_days"], settings)
        found = dict(_information(market, settings, row["seed"]))
    return RowResult([{"metric": name, "value": value} for name, value in found.items()])


def _market(row: Config, n_stocks: int, n_days: int, settings: Settings) -> Market:
    if row["variant"] == GBM:
        return paper_gbm(n_stocks, n_days, row["seed"])
    return make_market(n_stocks, n_days, row["seed"], **market_settings(settings))


def _counts(market: Market) -> Iterator[tuple[str, float]]:
    panel, cfg = market.panel, market.config
    traded = panel.traded
    up, down = ((panel.reasons & bit > 0) for bit in (Reason.LIMIT_UP, Reason.LIMIT_DOWN))
    yield "cells", float(traded.size)
    yield "halted", float(1 - traded.mean())
    yield "limit-up closes", float(up.sum())
    yield "limit-down closes", float(down.sum())
    yield "limit closes, share of traded cells", float((up | down).sum() / traded.sum())
    if isinstance(cfg, GBMConfig):
        move = np.diff(market.truth.desired, axis=0)
        yield "clamped up", float((move >= cfg.clamp - 1e-9).sum())
        yield "clamped down", float((move <= -cfg.clamp + 1e-9).sum())


def _tail(market: Market) -> Iterator[tuple[str, float]]:
    size = np.abs(market.panel.returns[market.panel.traded])
    for percent in TAIL:
        # half a tick of slack: a limit close of 9.97 % counts as 10
        yield f"|return| of {percent} % or more", float((size >= percent / 100 - 0.0005).mean())


def _information(market: Market, settings: Settings, seed: int) -> Iterator[tuple[str, float]]:
    """Mean daily Pearson IC over the test years, on cells that can be traded, of every factor and of the ridge."""
    panel = market.panel
    factors = compute_features(panel, VARIANT.features, CORE)
    prediction = walk_predictions(
        variant_dataset(panel, VARIANT, factors),
        panel.dates,
        learner="ridge",
        first_test_year=settings["first_test_year"],
        seed=seed,
    )
    first = int(np.flatnonzero(np.isfinite(prediction).any(axis=1))[0])
    label = next_return(panel)
    cells = np.isfinite(label) & panel.price_valid
    cells[:first] = False
    yield "test days", float(len(label) - 1 - first)
    yield "ic: ridge", _mean_ic(prediction, label, cells & np.isfinite(prediction))
    if market.truth.mu_trad.any():
        yield "ic: ridge with the truth", _mean_ic(prediction, market.truth.mu_trad, cells & np.isfinite(prediction))
        yield "ic: the truth", _mean_ic(market.truth.mu_trad, label, cells)
    for k, name in enumerate(factors.names):
        yield f"ic: {name}", _mean_ic(factors.values[..., k], label, cells & factors.valid[..., k])


def _mean_ic(guess: np.ndarray, outcome: np.ndarray, cells: np.ndarray) -> float:
    return float(np.nanmean(ic(guess, outcome, cells)))


STUDY = Study(
    name="paper_panel",
    title="The papers' own panel",
    grid=_grid,
    compute=_compute,
    parameters={
        "count_stocks": Parameter(int, 1000, low=20, high=5000, help="stocks of the panels that are counted"),
        "count_days": Parameter(int, 1750, low=60, high=5000, help="days of the panels that are counted"),
        "n_stocks": Parameter(int, 200, low=40, high=5000, help="stocks of the panels that are predicted"),
        "n_days": Parameter(int, 1250, low=600, high=5000, help="days of the panels that are predicted"),
        "first_test_year": Parameter(int, 2013, low=2011, high=2030, help="the panels begin in 2010"),
        "years": Parameter(int, 10, low=1, high=50, help="length of the paths whose drift is estimated"),
        "n_paths": Parameter(int, 4000, low=100, high=1_000_000, help="number of those paths"),
        **MARKET_PARAMETERS,
    },
    scales={
        "smoke": {"count_stocks": 200, "n_stocks": 80, "n_days": 800, "first_test_year": 2012, "n_paths": 1000,
                  "count_days": 500, "seeds": 3},
        "laptop": {"seeds": 6},
        "paper": {"count_stocks": 3000, "count_days": 3500, "n_stocks": 500, "n_days": 3500, "n_paths": 40_000,
                  "first_test_year": 2021, "seeds": 20},
    },
    setting="different",
    summarise=summary,
    claims=answer_claims,
    claim_ids=CLAIM_IDS,
)  # fmt: skip
