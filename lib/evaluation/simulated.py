"""The simulated market as the studies see it: a market with its truth, and predictions held against that truth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.evaluation.contrasts import mean_difference
from lib.evaluation.core import CORE
from lib.evaluation.scoring import MINIMUM_CELLS, Series, ic_records, scored_cells
from lib.evaluation.variants import compute_features
from lib.factors import factor_names
from lib.market import MarketConfig, make_market
from lib.parameters import Parameter
from lib.stats import ic
from lib.store.rows import Record, RowResult, records

if TYPE_CHECKING:
    from lib.factors import FactorSet
    from lib.market import Market
    from lib.panel import Panel

#: how often stocks close at a limit: as measured on CSI 300 members, or as the papers state
LIMIT_RATES = ("real", "paper")
FACTOR_SETS = ("core", "all")

#: size of the markets, for every study of the simulated market
SIZE = {
    "n_stocks": Parameter(int, 300, low=40, high=5000, help="stocks of a market"),
    "n_days": Parameter(int, 1400, low=500, high=5000, help="days of a market, from 2010-01-04"),
    "first_test_year": Parameter(int, 2013, low=2011, high=2100, help="first year that is predicted"),
}
#: what the market plants, for every study of it: the names are those of `make_market`
MARKET_PARAMETERS = {
    "alpha": Parameter(
        float, MarketConfig.alpha, low=0, high=5, help="planted alpha: its deviation, in units of a stock's volatility"
    ),
    "reversal": Parameter(
        float, MarketConfig.reversal, low=0, high=5, help="planted reversal: its shock, in the same units"
    ),
}
RIDGE_SAMPLES = Parameter(
    int, 200, low=0, high=5000, help="the same for ridge; 0: no intervals but those over markets, of which it has many"
)
#: one rule for all learners, or a comparison of learners compares how often they are fitted
REFIT_EVERY = Parameter(int, 1, low=1, high=20, help="years between two fits, of every learner")
#: sizes by scale, shared so that one study finds the rows of another in the cache
SIZES: dict[str, dict[str, Any]] = {
    "smoke": {"n_stocks": 80, "n_days": 860},
    "laptop": {"n_stocks": 200},
    "paper": {},
}


def market_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `make_market` among those of a study."""
    return {name: settings[name] for name in MARKET_PARAMETERS}


@lru_cache(maxsize=1)  # rows of one group run in one process and share the market
def market(n_stocks: int, n_days: int, seed: int, limit_rates: str, **config: Any) -> Market:
    """The market of a row; config: further settings of `make_market`."""
    return make_market(n_stocks, n_days, seed, limit_rates=limit_rates, **config)


@lru_cache(maxsize=1)
def features(panel: Panel, kind: str, factors: str | tuple[str, ...], standardise: str = "zscore") -> FactorSet:
    """Standardised factors behind a variant, keyed on the panel object that `market` shares.

    kind: a key of `variants.FEATURES`. factors: core (39, quick), all (the papers' 213), or names.
    """
    return compute_features(panel, kind, chosen_factors(factors), standardise)


def chosen_factors(factors: str | tuple[str, ...]) -> tuple[str, ...]:
    """Names of a factor set.

    >>> len(chosen_factors("core")), len(chosen_factors("all"))
    (39, 213)
    """
    if isinstance(factors, tuple):
        return factors
    return CORE if factors == "core" else tuple(factor_names())


def truth_series(world: Market, prediction: np.ndarray, among: np.ndarray | None = None) -> Series:
    """Daily correlations [T] of predictions with what the market knows and no back-test sees.

    truth_ic: with the return that can be earned from t to t + 1 in expectation, on cells that can be bought (M1): free
    of the noise of returns, about ten times as precise as an IC. unfilled_ic: with the move that a limit or halt cut
    off at t, on all cells traded at t + 1: it is in the next return and no order at t can have it.
    among: cells to restrict to.
    """
    predicted = np.isfinite(prediction) if among is None else np.isfinite(prediction) & among
    cells = scored_cells(world.panel)
    sides = {"truth_ic": (world.truth.mu_trad, "m1"), "unfilled_ic": (world.truth.unfilled, "apparent")}
    return {
        name: ic(prediction, truth, cells[where] & predicted & np.isfinite(truth), min_cells=MINIMUM_CELLS)
        for name, (truth, where) in sides.items()
    }


def with_truth(
    world: Market, prediction: np.ndarray, found: RowResult, rng: np.random.Generator, samples: int
) -> RowResult:
    """A row's scores with those against the truth."""
    span = slice(int(found.arrays["first_row"]), None)
    series = {name: daily[span] for name, daily in truth_series(world, prediction).items()}
    records = [record for name, daily in series.items() for record in ic_records(name, daily, rng, samples)]
    return RowResult([*found.records, *records], {**found.arrays, **series})


def truth_difference(
    world: Market, left: np.ndarray, right: np.ndarray, rng: np.random.Generator, samples: int
) -> list[Record]:
    """Paired differences left - right of the correlations with the truth, on the cells that both predict."""
    common = np.isfinite(left) & np.isfinite(right)
    a, b = (truth_series(world, side, common) for side in (left, right))
    return [record for name in a for record in mean_difference(name, a[name], b[name], rng, samples)]


def level_differences(left: Mapping[str, float], right: Mapping[str, float], metrics: tuple[str, ...]) -> list[Record]:
    """Differences of single numbers of one market; their interval comes from other markets."""
    return records({name: left[name] - right[name] for name in metrics if name in left and name in right})
