"""The mask ablation's tables, and what it answers of the papers' claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from lib.claims import Answer
from lib.factors.core import CORE
from lib.studies.variants import CONTRASTS, VARIANTS

LEARNERS = ("ridge", "mlp")

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


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Both learners under each other."""
    tables = {learner: variant_table(frame, learner) for learner in LEARNERS}
    return pd.concat({learner: table for learner, table in tables.items() if len(table)}, names=["learner", "variant"])


#: the papers' configurations and ours
PAPER_VARIANTS = {"none": "none", "halt_only": "halt_only", "full": "mask_paper"}
#: (claim, our metric, factor to the claim's unit)
APPENDIX_B = (
    ("apparent_ic", "apparent_ic", 1.0), ("sharpe", "naive_close.sharpe", 1.0),
    ("max_drawdown", "naive_close.max_drawdown", 100.0), ("annual_return", "naive_close.annual_return", 100.0),
)  # fmt: skip
PARADOX = (("ic", "apparent_ic", 1.0), ("realisable_ic", "m2_ic", 1.0), ("sharpe", "executed_open.sharpe", 1.0))


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels on one path of the papers' length; different universe, factors and portfolio rule: setting different.

    All answers come from one learner, or the papers' rows would compare learners as well as masks: the MLP where it
    ran on each of the papers' three configurations, otherwise ridge.
    """
    means = frame.groupby(["variant", "metric"], as_index=False)["value"].mean()
    numbers = {(v, m): x for v, m, x in zip(means["variant"], means["metric"], means["value"], strict=True)}
    ran = {variant for variant, _ in numbers}
    learner = "mlp" if {f"{ours} mlp" for ours in PAPER_VARIANTS.values()} <= ran else "ridge"
    answers = []
    for prefix, columns in (("B.appB.mask.real", APPENDIX_B), ("B.paradox", PARADOX)):
        for theirs, ours in PAPER_VARIANTS.items():
            for column, metric, unit in columns:
                answers += _answer(numbers, f"{prefix}.{theirs}.{column}", f"{ours} {learner}", metric, unit)
    for claim, metric in (("delta_sharpe", "naive_close.sharpe"), ("ic_inflation", "apparent_ic.inflation")):
        answers += _answer(numbers, f"B.mask.real.{claim}", f"mask_paper - none {learner}", metric, 1.0)
    return answers


def _answer(
    numbers: Mapping[tuple[str, str], float], claim_id: str, variant: str, metric: str, unit: float
) -> list[Answer]:
    keys = [(variant, metric + suffix) for suffix in ("", ".low", ".high")]
    if not all(key in numbers for key in keys):
        return []
    value, low, high = (unit * numbers[key] for key in keys)
    note = f"CSI 300 members, {len(CORE)} factors, top-k: {variant}, {metric}"
    if "drawdown" in metric:
        note += "; ours over all test years, the interval for one path of the papers' three"
    return [Answer(claim_id, value, low, high, "different", note, "mask_ablation_real")]


CLAIM_IDS = (
    *(f"B.appB.mask.real.{v}.{column}" for v in PAPER_VARIANTS for column, *_ in APPENDIX_B),
    *(f"B.paradox.{v}.{column}" for v in PAPER_VARIANTS for column, *_ in PARADOX),
    "B.mask.real.delta_sharpe",
    "B.mask.real.ic_inflation",
)
