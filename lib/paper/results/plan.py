"""The rows of one run: which there are, under which keys, which are stored, and how the others are computed.

Every row is written by the process that computed it, as soon as it is done; a kill loses at most the row
being computed, and the rerun finds the others under their keys.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib

from lib.errors import ParameterError
from lib.paper.results.provenance import environment, now
from lib.paper.results.study import (
    Config,
    Input,
    RowResult,
    Settings,
    Study,
    check_records,
    row_key,
    study_inputs,
    without_paths,
)
from lib.paper.results.threads import one_thread
from lib.store.files import Store, StoredRow
from lib.store.marks import Entries, counting
from lib.store.sources import FOLDER

JOBS_VARIABLE, BACKEND_VARIABLE, CACHE_VARIABLE = "LIB_JOBS", "LIB_BACKEND", "LIB_CACHE"


@dataclass(frozen=True)
class Row:
    """A computed row: its position in the plan, configuration, key, setting and what is stored for it."""

    index: int
    config: Config
    key: str
    setting: str
    stored: StoredRow
    cached: bool

    @property
    def seconds(self) -> float:
        return float(self.stored.meta["seconds"])


@dataclass(frozen=True)
class Plan:
    """The rows of one run with their keys; `run` yields them as they are found or computed.

    Contrasts are rows too: they follow the rows of the grid, and `members` holds the positions each needs.
    sources: digest of the code behind each row. entries: those of registries that it counts.
    """

    study: Study
    settings: Settings
    rows: list[Config]
    keys: list[str]
    members: Mapping[int, list[int]]
    inputs: list[Input]
    sources: list[str]
    entries: list[Entries]
    store: Store | None

    @classmethod
    def make(cls, study: Study, settings: Settings, store: Store | None) -> Plan:
        inputs, rows = study_inputs(study, settings), study.rows(settings)
        by = study.contrast.by if study.contrast else str
        contrasts = _grouped(range(len(rows)) if study.contrast else (), lambda index: by(rows[index]))
        groups = [[row] for row in rows] + [[rows[index] for index in own] for own in contrasts.values()]
        seen = study.row_settings(without_paths(settings, inputs))
        sources, entries = study.source_digests(groups, [seen] * len(groups)), study.entries(groups, seen)
        keys = [row_key(study, row, settings, inputs, source) for row, source in zip(rows, sources, strict=False)]
        members = {}
        for label, positions in contrasts.items():
            contrast = {"contrast": label, "of": [keys[index] for index in positions]}
            keys.append(row_key(study, contrast, settings, inputs, sources[len(rows)]))
            members[len(rows)] = positions
            rows.append({"variant": "contrast", "seed": rows[positions[0]]["seed"], "contrast": label})
        return cls(study, settings, rows, keys, members, inputs, sources, entries, store)

    def run(
        self, jobs: int | None = None, backend: str | None = None, only: Iterable[int] | None = None
    ) -> Iterator[tuple[int, Row]]:
        """(position, row) of every row, or of those in `only`: stored ones first, others as they are done."""
        if self.store:
            self.store.sweep()
        wanted = set(range(len(self.rows)) if only is None else only)
        found = {index: stored for index in sorted(wanted) if (stored := self._load(index)) is not None}
        yield from ((index, self._row(index, stored, cached=True)) for index, stored in found.items())
        contrasts = sorted(wanted.difference(found).intersection(self.members))
        needed = wanted.union(*(self.members[index] for index in contrasts)).difference(self.members)
        found |= {index: stored for index in needed - wanted if (stored := self._load(index)) is not None}
        for index, stored in _compute(self, sorted(needed.difference(found)), jobs, backend):
            found[index] = stored
            if index in wanted:
                yield index, self._row(index, stored, cached=False)
            yield from self._contrasts(contrasts, found)
        yield from self._contrasts(contrasts, found)

    def _contrasts(self, pending: list[int], found: Mapping[int, StoredRow]) -> Iterator[tuple[int, Row]]:
        """Compute the pending contrasts whose members are all found, and take them off the list."""
        for index in [index for index in pending if found.keys() >= set(self.members[index])]:
            pending.remove(index)
            stored = self._store(index, compute_contrast(self, index, found))
            yield index, self._row(index, stored, cached=False)

    def _load(self, index: int) -> StoredRow | None:
        return self.store.load(self.keys[index]) if self.store else None

    def _store(self, index: int, stored: StoredRow) -> StoredRow:
        if self.store:
            self.store.save(self.keys[index], stored)
        return stored

    def _row(self, index: int, stored: StoredRow, cached: bool) -> Row:
        config = self.rows[index]
        setting = self.study.row_setting(config, self.settings)
        return Row(index, config, self.keys[index], setting, stored, cached)


def compute_row(study: Study, row: Config, settings: Settings) -> StoredRow:
    """Compute one row from scratch, with its wall time and environment; an error names the row."""
    return _timed(study, row, lambda: study.compute(dict(row), study.row_settings(settings)))


def compute_contrast(plan: Plan, index: int, found: Mapping[int, StoredRow]) -> StoredRow:
    """Compute one contrast from the stored results of its members."""
    assert plan.study.contrast is not None
    contrast = plan.study.contrast.compute
    members = [(plan.rows[i], RowResult(found[i].records, found[i].arrays)) for i in plan.members[index]]
    settings = plan.study.row_settings(plan.settings)
    with counting(plan.entries[index]):
        return _timed(plan.study, plan.rows[index], lambda: contrast(members, settings))


def _timed(study: Study, row: Config, compute: Callable[[], RowResult]) -> StoredRow:
    begin = time.perf_counter()
    try:
        with nullcontext() if study.evidence == "machine" else one_thread():
            result = compute()
        records = check_records(study, row, result)
    except Exception as error:
        error.add_note(f"in study {study.name!r}, row {row}")
        raise
    meta = {"config": row, "seconds": round(time.perf_counter() - begin, 3), "date": now(), **environment()}
    return StoredRow(records, dict(result.arrays), meta)


def cache_folder(folder: Path | str | None = None) -> Path:
    """Where rows are stored: the argument, else LIB_CACHE, else .cache in the project or working folder."""
    chosen = folder or os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    project = FOLDER.parent
    return (project if (project / "pyproject.toml").is_file() else Path.cwd()) / ".cache"


def row_store(study: Study, cache: Path | str | None = None) -> Store:
    """The store of a study's rows."""
    return Store(cache_folder(cache) / "studies" / study.name)


