"""The variants of the mask ablation: which cells the features, the labels and the orders may see.

features: the cells its windows read; labels: the cells it is trained on; universe: the cells it predicts and orders.
Three masks: all = every listed cell with a price; H = not halted; M = H and the close strictly inside its limits,
the papers' mask. "both" means on t and on t + 1, the papers' condition for a label. Contamination of the rolling
windows proper is mask_skip minus row_deletion: the same labels and the same universe, only the windows differ.
The papers' ablation, mask_paper minus none, changes labels, universe and windows at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lib.factors import FactorSet, compute_factors
from lib.models.dataset import Dataset, both_days, build_dataset, next_return
from lib.reasons import Reason

if TYPE_CHECKING:
    from lib.panel import Panel

#: days that the `gap` variant may bridge back to the last valid close
GAP_DAYS = 10


@dataclass(frozen=True)
class Features:
    """How the factor windows treat masked cells: the mask at the leaves and the window policy."""

    mask: str  # observed | halt | full
    window: str  # strict | skip
    max_gap: int = 1


FEATURES = {
    "raw": Features("observed", "strict"),
    "skip_halts": Features("halt", "skip"),
    "skip": Features("full", "skip"),
    "strict": Features("full", "strict"),
    "gap": Features("full", "skip", GAP_DAYS),
}


@dataclass(frozen=True)
class Variant:
    """features / labels / universe of one row of the ablation."""

    features: str  # a key of FEATURES
    labels: str  # all | H both | M both | M: the cells that are trained on
    universe: str  # all | H | M: the cells that are predicted and may be bought
    join: str = "per_factor"
    flags: bool = False  # limit and halt flags as features, and no orders at limits
    meaning: str = ""


VARIANTS = {
    "none": Variant("raw", "all", "all", meaning="no mask anywhere"),
    "halt_only": Variant("skip_halts", "H both", "H", meaning="halts masked, limit closes not"),
    "universe_only": Variant("raw", "all", "M", meaning="limit closes not predicted, everything else raw"),
    "labels_only": Variant("raw", "M both", "all", meaning="limit closes not learned from, everything else raw"),
    "row_deletion": Variant("raw", "M both", "M", meaning="rows deleted after raw windows: what the industry does"),
    "row_deletion_m1": Variant("raw", "M", "M", meaning="row deletion, labels of any outcome"),
    "mask_skip": Variant("skip", "M both", "M", meaning="windows skip masked cells"),
    "mask_skip_m1": Variant("skip", "M", "M", meaning="windows skip masked cells, labels of any outcome"),
    "mask_strict": Variant("strict", "M both", "M", meaning="a masked cell masks its windows, factor by factor"),
    "mask_paper": Variant("strict", "M both", "M", "intersect", meaning="the papers: all factors valid at once"),
    "flags": Variant("raw", "all", "all", flags=True, meaning="no mask; the model is told, and does not order"),
    "gap": Variant("gap", "M both", "M", meaning="as mask_skip, changes measured from the last valid close"),
}

#: (left, right): differences that separate one cause at a time
CONTRASTS = (
    ("mask_skip", "row_deletion"),  # windows
    ("mask_strict", "row_deletion"),  # windows
    ("mask_skip_m1", "row_deletion_m1"),  # windows, labels of any outcome
    ("labels_only", "none"),  # labels
    ("universe_only", "none"),  # universe
    ("row_deletion", "none"),  # labels and universe
    ("halt_only", "none"),
    ("mask_skip", "none"),
    ("mask_paper", "none"),  # the papers' ablation: all three at once
    ("flags", "none"),
    ("gap", "mask_skip"),
)


def cells(panel: Panel, name: str) -> np.ndarray:
    """Cells [T, N] of the universe that a mask named all, H or M admits; "both" adds the next day."""
    base = {"all": panel.observed, "H": panel.traded, "M": panel.price_valid}[name.split()[0]]
    admitted = both_days(base) if name.endswith("both") else base
    return admitted & panel.universe


def compute_features(panel: Panel, features: str, names: tuple[str, ...], standardise: str = "zscore") -> FactorSet:
    """The standardised factors behind a variant's features; standardise: zscore | rank."""
    how = FEATURES[features]
    masked = panel.with_mask(how.mask)  # type: ignore[arg-type]
    return compute_factors(masked, names, window=how.window, standardise=standardise, max_gap=how.max_gap)


def variant_dataset(panel: Panel, variant: Variant, factors: FactorSet) -> Dataset:
    """The samples of a variant on its features."""
    return build_dataset(
        factors,
        next_return(panel),
        predicted=cells(panel, variant.universe),
        labelled=cells(panel, variant.labels),
        join=variant.join,
        extra=_flags(panel) if variant.flags else None,
    )


def _flags(panel: Panel) -> np.ndarray:
    """1 on a limit-up close, a limit-down close, a halt; [T, N, 3]."""
    bits = (Reason.LIMIT_UP, Reason.LIMIT_DOWN, Reason.HALT)
    return np.stack([(panel.reasons & bit) > 0 for bit in bits], axis=-1).astype(np.float32)
