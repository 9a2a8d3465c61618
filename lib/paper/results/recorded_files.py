"""The two committed files of a study's recorded rows.

``book/recorded/NAME.csv`` holds the tidy records, one block of lines per row of the study's grid;
``book/recorded/NAME.json`` holds the provenance of every row and the checksum of its lines: commit,
parameters, package versions, hardware, date, digest of the code, name and SHA-256 of the data files, wall
time. A row counts only when it is in both and the checksum fits. ``code`` in the second file holds the definitions that
the code consisted of, with a short digest of each, so that a page can say which have changed since; ``confirmed`` lists
what later code computed again and found as it was recorded.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib.errors import StoreError
from lib.paper.results.plan import Plan, Row
from lib.paper.results.study import Config, canonical, without_paths
from lib.store.files import StoreWarning, safe_path, write_bytes
from lib.store.sources import FOLDER

RECORDED = FOLDER.parent / "book" / "recorded"
#: significant digits of a recorded value: a recomputation agrees to six, and the files stay small
DIGITS = 9
LINE = ("study", "scale", "row", "variant", "seed", "metric", "value", "n", "setting")


@dataclass(frozen=True)
class RecordedRow:
    """One recorded row: what it is, what it gave, where it comes from (`run` names one of the runs)."""

    id: str
    scale: str
    config: Config
    setting: str
    records: list[dict[str, Any]]
    run: str
    date: str
    seconds: float
    members: tuple[str, ...] = ()

    @property
    def dated(self) -> dict[str, Any]:
        """Seed, date and wall time."""
        return {"seed": self.config["seed"], "date": self.date, "seconds": self.seconds}


@dataclass(frozen=True)
class Confirmation:
    """A sample of the rows of one scale that the code `source` computed again: it speaks for all rows of `covers`.

    covers: digests of the code that made the sampled rows. rows: ids of the sample.
    """

    scale: str
    source: str
    covers: tuple[str, ...]
    rows: tuple[str, ...]
    commit: str
    date: str


@dataclass
class Recording:
    """The recorded rows of a study, all scales, as the two files hold them."""

    name: str
    folder: Path
    rows: dict[str, RecordedRow]
    runs: dict[str, dict[str, Any]]
    confirmed: list[Confirmation] = field(default_factory=list)
    code: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, folder: Path | str | None = None) -> Recording:
        """The rows that are in both files; one whose lines were altered is left out, with a StoreWarning.

        Raises StoreError when a file cannot be read at all.
        """
        folder = Path(folder or RECORDED)
        table, origins = safe_path(folder, name, ".csv"), safe_path(folder, name, ".json")
        if not (table.is_file() and origins.is_file()):
            return cls(name, folder, {}, {})
        try:
            lines = _read_lines(table.read_text(encoding="utf-8"))
            origin = json.loads(origins.read_text(encoding="utf-8"))
            sound = {
                key: _recorded_row(key, item, lines.get(key, []))
                for key, item in origin["rows"].items()
                if _is_sound(key, lines.get(key, []), item, table)
            }
            runs = {row.run: origin["runs"][row.run] for row in sound.values()}
            confirmed = [_confirmation(item) for item in origin.get("confirmed", [])]
            return cls(name, folder, sound, runs, confirmed, origin.get("code", {}))
        except (ValueError, KeyError, TypeError, OSError) as error:
            what = f"{type(error).__name__}: {error}"
            raise StoreError(f"recorded results {table} or .json are damaged ({what}): restore") from None

    def write(self) -> None:
        """Write both files, each atomically, the table first: a row without provenance does not count."""
        runs = {row.run: self.runs[row.run] for row in self.rows.values()}
        rows = {row.id: _origin(self.name, row) for row in self.rows.values()}
        whole: dict[str, Any] = {"study": self.name, "runs": runs, "rows": rows}
        if code := {label: self.code[label] for run in runs.values() if (label := run.get("code")) in self.code}:
            whole["code"] = code
        if self.confirmed:
            whole["confirmed"] = [vars(item) for item in self.confirmed]
        text = json.dumps(whole, indent=1, sort_keys=False) + "\n"
        write_bytes(self.folder / f"{self.name}.csv", self._table().encode())
        write_bytes(self.folder / f"{self.name}.json", text.encode())

    def holds(self, plan: Plan, index: int) -> bool:
        """Whether a row of a plan is recorded and no older than the code of today (a contrast: of its members)."""
        row = self.rows.get(plan_id(plan, index))
        if row is None or not holds_for(row, plan.sources[index], self.runs, self.confirmed):
            return False
        return set(row.members) >= {plan_id(plan, member) for member in plan.members.get(index, [])}

    def add(self, plan: Plan, row: Row, commit: str) -> None:
        """Take in a computed row; a row of the same id is replaced in its place."""
        meta, definitions = row.stored.meta, plan.study.code().definitions()
        code = hashlib.sha256(canonical(definitions, "definitions").encode()).hexdigest()[:8]
        self.code[code] = definitions
        run = {
            "commit": commit,
            "parameters": without_paths({**plan.settings, "seeds": None}, plan.inputs),
            "inputs": [vars(item) for item in plan.inputs],
            "source": plan.sources[row.index],
            "code": code,
            "versions": meta["versions"],
            "hardware": meta["hardware"],
        }
        label = hashlib.sha256(canonical(run, "provenance").encode()).hexdigest()[:8]
        self.runs[label] = json.loads(canonical(run, "provenance"))
        key = plan_id(plan, row.index)
        members = tuple(plan_id(plan, member) for member in plan.members.get(row.index, []))
        scale, seconds = str(plan.settings["scale"]), row.seconds
        records = list(row.stored.records)
        facts = (row.setting, records, label, meta["date"], seconds, members)
        self.rows[key] = RecordedRow(key, scale, row.config, *facts)

    def confirm(self, found: Sequence[Confirmation]) -> None:
        """Take in confirmations in place of those of their scales."""
        scales = {item.scale for item in found}
        self.confirmed = [*(item for item in self.confirmed if item.scale not in scales), *found]

    def check_same_experiment(self, plan: Plan) -> None:
        """Raise StoreError when rows of the plan's scale were recorded with other parameters or data."""
        settings = plan.study.row_settings(without_paths(plan.settings, plan.inputs))
        wanted = json.loads(canonical(settings, "settings"))
        files = {item.file: item.sha256 for item in plan.inputs}
        for row in self.rows.values():
            if row.scale != plan.settings["scale"]:
                continue
            run = self.runs[row.run]
            other = [name for name, value in wanted.items() if run["parameters"].get(name) != value]
            if {item["file"]: item["sha256"] for item in run["inputs"]} != files:
                other.append("the input files")
            if other:
                where = self.folder / f"{self.name}.csv"
                raise StoreError(
                    f"{where} holds rows of scale {row.scale} made with other values of {', '.join(other)}; "
                    "one table holds one experiment: remove the old rows or run with the same values"
                )

    def _table(self) -> str:
        return _csv([LINE, *(line for row in self.rows.values() for line in _lines(self.name, row))])


