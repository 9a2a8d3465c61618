"""A study: a declared grid of rows and a pure function from one row's configuration to numbers.

    settings = parameter defaults, then the scale's, then the caller's
    grid(settings)            -> the rows to compute, one JSON-able dict each
    compute(row, settings)    -> RowResult, the same whenever row, settings, code and input files are

    contrast(rows, settings)  -> RowResult of what needs several rows at once: paired differences

A row is stored under a key made of exactly those four things, so whatever `compute` reads must be among
them: it does not see `seeds`, `scale` or the `grid_only` parameters, which only say which rows there are.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lib.errors import LoadError, ParameterError, closest
from lib.paper.claims import SETTINGS, Answer
from lib.paper.results.agreement import EXACT, Agreement
from lib.parameters import Parameter, check_parameters
from lib.store.code import Code, code_of
from lib.store.files import NAME
from lib.store.marks import Entries, machinery
from lib.store.rows import Config as Config
from lib.store.rows import RowResult as RowResult
from lib.store.rows import Settings as Settings
from lib.store.sources import file_digest

SCALES = ("smoke", "laptop", "paper")
EVIDENCE = ("simulated", "real", "machine")
COLUMNS = ("study", "variant", "seed", "metric", "value", "n", "setting")

#: names that a study's own parameters may not take
RESERVED = ("scale", "seeds", "name", "study", "jobs", "backend", "fresh", "progress", "cache", "folder")

_KEY_FORMAT = 1  # part of every key: raise it when the meaning of stored rows changes


def _one_group(row: Config) -> str:
    return ""


def _by_seed(row: Config) -> str:
    return str(row["seed"])


def _exact(row: Config) -> Agreement:
    return EXACT


def _nothing_missing(row: Config) -> str:
    return ""


def _no_inputs(settings: Settings) -> tuple[str, ...]:
    return ()


@machinery
@dataclass(frozen=True)
class Contrast:
    """What needs several rows at once.

    compute: called once for all rows that agree in `by`, with the rows and what they gave; its records name their own
             variant, such as "mask_skip - none"
    by:      row -> label of those that are compared; by default rows of one seed are
    """

    compute: Callable[[Sequence[tuple[Config, RowResult]], Settings], RowResult]
    by: Callable[[Config], str] = _by_seed


@machinery
@dataclass(frozen=True)
class Page:
    """What shows the numbers of a study.

    table:    frame of a result -> its table; default: mean of each metric by variant, with its interval
    answers:  frame of a result -> answers to claims of the ledger; claims lists those that it may answer
    findings: what the page says -> sentences with their conditions, the most important first
    """

    table: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    answers: Callable[[pd.DataFrame], list[Answer]] | None = None
    claims: tuple[str, ...] = ()
    findings: Callable[[pd.DataFrame], Sequence[Any]] | None = None


@machinery
@dataclass(frozen=True)
class Study:
    """The declaration of a study; see the head of this file.

    scales:     values that a scale sets for parameters (and for "seeds"), per scale name
    group:      rows with the same group run in one process, in order, so they can share what is in memory
    inputs:     files that `compute` reads; their bytes are part of every row's key, their paths are not
    grid_only:  parameters that choose rows and do not change one
    setting:    same | reduced | different from the paper's, or a function of (row, settings)
    contrast:   what needs several rows at once, such as paired differences; see `Contrast`
    page:       what shows the numbers; see `Page`
    agreement:  row -> how closely its numbers must come back when computed again; default: to a relative 1e-6
    tolerances: relative tolerance of a recomputation per metric, where the row's agreement does not suit it
    unavailable: row -> what this machine lacks to compute it ("" when it lacks nothing); such rows are left out here,
                and a recorded one is not recomputed here
    evidence:   simulated: rows made without a price file are evidence; real: only rows made from one are;
                machine: the numbers measure a machine (times, memory), so rows run one after the other, whatever the
                number of processes, and `verify` leaves them out, because no recomputation gives them again
    """

    name: str
    title: str
    grid: Callable[[Settings], Iterable[Config]]
    compute: Callable[[Config, Settings], RowResult]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    scales: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    group: Callable[[Config], str] = _one_group
    inputs: Callable[[Settings], Iterable[str | Path]] = _no_inputs
    grid_only: tuple[str, ...] = ()
    setting: str | Callable[[Config, Settings], str] = "different"
    contrast: Contrast | None = None
    agreement: Callable[[Config], Agreement] = _exact
    tolerances: Mapping[str, float] = field(default_factory=dict)
    unavailable: Callable[[Config], str] = _nothing_missing
    evidence: str = "simulated"
    page: Page = field(default_factory=lambda: Page())

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ParameterError(f"study name {self.name!r}: expected lower-case letters, digits, _ and -")
        taken = [name for name in self.parameters if name in RESERVED]
        if taken:
            raise ParameterError(f"study {self.name!r}: parameter names {taken} are reserved; choose others")
        _known(self.evidence, EVIDENCE, f"study {self.name!r}: evidence")
        for scale, values in self.scales.items():
            _known(scale, SCALES, f"study {self.name!r}: scale")
            for name in values:
                _known(name, [*self.parameters, "seeds"], f"study {self.name!r}: scale {scale!r}: parameter")

    @property
    def wants_prices(self) -> bool:
        """Whether rows made without a price file check the pipeline and are no evidence."""
        return self.evidence == "real"

    def schema(self) -> dict[str, Parameter]:
        """The parameters of a run and of the study's notebook: scale, seeds and the declared ones."""
        return {
            "scale": Parameter(str, "laptop", choices=SCALES, help="size of the run"),
            "seeds": Parameter((int, list, tuple), None, optional=True, help="n for 0..n-1, or a list"),
            **self.parameters,
        }

    def settings(self, scale: str = "laptop", seeds: Any = None, overrides: Settings | None = None) -> Config:
        """Validated values of every parameter. Raises ParameterError, one line, naming what is wrong."""
        given = {k: str(v) if isinstance(v, Path) else v for k, v in (overrides or {}).items()}
        for name in given:
            _known(name, list(self.parameters), f"study {self.name!r}: parameter")
        _known(scale, SCALES, f"study {self.name!r}: scale")
        from_scale = dict(self.scales.get(scale, {}))
        default_seeds = from_scale.pop("seeds", 1)
        values = {name: parameter.default for name, parameter in self.parameters.items()} | from_scale | given
        checked = check_parameters(values, dict(self.parameters))
        chosen = normalise_seeds(default_seeds if seeds is None else seeds)
        return {"scale": scale, "seeds": chosen, **{name: checked[name] for name in self.parameters}}

    def rows(self, settings: Settings) -> list[Config]:
        """The grid as a list of distinct JSON-able rows that can be computed here, each with a variant and a seed."""
        rows = ({"variant": "", "seed": 0, **row} for row in self.grid(settings))
        texts = [canonical(row, f"study {self.name!r}: a row of the grid") for row in rows]
        if len(set(texts)) < len(texts):
            raise ParameterError(f"study {self.name!r}: the grid holds the same row twice")
        return [row for row in map(json.loads, texts) if not self.unavailable(row)]

    def answers(self, frame: pd.DataFrame) -> list[Answer]:
        """Answers to claims from a frame. Raises ParameterError for a claim that the page does not declare."""
        found = self.page.answers(frame) if self.page.answers and len(frame) else []
        for answer in found:
            _known(answer.claim_id, self.page.claims, f"study {self.name!r}: answered claim")
        return found

    def row_settings(self, settings: Settings) -> Config:
        """The settings that `compute` sees."""
        hidden = {"scale", "seeds", *self.grid_only}
        return {name: value for name, value in settings.items() if name not in hidden}

    def row_setting(self, row: Config, settings: Settings) -> str:
        """same | reduced | different, for one row."""
        value = self.setting(row, settings) if callable(self.setting) else self.setting
        return _known(value, SETTINGS, f"study {self.name!r}: setting")

    def code(self) -> Code:
        """The code that makes the numbers: what is reached from the grid, the computation, contrasts and inputs."""
        contrast = self.contrast.compute if self.contrast else None
        return code_of({"grid": self.grid, "compute": self.compute, "contrast": contrast, "inputs": self.inputs})

    def source_digest(self) -> str:
        """Digest of that code, with all entries of the registries that it uses; see `lib.store.code`."""
        return self.code().digest({})

    def source_digests(self, groups: Iterable[Sequence[Config]], settings: Sequence[Settings]) -> list[str]:
        """Digest of the code behind each group of rows: a row of the grid, or the rows of a contrast.

        settings: of each group, as `compute` sees them. Of registries, the entries that the rows can use.
        """
        code = self.code()
        return [code.digest(code.entries(rows, own)) for rows, own in zip(groups, settings, strict=True)]

    def entries(self, groups: Iterable[Sequence[Config]], settings: Settings) -> list[Entries]:
        """The entries of registries that each group of rows can use; the others are refused while it is computed."""
        code = self.code()
        return [code.entries(rows, settings) for rows in groups]


