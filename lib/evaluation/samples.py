"""The samples that a learner of `lib.models.baselines` reads, made from a panel: the same cells and labels for all.

Windows skip masked days, labels need both days, and orders keep to the mask: the variant `mask_skip`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lib.evaluation.simulated import chosen_factors, features
from lib.evaluation.variants import VARIANTS, cells
from lib.factors import FactorSet
from lib.factors.neutralisation.exposures import Exposures
from lib.models.dataset import Dataset, build_dataset, next_return
from lib.models.factor_model import rolling_betas
from lib.models.rules import RULES, rule_scores
from lib.models.windows import windowed

if TYPE_CHECKING:
    from lib.panel import Panel

VARIANT = VARIANTS["mask_skip"]
#: sessions of the factors that a network of windows reads, and of returns that ARIMA does
DAYS, HISTORY = 20, 60


def samples_of(panel: Panel, kind: str, factors: str | tuple[str, ...]) -> Dataset:
    """kind: one of `lib.models.baselines.SAMPLES`. factors: as `lib.evaluation.simulated.features` takes them."""
    if kind in ("rules", "betas", "returns"):
        made = {"rules": rule_scores, "betas": rolling_betas, "returns": _returns}[kind](panel)
        data = _dataset(panel, made)
        return windowed(data, HISTORY, panel.dates) if kind == "returns" else data
    known = features(panel, VARIANT.features, factors)
    if kind in ("labels", "dummies"):
        return _dataset(panel, known, _industry(panel, as_dummies=kind == "dummies"))
    data = _dataset(panel, known)
    return windowed(data, DAYS, panel.dates) if kind == "days" else data


def columns_of(kind: str, width: int, factors: str | tuple[str, ...]) -> list[str]:
    """Names of the columns of samples of that kind: factors or rules; industry for a column beyond the factors."""
    names = {"rules": RULES, "betas": ("market", "size"), "returns": ("return",)}.get(kind) or chosen_factors(factors)
    return [names[place] if place < len(names) else "industry" for place in range(width)]


def _dataset(panel: Panel, factors: FactorSet, extra: np.ndarray | None = None) -> Dataset:
    return build_dataset(
        factors, next_return(panel), predicted=cells(panel, VARIANT.universe), labelled=cells(panel, VARIANT.labels),
        extra=extra,
    )  # fmt: skip


def _industry(panel: Panel, as_dummies: bool) -> np.ndarray:
    """The industry of each cell: a code from 1 on, 0 where it is unknown [T, N, 1], or a column for each [T, N, G]."""
    codes = Exposures.from_panel(panel).codes
    if as_dummies:
        return (codes[..., None] == np.arange(int(codes.max()) + 1)).astype(np.float32)
    return (codes + 1)[..., None].astype(np.float32)


def _returns(panel: Panel) -> FactorSet:
    """The return of the day less the mean of the universe, as labels are centred; valid where the mask and it are."""
    valid = panel.mask & panel.universe & np.isfinite(panel.returns)
    returns = np.where(valid, panel.returns, 0.0)
    mean = returns.sum(axis=1) / np.maximum(valid.sum(axis=1), 1)
    values = np.where(valid, returns - mean[:, None], 0.0).astype(np.float32)
    return FactorSet(values[..., None], valid[..., None], ("return",), {})
