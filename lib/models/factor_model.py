"""A Fama-French-style model: rolling betas to the market and to size, and the premium that each has earned.

Fama and French's third factor, value, needs book values, which no price file has. Premia are Fama and MacBeth's (1973):
the mean slope of daily cross-sections of the next return on the betas, over the fit days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lib.factors import FactorSet
from lib.factors.neutralisation.exposures import CAPS
from lib.models.dataset import Dataset
from lib.models.fits import Fit
from lib.models.fitted import Fitted, fit_sample, shares
from lib.models.splits import Split

if TYPE_CHECKING:
    from lib.panel import Panel

WINDOW = 120
#: days of a window that must be valid
LEAST = 60
#: stocks that a cross-section needs beside its slopes
ENOUGH = 20


def rolling_betas(panel: Panel, window: int = WINDOW, least: int = LEAST) -> FactorSet:
    """Betas [T, N, K] of a stock's return to the market and, where market values are known, to size.

    Least squares with an intercept over the valid ones of the last `window` days, at least `least` of them. market:
    mean return of the universe. size: mean return of the third with the smallest market values of the day before less
    that of the largest third. Masked cells enter neither a factor nor a regression. A cell without enough days, or
    whose factors do not vary, is invalid.
    """
    valid = panel.mask & np.isfinite(panel.returns)
    returns = np.where(valid, panel.returns, 0.0)  # T N
    members = valid & panel.universe
    names, factors = ["market"], [_mean(returns, members)]
    cap = next((name for name in CAPS if name in panel.fields), None)
    if cap is not None:
        small, large = _thirds(np.where(panel.mask, panel.fields[cap], np.nan), members)
        names, factors = [*names, "size"], [*factors, _mean(returns, small) - _mean(returns, large)]
    design = np.column_stack([np.ones(len(returns)), *factors])  # T 1+K
    known = valid & np.isfinite(design).all(axis=1)[:, None]
    betas, solved = _regressions(np.nan_to_num(design), np.where(known, returns, 0.0), known, window, least)
    values = np.where(solved[..., None], betas[..., 1:], 0.0).astype(np.float32)
    return FactorSet(values, np.repeat(solved[..., None], len(names), axis=-1), tuple(names), {})


def _mean(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Mean over the cells of a day [T]; NaN for a day without any."""
    count = cells.sum(axis=1)
    total = np.where(cells, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def _thirds(cap: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Members in the smallest and in the largest third by the market value of the day before, each [T, N]."""
    small, large = np.zeros_like(members), np.zeros_like(members)
    for day in range(1, len(cap)):
        known = members[day] & np.isfinite(cap[day - 1])
        if known.sum() >= 3:
            low, high = np.quantile(cap[day - 1][known], [1 / 3, 2 / 3])
            small[day], large[day] = (known & (cap[day - 1] <= low)), (known & (cap[day - 1] > high))
    return small, large


def _regressions(
    design: np.ndarray, returns: np.ndarray, known: np.ndarray, window: int, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares of every cell's window: coefficients [T, N, 1+K] and where there are any [T, N]."""
    size, shape = design.shape[1], returns.shape
    gram, moment = np.zeros((*shape, size, size)), np.zeros((*shape, size))
    for a in range(size):
        moment[..., a] = _moving(design[:, a, None] * returns, window)
        for b in range(a + 1):
            gram[..., a, b] = gram[..., b, a] = _moving((design[:, a] * design[:, b])[:, None] * known, window)
    spread = np.diagonal(gram, axis1=-2, axis2=-1)
    scale = np.sqrt(np.where(spread > 0, spread, 1.0))  # T N 1+K
    scaled = gram / (scale[..., :, None] * scale[..., None, :])
    solved = (gram[..., 0, 0] >= least - 0.5) & (np.abs(np.linalg.det(scaled)) > 1e-8)
    scaled[~solved] = np.eye(size)
    return np.linalg.solve(scaled, (moment / scale)[..., None])[..., 0] / scale, solved


def _moving(values: np.ndarray, window: int) -> np.ndarray:
    """Sums over the last `window` rows, of all rows at first."""
    total = np.cumsum(values, axis=0)
    total[window:] = total[window:] - total[:-window]
    return total


def fama_macbeth(data: Dataset, seed: int) -> Fit:
    """Prediction = betas times premia; a premium is the mean over the fit days of the slope of that day.

    Each day: least squares of the label on the betas with an intercept, over at least `ENOUGH` stocks more than there
    are betas. Neither the seed nor the validation days are used. importance: premium times deviation of the beta.
    """

    def fit(split: Split) -> Fitted:
        fit_sample(data, split, "Fama-MacBeth")
        slopes = [slope for day in range(split.fit_start, split.fit_stop) if (slope := _slope(data, day)) is not None]
        premia = np.mean(slopes, axis=0) if slopes else np.zeros(data.features.shape[1])
        deviation = data.features[data.rows(split.fit_start, split.fit_stop)].std(axis=0)
        return Fitted(lambda rows: np.einsum("rf,f->r", rows.astype(np.float64), premia), shares(premia * deviation))

    return fit


def _slope(data: Dataset, day: int) -> np.ndarray | None:
    betas, label = data.training(day, day + 1)
    if len(label) < betas.shape[1] + ENOUGH:
        return None
    design = np.column_stack([np.ones(len(label)), betas.astype(np.float64)])
    found: np.ndarray = np.linalg.lstsq(design, label, rcond=None)[0][1:]
    return found
