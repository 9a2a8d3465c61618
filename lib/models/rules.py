"""Technical rules: moving averages, RSI and MACD as scores of each stock, and a learner that adds them up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.errors import ParameterError
from lib.factors import FactorSet
from lib.models.dataset import Dataset
from lib.models.fits import Fit
from lib.models.fitted import Fitted, fit_sample, shares
from lib.models.splits import Split

if TYPE_CHECKING:
    from lib.panel import Panel

RULES = ("averages 5/20", "averages 10/60", "rsi 14", "macd 12/26/9")
SIGNS = ("textbook", "fitted")


def rule_scores(panel: Panel) -> FactorSet:
    """The rules as z-scores per day [T, N, 4]; higher is what the textbook buys.

        averages a/b    mean of the last a closes / mean of the last b - 1: buy above
        rsi d           50 - RSI, RSI = 100 G / (G + L), G and L the means of the last d rises and falls of the close:
                        buy what has fallen (Wilder 1978, with plain means)
        macd a/b/c      (M - ewma_c(M)) / close, M = ewma_a(close) - ewma_b(close), ewma_n of weight 2 / (n + 1): buy
                        above its own average (Appel)

    Closes are adjusted. Windows skip masked days and need today and half of their days; the mask is the panel's, the
    z-scores are over its universe.
    """
    import torch

    from lib import ops
    from lib.factors.leaves import panel_leaves
    from lib.graph import Window
    from lib.ops import cs_zscore, delta, ewma, ts_mean

    skip = Window("skip", 0.5)
    close = panel_leaves(panel, ["close"])["close"]
    mean = partial(ts_mean, window=skip)
    change = delta(close, 1)
    rises, falls = mean(ops.max(change, 0.0), 14), mean(ops.max(-change, 0.0), 14)
    macd = ewma(close, 2 / 13) - ewma(close, 2 / 27)
    found: list[Any] = [
        mean(close, 5) / mean(close, 20) - 1.0,
        mean(close, 10) / mean(close, 60) - 1.0,
        50.0 - 100.0 * rises / (rises + falls),
        (macd - ewma(macd, 2 / 10)) / close,
    ]
    members = torch.from_numpy(panel.universe.copy())
    scores = [cs_zscore(item, universe=members) for item in found]
    values = np.stack([item.values.numpy() for item in scores], axis=-1).astype(np.float32)
    return FactorSet(values, np.stack([item.valid.numpy() for item in scores], axis=-1), RULES, {})


def rules(data: Dataset, seed: int, *, signs: str = "textbook") -> Fit:
    """Mean of the rules. signs: as the textbook has them, or of each rule's covariance with the label on the fit days.

    Neither the seed nor the validation days are used. Raises ParameterError for other signs and, with fitted ones, when
    there is nothing to fit.
    """
    if signs not in SIGNS:
        raise ParameterError(f"rules: signs {signs!r} do not exist; expected one of {', '.join(SIGNS)}")

    def fit(split: Split) -> Fitted:
        slope = np.ones(data.features.shape[1])
        if signs == "fitted":
            features, label = fit_sample(data, split, "rules")
            slope = np.sign(label @ features.astype(np.float64))
        slope /= len(slope)
        return Fitted(lambda rows: np.einsum("rf,f->r", rows.astype(np.float64), slope), shares(slope))

    return fit
