"""Answers to the papers' tables of losses, factor counts, synthetic panels and models, all of their synthetic panel.

The setting is `reduced`: generator, mask, split and back-test are theirs, the panel is smaller and 67 names at equal
weights stand for the optimiser. So these answers come before those of the studies `losses`, `factor_count`,
`augmentation` and `models`, whose market is another one. An arm that was not searched for settings answers nothing.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pandas as pd

from lib.paper.claims import Answer
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.stats.over_seeds import OverSeeds
from lib.studies.own_setting_learning.measure import POLICY
from lib.studies.own_setting_learning.variants import (
    DEEP,
    DIFFERENCE,
    FACTORS,
    LOSSES,
    PANELS,
    SYSTEM,
    TRANSFORMER,
    TREES,
    searched,
)

NAME = "own_setting_learning"
GROSS, NET = f"{POLICY}.0bps.sharpe", f"{POLICY}.8bps.sharpe"
_LOSSES = dict(zip(
    ("mse", "adjmse_large_gamma", "adjmse_0.1", "adjmse_small_gamma", "ic_loss", "rank_ic_loss"), LOSSES, strict=True
))  # fmt: skip
_FACTORS = dict(zip(
    ("alpha101", "plus_better_best", "plus_old", "plus_stock_extra", "plus_add_change", "all"), FACTORS, strict=True
))  # fmt: skip
_LARGE = {f"transformer.col{place}": name for place, name in
          enumerate(("Transformer over factors", "Transformer over factors, 1 panel"))}  # fmt: skip
_PANELS = {f"mlp.col{place}": name for place, name in enumerate(PANELS)} | _LARGE
#: claim -> (arm, metric, factor to the claim's unit); the heads of the columns are lost, read as 0, 1, 2 and 4 panels
_EVERY: dict[str, tuple[str, str, float]] = {
    **{f"B.loss.{row}.sharpe": (name, NET, 1.0) for row, name in _LOSSES.items()},
    **{f"B.loss.{row}.ic": (name, "m1_ic", 1.0) for row, name in _LOSSES.items()},
    # predictions of a loss of correlations have no level of their own
    **{f"B.loss.{row}.sign_accuracy": (name, f"sign_accuracy{'_centred' if 'IC' in name else ''}", 100.0)
       for row, name in _LOSSES.items()},
    **{f"B.factors.{row}.sharpe": (name, NET, 1.0) for row, name in _FACTORS.items()},
    **{f"B.factors.{row}.ic": (name, "m1_ic", 1.0) for row, name in _FACTORS.items()},
    **{f"B.augment.synthetic.{row}": (name, NET, 1.0) for row, name in _PANELS.items()},
}  # fmt: skip
LEVELS = {claim: found for claim, found in _EVERY.items() if searched(found[0])}
#: claim -> (left, right, metric, 1 or -1: the claimed side of zero), by parts; Sharpe ratios that order are gross
_ORDERS: dict[str, tuple[tuple[str, str, str, int], ...]] = {
    "B.loss.small_gamma_sign": (
        ("AdjMSE, smaller gamma", SYSTEM, "sign_accuracy", 1), ("AdjMSE, smaller gamma", SYSTEM, NET, -1),
    ),
    "B.factors.monotone": tuple(
        (more, fewer, metric, 1) for fewer, more in pairwise(FACTORS)
        for metric in (GROSS, "m1_ic")
    ),
    "A.models.order": tuple(
        (left, right, GROSS, 1) for left, right in ((TREES[1], TREES[0]), (DEEP, TREES[1]), (TRANSFORMER, DEEP))
    ),
}  # fmt: skip
ORDERS = {claim: parts for claim, parts in _ORDERS.items() if all(searched(part[0]) for part in parts)}
CLAIM_IDS = (*LEVELS, *ORDERS)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels by one further market, orders by paired differences."""
    numbers, found = OverSeeds(frame), []
    for claim, (name, metric, unit) in LEVELS.items():
        fields = answered(numbers, name, metric, "level", unit)
        note = f"the papers' generator, split and back-test: {name}, {metric}"
        found += level_answer(claim, fields and fields | {"setting": "reduced"}, note, NAME)
    for claim, parts in ORDERS.items():
        keys = [(DIFFERENCE.name(left=left, right=right), metric) for left, right, metric, _ in parts]
        sides = [numbers.find(*key) if part[3] > 0 else numbers.find(*key).against
                 for key, part in zip(keys, parts, strict=True)]  # fmt: skip
        if not any(math.isnan(side.low) for side in sides):
            note = f"paired differences of {', '.join(dict.fromkeys(metric for _, metric in keys))}"
            given: dict[str, Any] = {"parts": [tuple(side) for side in sides], "setting": "reduced"}
            found.append(Answer(claim, note=note, page=NAME, markets=markets_behind(numbers, keys), **given))
    return found
