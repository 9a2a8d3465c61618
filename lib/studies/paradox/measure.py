"""The IC-Sharpe paradox (paper B, s6.3): does a mask lower the IC that is seen and raise the one that can be traded?

The papers order three configurations, none, halt_only and full, in three ways: apparent IC falls, realisable IC rises,
Sharpe rises. Each order is two steps, and each step a difference paired over markets. Their full mask intersects all
factors (mask_paper); mask_skip, which keeps nearly every cell, is shown beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lib.evaluation.scoring import BOOKS, Record
from lib.paper.results.study import Config, RowResult, Settings
from lib.studies.mask_ablation.rows import ablation
from lib.studies.paradox.tables import FULL, MEASURES, steps

MASKS = ("none", "halt_only", *FULL)


def compute(row: Config, settings: Settings) -> RowResult:
    frame = ablation(row["seed"], row["limits"], row["learner"], MASKS, settings).frame
    masks = frame["variant"].str.partition(" ")[0]
    levels = {}
    for mask in MASKS:
        part = frame[(masks == mask) & ~frame["variant"].str.contains(" - ")]
        levels[mask] = dict(zip(part["metric"], part["value"], strict=True))
    records = [record for mask in MASKS for record in _levels(mask, levels[mask], row)]
    records += [record for full in FULL for record in _books(frame, f"{full} - none", row)]
    for full in FULL:
        for after, before in steps(full):
            records += _step(f"{after} - {before}", levels[after], levels[before], row)
    return RowResult(_without_repeats(records))


def _levels(mask: str, levels: Mapping[str, float], row: Config) -> list[Record]:
    names = [metric + end for metric in MEASURES for end in ("", ".low", ".high")]
    return [_record(mask, name, levels[name], row) for name in names if name in levels]


def _books(frame: pd.DataFrame, name: str, row: Config) -> list[Record]:
    """The ablation's own comparison of two books, of a full mask with none: gross, net, at matched turnover."""
    part = frame[frame["variant"] == f"{name} {row['learner']} | {row['condition']}"]
    found = {str(metric): float(value) for metric, value in zip(part["metric"], part["value"], strict=True)}
    return [_record(name, metric, value, row) for metric, value in found.items() if metric.startswith(tuple(BOOKS))]


def _step(name: str, after: Mapping[str, float], before: Mapping[str, float], row: Config) -> list[Record]:
    both = [metric for metric in MEASURES if metric in after and metric in before]
    return [_record(name, metric, after[metric] - before[metric], row) for metric in both]


def _record(name: str, metric: str, value: float, row: Config) -> Record:
    return {"variant": f"{name} {row['learner']} | {row['condition']}", "metric": metric, "value": value}


def _without_repeats(records: list[Record]) -> list[Record]:
    """The first step is the same whichever full mask the second leads to."""
    return list({(item["variant"], item["metric"]): item for item in records}.values())
