"""The numbers of a mask ablation, by variant and by pair of variants, and the words for them.

Says nothing: what follows from the numbers stands, as findings, in the pages of the two ablations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from lib.evaluation.books import Books
from lib.evaluation.variants import VARIANTS
from lib.stats.estimates import Estimate, Numbers

#: the variants in the order of reading, and what a contrast between two of them changes, all else equal
VARIANT_ORDER = (
    "none", "halt_only", "universe_only", "labels_only", "row_deletion", "row_deletion_m1", "mask_skip", "mask_skip_m1",
    "mask_strict", "mask_paper", "flags", "gap",
)  # fmt: skip
CAUSES = {
    "mask_skip - row_deletion": "windows",
    "mask_strict - row_deletion": "windows",
    "mask_skip_m1 - row_deletion_m1": "windows",
    "gap - mask_skip": "windows",
    "labels_only - none": "labels",
    "universe_only - none": "universe",
    "row_deletion - none": "labels, universe",
    "halt_only - none": "halts only",
    "flags - none": "told, not masked",
    "mask_skip - none": "all three",
    "mask_paper - none": "all three: the papers",
}
#: variants and learners as a reader knows them
WORDS = {
    "none": "unmasked",
    "halt_only": "only halts masked",
    "universe_only": "only orders masked",
    "labels_only": "only labels masked",
    "row_deletion": "rows deleted",
    "row_deletion_m1": "rows deleted, any next day learned",
    "mask_skip": "windows skip masked days",
    "mask_skip_m1": "windows skip, any next day learned",
    "mask_strict": "strict windows, factor by factor",
    "mask_paper": "strict windows, the papers' mask",
    "flags": "flags, no orders at limits",
    "gap": "windows skip, changes bridged",
}
LEARNERS = {"ridge": "ridge", "lightgbm": "LightGBM", "mlp": "MLP"}
#: variants that a figure shows; the tables have all of them
SHOWN = (
    "none", "halt_only", "universe_only", "labels_only", "row_deletion", "mask_skip", "mask_strict", "mask_paper",
    "flags",
)  # fmt: skip
#: contrasts that a figure shows: labels and orders first, then windows with these held fixed, then the papers' own
PAIRS = (
    "universe_only - none", "labels_only - none", "row_deletion - none", "mask_skip - row_deletion",
    "mask_strict - row_deletion", "mask_paper - none",
)  # fmt: skip


def in_words(name: str) -> str:
    """A variant, or a contrast of two on two lines, in words.

    >>> in_words("mask_skip - none")
    'windows skip masked days\\nagainst unmasked'
    """
    left, _, right = name.partition(" - ")
    return WORDS[left] + (f"\nagainst {WORDS[right]}" if right else "")


@dataclass(frozen=True)
class Ablation:
    """The numbers of one learner in one condition."""

    numbers: Numbers
    learner: str

    @classmethod
    def of(cls, frame: pd.DataFrame, learner: str = "ridge") -> Ablation:
        """Means over the seeds of a frame, with the means of their intervals."""
        return cls(Numbers(frame), learner)

    @property
    def variants(self) -> list[str]:
        """The variants that were run, without the contrasts."""
        return [name for name in VARIANT_ORDER if self.has(name)]

    @staticmethod
    def learners(frame: pd.DataFrame) -> list[str]:
        """The learners that were run, in the order of the frame, whatever the condition."""
        names = (str(name).partition(" | ")[0] for name in frame["variant"].unique() if " - " not in str(name))
        return list(dict.fromkeys(name.rpartition(" ")[2] for name in names))

    def has(self, variant: str) -> bool:
        """Whether a variant, or a contrast, was run with this learner."""
        return any(name == f"{variant} {self.learner}" for name in self.numbers.variants)

    def level(self, variant: str, metric: str) -> Estimate:
        """Of a variant, or of a contrast "left - right", whose differences are paired."""
        return self.numbers.find(f"{variant} {self.learner}", metric)

    def contrast(self, left: str, right: str, metric: str) -> Estimate:
        """left minus right, paired by day."""
        return self.level(f"{left} - {right}", metric)

    def books(self, left: str, right: str, run: str = "executed_open") -> Books:
        """left against right as books: gross, net, both turnovers."""
        return Books.of(lambda metric: self.contrast(left, right, metric), run)

    def rows(self, names: Sequence[str], metrics: Sequence[str]) -> dict[str, list[Estimate]]:
        """Variants or contrasts in words -> some metrics, where any of these is known."""
        found = {in_words(name): [self.level(name, metric) for metric in metrics] for name in names}
        return {label: items for label, items in found.items() if not all(math.isnan(item.value) for item in items)}

    def shown(
        self, names: Sequence[str], series: Mapping[str, str], colors: Sequence[str]
    ) -> tuple[dict[str, list[Estimate]], list[str], list[str]]:
        """`rows`, names and colours of the series (name -> metric) of which any number is known."""
        known = [any(not math.isnan(self.level(name, metric).value) for name in names) for metric in series.values()]
        metrics, dots, kept = (
            [item for item, found in zip(items, known, strict=False) if found]
            for items in (series.values(), series, colors)
        )
        return self.rows(names, metrics), dots, kept


def side_by_side(found: Mapping[str, Ablation], names: Sequence[str], metric: str) -> dict[str, list[Estimate]]:
    """Variants or contrasts in words -> one metric from each of several ablations, where any of these is known."""
    rows = {in_words(name): [item.level(name, metric) for item in found.values()] for name in names}
    return {label: items for label, items in rows.items() if not all(math.isnan(item.value) for item in items)}


def definitions() -> pd.DataFrame:
    """What each variant computes, learns, predicts and orders from, in words."""
    windows = {"raw": "every listed day", "skip_halts": "halts skipped", "skip": "masked days skipped",
               "strict": "all days valid", "gap": "skipped, bridged",
               "paper": "all days, all factors"}  # fmt: skip
    cells = {"all": "listed", "H": "not halted", "M": "tradable", "H both": "not halted, both days",
             "M both": "tradable, both days"}  # fmt: skip
    rows = []
    for name in VARIANT_ORDER:
        item = VARIANTS[name]
        seen = windows["paper" if item.join == "intersect" else item.features]
        rows.append({"mask": WORDS[name], "windows": seen, "labels": cells[item.labels],
                     "orders": cells[item.universe], "identifier": name})  # fmt: skip
    return pd.DataFrame(rows)
