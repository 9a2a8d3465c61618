"""What the mask ablation says: information, fills, windows, and what follows for a pipeline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from lib.evaluation.books import FILLS, Books
from lib.stats.estimates import Estimate, Numbers, signed

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


@dataclass(frozen=True)
class Ablation:
    """The numbers of the study `mask_ablation_real` for one learner."""

    numbers: Numbers
    learner: str

    @classmethod
    def of(cls, frame: pd.DataFrame, learner: str = "ridge") -> Ablation:
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
        return self.numbers.find(f"{variant} {self.learner}", metric)

    def contrast(self, left: str, right: str, metric: str) -> Estimate:
        """left minus right, paired by day."""
        return self.level(f"{left} - {right}", metric)

    def books(self, left: str, right: str, run: str = "executed_open") -> Books:
        """left against right as books: gross, net, both turnovers."""
        return Books.of(lambda metric: self.contrast(left, right, metric), run)

    def every_book(self, run: str = "executed_open") -> dict[str, Books]:
        """Contrast -> its books, of the contrasts whose books were compared before costs."""
        sides = {name: name.partition(" - ") for name in CAUSES}
        books = {name: self.books(left, right, run) for name, (left, _, right) in sides.items()}
        return {name: found for name, found in books.items() if found.known}

    def cheaper_message(self, run: str = "executed_open") -> str:
        """In how many contrasts the sign that costs leave is not the sign before costs."""
        books = list(self.every_book(run).values())
        shown = [found for found in books if found.net.sign]
        same = sum(found.gross.sign == found.net.sign for found in shown)
        if not shown:
            return f"Net of costs none of {len(books)} pairs of books is told apart"
        return f"Net of costs {len(shown)} of {len(books)} pairs of books are told apart, {same} of these gross as well"

    def ic_message(self) -> str:
        """The IC that a back-test without a mask sees, and the part of it on cells where a purchase is possible."""
        name, apparent, real = self._first("apparent_ic", "m1_ic")
        return (
            f"{name}: IC {signed(apparent.value, 3)} on all cells, {signed(real.value, 3)} on cells that can be bought"
        )

    def sharpe_message(self) -> str:
        """What fills do to the same predictions."""
        name, naive, executed = self._first("naive_close.sharpe", "executed_open.sharpe")
        return (
            f"{name}: Sharpe ratio {signed(naive.value)} if every order fills at the close, "
            f"{signed(executed.value)} as executed at the next open"
        )

    def phantom_message(self) -> str:
        """What orders that cannot be filled would have earned."""
        name, total, locked = self._first("phantom_close", "phantom_close.limit_up_buys")
        return (
            f"{name}: orders refused at the close would have added {signed(100 * total.value, 1)} % a year, "
            f"the limit-up purchases among them {signed(100 * locked.value, 1)} %"
        )

    def _first(self, *metrics: str) -> tuple[str, Estimate, Estimate]:
        """The unmasked variant if it was run, else the first one, and two of its metrics."""
        name = "none" if self.has("none") else self.variants[0]
        first, second = (self.level(name, metric) for metric in metrics)
        return ("No mask" if name == "none" else name), first, second

    def windows_message(self, metric: str = "m1_ic", digits: int = 4, what: str = "the IC on buyable cells") -> str:
        """What masking the windows alone does, labels and universe held fixed."""
        found = self.contrast("mask_skip", "row_deletion", metric)
        return _effect("Masking the windows alone", found, what, digits) or "The contrast of windows alone was not run"

    def labels_message(self) -> str:
        """What leaving untradable returns out of the training labels alone does, windows and universe held fixed."""
        found = self.contrast("labels_only", "none", "m1_ic")
        what = "the IC on buyable cells"
        return _effect("Masking the labels alone", found, what, 4) or "The contrast of labels alone was not run"

    def implications(self) -> list[str]:
        """What follows for someone who runs such a pipeline, one sentence per cause; only from what was run."""
        return [
            text for text in (self._windows(), self._rows(), self._papers(), self._fills(), self._coverage()) if text
        ]

    def _windows(self) -> str:
        return self._money(
            "mask_skip", "row_deletion",
            "Windows. With labels and universe held fixed, letting the windows skip masked cells",
            "it is worth doing", "row deletion alone serves better here",
            "a pipeline that deletes rows after raw windows has not been shown to lose anything by it",
        )  # fmt: skip

    def _rows(self) -> str:
        return self._money(
            "row_deletion", "none",
            "Rows. Leaving limit closes and halts out of labels and orders, windows untouched,",
            "deleting such rows helps", "deleting such rows costs",
            "neither help nor harm of deleting such rows is shown",
        )  # fmt: skip

    def _money(self, left: str, right: str, cause: str, better: str, worse: str, neither: str) -> str:
        """What a change does to the book, judged gross of costs; the net numbers stand beside it."""
        books = self.books(left, right)
        text = _conditional(books.gross, cause, f"the active Sharpe ratio gross of costs, {FILLS['executed_open']},",
                            better, worse, neither)  # fmt: skip
        return " ".join(filter(None, [text, books.beside(), books.warning()])) if text else ""

    def _papers(self) -> str:
        books = {run: self.books("mask_paper", "none", run) for run in ("naive_close", "executed_open")}
        if not all(found.known for found in books.values()):
            return ""
        parts = [
            f"Gross of costs the active Sharpe ratio changes by {found.gross.text()} {FILLS[run]}. "
            + " ".join(filter(None, [found.beside(), found.warning()]))
            for run, found in books.items()
        ]
        return (
            "The papers' comparison. Everything masked against nothing masked changes labels, universe, windows and "
            f"turnover at once. {' '.join(parts)}"
        )

    def _fills(self) -> str:
        if not self.has("none"):
            return ""
        total = self.numbers.tested(f"none {self.learner}", "phantom_close").times(100)
        if math.isnan(total.value):
            return ""
        ending = {
            1: "a back-test that fills every order at the close reports money that nobody could make",
            -1: "fills that are refused would have lost money",
            0: "this cannot be told from zero",
        }[total.sign]
        return f"Fills. Without a mask, orders that cannot be filled are worth {total.text(1, ' %')} a year: {ending}."

    def _coverage(self) -> str:
        if not self.has("mask_paper"):
            return ""
        kept = 100 * self.level("mask_paper", "coverage").value
        return f"Coverage. Requiring all factors to be valid at once leaves predictions for {kept:.0f} % of the cells."


def _effect(cause: str, found: Estimate, what: str, digits: int) -> str:
    """cause raises, lowers or does not change what; empty when the contrast was not run."""
    if math.isnan(found.value):
        return ""
    verb = {1: "raises", -1: "lowers", 0: "does not change"}[found.sign]
    end = "" if found.sign else " beyond chance"
    return f"{cause} {verb} {what}{end}: {found.text(digits)}"


def _conditional(found: Estimate, cause: str, effect: str, better: str, worse: str, neither: str) -> str:
    """Cause, effect with its interval, and the consequence that its sign allows."""
    if math.isnan(found.value):
        return ""
    consequence = {1: better, -1: worse, 0: neither}[found.sign]
    return f"{cause} changes {effect} by {found.text()}: {consequence}."
