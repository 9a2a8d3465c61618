"""The papers' own synthetic panel, examined: how often its limits bind, and whether anything in it can be predicted.

Rows: `count`, a panel of the papers' recipe counted cell by cell; `ic`, factors and a ridge walked forward on it and,
as the control that the method can find something, on the planted market; `arithmetic`, paper and pencil.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lib.evaluation.core import CORE
from lib.evaluation.simulated import market_settings
from lib.evaluation.variants import VARIANTS, compute_features, variant_dataset
from lib.market import GBMConfig, Market, make_market, paper_gbm
from lib.models.dataset import next_return
from lib.models.walk import walk_predictions
from lib.paper.results.study import Config, RowResult, Settings
from lib.reasons import Reason
from lib.stats import ic
from lib.store.rows import records
from lib.studies.paper_panel.estimators import arithmetic, estimators, steps

GBM, PLANTED, ARITHMETIC = "papers' panel", "planted market", "arithmetic"
VARIANT: Final = VARIANTS["mask_skip"]
#: |return| in percent whose frequency is counted, for the picture of the tails
TAIL: Final = tuple(range(1, 11))


def grid(settings: Settings) -> Iterator[Config]:
    yield {"variant": ARITHMETIC, "seed": 0, "part": "arithmetic"}
    for seed in settings["seeds"]:
        for market in (GBM, PLANTED):
            yield {"variant": market, "seed": seed, "part": "count"}
            yield {"variant": market, "seed": seed, "part": "ic"}


def compute(row: Config, settings: Settings) -> RowResult:
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
    return RowResult(records(found))


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
