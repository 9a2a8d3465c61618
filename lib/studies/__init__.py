"""The studies: one module per table or story, each exposing ``STUDY``; only the one asked for is imported.

``run_study``, ``record``, ``recorded``, ``verify``, ``confirm`` and ``answers`` are loaded on first use. This package
is callable, because ``from lib import studies`` gives the package once it has been imported and the function
of the same name before: ``studies()`` works either way.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lib.errors import UnknownNameError, closest
from lib.marks import machinery
from lib.sources import study_modules

if TYPE_CHECKING:
    from lib.studies.base import Study

_LAZY = {
    "Study": "lib.studies.base",
    "RowResult": "lib.studies.base",
    "StudyResult": "lib.studies.runner",
    "run_study": "lib.studies.runner",
    "Recorded": "lib.studies.recording",
    "record": "lib.studies.recording",
    "recorded": "lib.studies.recording",
    "answers": "lib.studies.recording",
    "verify": "lib.studies.verification",
    "confirm": "lib.studies.confirmation",
}

__all__ = ["load_study", "studies", *_LAZY]


def studies() -> list[str]:
    """Names of the studies, sorted. Nothing is imported."""
    return [module.rpartition(".")[2] for module in study_modules()]


@machinery
def _names() -> list[str]:
    """As `studies`; but who only looks one up does not depend on all of them."""
    return [module.rpartition(".")[2] for module in study_modules()]


@machinery
def load_study(study: str | Study) -> Study:
    """The Study of a name; a Study is returned as it is.

    Raises UnknownNameError, with the closest names, for a study that does not exist.
    """
    if not isinstance(study, str):
        return study
    names = _names()
    if study not in names:
        known = ", ".join(names) or "(there are none)"
        raise UnknownNameError(f"unknown study {study!r}{closest(study, names)}; studies: {known}")
    found: Study = import_module(f"lib.studies.{study}").STUDY
    if found.name != study:
        raise UnknownNameError(f"lib/studies/{study}.py declares the study {found.name!r}: they must agree")
    return found


@machinery
class _Callable(ModuleType):
    def __call__(self) -> list[str]:
        return _names()


sys.modules[__name__].__class__ = _Callable


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'lib.studies' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
