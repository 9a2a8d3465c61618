"""Settings of the learners of `lib.models.baselines` that a search found; a learner without an entry keeps its own.

An entry is the best of the trials of a learner in the study `models`, by validation IC on markets that no study
evaluates. It is written here once the search is recorded; until then the page says that the learner was not searched,
and no claim is answered with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.store.marks import registry, used

#: learner -> settings, a row names it under "tuned"; none: the learner's own
TUNED: dict[str, Mapping[str, Any]] = registry("tuned", {
    "none": {},
})  # fmt: skip


def tuned(name: str) -> Mapping[str, Any]:
    """The settings that were found for a learner; "none": nothing to change."""
    used("tuned", [name])
    return TUNED[name]
