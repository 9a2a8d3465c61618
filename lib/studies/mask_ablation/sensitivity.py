"""The ablation on markets of more or less planted alpha: the same variants, one table.

A condition's name says its alpha where that is not the study's own: "paper limits, alpha 0.04".
"""

from __future__ import annotations

import pandas as pd

from lib.evaluation.conditions import LIMITS, conditions, of_condition
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds, interval_table

#: variant -> alpha -> (IC, Sharpe ratio)
Levels = dict[str, dict[float, tuple[Estimate, Estimate]]]
MARK = ", alpha "
#: variants that are shown, in this order
MASKS = ("none", "row_deletion", "mask_skip", "mask_paper")
METRICS = ("truth_ic", "m1_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
           "executed_open.turnover", "executed_open.break_even_bps")  # fmt: skip
IC, SHARPE = "m1_ic", "executed_open.active_sharpe_gross"


def alpha_conditions(frame: pd.DataFrame, limits: str, own: float) -> dict[float, str]:
    """Planted alpha -> its condition, largest first, for one rate of limits; own: that of the study.

    Empty unless there is more than one, because a table of one alpha compares nothing.
    """
    found = {own: limits} | {
        float(name.partition(MARK)[2]): name for name in conditions(frame) if name.startswith(limits + MARK)
    }
    return dict(sorted(found.items(), reverse=True)) if len(found) > 1 else {}


def by_alpha(frame: pd.DataFrame, limits: str, own: float, learner: str = "ridge") -> pd.DataFrame:
    """Alpha and variant down, measures across with their intervals over markets."""
    return interval_table(
        OverSeeds(frame),
        {(f"{alpha:g}", mask): f"{mask} {learner} | {condition}"
         for alpha, condition in alpha_conditions(frame, limits, own).items() for mask in MASKS},
        METRICS,
        ("alpha", "variant"),
    )  # fmt: skip


def alpha_levels(frame: pd.DataFrame, limits: str, own: float, learner: str = "ridge") -> Levels:
    """Variant -> alpha -> (IC on cells that can be bought, gross active Sharpe ratio), where both are known."""
    found: Levels = {}
    for alpha, condition in alpha_conditions(frame, limits, own).items():
        numbers = OverSeeds(of_condition(frame, condition))
        for mask in MASKS:
            pair = tuple(numbers.find(f"{mask} {learner}", metric) for metric in (IC, SHARPE))
            if all(item.value == item.value for item in pair):
                found.setdefault(mask, {})[alpha] = (pair[0], pair[1])
    return {mask: levels for mask, levels in found.items() if len(levels) > 1}


def on_file(frame: pd.DataFrame, learner: str = "ridge") -> dict[str, tuple[Estimate, Estimate]]:
    """The same two numbers of the ablation on real prices, by variant; frame: of `mask_ablation_real`."""
    numbers = OverSeeds(frame)
    pairs = {mask: tuple(numbers.find(f"{mask} {learner}", metric) for metric in (IC, SHARPE)) for mask in MASKS}
    return {mask: (a, b) for mask, (a, b) in pairs.items() if a.value == a.value and b.value == b.value}


def levels_by_limits(frame: pd.DataFrame, own: float) -> dict[str, Levels]:
    """`alpha_levels` of every rate of limits under which more than one alpha was run."""
    found = {limits: alpha_levels(frame, limits, own) for limits in LIMITS.values()}
    return {limits: levels for limits, levels in found.items() if levels}
