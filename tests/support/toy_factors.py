"""Factors planted with one known fault each, on a panel whose returns they do or do not predict."""

from __future__ import annotations

import numpy as np

from lib.factors import FactorSet
from lib.panel import Panel

T, N = 1200, 80
STRENGTH = 0.15  # of each planted signal, in deviations of the noise


def persistent(rng: np.random.Generator, half_life: float, shape: tuple[int, int] = (T, N)) -> np.ndarray:
    """AR(1) signals [T, N] of unit variance that lose half of themselves in `half_life` days."""
    phi = 0.5 ** (1 / half_life)
    x = rng.standard_normal(shape)
    for t in range(1, len(x)):
        x[t] = phi * x[t - 1] + (1 - phi**2) ** 0.5 * x[t]
    return x


def panel_of(returns: np.ndarray) -> Panel:
    """A market without limits whose daily returns are these."""
    close = 100 * np.cumprod(1 + returns, axis=0)
    fields = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": np.full_like(close, 1e6)}
    dates = np.busday_offset("2010-01-04", np.arange(len(close)), roll="forward").astype("datetime64[D]")
    return Panel.from_arrays(dates, [f"S{k:03d}" for k in range(close.shape[1])], fields)


def planted(seed: int = 0) -> tuple[Panel, dict[str, np.ndarray]]:
    """The panel, and factors [T, N] by the fault that a filter should find first; NaN where a factor has no value."""
    rng = np.random.default_rng(seed)
    good, fickle, lone, hectic = (persistent(rng, h) for h in (30, 30, 30, 30))
    brief, nervous = rng.standard_normal((2, T, N))
    # the last 20 days of a signal that is new every day: lasts for 20 days, ranks anew overnight
    memory = sum(np.roll(nervous, k, axis=0) for k in range(20)) / 20**0.5
    turns = np.where(np.arange(T) // 60 % 2 == 0, 2.6, -1.0)[:, None]  # on balance right, half of the quarters wrong
    signal = good + turns * fickle + lone + 2 * brief + 4 * memory / 20**0.5 + 0.4 * hectic
    returns = np.zeros((T, N))
    returns[1:] = 0.01 * (STRENGTH * signal[:-1] + rng.standard_normal((T - 1, N)))
    holes = np.where(rng.random((T, N)) < 0.6, np.nan, good)
    factors = {
        "kept": good,
        "ic": persistent(rng, 30),  # predicts nothing
        "decay": brief,  # predicts one day
        "redundant": np.exp(good + 0.01 * rng.standard_normal((T, N))),  # the good one, otherwise scaled
        "flat": np.where(np.arange(T)[:, None] % 4 == 0, 1.0, good),  # ranks nobody on a quarter of the days
        "coverage": holes,
        "distribution": good * np.exp(3 * np.sin(np.arange(T) / 40))[:, None],
        "stability": fickle,
        "turnover": nervous,
        "sensitivity": lone,  # its neighbour is noise
        "neighbour": persistent(rng, 30),
    }
    return panel_of(returns), factors


def factor_set(factors: dict[str, np.ndarray]) -> FactorSet:
    """As `compute_factors` would have given them."""
    values = np.stack(list(factors.values()), axis=-1)
    valid = np.isfinite(values)
    return FactorSet(np.where(valid, values, 0).astype(np.float32), valid, tuple(factors), {})
