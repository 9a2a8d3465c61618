"""The mask contract, audited: the same checks over this package's factors and over those of the papers' own package.

Rows: "ours" and "ours, Alpha101"; mlquantx's factors one by one, as its driver gives them, and its primitives; and how
far the values of the two packages agree where nothing is masked. Rows of mlquantx need the extra `peer`; without it
they are left out here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.audit import KINDS, POISONS, Compute, Output, Reads, Report, audit, contract_panels, unmasked_panel
from lib.audit.contract import AS_IS
from lib.audit.subjects import (
    DEFINED_OTHERWISE,
    PEER,
    PEER_VERSION,
    PRIMITIVE_PARAMETERS,
    ewma_of_a_constant,
    formula_output,
    lacking_peer,
    our_ewma,
    our_reads,
    ours,
    peer,
    peer_driver,
    peer_ewma,
    peer_primitives,
    peer_reads,
    primitive_reads,
)
from lib.factors import factor_names, find_factors
from lib.paper.results.study import Config, RowResult, Settings

#: the order of columns is left to the tests: the papers promise nothing about it
AUDITED = tuple(kind for kind in KINDS if kind != "order")
#: a cell agrees when it lies within this share of the factor's scale
AGREES = 1e-4
VALUES = "values"


@dataclass(frozen=True)
class Subject:
    """What is audited: its factors, how they are computed, what they declare to read, its smoother if it has one."""

    variant: str
    names: Callable[[], Sequence[str]]
    compute: Callable[[Sequence[str]], Compute]
    reads: Callable[[Sequence[str]], dict[str, Reads]]
    ewma: Callable[..., NDArray[Any]] | None = None


_THEIRS = f"{PEER} {PEER_VERSION}"
SUBJECTS = {
    "ours": Subject("ours", factor_names, ours, our_reads, our_ewma),
    "ours101": Subject("ours, Alpha101", lambda: factor_names("alpha101"), ours, our_reads),
    "peer": Subject(_THEIRS, factor_names, peer, peer_reads, peer_ewma),
    "driver": Subject(f"{_THEIRS}, driver", factor_names, peer_driver, peer_reads),
    "primitives": Subject(
        f"{_THEIRS}, primitives", lambda: list(PRIMITIVE_PARAMETERS), peer_primitives, primitive_reads
    ),
}  # fmt: skip


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        for key, subject in SUBJECTS.items():
            yield {"variant": subject.variant, "seed": seed, "subject": key}
        yield {"variant": f"{_THEIRS}, {VALUES}", "seed": seed, "subject": VALUES}


def unavailable(row: Config) -> str:
    return "" if row["subject"].startswith("ours") else lacking_peer()


def compute(row: Config, settings: Settings) -> RowResult:
    if row["subject"] == VALUES:
        return RowResult(list(_agreement(row["seed"], settings)))
    subject = SUBJECTS[row["subject"]]
    names, rng = list(subject.names()), np.random.default_rng([row["seed"], settings["panels"]])
    # mlquantx has no universe, so that all stocks are compared with all
    sizes = {name: settings[name] for name in ("n_stocks", "n_days", "long_days")}
    panels = contract_panels(row["seed"], settings["panels"], **sizes, universe=False)
    report = audit(subject.compute(names), panels, subject.reads(names), rng=rng)
    records = [*_totals(report, names), *_by_family(report, names), *_by_factor(report)]
    if subject.ewma:
        first, step = ewma_of_a_constant(subject.ewma)
        records += [_record("ewma of ones: first day", first), _record("ewma of ones: step over a masked day", step)]
    return RowResult(records)


def _record(metric: str, value: float, n: int | None = None) -> dict[str, Any]:
    return {"metric": metric, "value": value, "n": n}


def _totals(report: Report, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """How many factors break each rule, how many none, and under what the masked cells held."""
    broken = {name for kind in AUDITED for name in report.breaking(kind)}
    yield _record("audited", len(names))
    yield _record("keeps every rule", len(names) - len(broken), len(names))
    for kind in AUDITED:
        yield _record(kind, len(report.breaking(kind)), len(names))
        yield _record(f"{kind}: not checked", len(report.unchecked(kind)), len(names))
    for under in (AS_IS, *POISONS):
        yield _record(f"zero-on-mask, {under}", len(report.breaking("zero-on-mask", under)), len(names))
    for under in POISONS:
        yield _record(f"independence, {under}", len(report.breaking("independence", under)), len(names))


def _by_family(report: Report, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for family, members in _families(names).items():
        for kind in AUDITED:
            breaking = set(report.breaking(kind)) & set(members)
            yield _record(f"family {family}: {kind}", len(breaking), len(members))


def _families(names: Sequence[str]) -> Mapping[str, list[str]]:
    families: dict[str, list[str]] = {}
    if set(names) <= set(PRIMITIVE_PARAMETERS):
        return families
    for factor in find_factors(names):
        families.setdefault(factor.family, []).append(factor.name)
    return families


def _by_factor(report: Report) -> Iterator[dict[str, Any]]:
    """Share of offending cells of each factor and rule, where it is largest, with one example cell."""
    worst: dict[tuple[str, str], Any] = {}
    for finding in report.findings.values():
        key = (finding.factor, finding.kind)
        if key not in worst or finding.cells > worst[key].cells:
            worst[key] = finding
    for (factor, kind), found in worst.items():
        yield _record(f"{factor}: {kind}", found.cells / found.checked, found.checked)
        for what in ("panel", "day", "stock"):
            yield _record(f"{factor}: {kind}.{what}", getattr(found, what))


# ------------------------------------------------------------------ values where nothing is masked


def _agreement(seed: int, settings: Settings) -> Iterator[dict[str, Any]]:
    names = factor_names()
    panel = unmasked_panel(np.random.default_rng([seed, 1]), settings["values_stocks"], settings["values_days"])
    mine, theirs = ours(names)(panel), peer(names)(panel)
    for factor in find_factors(names):
        yield from _compared(factor.name, mine[factor.name], theirs[factor.name], 2 * factor.node.memory)
    for name, node in DEFINED_OTHERWISE.items():
        yield from _compared(f"{name}, by their formula", formula_output(panel, node), theirs[name], 2 * node.memory)


def _compared(name: str, mine: Output, theirs: Output, warm_up: int) -> Iterator[dict[str, Any]]:
    """Share of agreeing cells and correlation over the cells valid in both after the warm-up.

    warm_up: twice the memory, after which a recurrence has forgotten its seed to one part in a million.
    """
    a, b = (output[0][warm_up:].astype(np.float64) for output in (mine, theirs))
    valid, other = (output[1][warm_up:] for output in (mine, theirs))
    both = valid & other
    a, b = a[both], b[both]
    scale = np.median(np.abs(a - np.median(a))) or a.std()
    yield _record(f"{name}: agreement", float((np.abs(a - b) <= AGREES * scale).mean()), len(a))
    yield _record(f"{name}: correlation", float(np.corrcoef(a, b)[0, 1]), len(a))
    yield _record(f"{name}: valid in one only", float((valid != other).mean()), valid.size)
