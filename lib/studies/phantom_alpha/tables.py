"""Days with many limit-up closes beside days with few, and the answer to the papers' story."""

from __future__ import annotations

import pandas as pd

from lib.evaluation.ablation import Ablation
from lib.evaluation.conditions import conditions, of_condition
from lib.paper.claims import Answer
from lib.paper.pages.answers import markets_behind
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies.mask_ablation.tables import ANSWERED

#: the model without a mask, and two with one
MASKS = ("none", "row_deletion", "mask_skip")
#: daily series that are compared, by the day of the decision
SERIES = ("apparent_ic", "m1_ic", "truth_ic", "unfilled_ic", "naive_close.active", "executed_close.active",
          "executed_open.active")  # fmt: skip
#: the papers' story: IC higher on days with many limit-ups (+1), executed returns poorer (-1)
STORY = (("apparent_ic", 1), ("executed_close.active", -1))


def split_table(part: pd.DataFrame, learner: str) -> pd.DataFrame:
    """Mask and series down; few, many and the difference across, with intervals. Returns in basis points a day."""
    numbers, rows = OverSeeds(part), []
    for mask in MASKS:
        for name in SERIES:
            unit = 1.0 if name.endswith("_ic") else 1e4
            few, many, gap = (
                numbers.find(f"{kind} {mask} {learner}", name).times(unit) for kind in ("few", "many", "many - few")
            )
            if few.value == few.value:
                series = name if unit == 1 else f"{name}, bp a day"
                cells = few.columns("few") | many.columns("many") | gap.columns("difference")
                rows.append({"mask": mask, "series": series, **cells})
    return pd.DataFrame(rows)


def story(part: pd.DataFrame, learner: str = "ridge", mask: str = "none") -> list[Estimate]:
    """The papers' story, each difference in the claimed direction: IC higher, executed return poorer."""
    numbers = OverSeeds(part)
    found = [numbers.find(f"many - few {mask} {learner}", name) for name, _ in STORY]
    return [item if sign > 0 else item.against for item, (_, sign) in zip(found, STORY, strict=True)]


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Every condition and learner under each other."""
    tables: dict[tuple[str, str], pd.DataFrame] = {}
    for condition in conditions(frame):
        part = of_condition(frame, condition)
        tables |= {(condition, learner): split_table(part, learner) for learner in Ablation.learners(part)}
    return pd.concat(tables, names=["condition", "learner"]).droplevel(-1)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Both halves of the story at the papers' rate of limits, with ridge and no mask."""
    part = of_condition(frame, ANSWERED)
    found = story(part) if len(part) else []
    if not found or any(number != number for item in found for number in item):
        return []
    note = "synthetic exchange, ridge without a mask: IC and next day's executed return, many limit-ups minus few"
    parts = [(item.value, item.low, item.high) for item in found]
    markets = markets_behind(OverSeeds(part), [("many - few none ridge", name) for name, _ in STORY])
    return [Answer("B.story.phantom", note=note, page="phantom_alpha", parts=parts, markets=markets)]


CLAIM_IDS = ("B.story.phantom",)
