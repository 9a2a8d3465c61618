"""The studies: a folder each, in which the core and the machinery of the paper meet.

    NAME/__init__.py   the question, and STUDY, its declaration
    NAME/measure.py    what makes the numbers
    NAME/page.py       what shows them

A name becomes a study here, once; everything below is handed the Study. Only the one asked for is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.errors import UnknownNameError, closest
from lib.store.marks import machinery
from lib.store.sources import study_modules

if TYPE_CHECKING:
    from lib.paper.claims import Answer
    from lib.paper.results.recording import Recorded
    from lib.paper.results.runner import StudyResult
    from lib.paper.results.study import Study
    from lib.paper.results.verification import Verification
    from lib.parameters import Parameter


def studies() -> list[str]:
    """Names of the studies, sorted. Nothing is imported."""
    return [module.rpartition(".")[2] for module in study_modules()]


@machinery
def load_study(study: str | Study) -> Study:
    """The Study of a name; a Study is returned as it is.

    Raises UnknownNameError, with the closest names, for a study that does not exist.
    """
    if not isinstance(study, str):
        return study
    names = [module.rpartition(".")[2] for module in study_modules()]
    if study not in names:
        known = ", ".join(names) or "(there are none)"
        raise UnknownNameError(f"unknown study {study!r}{closest(study, names)}; studies: {known}")
    found: Study = import_module(f"lib.studies.{study}").STUDY
    if found.name != study:
        raise UnknownNameError(f"lib/studies/{study} declares the study {found.name!r}: they must agree")
    return found


@machinery
def run_study(study: str | Study, **options: Any) -> StudyResult:
    """Run a study, by name or as a Study; for the options see `lib.paper.results.runner.run_study`.

    Raises UnknownNameError for an unknown study and ParameterError for anything wrong in a parameter.
    """
    from lib.paper.results.runner import run_study as run

    return run(load_study(study), **options)


@machinery
def record(study: str | Study, **options: Any) -> Recorded:
    """Run a study and add its rows to book/recorded; see `lib.paper.results.recording.record`."""
    from lib.paper.results.recording import record as add

    return add(load_study(study), **options)


@machinery
def recorded(study: str | Study, scale: str | None = None, folder: Path | str | None = None) -> Recorded:
    """Recorded results of a study; see `lib.paper.results.recording.recorded`."""
    from lib.paper.results.recording import recorded as find

    return find(load_study(study), scale, folder)


@machinery
def recorded_studies(of: Iterable[str | Study] | None = None, folder: Path | str | None = None) -> list[Study]:
    """The studies, all or some, that have a recorded table; only these are imported."""
    from lib.paper.results.recorded_files import RECORDED

    chosen = [module.rpartition(".")[2] for module in study_modules()] if of is None else of
    names = {study if isinstance(study, str) else study.name: study for study in chosen}
    place = Path(folder or RECORDED)
    return [load_study(study) for name, study in names.items() if (place / f"{name}.csv").is_file()]


@machinery
def answers(of: Iterable[str | Study] | None = None, folder: Path | str | None = None) -> list[Answer]:
    """Answers to the ledger's claims from everything that was recorded, or from some studies."""
    return [answer for study in recorded_studies(of, folder) for answer in recorded(study, folder=folder).answers()]


@machinery
def verify(of: Iterable[str | Study] | None = None, **options: Any) -> Verification:
    """Compute one recorded row again and compare; see `lib.paper.results.verification.verify`."""
    from lib.paper.results.verification import verify as compare

    return compare(recorded_studies(of, options.get("folder")), **options)


@machinery
def confirm(of: Iterable[str | Study] | None = None, **options: Any) -> Iterator[Verification]:
    """Compute one stale row of every kind again; see `lib.paper.results.confirmation.confirm`."""
    from lib.paper.results.confirmation import confirm as sample

    return sample(recorded_studies(of, options.get("folder")), **options)


@machinery
def check_parameters(namespace: Mapping[str, Any], schema: Mapping[str, Parameter] | str) -> dict[str, Any]:
    """Values of the declared parameters, from a notebook's globals or any mapping; see `lib.parameters`.

    schema: the declared parameters by name, or the name of a study, which declares them. For a study, None leaves a
            parameter to the scale, and only what was given is returned: ``run_study(name, **values)``.

    Raises ParameterError, one line that lists everything that is wrong; UnknownNameError for a study that does not
    exist.
    """
    from lib.parameters import check_parameters as check

    if not isinstance(schema, str):
        return check(namespace, schema)
    given = {name: value for name, value in namespace.items() if value is not None}
    values = check(given, load_study(schema).schema())
    return {name: value for name, value in values.items() if name in given}