@dataclass(frozen=True)
class Input:
    """An input file: the parameter that named it (or None), its name without folder, its SHA-256."""

    parameter: str | None
    file: str
    sha256: str


def study_inputs(study: Study, settings: Settings) -> list[Input]:
    """Fingerprints of the files and folders a run reads. Raises LoadError for one that is not there."""
    named = {_full(value): name for name, value in settings.items() if isinstance(value, str | Path)}
    found = []
    for item in study.inputs(settings):
        path = _full(item)
        if not path.exists():
            raise LoadError(f"study {study.name!r}: input {str(item)!r} does not exist; expected a file or a folder")
        found.append(Input(named.get(path), path.name, file_digest(path)))
    return found


def without_paths(settings: Settings, inputs: Iterable[Input]) -> Config:
    """Settings in which the path of an input file is replaced by its bare name."""
    files = {item.parameter: item.file for item in inputs if item.parameter}
    return {name: files.get(name, value) for name, value in settings.items()}


def row_key(study: Study, row: Config, settings: Settings, inputs: Sequence[Input], source: str) -> str:
    """Cache key of a row: SHA-256 of its configuration, the code and the input bytes (not their paths)."""
    contents = {item.parameter: item.sha256 for item in inputs if item.parameter}
    seen = {name: contents.get(name, value) for name, value in study.row_settings(settings).items()}
    parts = {
        "format": _KEY_FORMAT,
        "study": study.name,
        "row": row,
        "settings": seen,
        "source": source,
        "inputs": [item.sha256 for item in inputs],
    }
    return hashlib.sha256(canonical(parts, f"study {study.name!r}: settings").encode()).hexdigest()


