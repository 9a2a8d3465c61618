"""Measures of predictions that the papers name beside the information coefficient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lib.evaluation.scoring import MINIMUM_CELLS, daily_ics, scored_cells
from lib.models.dataset import next_return

if TYPE_CHECKING:
    from lib.panel import Panel


def accuracy(panel: Panel, prediction: np.ndarray) -> dict[str, float]:
    """The papers' measures on the cells that can be bought (M1), against the next return less the day's mean.

    spearman, kendall: mean over days. mse, mae: over those of predicting 0 for every stock, so 1 is worth nothing; of
    the predictions as they are. sign_accuracy beside sign_base_rate, the share of the more frequent sign.
    """
    from scipy.stats import kendalltau

    label, where = next_return(panel), scored_cells(panel)["m1"] & np.isfinite(prediction)
    days = [day for day in range(len(where)) if where[day].sum() >= MINIMUM_CELLS]
    pairs = [(prediction[day, where[day]], label[day, where[day]]) for day in days]
    pairs = [(p, y - y.mean()) for p, y in pairs]
    taus = np.array([kendalltau(p, y).statistic for p, y in pairs if np.ptp(p) > 0])
    predicted, outcome = (np.concatenate(side) for side in zip(*pairs, strict=True))
    error, up = outcome - predicted, outcome > 0
    return {
        "spearman": float(np.nanmean(daily_ics(panel, prediction, metrics=("m1_rank_ic",))["m1_rank_ic"])),
        "kendall": float(taus.mean()) if len(taus) else float("nan"),
        "mse": float((error**2).mean() / (outcome**2).mean()),
        "mae": float(np.abs(error).mean() / np.abs(outcome).mean()),
        "sign_accuracy": float(((predicted > 0) == up).mean()),
        "sign_base_rate": float(max(up.mean(), 1 - up.mean())),
        "dispersion": float(predicted.std() / outcome.std()),
    }
