"""Pages about the generators of made-up markets: which result they show, and what it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.claims import load_ledger, scoreboard
from lib.exhibits.claims import claims_table
from lib.exhibits.pieces import box
from lib.exhibits.views import View, credited

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.studies.recording import Recorded
    from lib.studies.runner import StudyResult


def generator_view(result: StudyResult, recorded: Recorded) -> View:
    """The recorded result, unless there is none or this build was given a price file of its own."""
    if recorded and not result.provenance["inputs"]:
        return View("recorded", recorded.frame, f"recorded, {_markets(len(recorded.seeds))}")
    return View("this build", result.frame, f"this build, {_markets(len(result.settings['seeds']))}")


def _markets(seeds: int) -> str:
    return f"{seeds} made-up market{'s' * (seeds != 1)} of each kind"


def generator_status(result: StudyResult, recorded: Recorded) -> HTML:
    """The remark at the head of the page: what the numbers below are made from."""
    view = generator_view(result, recorded)
    if view.name == "recorded":
        files = sorted({item["file"] for row in recorded.rows for item in recorded.runs[row.run]["inputs"]})
    else:
        files = sorted(item["file"] for item in result.provenance["inputs"])
    made = f"Numbers of {view.note}."
    if "data_path" not in result.study.parameters:
        return box("Made-up markets", made)
    if not files:
        return box("Made-up markets", f"{made} No price file was given: the column of real prices is empty.", "warning")
    return box("Made-up markets beside real prices", f"{made} Real: {', '.join(files)}. {credited(' '.join(files))}")


def generator_claims(result: StudyResult, recorded: Recorded) -> HTML:
    """The papers' claims that the study answers, by the result that the page shows."""
    study = result.study
    claims = [claim for claim in load_ledger() if claim.id in study.claim_ids]
    view = generator_view(result, recorded)
    answers = recorded.answers() if view.name == "recorded" else study.answers(result.frame)
    return claims_table(scoreboard(answers, claims), f"{study.name}_claims", f"Answered by the result of {view.name}")
