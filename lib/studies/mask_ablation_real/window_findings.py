"""What the mask ablation says in each of several spans of test years, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from lib.evaluation.ablation import Ablation

#: metric -> what it is called in a sentence, digits
METRICS = {
    "m1_ic": ("IC on buyable cells", 4),
    "executed_open.active_sharpe_gross": ("active Sharpe ratio before costs", 2),
    "executed_open.active_sharpe": ("active Sharpe ratio after costs", 2),
}


def windows_message(parts: Mapping[str, pd.DataFrame], learner: str, metric: str = "m1_ic") -> str:
    """What masking the factors' windows alone does to a metric, in each span of test years."""
    what, digits = METRICS[metric]
    found = {
        name: Ablation.of(part, learner).contrast("mask_skip", "row_deletion", metric) for name, part in parts.items()
    }
    told = [f"{name} {item.text(digits)}" for name, item in found.items() if not math.isnan(item.value)]
    if not told:
        return f"Masked factor windows alone: no difference of the {what} in this run"
    return f"Masked factor windows, all else equal, change the {what} by: {'; '.join(told)}"