def holds_for(
    row: RecordedRow, source: str, runs: Mapping[str, Mapping[str, Any]], confirmed: Iterable[Confirmation]
) -> bool:
    """Whether the code `source` made a row, or confirmed the rows of the code that did."""
    made = runs[row.run]["source"]
    return made == source or any(
        item.source == source and item.scale == row.scale and made in item.covers for item in confirmed
    )


def plan_id(plan: Plan, index: int) -> str:
    """Identity of a recorded row: scale, configuration and settings, whatever code and data made it."""
    settings = plan.study.row_settings(without_paths(plan.settings, plan.inputs))
    parts = [plan.study.name, plan.settings["scale"], plan.rows[index], settings]
    return hashlib.sha256(canonical(parts, "a recorded row").encode()).hexdigest()[:16]


def _read_lines(text: str) -> dict[str, list[dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != LINE:
        raise ValueError(f"expected the columns {','.join(LINE)}")
    lines: dict[str, list[dict[str, str]]] = {}
    for line in reader:
        lines.setdefault(line["row"], []).append(line)
    return lines


def _lines(name: str, row: RecordedRow) -> list[list[str]]:
    """The lines of a row in the table, as text."""
    return [
        [
            *(name, row.scale, row.id, item["variant"], str(row.config["seed"]), item["metric"]),
            *(_text(item["value"]), "" if item["n"] is None else str(item["n"]), row.setting),
        ]
        for item in row.records
    ]


def _text(value: float) -> str:
    """The shortest text of a number rounded to DIGITS significant digits."""
    return repr(float(f"{value:.{DIGITS}g}"))


def _csv(lines: Iterable[Iterable[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue()


def _checksum(lines: Iterable[Iterable[str]]) -> str:
    return hashlib.sha256(_csv(lines).encode()).hexdigest()[:16]


def _is_sound(key: str, lines: Sequence[Mapping[str, str]], origin: Mapping[str, Any], table: Path) -> bool:
    sound = bool(origin["sha256"] == _checksum(line.values() for line in lines))
    if not sound:
        remedy = "not used; restore it or record it again"
        warnings.warn(f"row {key} of {table.name} differs from its checksum: {remedy}", StoreWarning, 2)
    return sound


def _recorded_row(key: str, origin: Mapping[str, Any], lines: Sequence[Mapping[str, str]]) -> RecordedRow:
    records = [
        {
            "variant": line["variant"],
            "metric": line["metric"],
            "value": float(line["value"]),
            "n": int(line["n"]) if line["n"] else None,
        }
        for line in lines
    ]
    known = {name: origin[name] for name in ("scale", "config", "setting", "run", "date", "seconds")}
    return RecordedRow(id=key, records=records, members=tuple(origin["members"]), **known)


def _confirmation(item: Mapping[str, Any]) -> Confirmation:
    covers, rows = tuple(item["covers"]), tuple(item["rows"])
    return Confirmation(item["scale"], item["source"], covers, rows, item["commit"], item["date"])


def _origin(name: str, row: RecordedRow) -> dict[str, Any]:
    known = {"run": row.run, "scale": row.scale, "setting": row.setting, "config": row.config, **row.dated}
    return {**known, "members": list(row.members), "sha256": _checksum(_lines(name, row))}
