"""The result that a page shows: the recorded one or this build, how many markets it rests on, which files it read.

Tables and figures show intervals of the mean over markets; claims about the level of one back-test are held to the
wider interval for one further market (see `lib.stats.over_seeds`). The head of every page says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.pages.comparison import credited, recorded_files
from lib.stats.over_seeds import ENOUGH_SEEDS, over_seeds

if TYPE_CHECKING:

    from lib.paper.pages.findings import Finding
    from lib.paper.results.recording import Recorded
    from lib.paper.results.runner import StudyResult
    from lib.paper.results.study import Study

RECORDED = "recorded"
MEAN = "intervals of their mean"
ONE = "intervals of one market's days"
NONE = "too few for intervals"


@dataclass(frozen=True)
class PageResult:
    """What a page shows: every row of the chosen result, its name (recorded, or this build), the price files behind."""

    study: Study
    made: StudyResult | Recorded
    name: str
    rows: pd.DataFrame
    files: tuple[str, ...]
    build: StudyResult
    record: Recorded

    @classmethod
    def of(cls, result: StudyResult, recorded: Recorded) -> PageResult:
        """The recorded result, unless this build rests on more markets or on a price file that it has not seen.

        A build of a study of real prices that was given no file is shown only where nothing is recorded.
        """
        files = {item["file"] for item in result.provenance["inputs"]}
        if recorded and not recorded.plumbing:
            rows, seen = recorded.frame, recorded_files(recorded)
            fewer = not files if result.study.wants_prices else markets_of(result.frame) <= markets_of(rows)
            if files <= seen and fewer:
                return cls(result.study, recorded, RECORDED, rows, tuple(sorted(seen)), result, recorded)
        return cls(result.study, result, "this build", result.frame, tuple(sorted(files)), result, recorded)

    @property
    def evidence(self) -> bool:
        """False for a run of a study of real prices without a file: it checks the pipeline and says nothing of them."""
        return bool(self.files) or not self.study.wants_prices

    def findings(self) -> Sequence[Finding]:
        """What the page says, the most important first."""
        return self.study.page.findings(self.rows) if self.study.page.findings else ()

    def basis(self) -> str:
        """What the numbers rest on: whose result, markets or price file, and what an interval is."""
        which = "The recorded result" if self.name == RECORDED else "This build"
        if not self.evidence:
            return f"{which}, without a price file. It checks the pipeline; it is not evidence about real markets."
        if self.study.evidence == "machine":
            return f"{which}: times and memory of one machine."
        files = f"real prices ({', '.join(self.files)}), intervals from resampled days"
        if self.study.wants_prices:
            return f"{which}: {files}. {credited(' '.join(self.files))}"
        if self.count < ENOUGH_SEEDS:
            which_ = "intervals from the days of one market" if self._one_path else NONE
            markets = f"{_markets(self.count)}, {which_}"
        else:
            markets = f"{_markets(self.count)}, intervals (95 %) of the mean over markets"
        beside = f"; beside them {files}. {credited(' '.join(self.files))}" if self.files else "."
        return f"{which}: {markets}{beside}"

    def no_answer(self) -> str:
        """Why the page has no answer yet, and the command that records one; "" where the result can give one."""
        command = f"python -m lib record {self.study.name} --scale paper"
        if not self.evidence:
            return (
                "None yet: this build was given no price file, and no result from one is recorded. The command is "
                f"`{command} --set data_path=FILE`."
            )
        lacking = "" if self.record or self.files else self._lacking()
        return lacking and (
            f"None yet: no result is recorded, and this build has {lacking}. The figures and tables below show the "
            f"numbers of this build. The command that records the evidence is `{command}`."
        )

    def _lacking(self) -> str:
        """What a build has too little of for a statement."""
        if self.study.evidence == "machine":
            scale = getattr(self.build, "settings", {}).get("scale", "paper")
            return "" if scale == "paper" else f"small problems and few repetitions (scale {scale})"
        needed = min(ENOUGH_SEEDS, len(self.study.settings("paper")["seeds"]))
        few = f"{_markets(self.count)}, too few for a statement ({needed} or more are needed)"
        return few if self.count < needed else ""

    def setting(self, name: str) -> Any:
        """A parameter of the study as the shown rows were made with it; its default where a record lacks it."""
        runs = getattr(self.made, "runs", None)
        given = next(iter(runs.values()))["parameters"] if runs else getattr(self.made, "settings", {})
        return given.get(name, self.study.parameters[name].default)

    @property
    def count(self) -> int:
        """Markets that a number rests on."""
        return markets_of(self.rows)

    @property
    def markets(self) -> str:
        """Small print for what shows no interval."""
        return f"{self.name}: {_markets(self.count)}"

    @property
    def note(self) -> str:
        """Small print: whose markets, how many, and which interval is shown."""
        return _note(self.name, self.count, self._one_path)

    @property
    def _one_path(self) -> bool:
        """Whether single markets have intervals, from their resampled days."""
        return bool(self.rows["metric"].str.endswith(".low").any())

    @property
    def frame(self) -> pd.DataFrame:
        """One line per number, with its interval over markets."""
        return over_seeds(self.rows)

    def parts(self) -> dict[str, PageResult]:
        """Condition -> its rows without its name, for variants named "what | condition", in the order of the rows."""
        names = self.rows["variant"].str.partition(" | ")
        plain = self.rows.assign(variant=names[0])
        return {
            str(condition): replace(self, rows=plain[names[2] == condition].reset_index(drop=True))
            for condition in dict.fromkeys(names[2])
        }


def markets_of(rows: pd.DataFrame) -> int:
    """The most seeds that one number rests on; the many small null markets do not count, nor does a price file."""
    own = rows[~rows["variant"].str.contains(" | null", regex=False)]
    return int(own.groupby("variant")["seed"].nunique().max()) if len(own) else 0


def _note(which: str, count: int, one_path: bool) -> str:
    return f"{which}: {_markets(count)}, {MEAN if count >= ENOUGH_SEEDS else ONE if one_path else NONE}"


def _markets(count: int) -> str:
    return f"{count} market{'' if count == 1 else 's'}"
