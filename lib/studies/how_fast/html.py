"""The page "How fast": which measurement it shows, and the papers' speed claims beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from lib.paper.claims import load_ledger, scoreboard
from lib.paper.pages.claims import claims_table
from lib.paper.pages.pieces import box
from lib.paper.pages.views import View
from lib.studies.how_fast.findings import Speed

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.results.recording import Recorded
    from lib.paper.results.runner import StudyResult


def measurement(result: StudyResult, recorded: Recorded) -> View:
    """The recorded measurement, if there is one, else that of this build."""
    if recorded:
        return View("recorded", recorded.frame, f"recorded on {_hardware(recorded)}")
    return View("this build", result.frame, f"this build, on {result.provenance['hardware']}")


def measured_on(result: StudyResult, recorded: Recorded) -> HTML:
    """The remark at the head of the page: where the numbers come from, and what is missing."""
    speed = Speed.of(measurement(result, recorded).frame)
    absent = f" Not installed there: {', '.join(speed.missing)}." if speed.missing else ""
    seconds, rate = (speed.numbers.find("machine", what).value for what in ("calibration", "bandwidth"))
    machine = f"Its calibration loop takes {seconds:.3f} CPU s, a copy moves {rate / 1e9:.0f} GB a second.{absent}"
    if recorded:
        text = f"{recorded.describe()}, on {_hardware(recorded)}: {_versions(recorded)}."
        return box("Recorded", f"{text} {machine}", "tip")
    text = (
        "No result is recorded yet. What follows was measured while this page was built, on small panels and beside "
        f"whatever else the machine ({result.provenance['hardware']}) was doing: it shows that the measurement works."
    )
    return box("Not recorded yet", f"{text} {machine}", "warning")


def speed_claims(result: StudyResult, recorded: Recorded) -> HTML:
    """The papers' speed claims with the answers of the measurement that the page shows."""
    study = result.study
    claims = [claim for claim in load_ledger() if claim.id in study.page.claims]
    answers = recorded.answers() if recorded else study.answers(result.frame)
    return claims_table(scoreboard(answers, claims), "how_fast_claims", "The papers' speed tables, beside ours")


def papers_tables() -> pd.DataFrame:
    """What the papers print: pandas over PyTorch, as their tables have it."""
    prefixes = ("A.speed.", "B.speed.")
    rows = [claim for claim in load_ledger() if claim.id.startswith(prefixes)]
    columns = {
        "paper": [claim.paper for claim in rows],
        "where": [claim.where for claim in rows],
        "operation": [claim.subject for claim in rows],
        "claimed": [claim.claimed for claim in rows],
        "unit": [claim.unit for claim in rows],
        "as printed": [claim.check for claim in rows],
        "remark": [claim.note for claim in rows],
    }
    return pd.DataFrame(columns)


def _hardware(recorded: Recorded) -> str:
    return "; ".join(sorted({str(run["hardware"]) for run in recorded.runs.values()}))


def _versions(recorded: Recorded) -> str:
    wanted = ("torch", "numpy", "pandas", "bottleneck", "polars", "mlquantx")
    pairs = (pair for run in recorded.runs.values() for pair in run["versions"].items())
    return ", ".join(f"{name} {version}" for name, version in sorted(set(pairs)) if name in wanted)
