"""Pages about the synthetic exchange: which result they show, how many markets it rests on, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.claims import load_ledger, scoreboard
from lib.exhibits.claims import claims_table
from lib.exhibits.pieces import box
from lib.exhibits.views import View, credited
from lib.findings.seeds import ENOUGH_SEEDS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.studies.recording import Recorded
    from lib.studies.runner import StudyResult


def seed_view(result: StudyResult, recorded: Recorded) -> View:
    """The recorded result where it rests on at least as many markets as this build, else this build."""
    if recorded and len(recorded.seeds) >= len(result.settings["seeds"]):
        return View("recorded", recorded.frame, f"recorded, {_markets(len(recorded.seeds))}")
    return View("this build", result.frame, f"this build, {_markets(len(result.settings['seeds']))}")


def seed_status(result: StudyResult, recorded: Recorded, files: tuple[str, ...] = ("data_path",)) -> HTML:
    """The remark at the head of the page: how many markets, what the intervals are, and whether prices were given."""
    view = seed_view(result, recorded)
    shown = recorded if view.name == "recorded" else None
    count = len(shown.seeds) if shown else len(result.settings["seeds"])
    few = (
        f"With fewer than {ENOUGH_SEEDS} markets, intervals are those of one market from resampled blocks of days."
        if count < ENOUGH_SEEDS
        else "Intervals are Student's t over the markets."
    )
    names = {item["file"] for run in shown.runs.values() for item in run["inputs"]} if shown else set()
    names |= {item["file"] for item in result.provenance["inputs"]}
    real = f"Real prices beside it: {', '.join(sorted(names))}. {credited(' '.join(names))}" if names else (
        f"No price file was given ({', '.join(files)}), so nothing on this page is about a real market."
    )  # fmt: skip
    text = f"{_markets(count)} of the synthetic exchange, whose truth is known. {few} {real}"
    return box("Recorded" if shown else "This build", text, "tip" if shown else "note")


def seed_claims(result: StudyResult, recorded: Recorded) -> HTML:
    """The claims of the study with the answers of the result that the page shows."""
    view, study = seed_view(result, recorded), result.study
    answers = recorded.answers() if view.name == "recorded" else result.answers()
    claims = [claim for claim in load_ledger() if claim.id in study.claim_ids]
    return claims_table(scoreboard(answers, claims), f"{study.name}_claims", f"Answered by {view.note}")


def _markets(count: int) -> str:
    return f"{count} market{'' if count == 1 else 's'}"
