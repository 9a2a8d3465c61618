"""Confirming recorded rows after the code has changed, from a sample that the code of today computes again.

Most changes of code are meant to move no number, and a study can take hours. So one row of every kind is computed
again, where a kind is everything about a row but its seed; if each number agrees as closely as the study declares, the
files say so, and the rows of the same code count as today's. Pages show how many were computed again.

Where nothing has changed but what all rows alike get their prices, masks, factors and statistics through (COMMON), a
few kinds of every form are enough, the form of a row being which settings it has; and a contrast follows from the rows
that it compares, which run all of COMMON that it runs.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lib.paper.results.plan import row_store
from lib.paper.results.provenance import now
from lib.paper.results.recorded_files import RECORDED, Confirmation, RecordedRow, Recording
from lib.paper.results.recording import Recorded, clean_commit
from lib.paper.results.runner import with_progress
from lib.paper.results.study import Study, canonical
from lib.paper.results.verification import DATA_VARIABLE, Verification, everything_recorded, recompute, why_not

#: parts of lib that every row runs: reading prices, limits and masks, the engine of the factors, the days of a fit, and
#: the statistics of what comes out
COMMON = (
    "arrays", "compiled", "days", "eager", "engine", "kernels", "limits", "load", "models.calendar", "models.splits",
    "panel", "reasons", "stats",
)  # fmt: skip
#: kinds of one form that speak for the others when nothing else has changed
KINDS = 3


def confirm(
    of: Iterable[Study],
    *,
    data: Path | str | None = None,
    jobs: int | None = None,
    backend: str | None = None,
    progress: bool | None = None,
    cache: Path | str | None = None,
    folder: Path | str | None = None,
) -> Iterator[Verification]:
    """Compute one stale row of every kind again, study by study, and note in book/recorded where all of them agree.

    of:     studies
    data:   folder of the input files (default: DATA_DIR)
    cache:  rows that are done are kept there, so an interrupted call resumes
    folder: where the recorded files are (default: book/recorded)

    Raises StoreError when files differ from the commit, recorded files apart: a study is noted before the next begins.
    """
    data = data or os.environ.get(DATA_VARIABLE)
    place, prices = Path(folder or RECORDED), Path(data) if data else None
    commit = clean_commit((table.stem for table in place.glob("*.csv")), place)
    for source in everything_recorded(of, folder):
        what = f"{source.study.name}, scale {source.scale}"
        stale = set(source.stale_rows())
        if not stale:
            yield Verification(True, f"{what}: not stale")
            continue
        sample = sample_of(source, stale, commit)
        if reasons := sorted({reason for row in sample if (reason := why_not(source, row, prices))}):
            yield Verification(True, f"{what}: cannot be confirmed here, rows {', '.join(reasons)}")
            continue
        parts = _recomputed(source, sample, prices, jobs, backend, cache)
        differing = [
            f"row {name}: {text}"
            for name, texts in with_progress(parts, source.study.name, len(sample), progress)
            for text in texts
        ]
        if differing:
            yield Verification(False, f"{what}: MISMATCH, nothing is confirmed: {'; '.join(differing[:5])}")
            continue
        _note(source, sample, commit, place)
        count, share = sum(len(row.records) for row in sample), f"{len(sample)} of {len(source.rows)} rows"
        yield Verification(True, f"{what}: {share} computed again, {count} numbers agree")


def sample_of(source: Recorded, among: Container[str], commit: str) -> list[RecordedRow]:
    """The rows that speak for the others: one of every kind, or of KINDS a form where only COMMON has changed."""
    rows = one_of_each_kind(source, among, commit)
    changed = source.changed()
    listed = all(str(source.runs[row.run].get("code")) in source.code for row in source.rows if row.id in among)
    if not listed or not changed or not all(name.startswith(tuple(f"{part}." for part in COMMON)) for name in changed):
        return rows
    forms: dict[tuple[str, str], list[RecordedRow]] = {}
    for row in rows:
        if not row.members:
            forms.setdefault((source.runs[row.run]["source"], " ".join(sorted(row.config))), []).append(row)
    return [row for alike in forms.values() for row in _chosen(alike, KINDS, commit)]


def one_of_each_kind(source: Recorded, among: Container[str], commit: str) -> list[RecordedRow]:
    """The row of each kind, and of each code that made such rows, that the hash of the commit chooses.

    A contrast's kind is that of the rows it compares.
    """
    known = {row.id: row for row in source.rows}
    kinds: dict[tuple[str, str], list[RecordedRow]] = {}
    for row in source.rows:
        if row.id in among:
            kinds.setdefault((source.runs[row.run]["source"], _kind(row, known)), []).append(row)
    return [row for alike in kinds.values() for row in _chosen(alike, 1, commit)]


def _chosen(rows: Sequence[RecordedRow], count: int, commit: str) -> list[RecordedRow]:
    """So many rows, or all, at equal distances from one that the hash of the commit chooses."""
    first, count = int(commit, 16), min(count, len(rows))
    return [rows[(first + place * len(rows) // count) % len(rows)] for place in range(count)]


def _kind(row: RecordedRow, known: Mapping[str, RecordedRow]) -> str:
    if row.members:
        return canonical(sorted({_kind(known[name], known) for name in row.members if name in known}), "a contrast")
    return canonical({name: value for name, value in row.config.items() if name != "seed"}, "a recorded row")


def _recomputed(
    source: Recorded,
    sample: Sequence[RecordedRow],
    data: Path | None,
    jobs: int | None,
    backend: str | None,
    cache: Path | str | None,
) -> Iterator[tuple[str, list[str]]]:
    """What differs, row by row; rows of one run share their parameters."""
    store = row_store(source.study, cache)
    for run in dict.fromkeys(row.run for row in sample):
        together = [row for row in sample if row.run == run]
        yield from recompute(source, together, data, store=store, jobs=jobs, backend=backend)


def _note(source: Recorded, sample: Sequence[RecordedRow], commit: str, folder: Path) -> None:
    """Note the sample for the rows of the same code, and for contrasts that follow from its rows."""
    recording = Recording.read(source.study.name, folder)
    today, date = source.current(), now()
    found = []
    stale = set(source.stale_rows())
    following = [row for row in source.rows if row.members and row.id in stale]
    for digest in dict.fromkeys(today[row.id] for row in (*sample, *following)):
        own = [row for row in sample if today[row.id] == digest] or list(sample)
        spoken_for = [row for row in (*sample, *following) if today[row.id] == digest]
        covers = tuple(dict.fromkeys(str(source.runs[row.run]["source"]) for row in spoken_for))
        found.append(Confirmation(source.scale, digest, covers, tuple(row.id for row in own), commit, date))
    recording.confirm(found)
    recording.write()
