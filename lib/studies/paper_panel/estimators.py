"""Geometric Brownian motion on paper: how rare a limit is, whether the estimators work, whether the step is exact.

Paper A, equations 20 to 22: S(t+dt) = S(t) exp((mu - sigma^2/2) dt + sigma sqrt(dt) Z);
mu^ = mean log return / dt + sigma^^2/2; sigma^^2 = sum (log return - mu^ dt)^2 / ((n-1) dt).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Final

import numpy as np

from lib.arrays import FloatArray
from lib.market import GBMConfig
from lib.stats import normal_interval

Named = Iterator[tuple[str, float]]

YEAR: Final = 252
_PATHS_AT_ONCE: Final = 500
#: the numbers that paper B states of its synthetic panel
PAPER_STOCKS, PAPER_DAYS = 3000, 3500


def arithmetic(cfg: GBMConfig) -> Named:
    """How many cells the clamp of the papers' panel should hold."""
    sigma = cfg.daily_volatility
    drift = cfg.beta * (cfg.drift - 0.5 * cfg.volatility**2) / YEAR
    traded = (1 - cfg.halt_probability) * PAPER_STOCKS * PAPER_DAYS
    normal = NormalDist(drift, sigma)
    up, down = 1 - normal.cdf(cfg.clamp), normal.cdf(-cfg.clamp)
    yield "daily volatility", sigma
    yield "sigmas to a move of 10 %", 0.10 / sigma
    yield "sigmas to the clamp", cfg.clamp / sigma
    yield "chance of the clamp, up", up
    yield "chance of the clamp, down", down
    yield "expected clamped cells, up", traded * up
    yield "expected clamped cells, down", traded * down
    yield "cells of the panel", float(PAPER_STOCKS * PAPER_DAYS)
    yield "largest fall", math.expm1(-cfg.clamp)


def estimate(log_returns: FloatArray, dt: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(mu, sigma, sigma as equation 22 is written) of paths [P,n] of log returns.

    sigma takes deviations from the mean log return. Equation 22 takes them from mu^ dt, which is larger by
    sigma^2 dt / 2, and needs the very sigma it defines: it is solved by iterating from the ordinary one.
    """
    n = log_returns.shape[1]
    mean = log_returns.mean(axis=1)
    spread = ((log_returns - mean[:, None]) ** 2).sum(axis=1) / ((n - 1) * dt)
    literal = spread
    for _ in range(50):
        literal = spread + n / (n - 1) * (literal / 2) ** 2 * dt
    return mean / dt + spread / 2, np.sqrt(spread), np.sqrt(literal)


def estimators(mu: float, sigma: float, years: int, n_paths: int, rng: np.random.Generator) -> Named:
    """Bias of the estimators over simulated paths, with 95 % intervals, and how much one path says."""
    dt, found = 1 / YEAR, []
    for start in range(0, n_paths, _PATHS_AT_ONCE):
        count = min(_PATHS_AT_ONCE, n_paths - start)
        noise = rng.standard_normal((count, years * YEAR))
        found.append(np.array(estimate((mu - sigma**2 / 2) * dt + sigma * math.sqrt(dt) * noise, dt)))
    drifts, sigmas, literal = np.concatenate(found, axis=1)
    for name, values, truth in (
        ("bias of the drift", drifts, mu),
        ("bias of the volatility", sigmas, sigma),
        ("bias of the volatility, equation 22 as written", literal, sigma),
    ):
        bias, error = float(values.mean() - truth), float(values.std(ddof=1) / math.sqrt(n_paths))
        yield from normal_interval(bias, error).columns(name).items()
    yield "drift, standard deviation of one estimate", float(drifts.std(ddof=1))
    yield "volatility, standard deviation of one estimate", float(sigmas.std(ddof=1))
    yield "equation 22 as written, excess by algebra", sigma**3 / (8 * YEAR)


def steps(mu: float, sigma: float) -> Named:
    """One year in one step and in 252: log mean, log variance and growth of equation 20 and of the Euler scheme.

    Equation 20 is the exact solution, so the number of steps does not matter; the Euler-Maruyama scheme
    S(t+dt) = S(t) (1 + mu dt + sigma sqrt(dt) Z) is another recipe, whose growth depends on the step.
    """
    exact = (mu - sigma**2 / 2, sigma**2, math.exp(mu))
    worst = 0.0
    for count in (1, 12, YEAR, 10_000):
        dt = 1 / count
        log_mean = math.fsum([(mu - sigma**2 / 2) * dt] * count)
        variance = math.fsum([(sigma * math.sqrt(dt)) ** 2] * count)
        growth = math.exp(log_mean + variance / 2)
        found = (log_mean, variance, growth)
        worst = max(worst, *(abs(a / b - 1) for a, b in zip(found, exact, strict=True)))
        yield f"growth of a year by Euler-Maruyama in {count} steps", (1 + mu * dt) ** count
    yield "growth of a year", exact[2]
    yield "largest relative error of equation 20", worst
