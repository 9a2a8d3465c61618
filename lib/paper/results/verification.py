"""Recomputing a recorded row from scratch and comparing it with what was recorded.

The row is chosen by the hash of the current commit among the recorded rows that can be recomputed here:
made by today's code, nothing missing that the study names, input files present in DATA_DIR with the recorded bytes,
and wall time below a bound.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lib.paper.results.agreement import Agreement, differences, loosest
from lib.paper.results.plan import Plan
from lib.paper.results.provenance import head_commit
from lib.paper.results.recorded_files import RecordedRow, Recording, plan_id
from lib.paper.results.recording import Recorded, recorded
from lib.paper.results.study import Study
from lib.store.files import Store
from lib.store.sources import file_digest

DATA_VARIABLE = "DATA_DIR"


@dataclass(frozen=True)
class Verification:
    """What a verification did: `ok` is False only when a recomputed row differs from the recorded one."""

    ok: bool
    message: str


@dataclass(frozen=True)
class _Candidate:
    source: Recorded
    row: RecordedRow


def verify(
    of: Iterable[Study],
    *,
    commit: str | None = None,
    scale: str | None = None,
    limit: float = 180.0,
    data: Path | str | None = None,
    folder: Path | str | None = None,
) -> Verification:
    """Recompute one recorded row and compare every number, as closely as the study declares.

    of:     studies to choose from
    commit: hash that chooses the row (default: the current commit)
    scale:  the only one whose rows are chosen from (default: every scale)
    limit:  longest recorded wall time, seconds
    data:   folder of the input files (default: DATA_DIR)
    folder: where the recorded files are (default: book/recorded)
    """
    data = data or os.environ.get(DATA_VARIABLE)
    candidates, reasons = _candidates(of, limit, Path(data) if data else None, folder, scale)
    if not candidates:
        return Verification(True, f"nothing to verify: {_counted(reasons) or 'no rows are recorded'}")
    chosen = candidates[int(commit or head_commit(), 16) % len(candidates)]
    differing = compare(chosen.source, chosen.row, Path(data) if data else None)
    row = chosen.row
    what = f"{chosen.source.study.name}, scale {row.scale}, row {row.id} {row.config}"
    pool = f"one of {len(candidates)} rows that can be recomputed here"
    if differing:
        return Verification(False, f"MISMATCH in {what} ({pool}): {'; '.join(differing[:5])}")
    return Verification(True, f"recomputed {what} ({pool}): {len(row.records)} numbers agree")


def compare(source: Recorded, row: RecordedRow, data: Path | None = None) -> list[str]:
    """Recompute `row` without any stored result; what differs, one text per number."""
    return dict(recompute(source, [row], data))[row.id]


def recompute(
    source: Recorded,
    rows: Sequence[RecordedRow],
    data: Path | None = None,
    *,
    store: Store | None = None,
    jobs: int | None = 1,
    backend: str | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """Id of each of some rows that were recorded together, as it is computed again, and what differs, a text a number.

    store: where computed rows are kept for a second call; None recomputes everything.
    """
    plan = _plan(source, rows, data, store)
    positions = {plan_id(plan, index): index for index in range(len(plan.rows))}
    wanted = {positions[row.id]: row for row in rows if row.id in positions}
    gone = [row.id for row in rows if row.id not in positions]
    yield from ((name, ["the study's grid does not hold this row any more"]) for name in gone)
    for index, computed in plan.run(jobs, backend, only=wanted):
        row, agreement = wanted[index], _agreement(plan, index)
        yield row.id, list(differences(row.records, computed.stored.records, agreement, source.study.tolerances))


def _agreement(plan: Plan, position: int) -> Agreement:
    """What a row is held to; a contrast, to what the rows that it is made of are."""
    return loosest(plan.study.agreement(plan.rows[index]) for index in plan.members.get(position, [position]))


def _candidates(
    of: Iterable[Study], limit: float, data: Path | None, folder: Path | str | None, scale: str | None
) -> tuple[list[_Candidate], dict[str, int]]:
    found, reasons = [], dict[str, int]()
    for source in everything_recorded(of, folder):
        stale = set(source.stale_rows())
        for row in source.rows:
            reason = _other_scale(row, scale) or why_not(source, row, data, limit)
            reason = reason or ("made by earlier code" if row.id in stale else "")
            if reason:
                reasons[reason] = reasons.get(reason, 0) + 1
            else:
                found.append(_Candidate(source, row))
    return sorted(found, key=lambda item: (item.source.study.name, item.row.scale, item.row.id)), reasons


def _other_scale(row: RecordedRow, scale: str | None) -> str:
    return f"recorded at scale {row.scale}" if scale is not None and row.scale != scale else ""


def everything_recorded(of: Iterable[Study], folder: Path | str | None) -> Iterator[Recorded]:
    """The recorded rows of the studies, scale by scale."""
    for study in of:
        for scale in sorted({row.scale for row in Recording.read(study.name, folder).rows.values()}):
            yield recorded(study, scale, folder)


def why_not(source: Recorded, row: RecordedRow, data: Path | None, limit: float = math.inf) -> str:
    """Why a row cannot be computed again here, or would take more than `limit` seconds; "" where it can."""
    if source.study.evidence == "machine":
        return "measured on a machine"
    if _cost(source, row) > limit:
        return f"slower than {limit:g} s"
    if lacking := _lacking(source, row):
        return lacking
    for item in source.runs[row.run]["inputs"]:
        path = data / item["file"] if data else None
        if path is None or not path.exists():
            return f"input {item['file']} is not in {DATA_VARIABLE}"
        if file_digest(path) != item["sha256"]:
            return f"input {item['file']} in {DATA_VARIABLE} is another version"
    return ""


def _lacking(source: Recorded, row: RecordedRow) -> str:
    """What this machine lacks for a row of the grid, or for one that a contrast compares."""
    parts = {row.id} if not row.members else set(row.members)
    reasons = (source.study.unavailable(item.config) for item in source.rows if item.id in parts)
    return next(filter(None, reasons), "")


def _cost(source: Recorded, row: RecordedRow) -> float:
    seconds = {item.id: item.seconds for item in source.rows}
    return row.seconds + sum(seconds.get(member, math.inf) for member in row.members)


def _plan(source: Recorded, rows: Sequence[RecordedRow], data: Path | None, store: Store | None) -> Plan:
    run = source.runs[rows[0].run]
    given = {name: value for name, value in run["parameters"].items() if name in source.study.parameters}
    for item in run["inputs"]:
        if item["parameter"] and data:
            given[item["parameter"]] = str(data / item["file"])
    related = {name for row in rows for name in (row.id, *row.members)}
    seeds = sorted({item.config["seed"] for item in source.rows if item.id in related})
    return Plan.make(source.study, source.study.settings(rows[0].scale, seeds, given), store)


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} rows {reason}" for reason, count in sorted(reasons.items()))
