"""Tables of the study of upstream contamination, and what it answers of the papers' claims."""

from __future__ import annotations

import pandas as pd

from lib.claims import Answer
from lib.factors.registry import FAMILIES
from lib.findings.market_seeds import MARKET, SeedNumbers, interval_table, over_seeds, sources_of

CLAIM_IDS = ("B.story.unreliable_rows",)
CLASSES = ("limit close", "halt", "neither", "any")
SIDES = (
    "raw", "halts skipped", "all skipped", "skipped, bridged", "twin, thinned", "strict", "raw where strict is valid",
)  # fmt: skip


def with_twin(frame: pd.DataFrame) -> list[str]:
    """The markets whose truth is known."""
    return [name for name in sources_of(frame) if name.startswith(MARKET)]


def side_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """What the window holds and the treatment down; coverage and distance from the truth across."""
    numbers, rows = SeedNumbers(frame), []
    for what in CLASSES:
        for side in SIDES:
            variant = f"{source} all: {what}: {side}"
            if (variant, "distance") in numbers:
                found = interval_table(numbers, [("", variant)], ("coverage", "distance", "differs", "differs clearly"))
                found.insert(0, "window holds", what)
                found.insert(1, "treatment", side)
                rows.append(found)
    return pd.concat(rows, ignore_index=True)


def paired_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Distance of each treatment less that of the raw factor on the same cells; above 0: farther from the truth."""
    numbers, rows = SeedNumbers(frame), {}
    for side in ("halts skipped", "all skipped", "skipped, bridged", "strict", "twin, thinned"):
        found = {what: numbers.find(f"{source} all: {what}: {side} - raw", "distance") for what in CLASSES}
        rows[side] = {
            f"{what}{end}": number
            for what, item in found.items()
            for end, number in zip(("", ".low", ".high"), item, strict=True)
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("treatment less raw")


def family_table(frame: pd.DataFrame, source: str, what: str = "limit close") -> pd.DataFrame:
    """Families down; distance from the truth by treatment across, for windows that hold one thing."""
    numbers, rows = SeedNumbers(frame), {}
    for family in (*FAMILIES, "all"):
        cells: dict[str, float] = {}
        for side in ("raw", "halts skipped", "all skipped", "skipped, bridged", "twin, thinned"):
            found = numbers.find(f"{source} {family}: {what}: {side}", "distance")
            cells |= {side: found.value, f"{side}.low": found.low, f"{side}.high": found.high}
        for side in ("all skipped", "strict"):
            cells[f"coverage, {side}"] = numbers.find(f"{source} {family}: {what}: {side}", "coverage").value
        rows[family] = cells
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("family")


def deletion_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Row deletion: share of surviving cells that differ from the truth, by family and by what the window holds."""
    numbers, rows = SeedNumbers(frame), {}
    columns = {"any": "differ", "limit close": "window with a limit close", "halt": "with a halt",
               "neither": "with neither"}  # fmt: skip
    for family in (*FAMILIES, "all"):
        found = {label: numbers.find(f"{source} {family}: {what}: rows deleted", "differs") for what, label in
                 columns.items()}  # fmt: skip
        found["differ clearly"] = numbers.find(f"{source} {family}: any: rows deleted", "differs clearly")
        rows[family] = {
            f"{label}{end}": number
            for label, item in found.items()
            for end, number in zip(("", ".low", ".high"), item, strict=True)
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("family")


def changed_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Surviving cells whose value changes when windows skip masked cells, for every market: no twin is needed."""
    numbers, rows = SeedNumbers(frame), []
    for source in sources_of(frame):
        for what in CLASSES:
            metrics = ("share of cells", "differs", "differs clearly")
            found = interval_table(numbers, [("", f"{source} changed: {what}")], metrics)
            found.insert(0, "market", source)
            found.insert(1, "window holds", what)
            rows.append(found)
    return pd.concat(rows, ignore_index=True)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The treatments, for every market with a twin."""
    return pd.concat({source: side_table(frame, source) for source in with_twin(frame)}, names=["market"])


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Share of surviving cells, over all factors, that differ from the truth after row deletion, in per cent."""
    for source in reversed(with_twin(frame)):  # the papers' limit rates, if they were run
        part = frame[(frame["variant"] == f"{source} all: any: rows deleted") & (frame["metric"] == "differs")]
        if len(part) > 1:
            note = f"cells of all factors that differ from the twin by more than 1 % of the factor's spread, {source}"
            found = over_seeds(100 * part["value"].to_numpy(float))
            return [Answer(CLAIM_IDS[0], *found, "reduced", note, "contamination")]
    return []