# ----------------------------------------------------------------------------------------- computing


def _compute(
    plan: Plan, positions: Sequence[int], jobs: int | None, backend: str | None
) -> Iterator[tuple[int, StoredRow]]:
    groups = list(_grouped(positions, lambda index: plan.study.group(plan.rows[index])).values())
    jobs = 1 if plan.study.evidence == "machine" else _jobs(jobs)
    if jobs == 1 or len(groups) < 2:
        yield from ((index, _compute_and_store(plan, index)) for group in groups for index in group)
        return
    for done in _pool(jobs, backend)(joblib.delayed(_compute_group)(plan, group) for group in groups):
        yield from done


def _pool(jobs: int, backend: str | None) -> Any:
    backend = backend or os.environ.get(BACKEND_VARIABLE) or "loky"
    streaming = {"return_as": "generator_unordered"} if backend in ("loky", "threading") else {}
    try:
        # a configuration registers the backends of clusters, which Parallel by itself does not know
        with joblib.parallel_config(backend=backend, n_jobs=jobs):
            return joblib.Parallel(**streaming)
    except (ValueError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise ParameterError(f"joblib backend {backend!r} cannot be used: {reason}") from None


def _compute_group(plan: Plan, group: Sequence[int]) -> list[tuple[int, StoredRow]]:
    return [(index, _compute_and_store(plan, index)) for index in group]


def _compute_and_store(plan: Plan, index: int) -> StoredRow:
    with counting(plan.entries[index]):
        return plan._store(index, compute_row(plan.study, plan.rows[index], plan.settings))


def _grouped(positions: Iterable[int], label: Callable[[int], str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for position in positions:
        groups.setdefault(label(position), []).append(position)
    return groups


def _jobs(jobs: int | None) -> int:
    value = jobs if jobs is not None else os.environ.get(JOBS_VARIABLE) or 1
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number == 0 or number < -1:
        raise ParameterError(f"jobs = {value!r}: expected a number of processes, or -1 for one per core")
    return number
