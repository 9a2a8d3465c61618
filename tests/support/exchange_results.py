"""Small frames in the form of the studies of the simulated market, with numbers that a test chooses."""

from __future__ import annotations

import pandas as pd
from results import ablation, around, tidy

from lib.evaluation.ablation import CAUSES, VARIANT_ORDER


def truths(earned: float = 0.1) -> pd.DataFrame:
    """The ablation with its two correlations with the truth; unmasked variants have the cut-off move."""
    records: list[tuple[str, str, float]] = []
    for place, name in enumerate(VARIANT_ORDER):
        cut = 0.4 if name in ("none", "halt_only", "flags") else 0.01
        records += around(f"{name} ridge", "unfilled_ic", cut + 0.002 * place, 0.01)
        records += around(f"{name} ridge", "truth_ic", earned + 0.003 * place, 0.01)
    for name in CAUSES:
        records += around(f"{name} ridge", "truth_ic", earned - 0.1, 0.02)
    return pd.concat([ablation(), tidy(records, "mask_ablation")])


def eight(phantom: float = 1.0) -> pd.DataFrame:
    """Eight markets; phantom alpha where there is a spill."""
    records: list[tuple[str, str, float]] = []
    for limits in ("limits seldom", "limits often"):
        for spill in ("spill", "no spill"):
            for planted in ("alpha", "nothing planted"):
                name = f"none ridge | {limits}, {spill}, {planted}"
                size = phantom if spill == "spill" else 0.0
                records += around(name, "phantom_close", size, 0.1)
                records += around(name, "naive_close.active_sharpe", 4 * size, 1.0)
                records += around(name, "executed_open.active_sharpe", 0.0, 1.0)
    return tidy(records, "controls")


def by_alpha(markets: int = 6, wobble: float = 0.1) -> pd.DataFrame:
    """Ridge without and with a mask at three alphas, on some markets: IC and Sharpe ratio in proportion to alpha."""
    parts = []
    for seed in range(markets):
        records: list[tuple[str, str, float]] = []
        for alpha, name in ((0.08, ""), (0.04, ", alpha 0.04"), (0.02, ", alpha 0.02")):
            for mask, share in (("none", 1.0), ("mask_skip", 2.0)):
                variant, shift = f"{mask} ridge | paper limits{name}", wobble * (-1) ** seed
                records += [(variant, "m1_ic", alpha * share / 2), (variant, "truth_ic", alpha * share)]
                records.append((variant, "executed_open.active_sharpe_gross", 30 * alpha * share + shift))
                records.append((variant, "executed_open.turnover", 0.5))
        parts.append(tidy(records, "mask_ablation", seed))
    return pd.concat(parts)
