"""No look-ahead, from prices to profit: the future is replaced or deleted and nothing before it may move.

One detector runs the whole chain twice, panel -> factors -> samples -> ridge -> orders -> returns, and lists the
stages that changed before the cut. The real chain must come out clean on both kinds of market; five planted leaks
must not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from overlay import rough_panel

import lib.models.walk
from lib.factors import FactorSet, compute_factors
from lib.models.dataset import Dataset, both_days, build_dataset, next_return
from lib.models.splits import Split, walk_forward
from lib.models.walk import walk_predictions
from lib.panel import Panel
from lib.portfolio import Backtest, flat, simulate, top_k_buffer

#: momentum, reversal, ranks, correlations, recurrences, volume; a vwap one; longest window 25 days
FACTORS = ("alpha_001", "alpha_003", "alpha_101", "add_002", "add_022", "stock_006", "best_006", "better_013",
           "extra_006", "original_001")  # fmt: skip
FIRST_TEST_YEAR = 2011
DAYS, STOCKS = 350, 40

Stages = dict[str, np.ndarray]


@dataclass(frozen=True)
class Chain:
    """The pipeline with a hook at every place where a leak can sit."""

    features: Callable[[Panel, FactorSet], FactorSet] = lambda panel, factors: factors
    extra: Callable[[Panel], np.ndarray | None] = lambda panel: None
    earned: Callable[[Panel, Backtest], np.ndarray] = lambda panel, run: run.gross
    standardise: str | None = "zscore"

    def data(self, panel: Panel) -> tuple[FactorSet, Dataset]:
        factors = self.features(panel, compute_factors(panel, FACTORS, standardise=self.standardise))
        cells = panel.price_valid & panel.universe
        labelled = both_days(panel.price_valid) & panel.universe
        label = next_return(panel)
        return factors, build_dataset(factors, label, predicted=cells, labelled=labelled, extra=self.extra(panel))

    def run(self, panel: Panel) -> Stages:
        """Every stage as [T, ...] arrays over the days of the panel."""
        factors, data = self.data(panel)
        prediction = walk_predictions(data, panel.dates, learner="ridge", first_test_year=FIRST_TEST_YEAR)
        stages: Stages = {"values": factors.values, "valid": factors.valid, "prediction": prediction}
        stages |= {"reasons": panel.reasons, "adjustment": panel.adj_factor, "day returns": panel.returns}
        for fill in ("close", "open"):
            for execution in ("naive", "executed"):
                run = simulate(panel, prediction, policy=top_k_buffer(5, 10), fill=fill, execution=execution,
                               costs=flat(8.0), keep_paths=True)  # fmt: skip
                own = {"gross": self.earned(panel, run), "returns": run.returns, "weights": run.weights}
                stages |= {f"{fill} {execution} {k}": on_panel(v, run, panel) for k, v in own.items()}
        return stages


def on_panel(values: np.ndarray, run: Backtest, panel: Panel) -> np.ndarray:
    out = np.zeros((panel.shape[0], *values.shape[1:]))
    out[run.first_row :] = values
    return out


# ----------------------------------------------------------------- another future


def rewritten(panel: Panel, cut: int, seed: int, spared: dict[str, int] | None = None) -> Panel:
    """Every field, mask and membership from `cut` on replaced; what trades is then derived anew.

    A third of the stocks never trade again or are never listed; others come back elsewhere, halt and jump. spared:
    field -> rows after the cut that stay as they are.
    """
    rng = np.random.default_rng([seed, cut])
    shape = (panel.shape[0] - cut, panel.shape[1])
    gone = rng.random(shape[1]) < 0.3
    lost = gone | (rng.random(shape) < 0.05)
    jump = np.exp(0.3 * rng.normal(size=shape))
    fields: dict[str, Any] = {}
    for name, values in panel.fields.items():
        fields[name] = values.copy()
        if values.dtype.kind != "f":
            continue
        keep = (spared or {}).get(name, 0)
        later = np.roll(values[cut:], 1, axis=1) * jump * np.exp(0.05 * rng.normal(size=shape))
        if name == "halted":
            later = (rng.random(shape) < 0.1).astype(float)
        if name == "volume":
            later = np.where(rng.random(shape) < 0.1, 0.0, later)
        fields[name][cut + keep :] = np.where(lost, np.nan, later)[keep:]
    universe = panel.universe.copy()
    first = cut + (spared or {}).get("universe", 0)
    universe[first:] = rng.random((panel.shape[0] - first, shape[1])) < 0.6
    return Panel.from_arrays(panel.dates, panel.symbols, fields, universe=universe, market=panel.market)


def deleted(panel: Panel, cut: int) -> Panel:
    """The same file had it ended on the day before `cut`."""
    fields = {name: values[:cut] for name, values in panel.fields.items()}
    return Panel.from_arrays(
        panel.dates[:cut], panel.symbols, fields, universe=panel.universe[:cut], market=panel.market
    )


#: what fills and returns of a day are made of; everything else of the day moves the decision at its close only
SETTLED = ("open", "close", "pre_close", "limit_up", "limit_down", "halted", "universe")


def other_decisions(panel: Panel, cut: int) -> Panel:
    """High, low, vwap, volume of day `cut` and everything later replaced; what day `cut` earns is as it was."""
    changed = rewritten(panel, cut, 3, dict.fromkeys(SETTLED, 1))
    fields = dict(changed.fields)
    traded = panel.traded[cut]
    for name in ("high", "low", "vwap", "volume", "amount"):
        values = fields[name].copy()
        original = panel.fields[name][cut]
        moved = original * np.exp(0.3 * np.random.default_rng(cut).normal(size=original.shape))
        values[cut] = np.where(traded, moved, original)  # who trades stays who trades
        fields[name] = values
    return Panel.from_arrays(
        panel.dates, panel.symbols, fields, universe=changed.universe, market=panel.market
    )


def leaks(chain: Chain, panel: Panel, cut: int) -> set[str]:
    """Stages that depend on what lies after them.

    Everything before day `cut` must not see the panel from `cut` on. And what day `cut` itself earns, before costs,
    must not see the decision taken at its close.
    """
    before = chain.run(panel)
    found = set()
    for other in (rewritten(panel, cut, 1), deleted(panel, cut)):
        after = chain.run(other)
        found |= {k for k in before if not np.array_equal(before[k][:cut], after[k][:cut], equal_nan=True)}
    after = chain.run(other_decisions(panel, cut))
    assert not np.array_equal(before["prediction"][cut], after["prediction"][cut], equal_nan=True)
    for name in before:
        stop = cut + 1 if name.endswith("gross") else cut
        if not np.array_equal(before[name][:stop], after[name][:stop], equal_nan=True):
            found.add(name)
    return found


# ---------------------------------------------------------------------- the markets


@pytest.fixture(scope="module")
def market(request: pytest.FixtureRequest) -> Panel:
    """A quarter to learn from, a test year, and the first weeks of a second one with its own fit."""
    return rough_panel(STOCKS, DAYS, seed=4, market=request.param, start="2010-10-01")


BOTH = pytest.mark.parametrize("market", ["cn", "none"], indirect=True)


def cuts(panel: Panel) -> list[int]:
    """The second day of each test year, where a fit that takes one day too many shows, and a day in between."""
    years = panel.dates.astype("datetime64[Y]").astype(int) + 1970
    first, second = (int(np.searchsorted(years, year)) for year in (FIRST_TEST_YEAR, FIRST_TEST_YEAR + 1))
    return [first + 1, (first + second) // 2, second + 1]


@BOTH
def test_the_market_is_worth_the_test(market):
    stages = Chain().run(market)
    assert {"cn": 0.005, "none": 0.0}[market.market] < (market.observed & ~market.price_valid).mean() < 0.2
    assert (market.reasons & 2 > 0).any() and (~market.universe).any()
    assert stages["valid"][-1].any(axis=0).all() and np.isfinite(stages["prediction"][-2]).any()
    assert len(cuts(market)) == 3 and cuts(market)[-1] < market.shape[0] - 5
    for name, values in stages.items():
        if name.endswith("returns"):
            assert (values != 0).mean() > 0.5, name


@BOTH
@pytest.mark.parametrize("which", [0, 1, 2])
def test_nothing_before_the_cut_depends_on_what_comes_after(market, which):
    assert leaks(Chain(), market, cuts(market)[which]) == set()


# -------------------------------------------------------------------- planted leaks


def label_as_feature(panel: Panel) -> np.ndarray:
    return np.nan_to_num(next_return(panel))[..., None]


def tomorrows_factors(panel: Panel, factors: FactorSet) -> FactorSet:
    """A delay of -1."""
    values, valid = (np.concatenate([a[1:], a[-1:]]) for a in (factors.values, factors.valid))
    return FactorSet(values, valid, factors.names, {})


def full_sample_zscore(panel: Panel, factors: FactorSet) -> FactorSet:
    with np.errstate(all="ignore"):
        known = np.where(factors.valid, factors.values, np.nan)
        z = (known - np.nanmean(known, axis=(0, 1))) / np.nanstd(known, axis=(0, 1))
    return FactorSet(np.nan_to_num(z).astype(np.float32), factors.valid, factors.names, {})


def same_day_fill(panel: Panel, run: Backtest) -> np.ndarray:
    """Weights formed at the close of t earn the return of t."""
    rows = slice(run.first_row, run.first_row + len(run.dates))
    return (run.weights * np.nan_to_num(panel.returns[rows])).sum(axis=1)


def one_day_too_many(dates: np.ndarray, **how: Any) -> list[Split]:
    return [replace(s, fit_stop=s.test_start + 1) for s in walk_forward(dates, **how)]


LEAKS = {
    "label as a feature": (Chain(extra=label_as_feature), "prediction"),
    "delay of minus one": (Chain(features=tomorrows_factors), "values"),
    "z-score over the full sample": (Chain(features=full_sample_zscore, standardise=None), "values"),
    "same-day fill": (Chain(earned=same_day_fill), "close naive gross"),
}


@pytest.mark.parametrize("market", ["cn"], indirect=True)
@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_found(name, market):
    chain, stage = LEAKS[name]
    assert any(stage in leaks(chain, market, cuts(market)[1] + later) for later in range(3))


@pytest.mark.parametrize("market", ["cn"], indirect=True)
@pytest.mark.parametrize("which", [0, 2])
def test_a_fit_that_takes_one_day_too_many_is_found(market, which, monkeypatch):
    monkeypatch.setattr(lib.models.walk, "walk_forward", one_day_too_many)
    found = leaks(Chain(), market, cuts(market)[which])
    assert "prediction" in found and "values" not in found


@pytest.mark.parametrize("market", ["cn"], indirect=True)
def test_a_same_day_fill_shows_in_what_is_earned_only(market):
    """The detector's second half at work: up to the close of t nothing is wrong but the return of t."""
    chain, _ = LEAKS["same-day fill"]
    # three days: a buffer may keep a day's holdings whatever its predictions
    found = set[str]().union(*(leaks(chain, market, cuts(market)[1] + later) for later in range(3)))
    assert found and all(name.endswith("gross") for name in found)
