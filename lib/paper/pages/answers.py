"""What an answer to a claim says of a number over markets: the interval of one back-test, and that of the mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lib.paper.claims import Answer
from lib.stats.over_seeds import ENOUGH_SEEDS, OverSeeds


def answered(numbers: OverSeeds, variant: str, metric: str, kind: str, unit: float = 1.0) -> dict[str, Any]:
    """The fields estimate, low, high, mean_low, mean_high and markets of an `Answer`, in the claim's unit.

    kind: of the claim. A level or ratio gets the interval of one further market, and beside it that of the mean over
    markets; a difference gets the latter in both places. From a price file, or with fewer than ENOUGH_SEEDS markets,
    there is one path and no mean over markets. What is not finite is left out: an absent number gives no field.
    """
    one = numbers.claimed(variant, metric, kind).times(unit)
    fields: dict[str, Any] = {"estimate": one.value, "low": one.low, "high": one.high}
    markets = len(numbers.seeds(variant, metric))
    if markets >= ENOUGH_SEEDS:
        mean = numbers.find(variant, metric).times(unit)
        fields |= {"mean_low": mean.low, "mean_high": mean.high, "markets": markets}
    return {name: number for name, number in fields.items() if math.isfinite(number)}


def markets_behind(numbers: OverSeeds, keys: list[tuple[str, str]]) -> int:
    """Markets that all of some numbers rest on, for the intervals of an order; 0 with fewer than ENOUGH_SEEDS."""
    fewest = min((len(numbers.seeds(*key)) for key in keys), default=0)
    return fewest if fewest >= ENOUGH_SEEDS else 0


def level_answer(claim_id: str, fields: Mapping[str, Any], note: str, page: str, choice: str = "") -> list[Answer]:
    """An answer to a claim from what `answered` gives, if the study has the number; one without an interval as it is.

    choice: why a choice of ours decides the number.
    """
    return [Answer(claim_id, **fields, note=note, page=page, choice=choice)] if fields else []
