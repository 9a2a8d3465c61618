"""Arms of an experiment about learning: several ways to predict one simulated market, scored alike, compared by pairs.

Such an experiment changes one thing (a loss, a set of factors, a network) and holds the rest: the market, the cells
that are learned and predicted, the days, the book and its costs. The cells are those of `mask_skip`: windows skip
masked days, labels need both days tradable, only tradable stocks are ordered.

The books of ranks read the order of predictions alone, so they are the same for predictions as they are and for
predictions standardised per day. A mean-variance book (paper B, s3.6) reads their size: it is run on both.
`standardised`: z-scores of the day times one size for all arms; `literal`: as they are, in returns.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from lib.evaluation.contrasts import difference
from lib.evaluation.predictions import kept, on_panel, row_rng
from lib.evaluation.scoring import COST_BPS, annual_sharpe, score
from lib.evaluation.simulated import features, truth_difference, with_truth
from lib.evaluation.variants import VARIANTS, variant_dataset
from lib.models.dataset import next_return
from lib.models.samples import with_labels
from lib.portfolio import MeanVariance, OptimiserWarning, active_returns, equal_weight, flat, simulate
from lib.portfolio import optimised as long_only
from lib.store.rows import Record, RowResult

if TYPE_CHECKING:
    from lib.market import Market
    from lib.models.dataset import Dataset
    from lib.panel import Panel
    from lib.portfolio import Backtest

MASK = "mask_skip"
#: in the order in which a difference is judged: the truth decides first, books gross of costs before net ones
ENDPOINTS = (
    "truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.matched.active_sharpe", "executed_open.turnover",
)  # fmt: skip
#: deviation of standardised predictions over the stocks of a day, in returns: an IC of .05 at 2 % a day
STANDARD = 0.001
#: sessions between two decisions of the mean-variance book, and its largest weight
EVERY, CAP = 5, 0.03
SENSES = ("standardised", "literal")


def arm_dataset(world: Market, factors: str | tuple[str, ...], standardise: str = "zscore") -> Dataset:
    """Samples of a market under MASK; factors: core, all, or names."""
    variant = VARIANTS[MASK]
    return variant_dataset(world.panel, variant, features(world.panel, variant.features, factors, standardise))


def raw_labels(data: Dataset, panel: Panel) -> Dataset:
    """The same samples, labelled with returns as they are: not less the mean of their day."""
    return with_labels(data, next_return(panel))


def scored_arm(world: Market, prediction: np.ndarray, *, name: str, seed: int, samples: int = 0) -> RowResult:
    """Every metric of an arm's predictions [T, N] (NaN: none), against returns and against the truth, and its arrays.

    name, seed: of the row; they draw the resampled paths behind intervals, of which there are none with samples=0.
    """
    records, series = score(
        world.panel, prediction, orders_allowed=None, rng=row_rng(name, seed), samples=samples
    )  # fmt: skip
    found = RowResult(records, {**series, **kept(world.panel, prediction)})
    return with_truth(world, on_panel(world.panel, found.arrays), found, row_rng(f"{name} truth", seed), samples)


def compared(
    world: Market, left: RowResult, right: RowResult, *, name: str, seed: int, samples: int = 0
) -> list[Record]:
    """Paired differences left - right of two arms of one market, named `name`, on the cells that both predict."""
    rng, panel = row_rng(name, seed), world.panel
    a, b = (on_panel(panel, side.arrays) for side in (left, right))
    records = difference(panel, (a, left.arrays), (b, right.arrays), rng, samples)
    records += truth_difference(world, a, b, rng, samples)
    return [{"variant": name, **record} for record in records]

# ------------------------------------------------------------------------------- the size of predictions


def optimised(world: Market, prediction: np.ndarray) -> dict[str, float]:
    """Sharpe ratios over equal weight and turnover of the mean-variance book, in each of `SENSES`."""
    panel, found = world.panel, {}
    benchmark = equal_weight(panel)
    for sense, expected in zip(SENSES, (standardised(prediction), prediction), strict=True):
        run = optimal_book(panel, expected)
        name = f"mean_variance_{sense}"
        for end, gross in (("_gross", True), ("", False)):
            found[f"{name}.active_sharpe{end}"] = annual_sharpe(active_returns(run, benchmark, gross=gross))
        found[f"{name}.turnover"] = float(run.turnover[1:].mean())
    return found


def signs_and_spread(panel: Panel, prediction: np.ndarray) -> dict[str, float]:
    """How often signs are right, beside what the commoner sign alone would give, and how far predictions spread.

    On cells that can be bought and have a next return. sign_accuracy: of predictions and returns as they are;
    sign_accuracy_centred: of both less their day's mean. A prediction of 0 is never right; returns of 0 do not count.
    base_rate, base_rate_centred: the share of the commoner sign. spread: mean deviation of predictions over the stocks
    of a day, over that of returns.
    """
    outcome = next_return(panel)
    cells = np.isfinite(prediction) & np.isfinite(outcome) & panel.price_valid & panel.universe
    cells &= (cells.sum(axis=1) > 1)[:, None]
    p, r = (np.where(cells, values, np.nan)[cells.any(axis=1)] for values in (prediction, outcome))
    found: dict[str, float] = {}
    for end, (a, b) in {"": (p, r), "_centred": (_less_mean(p), _less_mean(r))}.items():
        counted = np.isfinite(b) & (b != 0)
        up = float((b[counted] > 0).mean())
        found |= {f"sign_accuracy{end}": float((np.sign(a) == np.sign(b))[counted].mean()),
                  f"base_rate{end}": max(up, 1 - up)}  # fmt: skip
    return found | {"spread": float(np.nanstd(p, axis=1).mean() / np.nanstd(r, axis=1).mean())}


def signal_to_noise(world: Market, prediction: np.ndarray) -> float:
    """Deviation of what can be earned in expectation over that of returns, both less their day's mean."""
    outcome = next_return(world.panel)
    known = np.isfinite(prediction) & np.isfinite(outcome) & np.isfinite(world.truth.mu_trad) & world.panel.price_valid
    days = known.any(axis=1)
    signal, label = (_less_mean(np.where(known, values, np.nan)[days]) for values in (world.truth.mu_trad, outcome))
    return float(np.nanstd(signal) / np.nanstd(label))


