"""Recorded results: what longer runs found, committed beside the book with where it comes from.

Rows are added to the two files of lib/paper/results/recorded_files.py one by one as they are done, by one process
at a time, so a recording resumes after an interruption, or on another machine from what is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from lib.errors import StoreError
from lib.paper.claims import Answer
from lib.paper.results.plan import Plan, row_store
from lib.paper.results.provenance import changed_files, head_commit, repository_top
from lib.paper.results.recorded_files import RECORDED, Confirmation, RecordedRow, Recording, holds_for
from lib.paper.results.runner import table, tidy, with_progress
from lib.paper.results.study import SCALES, Study
from lib.store.files import sweep
from lib.store.marks import machinery

#: changed definitions that a line names
SHOWN = 3


@machinery
@dataclass(frozen=True)
class Recorded:
    """The recorded rows of a study at one scale, for pages and scoreboard; false when there are none."""

    study: Study
    scale: str
    rows: tuple[RecordedRow, ...]
    runs: Mapping[str, Mapping[str, Any]]
    confirmed: tuple[Confirmation, ...] = ()
    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy results: study, variant, seed, metric, value, n, setting."""
        return tidy(self.study, [(row.config, row.setting, row.records) for row in self.rows])

    @property
    def provenance(self) -> dict[str, dict[str, Any]]:
        """By row id: commit, parameters, inputs, versions, hardware, source, seed, date, seconds."""
        return {row.id: {**self.runs[row.run], **row.dated} for row in self.rows}

    @property
    def seeds(self) -> list[int]:
        """The seeds that are in."""
        return sorted({row.config["seed"] for row in self.rows})

    @property
    def plumbing(self) -> bool:
        """True when the study is about a price file and rows were made without one: they are no evidence."""
        return self.study.wants_prices and any(not self.runs[row.run]["inputs"] for row in self.rows)

    @property
    def stale(self) -> bool:
        """True when the code that made any of the rows has changed since, and nothing confirms them."""
        return bool(self.stale_rows())

    def stale_rows(self) -> list[str]:
        """Ids of the rows that were made by other code than today's, which has not confirmed them either."""
        current = self.current()
        return [row.id for row in self.rows if not holds_for(row, current[row.id], self.runs, self.confirmed)]

    def current(self) -> dict[str, str]:
        """By row id: digest of today's code behind the row; of a contrast, behind the rows that it compares."""
        known = {row.id: row.config for row in self.rows}
        groups = [[known[name] for name in row.members if name in known] or [row.config] for row in self.rows]
        settings = [self.study.row_settings(self.runs[row.run]["parameters"]) for row in self.rows]
        return dict(zip(known, self.study.source_digests(groups, settings), strict=True))

    def changed(self) -> list[str]:
        """Definitions that have changed, gone or come since the stale rows were made, as far as was recorded.

        A definition that only stands in another file has not changed.
        """
        stale, today = set(self.stale_rows()), self.study.code().definitions()
        then = {str(self.runs[row.run].get("code")) for row in self.rows if row.id in stale}
        return sorted({name for label in then if label in self.code for name in differing(self.code[label], today)})

    def confirmation(self) -> Confirmation | None:
        """What today's code computed again, where rows of earlier code are left that it speaks for."""
        current, made = set(self.current().values()), {self.runs[row.run]["source"] for row in self.rows}
        found = [item for item in self.confirmed if item.source in current and item.scale == self.scale]
        speaking = [item for item in found if made.intersection(item.covers)]
        rows = tuple(name for item in speaking for name in item.rows)
        return replace(speaking[0], rows=rows) if speaking else None

    def table(self) -> pd.DataFrame:
        """The study's table, from the recorded results."""
        return table(self.study, self.frame)

    def answers(self) -> list[Answer]:
        """Answers of the recorded results to the claims the study is about."""
        remark = "recorded by an earlier version of the code" if self.stale else ""
        found = self.study.answers(self.frame)
        return [replace(answer, note="; ".join(filter(None, [answer.note, remark]))) for answer in found]

    def describe(self) -> str:
        """One line for a page: scale, rows, seeds, dates, commits, and whether it is stale."""
        if not self:
            return f"{self.study.name}: nothing recorded yet"
        commits = sorted({self.runs[row.run]["commit"][:10] for row in self.rows})
        dates = sorted(row.date[:10] for row in self.rows)
        return (
            f"{self.study.name}: recorded at scale {self.scale}, {len(self.rows)} rows, "
            f"{len(self.seeds)} seeds, {dates[0]} to {dates[-1]}, commit {', '.join(commits)}{self._age()}"
        )

    def _age(self) -> str:
        if self.stale:
            return f"; STALE: {len(self.stale_rows())} rows were made by earlier code{self.since()}"
        found = self.confirmation()
        return f"; {len(found.rows)} of them computed again at commit {found.commit[:10]}" if found else ""

    def since(self) -> str:
        """What changed since the stale rows were made, in a few words; "" where nothing was recorded of it."""
        names = self.changed()
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f" (changed since: {', '.join(names[:SHOWN])}{more})" if names else ""

    def __bool__(self) -> bool:
        return bool(self.rows)


