"""Tables of the study of upstream contamination, and what it answers of the papers' claims."""

from __future__ import annotations

import pandas as pd

from lib.factors.registry import FAMILIES
from lib.paper.claims import Answer
from lib.paper.pages.answers import answered
from lib.stats.over_seeds import MARKET, OverSeeds, interval_table, sources_of

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
    numbers = OverSeeds(frame)
    cells = {(what, side): f"{source} all: {what}: {side}" for what in CLASSES for side in SIDES}
    rows = {label: variant for label, variant in cells.items() if (variant, "distance") in numbers}
    metrics = ("coverage", "distance", "differs", "differs clearly")
    return interval_table(numbers, rows, metrics, ("window holds", "treatment")).reset_index()


def paired_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Distance of each treatment less that of the raw factor on the same cells; above 0: farther from the truth."""
    numbers, rows = OverSeeds(frame), {}
    for side in ("halts skipped", "all skipped", "skipped, bridged", "strict", "twin, thinned"):
        cells: dict[str, float] = {}
        for what in CLASSES:
            cells |= numbers.find(f"{source} all: {what}: {side} - raw", "distance").columns(what)
        rows[side] = cells
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("treatment less raw")


def family_table(frame: pd.DataFrame, source: str, what: str = "limit close") -> pd.DataFrame:
    """Families down; distance from the truth by treatment across, for windows that hold one thing."""
    numbers, rows = OverSeeds(frame), {}
    for family in (*FAMILIES, "all"):
        cells: dict[str, float] = {}
        for side in ("raw", "halts skipped", "all skipped", "skipped, bridged", "twin, thinned"):
            cells |= numbers.find(f"{source} {family}: {what}: {side}", "distance").columns(side)
        for side in ("all skipped", "strict"):
            cells[f"coverage, {side}"] = numbers.find(f"{source} {family}: {what}: {side}", "coverage").value
        rows[family] = cells
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("family")


def deletion_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Row deletion: share of surviving cells that differ from the truth, by family and by what the window holds."""
    numbers, rows = OverSeeds(frame), {}
    columns = {"any": "differ", "limit close": "window with a limit close", "halt": "with a halt",
               "neither": "with neither"}  # fmt: skip
    for family in (*FAMILIES, "all"):
        cells: dict[str, float] = {}
        for what, label in columns.items():
            cells |= numbers.find(f"{source} {family}: {what}: rows deleted", "differs").columns(label)
        clearly = numbers.find(f"{source} {family}: any: rows deleted", "differs clearly")
        rows[family] = cells | clearly.columns("differ clearly")
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("family")


def changed_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Surviving cells whose value changes when windows skip masked cells, for every market: no twin is needed."""
    rows = {(source, what): f"{source} changed: {what}" for source in sources_of(frame) for what in CLASSES}
    metrics = ("share of cells", "differs", "differs clearly")
    return interval_table(OverSeeds(frame), rows, metrics, ("market", "window holds")).reset_index()


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The treatments, for every market with a twin."""
    return pd.concat({source: side_table(frame, source) for source in with_twin(frame)}, names=["market"])


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Share of surviving cells, over all factors, that differ from the truth after row deletion, in per cent."""
    numbers = OverSeeds(frame)
    for source in reversed(with_twin(frame)):  # the papers' limit rates, if they were run
        found = answered(numbers, f"{source} all: any: rows deleted", "differs", "level", 100)
        if "low" in found:
            note = f"cells of all factors that differ from the twin by more than 1 % of the factor's spread, {source}"
            return [Answer(CLAIM_IDS[0], **found, setting="reduced", note=note, page="contamination")]
    return []
