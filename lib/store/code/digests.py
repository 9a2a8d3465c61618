"""The code of a study and of a notebook: digests, and the definitions behind them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.store import sources
from lib.store.code.syntax import ARGUMENT, BODY, EFFECTS, ENTRY, NUMBERS, WHOLE, Name
from lib.store.code.walk import NOTEBOOK, Package
from lib.store.marks import Entries, entry_of, machinery

#: arguments of a study that make its numbers; the others of its code only say which rows there are and what they read
COMPUTING = ("compute", "contrast")


@machinery
@dataclass(frozen=True)
class Code:
    """The code of a study at one moment. computing: the roots that compute; others only say which rows there are."""

    package: Package
    roots: tuple[Name, ...]
    computing: tuple[Name, ...]

    def entries(self, rows: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> dict[str, frozenset[str]]:
        """The entries of registries that count for some rows; a registry that is not there counts whole.

        Those that the rows (or, where they do not, the settings) choose under the registry's key, and those that the
        code names. The registry counts whole where something chosen is no entry and no constant of names (core: CORE),
        and where nothing is chosen and the code names none or uses a list of all.
        """
        rows, found = list(rows), {}
        for own, registry in self.package.registries.items():
            named, groups = self.package.named(self.computing, own)
            chosen = set(_chosen(registry.key, rows)) or set(_chosen(registry.key, [settings]))
            if chosen:
                known = all(entry_of(name) in registry.entries or name.upper() in groups for name in chosen)
                named = named | ({entry_of(name) for name in chosen} & registry.entries.keys() if known else set())
            else:
                known = own not in self.package.reach(self.computing).listed
            if known and named:
                found[registry.key] = frozenset(named)
        return found

    def digest(self, entries: Entries) -> str:
        """SHA-256 (hex) of what is reached, with those entries of the registries that it uses."""
        known, key = self.package.digests, (self.roots, tuple(sorted(entries.items())))
        if key not in known:
            known[key] = self._digest(entries)
        return known[key]

    def _digest(self, entries: Entries) -> str:
        reach = self.package.reach(self.roots)
        lines, used, waiting = [reach.digest], set[Name](), sorted(reach.used)
        for own in waiting:
            if own in used:
                continue
            used.add(own)
            registry = self.package.registries[own]
            for name in sorted(entries.get(registry.key, registry.entries.keys())):
                more = set[Name]()
                lines.append(f"{registry.key} {name} {self.package.entry_digest(registry.entries[name], more)}")
                waiting += sorted(more)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def reached(self, entries: Entries) -> set[Name]:
        """All that is reached, those entries of the registries included."""
        found, waiting = set[Name](), [self.package.reach(self.roots)]
        for reach in waiting:
            new = reach.names.keys() - found
            found |= new
            for own in sorted(reach.used & new):
                registry = self.package.registries[own]
                names = entries.get(registry.key, registry.entries.keys())
                waiting += [self.package.reach(registry.entries[name]) for name in sorted(names)]
        return found

    def definitions(self) -> dict[str, str]:
        """Definitions reached, by name without `lib.`, with 8 hexadecimal digits of the text of each."""
        texts = {name: self.package.text(name) for name in self.reached({}) if name.name not in (WHOLE, EFFECTS)}
        shown = {name: text for name, text in texts.items() if text not in ("registry", "machinery")}
        return {_shown(name): text[:8] for name, text in sorted(shown.items())}


@machinery
def code_of(functions: Mapping[str, Callable[..., Any] | None]) -> Code:
    """The code of a study: of the functions that are its arguments of those names, some of which are `COMPUTING`."""
    package = _package((*sources.stamps(), *_outside(functions.values())))
    names = {what: [*_names_of(what, f, package)] for what, f in functions.items() if f}
    roots, computing = ([name for what in part for name in names.get(what, [])] for part in (functions, COMPUTING))
    return Code(package, tuple(dict.fromkeys(roots)), tuple(dict.fromkeys(computing)))


@machinery
def digest_of(function: Callable[..., Any]) -> str:
    """SHA-256 (hex) of the code that a function of this package reaches, with all entries of registries."""
    return code_of({"compute": function}).digest({})


@machinery
def notebook_digest(cells: Iterable[str]) -> str:
    """SHA-256 (hex) of all code that the cells of a notebook use: as for a study, and what shows, stores and judges."""
    source = "\n".join(_without_magics(cell) for cell in cells)
    package = _package(sources.stamps(), True, source)
    code = Code(package, (Name(NOTEBOOK, BODY),), ())
    return code.digest({})


def _outside(functions: Iterable[Callable[..., Any] | None]) -> Iterator[tuple[Path, int, int]]:
    """Files of functions that lie outside the package, such as those of a study in a file of its own."""
    modules = {str(getattr(function, "__module__", "")) for function in functions if function}
    for module in sorted(modules):
        path = None if module.split(".")[0] == sources.PACKAGE else sources.find(module)
        if path is not None:
            yield sources.stamp(path)


@machinery
@lru_cache(maxsize=8)
def _package(stamps: object, pages: bool = False, cells: str | None = None) -> Package:
    return Package(pages, cells, None if cells is None else _package(stamps, pages))


def _names_of(argument: str, function: Callable[..., Any], package: Package) -> Iterator[Name]:
    """Where a function is defined that is an argument of a study; of one that another made, what it was made of too."""
    if isinstance(function, functools.partial):
        parts = [function.func, *function.args, *function.keywords.values()]
        yield from (name for part in parts if callable(part) for name in _names_of(argument, part, package))
        return
    owner: Any = function if hasattr(function, "__qualname__") else type(function)
    name, _, inside = owner.__qualname__.partition(".")
    module = package.module(owner.__module__)
    if name in module.statements:
        yield Name(module.name, name)
    elif argument in module.arguments:
        yield Name(module.name, ARGUMENT + argument)
    else:
        yield Name(module.name, WHOLE)
    if owner is not function or "<locals>" in inside:
        yield Name(module.name, NUMBERS)
        cells = (cell.cell_contents for cell in getattr(function, "__closure__", None) or ())
        yield from (name for value in cells if callable(value) for name in _names_of(argument, value, package))


def _chosen(key: str, configs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Texts under a key, or the key without its last letter."""
    for config in configs:
        for value in (config.get(key), config.get(key[:-1])):
            yield from (item for item in ([value] if isinstance(value, str) else value or ()) if isinstance(item, str))


def _shown(name: Name) -> str:
    return f"{name.module.removeprefix(sources.PACKAGE + '.')}.{name.name.removeprefix(ENTRY)}"


def _without_magics(cell: str) -> str:
    """Python of a cell: IPython's line magics become blank, a cell in another language becomes empty."""
    first = cell.lstrip()
    if first.startswith("%%") and not first.startswith(("%%time", "%%capture")):
        return ""
    return "\n".join(_python_line(line) for line in cell.splitlines())


def _python_line(line: str) -> str:
    stripped = line.lstrip()
    indent = line[: len(line) - len(stripped)]
    if stripped.startswith("%time "):
        return indent + stripped.removeprefix("%time ").lstrip()
    return indent + "pass" if stripped.startswith(("%", "!", "?")) else line
