"""Pages on the synthetic exchange: the recorded markets where there are some, else this build's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.claims import load_ledger, scoreboard
from lib.exhibits.claims import claims_table
from lib.exhibits.pieces import box
from lib.exhibits.views import View, under
from lib.findings import Ablation
from lib.findings.markets import ENOUGH, across_markets
from lib.studies.mask_ablation_synthetic_tables import conditions, of_condition

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.studies.recording import Recorded
    from lib.studies.runner import StudyResult


@dataclass(frozen=True)
class Markets:
    """What a page shows: every row of the chosen source, and where it comes from."""

    rows: pd.DataFrame
    source: str

    @classmethod
    def of(cls, result: StudyResult, recorded: Recorded) -> Markets:
        """The recorded result if there is one, else this build."""
        return cls(recorded.frame, "recorded") if recorded else cls(result.frame, "this build")

    @property
    def frame(self) -> pd.DataFrame:
        """One line per number, with its interval over markets."""
        return across_markets(self.rows)

    @property
    def count(self) -> int:
        """Markets, the small null ones not counted."""
        null = self.rows["variant"].str.contains(" | null", regex=False)
        return int(self.rows.loc[~null, "seed"].nunique())

    @property
    def note(self) -> str:
        """Small print for a figure."""
        return f"{self.source}: {self.count} {'market' if self.count == 1 else 'markets'}"

    def part(self, condition: str) -> pd.DataFrame:
        """Every row of one condition."""
        return of_condition(self.rows, condition)

    def heading(self, text: str) -> View:
        """A view of everything under a heading of its own."""
        return View(text, self.rows, self.note, text)

    def views(self) -> list[View]:
        """One view per condition, over its markets."""
        found = []
        for condition in conditions(self.rows):
            part = self.part(condition)
            count = int(part["seed"].nunique())
            note = f"{self.source}, {condition}, {count} {'market' if count == 1 else 'markets'}"
            found.append(View(condition, across_markets(part), note, f"{condition[0].upper()}{condition[1:]}"))
        return found


def by_condition(views: Iterable[View], make: Callable[[View, str], Iterable[Any]]) -> None:
    """Under the heading of each condition, what `make` gives for each learner that was run in it."""
    for view in views:
        under(view, *(item for learner in Ablation.learners(view.frame) for item in make(view, learner)))


def market_status(shown: Markets, result: StudyResult, recorded: Recorded) -> HTML:
    """The remark at the head of the page: whose markets, how many, and what an interval means."""
    over = (
        f"Intervals are over markets from {ENOUGH} markets on; with fewer they are the mean of each market's own."
        if shown.count >= ENOUGH
        else f"With fewer than {ENOUGH} markets the intervals are each market's own, resampled by day, and say little."
    )
    if shown.source == "recorded":
        text = f"{recorded.describe()}. This build ran scale {result.settings['scale']} and is compared below. {over}"
        return box("Synthetic exchange, recorded result", text, "tip")
    scale = result.settings["scale"]
    return box("Synthetic exchange, this build", f"Nothing is recorded yet: {shown.note}, scale {scale}. {over}")


def market_claims(result: StudyResult, recorded: Recorded) -> HTML:
    """The claims the study is about, answered by the recorded result if there is one, else by this build."""
    answers = recorded.answers() if recorded else result.answers()
    claims = [claim for claim in load_ledger() if claim.id in result.study.claim_ids]
    source = "the recorded result" if recorded else "this build"
    return claims_table(scoreboard(answers, claims), f"{result.study.name}_claims", f"Answered by {source}")