def standardised(prediction: np.ndarray) -> np.ndarray:
    """Per day less the mean, over the deviation, times `STANDARD`; 0 on a day without variation, NaN where NaN."""
    found = np.full(prediction.shape, np.nan)
    days = np.isfinite(prediction).any(axis=1)
    centred = _less_mean(prediction[days])
    deviation = np.sqrt(np.nanmean(centred**2, axis=1, keepdims=True))
    found[days] = STANDARD * centred * np.divide(1.0, deviation, out=np.zeros(deviation.shape), where=deviation > 0)
    return found


def optimal_book(panel: Panel, expected: np.ndarray) -> Backtest:
    """The long-only mean-variance book of expected returns [T, N] (NaN: no order), decided anew every fifth session.

    At the close of t: expected returns of t, Ledoit-Wolf covariance of the valid returns of the 120 days up to t, and
    the weights held, from which turnover costs 8 basis points.
    """
    optimiser = MeanVariance(cap=max(CAP, 2 / panel.shape[1]), cost=COST_BPS / 1e4)
    policy = long_only(panel, optimiser, hold=EVERY, infeasible="hold")
    with warnings.catch_warnings():  # of a small market: the reference's answer is as good, and slower
        warnings.simplefilter("ignore", OptimiserWarning)
        return simulate(panel, expected, policy=policy, costs=flat(COST_BPS))


def _less_mean(values: np.ndarray) -> np.ndarray:
    return values - np.nanmean(values, axis=1, keepdims=True)