@machinery
def recorded(study: Study, scale: str | None = None, folder: Path | str | None = None) -> Recorded:
    """Recorded results of a study at one scale; by default the largest scale that was recorded.

    Raises StoreError when the files in book/recorded are damaged.
    """
    place = Path(folder or RECORDED)
    everything = _as_written(study.name, place, *(_stamp(place / f"{study.name}{end}") for end in (".csv", ".json")))
    scales = {row.scale for row in everything.rows.values()}
    chosen = scale or max(scales, key=SCALES.index, default=SCALES[-1])
    rows = tuple(row for row in everything.rows.values() if row.scale == chosen)
    return Recorded(study, chosen, rows, everything.runs, tuple(everything.confirmed), everything.code)


@lru_cache(maxsize=128)  # a page asks for the same files several times
def _as_written(name: str, folder: Path, *stamps: tuple[int, int]) -> Recording:
    """The recording of files that have these stamps; nobody writes to it."""
    return Recording.read(name, folder)


def _stamp(path: Path) -> tuple[int, int]:
    """(Time of the last change in ns, size); of a file that does not exist (0, 0)."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def differing(then: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Definitions of which one code has another text than the other, or which only one of them has.

    >>> sorted(differing({"a.f": "1", "a.g": "2", "a.h": "3"}, {"b.f": "1", "a.g": "4"}))
    ['a.g', 'a.h']
    """
    one, other = ({(name.rpartition(".")[2], text): name for name, text in code.items()} for code in (then, now))
    return {(one | other)[item] for item in one.keys() ^ other.keys()}


def record(
    study: Study,
    *,
    scale: str = "laptop",
    seeds: Any = None,
    jobs: int | None = None,
    backend: str | None = None,
    progress: bool | None = None,
    cache: Path | str | None = None,
    folder: Path | str | None = None,
    **overrides: Any,
) -> Recorded:
    """Run a study and append every row that is not recorded yet, or that is stale, to book/recorded.

    Raises StoreError when files differ from the commit (its own recorded files apart), and when rows of
    this scale were recorded with other parameters or other data: one table holds one experiment.
    """
    folder = Path(folder or RECORDED)
    sweep(folder)
    commit = clean_commit([study.name], folder)
    plan = Plan.make(study, study.settings(scale, seeds, overrides), row_store(study, cache))
    recording = Recording.read(study.name, folder)
    recording.check_same_experiment(plan)
    missing = [index for index in range(len(plan.rows)) if not recording.holds(plan, index)]
    for _, row in with_progress(plan.run(jobs, backend, only=missing), study.name, len(missing), progress):
        recording.add(plan, row, commit)
        recording.write()
    return recorded(study, scale, folder)


def clean_commit(names: Iterable[str], folder: Path) -> str:
    """The current commit. Raises StoreError when files differ from it, the recorded files of those studies apart."""
    commit, top = head_commit(), repository_top()
    own = {(folder / f"{name}{suffix}").resolve() for name in names for suffix in (".csv", ".json")}
    changed = [path for path in changed_files() if (top / path).resolve() not in own]
    if changed:
        raise StoreError(
            f"{len(changed)} files differ from the commit (first: {changed[0]}); a recorded result "
            "belongs to a commit: commit or remove them first"
        )
    return commit
