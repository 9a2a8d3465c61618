"""Several training seeds on one path of days, as one row: a price file has one path, however often it is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lib.stats.estimates import ENDS
from lib.store.rows import Record, RowResult


def over_training_seeds(results: Sequence[RowResult]) -> RowResult:
    """Rows of several training seeds as one; a single one is returned as it is.

    Every number is the mean over training seeds, and so are the ends of its interval, which therefore stays that of
    one path of days: training seeds share the days and are no further markets. METRIC.training_sd is the deviation
    of the number over training seeds. Arrays get the training seed before their names.
    """
    if len(results) == 1:
        return results[0]
    arrays = {f"{seed} {name}": item for seed, found in enumerate(results) for name, item in found.arrays.items()}
    return RowResult(averaged([found.records for found in results]), arrays)


def averaged(parts: Sequence[Sequence[Mapping[str, Any]]]) -> list[Record]:
    """Records of several training seeds as one: see `over_training_seeds`. A number that one seed lacks is left out."""
    values: dict[str, list[float]] = {}
    for part in parts:
        for item in part:
            values.setdefault(item["metric"], []).append(item["value"])
    records: list[Record] = []
    for item in parts[0]:
        metric, found = item["metric"], values[item["metric"]]
        if len(found) == len(parts):
            records.append({**item, "value": float(np.mean(found))})
            if len(found) > 1 and not metric.endswith(ENDS):
                records.append({"metric": f"{metric}.training_sd", "value": float(np.std(found, ddof=1))})
    return records


def arrays_of(result: RowResult, count: int) -> list[dict[str, np.ndarray]]:
    """The arrays of each of `count` training seeds of a row of `over_training_seeds`."""
    if count == 1:
        return [dict(result.arrays)]
    marks = [f"{seed} " for seed in range(count)]
    return [
        {name.removeprefix(mark): item for name, item in result.arrays.items() if name.startswith(mark)}
        for mark in marks
    ]
