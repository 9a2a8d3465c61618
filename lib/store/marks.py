"""Marks that the digest of the code behind a number reads (`lib.store.code`), and the check that keeps it honest.

A registry holds entries by name: learners, factors. A row counts the entries that it can use, not the others, so a
new entry makes no stored row stale. Which those are is read from the row and the code before the row is computed; what
looks an entry up says so here, and an entry that was not counted is an error, not a number that cannot become stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from lib.errors import ParameterError

Item = TypeVar("Item")
#: registry -> names of the entries that count; a registry that is not there counts whole
Entries = Mapping[str, frozenset[str]]

_counted: ContextVar[Entries] = ContextVar("counted", default={})  # noqa: B039  never changed in place


def machinery(item: Item) -> Item:
    """Mark a function or class that runs, stores or checks rows and gives no number of theirs: it is not followed."""
    return item


def registry(
    key: str, entries: dict[str, Item], *, listed_by: tuple[str, ...] = (), folder: str = ""
) -> dict[str, Item]:
    """Mark a literal table of entries by name; it is returned as it is, modules with their folder.

    key: a row or a setting of that name (or without its last letter, s) says which entries it uses. entries: values are
    the entries, or modules beside this one, whose entries are the calls with a literal name at their top level.
    folder: a package beside this module, in which the modules of the entries lie.
    listed_by: functions beside the table, or "module.function" of its package, that give all entries; code of another
    package that uses one of them, or the table itself, uses all entries.
    """
    return {name: f"{folder}.{item}" for name, item in entries.items()} if folder else entries  # type: ignore[misc]


@contextmanager
def counting(entries: Entries) -> Iterator[None]:
    """While a row is computed: the entries that its digest counts."""
    token = _counted.set(entries)
    try:
        yield
    finally:
        _counted.reset(token)


def used(key: str, names: Iterable[str]) -> None:
    """Say that entries of a registry are looked up.

    Raises ParameterError for one that the digest of the row being computed does not count.
    """
    known = _counted.get().get(key)
    unknown = [name for name in names if entry_of(name) not in known] if known is not None else []
    if unknown:
        raise ParameterError(
            f"the row uses {unknown[0]!r} of the registry {key!r}, which neither the row nor the code names, so that "
            f"editing it would not make the row stale; got {len(unknown)} such names: put them in the row under {key!r}"
        )


def entry_of(name: str) -> str:
    """The entry behind a name: of name[d=5], a point of a template, the template."""
    return name.partition("[")[0]
