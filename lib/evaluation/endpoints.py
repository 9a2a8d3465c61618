"""What is measured of a learner's predictions on a simulated market: information, signs, spread, and three books.

The book of ranks (`executed_open`, `naive_close`) reads the order of predictions alone, so it is the same for
predictions as they are and for predictions standardised per day. A mean-variance book (paper B, s3.6) reads their size:
it is run on both. `standardised`: z-scores of the day times one size for all losses; `literal`: as the network gives
them, in returns.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from lib.evaluation.scoring import BOOKS, COST_BPS, Series, annual_sharpe, backtests, daily_ics, run_series
from lib.evaluation.simulated import truth_series
from lib.models.dataset import next_return
from lib.portfolio import MeanVariance, OptimiserWarning, active_returns, direct, equal_weight, flat, simulate

if TYPE_CHECKING:
    from lib.market import Market
    from lib.panel import Panel

#: deviation of standardised predictions over the stocks of a day, in returns: an IC of .05 at 2 % a day
STANDARD = 0.001
#: days of the covariance (paper B, s3.6); days between two optimisations; valid days that a stock needs
HISTORY, EVERY, ENOUGH = 120, 5, 20
CAP = 0.03
SENSES = ("standardised", "literal")
ICS = ("m1_ic", "m1_rank_ic")


def scores(world: Market, prediction: np.ndarray) -> tuple[dict[str, float], Series]:
    """Every number of a set of predictions [T, N] in returns (NaN: none), and the daily series of its books."""
    panel = world.panel
    ics = {**truth_series(world, prediction), **daily_ics(panel, prediction, metrics=ICS)}
    found = {name: float(np.nanmean(ics[name])) for name in ("truth_ic", *ICS)}
    found |= {**signs_and_spread(panel, prediction), "signal_to_noise": signal_to_noise(world, prediction)}
    series: Series = {}
    benchmark = equal_weight(panel)
    for name, run in backtests(panel, prediction, None).items():
        if name in BOOKS:
            series |= run_series(name, run, benchmark)
            found |= _book(name, series)
    found["naive_close.sharpe"] = annual_sharpe(series["naive_close.returns"])
    for sense, expected in zip(SENSES, (standardised(prediction), prediction), strict=True):
        run = simulate(panel, optimal_weights(panel, expected), policy=direct, costs=flat(COST_BPS))
        name = f"mean_variance_{sense}"
        active = {"active": active_returns(run, benchmark), "active_gross": active_returns(run, benchmark, gross=True)}
        found |= _book(name, {f"{name}.{what}": daily for what, daily in (active | {"turnover": run.turnover}).items()})
    return found, series


def _book(name: str, series: Series) -> dict[str, float]:
    return {
        f"{name}.active_sharpe_gross": annual_sharpe(series[f"{name}.active_gross"]),
        f"{name}.active_sharpe": annual_sharpe(series[f"{name}.active"]),
        f"{name}.turnover": float(series[f"{name}.turnover"][1:].mean()),
    }


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


def optimal_weights(panel: Panel, expected: np.ndarray) -> np.ndarray:
    """Targets [T, N] of the mean-variance book every fifth day, NaN (no order) on other days and without a prediction.

    At the close of t: expected returns of t, returns of the valid cells of the 120 days up to t, and the last targets,
    from which turnover costs 8 basis points.
    """
    returns = np.where(panel.price_valid, panel.returns, np.nan)
    targets, held = np.full(panel.shape, np.nan), np.zeros(panel.shape[1])
    first = int(np.flatnonzero(np.isfinite(expected).any(axis=1))[0])
    for t in range(first, panel.shape[0], EVERY):
        history = returns[max(t - HISTORY + 1, 0) : t + 1]
        known = np.isfinite(expected[t]) & panel.universe[t] & (np.isfinite(history).sum(axis=0) >= ENOUGH)
        if known.any():
            optimiser = MeanVariance(cap=max(CAP, 2 / known.sum()) if known.sum() > 1 else 1.0, cost=COST_BPS / 1e4)
            with warnings.catch_warnings():  # of a small market: the reference's answer is as good, and slower
                warnings.simplefilter("ignore", OptimiserWarning)
                held = optimiser.solve(np.where(known, expected[t], np.nan), history, held).weights
            targets[t] = np.where(known, held, np.nan)
    return targets


def _less_mean(values: np.ndarray) -> np.ndarray:
    return values - np.nanmean(values, axis=1, keepdims=True)
