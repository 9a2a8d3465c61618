"""The condition of a row of an ablation: a row is named "variant learner | condition"."""

from __future__ import annotations

import pandas as pd

LIMITS = {"real": "CSI 300 limits", "paper": "paper limits"}


def condition_name(limits: str, standardise: str, large: int | None, alpha: float | None = None) -> str:
    """The condition in a row's name.

    >>> condition_name("real", "rank", 1000), condition_name("paper", "zscore", None, 0.04)
    ('CSI 300 limits, ranks, 1000 stocks', 'paper limits, alpha 0.04')
    """
    extra = ["ranks"] * (standardise == "rank") + ([f"{large} stocks"] if large else [])
    return ", ".join([LIMITS[limits], *extra, *([f"alpha {alpha:g}"] if alpha is not None else [])])


def conditions(frame: pd.DataFrame) -> list[str]:
    """The conditions that were run, in the order of the frame."""
    return list(dict.fromkeys(str(name).partition(" | ")[2] for name in frame["variant"]))


def of_condition(frame: pd.DataFrame, condition: str) -> pd.DataFrame:
    """The rows of one condition, without its name; all markets."""
    parts = frame["variant"].str.partition(" | ")
    return frame.assign(variant=parts[0])[parts[2] == condition].reset_index(drop=True)
