"""The tables of the other markets. The papers make no claim with a number about them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lib.stats.over_seeds import OverSeeds, interval_table

#: rule -> what may refuse an order
RULES = {
    "cn": "limits and halts (A-shares)",
    "limits": "limits, no halts",
    "halts": "halts, no limits",
    "breaker_5": "breaker at 5 % for the whole market",
    "breaker_7": "breaker at 7 % for the whole market",
    "free": "no rule",
}
ON_EXCHANGE = ("none", "mask_skip")
#: pipelines on the control market, and the pairs whose features see the same cells there
ON_CONTROL = ("none", "row_deletion", "halt_only", "mask_strict", "mask_skip", "mask_paper")
SAME_THERE = (("mask_strict", "none"), ("row_deletion", "none"), ("mask_skip", "halt_only"))
CONTROL_PAIRS = (*SAME_THERE, ("mask_skip", "none"), ("mask_paper", "none"))

#: books gross of costs before net ones, turnover beside
BOOK = ("executed_open.active_sharpe_gross", "executed_open.active_sharpe", "executed_open.turnover")
LEVELS = (
    "phantom_close", "phantom_close.limit_up_buys", "refused_buys", "refused_sells", "truth_ic", "m1_ic", *BOOK,
    "naive_close.sharpe", "executed_close.sharpe", "executed_open.sharpe",
)  # fmt: skip
DIFFERENCES = ("phantom_close", "truth_ic", "m1_ic", *BOOK, "executed_open.sharpe")
FACTS = ("limit_up", "limit_down", "halted", "masked_share", "tripped", "market.volatility")


def rules_of(frame: pd.DataFrame) -> list[str]:
    """The rules that were run."""
    there = set(frame["variant"])
    return [rule for rule in RULES if f"exchange {rule} facts" in there]


def fact_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Rules down; how much each one holds back."""
    rows = {RULES[rule]: f"exchange {rule} facts" for rule in rules_of(frame)}
    return interval_table(OverSeeds(frame), rows, FACTS, "rule").dropna(axis="columns", how="all")


def rule_table(frame: pd.DataFrame, pipeline: str) -> pd.DataFrame:
    """Rules down, measures across, for one pipeline: mean over seeds with its interval."""
    rows = {RULES[rule]: f"exchange {rule} {pipeline} test" for rule in rules_of(frame)}
    return interval_table(OverSeeds(frame), rows, LEVELS, "rule").dropna(axis="columns", how="all")


def difference_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What the mask changes under each rule, paired; and each rule without a mask against all of the A-share rules."""
    rules = rules_of(frame)
    rows = {f"mask_skip - none, {RULES[rule]}": f"exchange {rule} mask_skip - {rule} none test" for rule in rules}
    rows |= {f"{RULES[rule]} - {RULES['cn']}, none": f"exchange {rule} none - cn none test" for rule in rules}
    return interval_table(OverSeeds(frame), rows, DIFFERENCES, "difference").dropna(axis="columns", how="all")


def exit_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean return of a purchase by the first exit allowed, and the difference, without a mask and with it."""
    rows = {name: f"exchange {name} exits" for name in ON_EXCHANGE}
    metrics = ("same_day_exit", "next_day_exit", "overnight", "next_day_sales")
    return interval_table(OverSeeds(frame), rows, metrics, "pipeline")


def control_table(frame: pd.DataFrame, metrics: Sequence[str] = ("m1_ic", "naive_close.sharpe")) -> pd.DataFrame:
    """Pairs on the market without limits: how many predictions are the same, and what differs."""
    rows = {f"{a} - {b}": f"us {a} - {b} test" for a, b in CONTROL_PAIRS}
    return interval_table(OverSeeds(frame), rows, ("both_predict", "identical", "phantom_close", *metrics), "pair")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The rules without a mask and with it."""
    return pd.concat({name: rule_table(frame, name) for name in ON_EXCHANGE}, names=["pipeline", "rule"])
