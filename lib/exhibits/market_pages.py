"""Results of studies on made-up markets on a page: which are shown, and what they are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from lib.exhibits.pieces import box
from lib.exhibits.views import View, credited
from lib.findings.market_seeds import MARKET, sources_of

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.studies.recording import Recorded
    from lib.studies.runner import StudyResult


def market_view(result: StudyResult, recorded: Recorded) -> View:
    """What the page shows: the recorded result where it covers this build's price file, otherwise this build."""
    files = {item["file"] for item in result.provenance["inputs"]}
    if recorded and files <= recorded_files(recorded):
        return View("recorded", recorded.frame, _note(len(recorded.seeds), "recorded"))
    return View("this build", result.frame, _note(len(result.settings["seeds"]), "this build"))


def recorded_files(recorded: Recorded) -> set[str]:
    """Names of the price files behind a recorded result."""
    return {item["file"] for row in recorded.rows for item in recorded.runs[row.run]["inputs"]}


def _note(seeds: int, which: str) -> str:
    return f"{which}: {seeds} made-up market{'s' * (seeds != 1)}, 95 % intervals over them"


def each_market(result: StudyResult, recorded: Recorded) -> list[tuple[pd.DataFrame, str, str]]:
    """(frame, market, small print) for the made-up markets and then the file, of what the page shows."""
    view = market_view(result, recorded)
    return [
        (view.frame, source, view.note if source.startswith(MARKET) else f"{source}, 95 % intervals over days")
        for source in sources_of(view.frame)
    ]


def market_status(result: StudyResult, recorded: Recorded) -> HTML:
    """The remark at the head of the page: what the numbers below are made from."""
    own = market_view(result, recorded).name == "this build"
    seeds = len(result.settings["seeds"]) if own else len(recorded.seeds)
    files = {item["file"] for item in result.provenance["inputs"]} if own else recorded_files(recorded)
    made = f"{seeds} made-up markets whose truth is known, the same for both sides of every comparison"
    real = (
        f"Real prices stand beside them: {', '.join(sorted(files))}. {credited(' '.join(sorted(files)))}"
        if files
        else "No price file was given, so no real market stands beside them."
    )
    return box("Made-up markets, and why they are evidence here", f"This page is about a mechanism: {made}. {real}")
