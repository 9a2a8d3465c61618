"""The result that a page shows: the recorded one or this build, how many markets it rests on, which files it read.

Tables and figures show intervals of the mean over markets; claims about the level of one back-test are held to the
wider interval for one further market (see `lib.stats.over_seeds`). The head of every page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.pages.claims import answered_by
from lib.paper.pages.pieces import box
from lib.paper.pages.views import View, credited, recorded_files, under
from lib.stats.over_seeds import ENOUGH_SEEDS, MARKET, over_seeds, sources_of

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.findings import Finding
    from lib.paper.results.recording import Recorded
    from lib.paper.results.runner import StudyResult
    from lib.paper.results.study import Study

RECORDED = "recorded"
MEAN = "intervals of their mean"
ONE = "intervals of one market's days"


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
            markets = f"{_markets(self.count)}, intervals from the days of one market"
        else:
            markets = f"{_markets(self.count)}, intervals (95 %) of the mean over markets"
        beside = f"; beside them {files}. {credited(' '.join(self.files))}" if self.files else "."
        return f"{which}: {markets}{beside}"

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
        return _note(self.name, self.count)

    @property
    def frame(self) -> pd.DataFrame:
        """One line per number, with its interval over markets."""
        return over_seeds(self.rows)

    @property
    def view(self) -> View:
        """Everything, without a heading."""
        return View(self.name, self.rows, self.note)

    def heading(self, text: str) -> View:
        """Everything, under a heading of its own."""
        return View(text, self.rows, self.note, text)

    def parts(self) -> dict[str, PageResult]:
        """Condition -> its rows without its name, for variants named "what | condition", in the order of the rows."""
        names = self.rows["variant"].str.partition(" | ")
        plain = self.rows.assign(variant=names[0])
        return {
            str(condition): replace(self, rows=plain[names[2] == condition].reset_index(drop=True))
            for condition in dict.fromkeys(names[2])
        }

    def part(self, condition: str) -> pd.DataFrame:
        """Every row of one condition."""
        found = self.parts()
        return found[condition].rows if condition in found else self.rows.iloc[:0]

    def conditions(self) -> list[View]:
        """One view per condition, of the estimates over its markets; ranks and large markets stand aside."""
        found = []
        for condition, part in self.parts().items():
            note = _note(f"{self.name}, {condition}", part.count)
            heading, aside = f"{condition[0].upper()}{condition[1:]}", "," in condition
            found.append(View(condition, over_seeds(part.rows), note, heading, aside))
        return found

    def sources(self) -> list[tuple[pd.DataFrame, str, str]]:
        """(every row, market, small print) for the simulated markets and then the price file."""
        return [
            (self.rows, source, self.note if source.startswith(MARKET) else f"{source}, 95 % intervals over days")
            for source in sources_of(self.rows)
        ]


def markets_of(rows: pd.DataFrame) -> int:
    """The most seeds that one number rests on; the many small null markets do not count, nor does a price file."""
    own = rows[~rows["variant"].str.contains(" | null", regex=False)]
    return int(own.groupby("variant")["seed"].nunique().max()) if len(own) else 0


def by_condition(views: Iterable[View], make: Callable[[View, str], Iterable[Any]]) -> None:
    """Under the heading of each condition, what `make` gives for each learner that was run in it."""
    for view in views:
        variants = [str(name) for name in view.frame["variant"].unique() if " - " not in str(name)]
        learners = dict.fromkeys(name.rpartition(" ")[2] for name in variants)
        under(view, *(item for learner in learners for item in make(view, learner)))


def market_status(shown: PageResult, where: str = "the simulated market, whose truth is known") -> HTML:
    """The remark at the head of the page: whose markets, how many, what an interval is, and which prices were given."""
    made = f"{_markets(shown.count)} of {where}."
    text = " ".join(filter(None, [made, _intervals(shown), _prices(shown)]))
    recorded = shown.name == "recorded"
    return box("Simulated markets, recorded" if recorded else "Simulated markets, this build", text,
               "tip" if recorded else "note")  # fmt: skip


def market_claims(shown: PageResult) -> HTML:
    """The claims the study is about, answered by the result that the page shows."""
    whom = "the recorded result" if shown.name == "recorded" else shown.name
    return answered_by(shown.study, shown.made.answers(), f"{whom}, {_markets(shown.count)}")


def _intervals(shown: PageResult) -> str:
    if shown.count < ENOUGH_SEEDS:
        return (
            f"With fewer than {ENOUGH_SEEDS} markets there is no interval over them: where one is shown, it is that of "
            "one market, from resampled blocks of its days."
        )
    return (
        "Intervals, where shown, are Student's t, of the mean over the markets, for levels and for differences. Claims "
        "about the level of one back-test are held to a wider one: where one further market would land."
    )


def _prices(shown: PageResult) -> str:
    paths = [name for name in shown.study.parameters if name.endswith("_path")]
    if shown.files:
        names = ", ".join(shown.files)
        return f"Real prices beside them, with intervals over days: {names}. {credited(names)}"
    if not paths:
        return ""
    return f"No price file was given ({', '.join(paths)}), so nothing on this page is about a real market."


def _note(which: str, count: int) -> str:
    return f"{which}: {_markets(count)}, {MEAN if count >= ENOUGH_SEEDS else ONE}"


def _markets(count: int) -> str:
    return f"{count} market{'' if count == 1 else 's'}"
