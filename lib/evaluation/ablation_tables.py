"""Tables of a mask ablation, and which of its numbers stand for those of the papers' tables."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lib.evaluation.variants import CONTRASTS, VARIANTS

#: columns of the summary table
SUMMARY = (
    "coverage", "apparent_ic", "m1_ic", "m2_ic", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
    "executed_open.turnover", "executed_open.break_even_bps", "naive_close.active_sharpe_gross",
    "naive_close.active_sharpe", "naive_close.turnover", "naive_close.sharpe", "executed_close.sharpe",
    "executed_open.sharpe", "executed_open.max_drawdown", "phantom_close", "phantom_close.limit_up_buys",
    "phantom_open",
)  # fmt: skip
#: of a run, in the order in which two books are judged: gross, net with both turnovers, net at matched turnover
_BOOKS = ("active_sharpe_gross", "active_sharpe", "turnover.left", "turnover.right", "matched.active_sharpe")
CONTRAST_SUMMARY = (
    "m1_ic", *(f"executed_open.{name}" for name in _BOOKS), *(f"naive_close.{name}" for name in _BOOKS), "m2_ic",
    "apparent_ic", "naive_close.sharpe", "executed_close.sharpe", "executed_open.sharpe",
)  # fmt: skip


def variant_table(frame: pd.DataFrame, learner: str, metrics: Sequence[str] = SUMMARY) -> pd.DataFrame:
    """Variants down, metrics across, for one learner; means over seeds. Metrics that no variant has are left out."""
    part = frame[frame["variant"].isin([f"{name} {learner}" for name in VARIANTS])]
    wide = part.pivot_table(index="variant", columns="metric", values="value", sort=False)
    wide = wide.reindex(columns=list(metrics)).dropna(axis=1, how="all")
    wide.index = [label.removesuffix(f" {learner}") for label in wide.index]
    return wide.loc[[name for name in VARIANTS if name in wide.index]]


def contrast_table(frame: pd.DataFrame, learner: str, metrics: Sequence[str] = CONTRAST_SUMMARY) -> pd.DataFrame:
    """Contrasts down; for each metric the difference and its 95 % interval as (value, low, high).

    Metrics that no contrast has are left out.
    """
    part = frame[frame["variant"].isin([f"{a} - {b} {learner}" for a, b in CONTRASTS])]
    columns = [metric + suffix for metric in metrics for suffix in ("", ".low", ".high")]
    wide = part.pivot_table(index="variant", columns="metric", values="value", sort=False)
    wide = wide.reindex(columns=columns).dropna(axis=1, how="all")
    wide.index = [label.removesuffix(f" {learner}") for label in wide.index]
    return wide


#: the papers' configurations and ours
PAPER_VARIANTS = {"none": "none", "halt_only": "halt_only", "full": "mask_paper"}
#: (claim, our metric, factor to the claim's unit). A Sharpe ratio, drawdown or return of the papers' tables comes from
#: lagged weights times returns, so ours is that of orders that all fill at the close, in every study
APPENDIX_B = (
    ("apparent_ic", "apparent_ic", 1.0), ("sharpe", "naive_close.sharpe", 1.0),
    ("max_drawdown", "naive_close.max_drawdown", 100.0), ("annual_return", "naive_close.annual_return", 100.0),
)  # fmt: skip
PARADOX = (("ic", "apparent_ic", 1.0), ("realisable_ic", "m2_ic", 1.0), ("sharpe", "naive_close.sharpe", 1.0))