def canonical(value: Any, what: str) -> str:
    """JSON text that is equal for equal values. Raises ParameterError for values JSON does not have."""
    try:
        return json.dumps(value, sort_keys=True, default=_plain)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{what} must consist of JSON values: {error}") from None


def normalise_seeds(seeds: Any) -> tuple[int, ...]:
    """Seeds as a tuple: an integer n means 0..n-1, a list is taken as it is.

    >>> normalise_seeds(3), normalise_seeds([7, 2])
    ((0, 1, 2), (7, 2))
    """
    wanted = "expected an integer n >= 1 (for 0..n-1) or a list of different integers >= 0"
    if _is_integer(seeds):
        if seeds < 1:
            raise ParameterError(f"seeds = {seeds!r}: {wanted}")
        return tuple(range(int(seeds)))
    if not isinstance(seeds, list | tuple | range | np.ndarray) or not all(map(_is_integer, seeds)):
        raise ParameterError(f"seeds = {seeds!r}: {wanted}")
    values = tuple(int(seed) for seed in seeds)
    if not values or min(values) < 0 or len(set(values)) < len(values):
        raise ParameterError(f"seeds = {list(values)!r}: {wanted}")
    return values


def check_records(study: Study, row: Config, result: RowResult) -> list[dict[str, Any]]:
    """Records as plain JSON values, each with variant, metric, value and n; ParameterError otherwise."""
    checked = []
    for record in result.records:
        unknown = set(record) - {"variant", "metric", "value", "n"}
        if unknown or "metric" not in record or "value" not in record:
            wanted = "expected metric, value and, if need be, variant and n"
            raise ParameterError(f"study {study.name!r}, row {row}: record {record}; {wanted}")
        n = record.get("n")
        checked.append(
            {
                "variant": str(record.get("variant", row["variant"])),
                "metric": str(record["metric"]),
                "value": float(record["value"]),
                "n": None if n is None or math.isnan(n) else int(n),
            }
        )
    names = [(record["variant"], record["metric"]) for record in checked]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"study {study.name!r}, row {row}: two records of {twice[0]}")
    return checked


def _known(value: Any, options: Iterable[str], what: str) -> str:
    options = list(options)
    if value not in options:
        known = ", ".join(options) or "(there are none)"
        hint = closest(str(value), options) or f"; expected one of: {known}"
        raise ParameterError(f"{what} {value!r} does not exist{hint}")
    return str(value)


def _full(path: str | Path) -> Path:
    return Path(path).expanduser().resolve()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"got {type(value).__name__} {value!r}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
