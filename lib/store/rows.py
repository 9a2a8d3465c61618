"""What a row of a study is made from and what it gives, for those who compute it and those who store it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: a row of a grid, and the settings of a run
Config = dict[str, Any]
Settings = Mapping[str, Any]
#: one number: metric, value, and if need be n and variant
Record = dict[str, Any]


@dataclass(frozen=True)
class RowResult:
    """What one row gives: `records` of metric, value, n (and variant, if not the row's), and `arrays`.

    An interval is two more records: ``sharpe``, ``sharpe.low``, ``sharpe.high``. Arrays (daily series)
    stay in the local cache; only records are ever committed.
    """

    records: Sequence[Mapping[str, Any]]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


def records(numbers: Mapping[str, float], n: int | None = None, variant: str | None = None) -> list[Record]:
    """Numbers by metric as records; a number with its interval is `lib.stats.Estimate.columns`.

    >>> records({"ic": 0.1}, 20)
    [{'metric': 'ic', 'value': 0.1, 'n': 20}]
    """
    rest = {name: value for name, value in (("n", n), ("variant", variant)) if value is not None}
    return [{"metric": metric, "value": float(value), **rest} for metric, value in numbers.items()]
