"""What the switches of the synthetic exchange do, and how often null markets are found to be null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lib.evaluation.variants import VARIANTS
from lib.stats.over_seeds import OverSeeds

LEARNERS = ("ridge", "lightgbm", "mlp")
#: a model without a mask, rows deleted, windows masked
MASKS = ("none", "row_deletion", "mask_skip")
#: switch -> its two states, in words; a difference is the first minus the second
SWITCHES: Mapping[str, tuple[tuple[Any, str], tuple[Any, str]]] = {
    "spill": ((True, "spill"), (False, "no spill")),
    "planted": ((True, "alpha"), (False, "nothing planted")),
    "limits": (("paper", "limits often"), ("real", "limits seldom")),
}
MEASURES = ("apparent_ic", "m1_ic", "truth_ic", "unfilled_ic", "naive_close.active_sharpe",
            "executed_close.active_sharpe", "executed_open.active_sharpe_gross", "executed_open.active_sharpe",
            "executed_open.turnover", "naive_close.sharpe", "executed_open.sharpe", "phantom_close",
            "phantom_close.limit_up_buys")  # fmt: skip
#: shares of 100 null markets that a 95 % interval may cover
EXPECTED = (0.85, 0.99)

Records = Iterable[Mapping[str, Any]]


def world_name(limits: str, spill: bool, planted: bool) -> str:
    """A market in words.

    >>> world_name("paper", True, False)
    'limits often, spill, nothing planted'
    """
    states = {"limits": limits, "spill": spill, "planted": planted}
    return ", ".join(dict(SWITCHES[switch])[states[switch]] for switch in ("limits", "spill", "planted"))


def effect_records(rows: Sequence[tuple[Mapping[str, Any], Records]]) -> list[dict[str, Any]]:
    """On one market: each measure with a switch on minus off, all else equal, and its mean over the other switches."""
    numbers = {}
    for row, records in rows:
        levels = {item["metric"]: item["value"] for item in records}
        numbers[row["mask"], row["limits"], row["spill"], row["planted"]] = levels
    found: list[dict[str, Any]] = []
    for switch, ((on, word), (off, other)) in SWITCHES.items():
        place = {"limits": 1, "spill": 2, "planted": 3}[switch]
        for mask in MASKS:
            states = [key for key in numbers if key[0] == mask and key[place] == on]
            pairs = [(key, (*key[:place], off, *key[place + 1 :])) for key in states]
            gaps = [_gap(numbers[a], numbers[b]) for a, b in pairs if b in numbers]
            for metric in MEASURES:
                values = [gap[metric] for gap in gaps if metric in gap]
                if values:
                    name = f"{word} - {other}, {mask} ridge | effects"
                    found.append({"variant": name, "metric": metric, "value": float(np.mean(values))})
    return found


def _gap(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    return {metric: a[metric] - b[metric] for metric in MEASURES if metric in a and metric in b}


def coverage_records(rows: Iterable[Records]) -> list[dict[str, Any]]:
    """Share of null markets whose interval covers zero, by variant and metric."""
    hits: dict[tuple[str, str], list[float]] = {}
    for records in rows:
        for item in records:
            if str(item["metric"]).endswith(": covers 0"):
                hits.setdefault((item["variant"], item["metric"]), []).append(item["value"])
    return [
        {"variant": f"{variant} markets", "metric": metric, "value": float(np.mean(values)), "n": len(values)}
        for (variant, metric), values in hits.items()
    ]


def worlds_table(frame: pd.DataFrame, mask: str = "none") -> pd.DataFrame:
    """The eight markets down, measures across, with 95 % intervals over markets; of one variant."""
    numbers, rows = OverSeeds(frame), []
    for limits in ("real", "paper"):
        for spill in (True, False):
            for planted in (True, False):
                name = world_name(limits, spill, planted)
                row: dict[str, Any] = {"market": name}
                for metric in MEASURES:
                    row |= numbers.find(f"{mask} ridge | {name}", metric).columns(metric)
                rows.append(row)
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def effects_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Switches and masks down, measures across: on minus off with 95 % intervals over markets."""
    numbers, rows = OverSeeds(frame), []
    for (_, word), (_, other) in SWITCHES.values():
        for mask in MASKS:
            row: dict[str, Any] = {"switch": f"{word} - {other}", "mask": mask}
            for metric in MEASURES:
                row |= numbers.find(f"{word} - {other}, {mask} ridge | effects", metric).columns(metric)
            rows.append(row)
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def null_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Variants down; per learner the mean IC over null markets and how many of their intervals cover zero."""
    rows = []
    for mask in VARIANTS:
        row: dict[str, Any] = {"variant": mask}
        for learner in LEARNERS:
            own = frame[frame["variant"] == f"{mask} {learner} | null"]
            for metric in ("m1_ic", "apparent_ic"):
                covers = own.loc[own["metric"] == f"{metric}: covers 0", "value"]
                if len(covers):
                    row[f"{learner}, {metric}"] = f"{int(covers.sum())} of {len(covers)}"
        rows.append(row)
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The eight markets for each mask."""
    tables = {mask: worlds_table(frame, mask).set_index("market") for mask in MASKS}
    shown = [metric for metric in MEASURES if any(metric in table for table in tables.values())]
    return pd.concat({mask: table.reindex(columns=shown) for mask, table in tables.items()}, names=["mask"])
