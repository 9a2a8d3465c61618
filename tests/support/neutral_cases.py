"""Factors and exposures for the tests of neutralisation, and regressions one date and one factor at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lib.factors import FactorSet
from lib.factors.neutralisation import Exposures, neutralise

SHAPE = (12, 60, 6)  # dates, stocks, factors


def factor_set(values: np.ndarray, valid: np.ndarray) -> FactorSet:
    names = tuple(f"f{k}" for k in range(values.shape[2]))
    return FactorSet(values.astype(np.float32), valid, names, {})


def case(seed: int, shape: tuple[int, int, int] = SHAPE, groups: int = 7) -> tuple[FactorSet, Exposures]:
    """Factors with masks of their own (two share one), industries of Zipf sizes that change over time, gaps in both."""
    rng = np.random.default_rng(seed)
    days, stocks, factors = shape
    sizes = 1 / np.arange(1, groups + 1)
    codes = np.repeat(rng.choice(groups, (1, stocks), p=sizes / sizes.sum()), days, axis=0)
    codes = np.where(rng.random(codes.shape) < 0.05, rng.integers(0, groups, codes.shape), codes)
    codes[rng.random(codes.shape) < 0.04] = -1
    log_cap = 23 + 1.2 * rng.normal(size=stocks) + 0.3 * codes + 0.05 * rng.normal(size=(days, stocks))
    log_cap[rng.random(log_cap.shape) < 0.03] = np.nan
    noise = rng.standard_t(4, size=shape)
    shared = np.nan_to_num(log_cap - 23)[..., None] * rng.normal(size=factors) + codes[..., None] * 0.3
    valid = rng.random(shape) < rng.uniform(0.5, 1, factors)
    valid[..., -1] = valid[..., 0]
    values = np.where(valid, (noise + shared) * 10.0 ** rng.integers(-3, 4, factors), 0)
    return factor_set(values, valid), Exposures(codes.astype(np.int32), log_cap, 0.01 * rng.normal(size=days))


def pool(factors: FactorSet, exposures: Exposures, size: int) -> np.ndarray:
    """The cells [T,N,F] that take part."""
    part = exposures.codes >= 0
    if size:
        part = part & np.isfinite(exposures.log_cap)
    return factors.valid & part[..., None]


def regressors(exposures: Exposures, t: int, cells: np.ndarray, size: int) -> np.ndarray:
    """Dummies of the industries present and powers of standardised log size, [n, k]."""
    codes = exposures.codes[t, cells]
    columns = [codes == code for code in np.unique(codes)]
    if size:
        z = exposures.log_cap[t, cells] - exposures.log_cap[t, cells].mean()
        columns += [(z / (z.std() or 1.0)) ** power for power in range(1, size + 1)]
    return np.column_stack(columns).astype(float)


def residuals(factors: FactorSet, exposures: Exposures, size: int) -> np.ndarray:
    """numpy.linalg.lstsq date by date and factor by factor; NaN outside."""
    inside = pool(factors, exposures, size)
    found = np.full(inside.shape, np.nan)
    for t, k in np.argwhere(inside.any(axis=1)):
        cells = np.flatnonzero(inside[t, :, k])
        X, y = regressors(exposures, t, cells, size), factors.values[t, cells, k].astype(float)
        found[t, cells, k] = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return found


def zscores(x: np.ndarray) -> np.ndarray:
    """Per date and factor over the cells that are not NaN, [T,N,F]."""
    return (x - np.nanmean(x, axis=1, keepdims=True)) / np.nanstd(x, axis=1, keepdims=True)


def with_nan(found: FactorSet) -> np.ndarray:
    return np.where(found.valid, found.values.astype(float), np.nan)


def identical(a: FactorSet, b: FactorSet, until: int | None = None) -> bool:
    """Same masks and the same bits."""
    bits = [np.ascontiguousarray(x.values[:until]).view(np.int32) for x in (a, b)]
    return np.array_equal(a.valid[:until], b.valid[:until]) and np.array_equal(*bits)


def one_day(y: list[float], codes: list[int], cap: list[float], **options: Any) -> FactorSet:
    """Neutralised values of a single date and factor; log size straight from `cap`."""
    values = np.array(y, dtype=np.float32)[None, :, None]
    exposures = Exposures(np.array([codes], dtype=np.int32), np.array([cap], dtype=float))
    return neutralise(factor_set(values, np.isfinite(values)), exposures, **options)


def scrambled(exposures: Exposures, start: int, rng: np.random.Generator) -> Exposures:
    """Other industries, more of them, other sizes and other markets from `start` on."""
    codes, log_cap, market = exposures.codes.copy(), exposures.log_cap.copy(), exposures.market.copy()
    codes[start:] = rng.integers(-1, 40, codes[start:].shape)
    log_cap[start:] = rng.normal(10, 5, log_cap[start:].shape)
    market[start:] = rng.normal(size=len(market) - start)
    return replace(exposures, codes=codes, log_cap=log_cap, market=market)
