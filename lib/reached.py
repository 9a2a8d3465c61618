"""The code behind a number: a digest of the definitions that are reached from where its computation begins.

A module that is imported counts for nothing, a definition that is used counts wherever it stands. From the functions of
a study the names that a definition uses are followed, through imports, to the definitions that they stand for, and so on:

- a class counts whole, with its bases and decorators; so do default arguments, constants, and classes that are only
  named by an annotation; so does what a package runs at its import that defines nothing;
- a module used as a value, or imported by a name that is computed, counts whole;
- a call `run_study("NAME")` counts the numbers of that study, one without a literal name those of every study;
- a registry (`lib.marks.registry`) counts by the entries that a row can use;
- what `lib.marks.machinery` marks runs and stores rows; it is not followed.

Methods need no rule of their own: an object comes from a class that something reached has named. The digest knows
neither names of modules nor import statements, so moving, splitting and renaming files leave it as it is.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from lib import sources
from lib.definitions import (
    ANY_MODULE,
    ANY_STUDY,
    ARGUMENT,
    BODY,
    EFFECTS,
    ENTRY,
    NUMBERS,
    WHOLE,
    Module,
    Name,
    Use,
    items_of,
    parse,
    parse_file,
)
from lib.marks import Entries, entry_of, machinery

#: files that are no data of the package beside them
_NO_DATA = frozenset({".py", ".md", ".tmp"})
NOTEBOOK = "notebook"
#: arguments of a study that make its numbers; the others of its code only say which rows there are and what they read
COMPUTING = ("compute", "contrast")


@dataclass(frozen=True)
class Registry:
    """A registry: the definition that declares it, the key of rows that choose from it, its entries, who lists them."""

    key: str
    entries: Mapping[str, tuple[Name, ...]]
    listed_by: frozenset[Name]
    of_modules: bool


@dataclass
class Reach:
    """Definitions in the order in which they are reached, with a line for each that says what it uses, by number."""

    names: dict[Name, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    strings: set[str] = field(default_factory=set)
    used: set[Name] = field(default_factory=set)  # registries
    listed: set[Name] = field(default_factory=set)  # those of them of which something uses all entries

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the lines."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()


@dataclass(frozen=True)
class Step:
    """A definition: its text, what it uses in order, its strings, and the registries that it uses, or uses whole."""

    text: str
    targets: tuple[Name, ...] = ()
    strings: frozenset[str] = frozenset()
    used: frozenset[Name] = frozenset()
    listed: frozenset[Name] = frozenset()


@machinery
class Package:
    """The source files of the package at one moment. pages: follow the machinery too, and studies with what they show."""

    def __init__(self, pages: bool = False, cells: str = "") -> None:
        self.pages = pages
        files = sources.stamps()
        self.paths = {module_name(path): (path, *rest) for path, *rest in files if path.suffix == ".py"}
        self.tables = [path for path, *_ in files if path.suffix not in _NO_DATA and not path.name.startswith(".")]
        self.cells = parse(cells, NOTEBOOK, False) if cells else None
        self._meant: dict[Use, Name | None] = {}
        self._steps: dict[Name, Step] = {}
        self._reached: dict[tuple[Name, ...], Reach] = {}

    def module(self, name: str) -> Module:
        """A module of the package, the cells, or a module outside from which one begins."""
        if name == NOTEBOOK and self.cells:
            return self.cells
        return parse_file(*(self.paths.get(name) or sources.stamp(sources.locate(name))), name)

    @cached_property
    def studies(self) -> tuple[str, ...]:
        """Names of the studies."""
        return tuple(module.rpartition(".")[2] for module in sources.study_modules())

    @cached_property
    def registries(self) -> dict[Name, Registry]:
        """The registries of the package."""
        found: dict[Name, Registry] = {}
        for name, (path, *_) in self.paths.items():
            if "registry(" in path.read_text(encoding="utf-8"):
                module = self.module(name)
                found |= {Name(name, own): self._registry(module, call) for own, call in module.registries.items()}
        return found

    def _registry(self, module: Module, call: Any) -> Registry:
        values = [(key, getattr(value, "value", None)) for key, value in items_of(module, call.args[1])]
        of_modules = bool(values) and all(isinstance(value, str) for _, value in values)
        beside = module.name if module.package else module.name.rpartition(".")[0]
        where = [module.name] if not of_modules else [
            own for _, value in values for own in self.modules_of(f"{beside}.{value}")
        ]  # fmt: skip
        entries: dict[str, list[Name]] = {}
        for own in dict.fromkeys(where):
            for entry in self.module(own).entries:
                if of_modules or entry in dict(values):
                    entries.setdefault(entry, []).append(Name(own, ENTRY + entry))
        listed = next((k.value.elts for k in call.keywords if k.arg == "listed_by"), [])
        by = frozenset(Name(module.name, item.value) for item in listed)
        return Registry(call.args[0].value, {k: tuple(v) for k, v in entries.items()}, by, of_modules)

    @cached_property
    def entry_modules(self) -> frozenset[str]:
        """Modules whose calls at the top level declare entries of a registry."""
        found = (r for r in self.registries.values() if r.of_modules)
        return frozenset(name.module for r in found for names in r.entries.values() for name in names)

    def modules_of(self, name: str) -> list[str]:
        """A module, and what lies in its folder when it is a package."""
        if name not in self.paths:
            return []
        inside = [own for own in self.paths if own.rpartition(".")[0] == name]
        return [name, *inside] if self.module(name).package else [name]

    def meant(self, use: Use) -> Name | None:
        """The definition that a name with attributes stands for; None where it is not of this package."""
        if use not in self._meant:
            self._meant[use] = self._follow(use.name, use.attributes)
        return self._meant[use]

    def _follow(self, name: Name, attributes: Sequence[str]) -> Name | None:
        seen = set()
        waiting = list(attributes)
        while name not in seen:
            seen.add(name)
            if name.name == WHOLE:
                if not waiting:
                    return name if self._exists(name.module) else None
                name = Name(name.module, waiting.pop(0))
                seen.discard(name)
            if not self._exists(name.module):
                return None
            name = self._step(name)
        return name if name.name != WHOLE or not waiting else self._follow(name, waiting)

    def _step(self, name: Name) -> Name:
        """One import further: itself where its module defines it, the whole module where nothing says what it is."""
        module, inside = self.module(name.module), f"{name.module}.{name.name}"
        if name.name in module.statements:
            return name
        target = module.imported.get(name.name)
        if isinstance(target, Name) and target != name:
            return target
        if inside in self.paths:
            return Name(inside, WHOLE)
        for tables in module.statements.values():  # names that a package loads on first use: {"name": "module"}
            for key, value in items_of(module, getattr(tables[0], "value", None) or tables[0]):
                if key == name.name and sources.in_package(str(getattr(value, "value", ""))):
                    return Name(value.value, name.name)  # type: ignore[attr-defined]
        return Name(name.module, WHOLE)

    def _exists(self, module: str) -> bool:
        return module in self.paths or (module == NOTEBOOK and self.cells is not None) or (
            not sources.in_package(module) and sources.find(module) is not None
        )  # fmt: skip

    # ------------------------------------------------------------------------------------ the walk

    def reach(self, roots: Iterable[Name]) -> Reach:
        """What is reached from some definitions, in an order that depends on nothing but what they are."""
        roots = tuple(roots)
        if roots not in self._reached:
            self._reached[roots] = self._walk(roots)
        return self._reached[roots]

    def _walk(self, roots: tuple[Name, ...]) -> Reach:
        found = Reach({root: number for number, root in enumerate(dict.fromkeys(roots))})
        found.lines.append(f"{len(found.names)} roots")
        waiting = list(found.names)
        for name in waiting:
            step = self._step_from(name)
            for target in step.targets:
                if target not in found.names:
                    found.names[target] = len(found.names)
                    waiting.append(target)
            found.lines.append(f"{step.text} {' '.join([str(found.names[target]) for target in step.targets])}")
            found.strings |= step.strings
            found.used |= step.used
            found.listed |= step.listed
        found.lines += [f"file {text}" for text in self._data(found)]
        return found

    def entry_digest(self, names: Iterable[Name], used: set[Name]) -> str:
        """SHA-256 (hex) of the statements of an entry and of all that is reached from them; adds registries to `used`."""
        total = hashlib.sha256()
        for name in names:
            step = self._step_from(name)
            total.update(step.text.encode())
            for target in step.targets:  # many entries share them
                reach = self.reach([target])
                used |= reach.used
                total.update(reach.digest.encode())
        return total.hexdigest()

    def text(self, name: Name) -> str:
        """The text of a definition; of what is not followed, that it is not."""
        return self._step_from(name).text

    def _step_from(self, name: Name) -> Step:
        if name not in self._steps:
            self._steps[name] = self._find_step(name)
        return self._steps[name]

    def _find_step(self, name: Name) -> Step:
        if name in self.registries:
            return Step("registry")
        own = self.module(name.module).definition(name.name)
        if own.machinery and not self.pages:
            return Step("machinery")
        targets = [target for use in own.uses for target in self._targets(use)]
        used = {r: t for t in targets for r, registry in self.registries.items() if t == r or t in registry.listed_by}
        listed = frozenset(r for r in used if _folder(name) != _folder(r))
        if name.name == WHOLE:
            targets.append(Name(name.module, EFFECTS))
        elif name.name != EFFECTS:
            targets += self._effects(name.module)
        return Step(own.text, tuple(targets), own.strings, frozenset(used), listed)

    def _targets(self, use: Use) -> Iterator[Name]:
        if use.name.name == ANY_STUDY:
            yield from self._named_studies(())
        elif use.name.name == ANY_MODULE:
            if not any(r.of_modules for n, r in self.registries.items() if n.module == use.name.module):
                package = use.name.module if self.module(use.name.module).package else use.name.module.rpartition(".")[0]
                yield from (Name(module, WHOLE) for module in sorted(self.modules_of(package)))
        elif (target := self.meant(Use(use.name, use.attributes))) is not None:
            yield target
            if use.literals is not None and self._takes_study(target):
                yield from self._named_studies(use.literals)

    def _takes_study(self, name: Name) -> bool:
        special = name.name in (WHOLE, EFFECTS) or name in self.registries
        return not special and self.module(name.module).definition(name.name).takes_study

    def _named_studies(self, literals: tuple[str, ...]) -> Iterator[Name]:
        """Studies of those names; all of them where no name is known, unless the cells of a notebook name some."""
        known = set(self.studies)
        if self.cells and not literals:
            literals = tuple(sorted(self.cells.definition(BODY).strings & known))
        part = "STUDY" if self.pages else NUMBERS
        yield from (Name(f"lib.studies.{name}", part) for name in literals or self.studies if name in known)

    def _effects(self, module: str) -> Iterator[Name]:
        """What runs when a module is imported and defines nothing, in its packages too; not what registers entries."""
        parts = module.split(".") if sources.in_package(module) else [module]
        for name in (".".join(parts[: i + 1]) for i in range(len(parts))):
            if name not in self.entry_modules and name != NOTEBOOK and self.module(name).effects:
                yield Name(name, EFFECTS)

    def _data(self, found: Reach) -> Iterator[str]:
        """Tables beside the modules reached: those that are named, and those that no string there names."""
        folders = {self.paths[n.module][0].parent for n in found.names if n.module in self.paths}
        for path in self.tables:
            if path.parent not in folders:
                continue
            beside = (own.read_text(encoding="utf-8") for own in path.parent.glob("*.py"))
            if path.name in found.strings or not any(path.name in text for text in beside):
                yield f"{path.name} {sources.file_digest(path)}"


# -------------------------------------------------------------------------------- studies and notebooks


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
        reach, rows = self.package.reach(self.computing), list(rows)
        found = {}
        for own, registry in self.package.registries.items():
            named = reach.strings & registry.entries.keys()
            chosen = set(_chosen(registry.key, rows)) or set(_chosen(registry.key, [settings]))
            lists = {name.name for name in reach.names}
            if chosen:
                known = all(entry_of(name) in registry.entries or name.upper() in lists for name in chosen)
                named |= {entry_of(name) for name in chosen} & registry.entries.keys() if known else set()
            else:
                known = own not in reach.listed
            if known and named:
                found[registry.key] = frozenset(named)
        return found

    def digest(self, entries: Entries) -> str:
        """SHA-256 (hex) of what is reached, with those entries of the registries that it uses."""
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

    def definitions(self) -> dict[str, str]:
        """Definitions reached, by name without `lib.`, with 8 hexadecimal digits of the text of each."""
        roots = list(self.roots)
        for own in sorted(self.package.reach(self.roots).used):
            roots += [name for names in self.package.registries[own].entries.values() for name in names]
        reached = [*self.package.reach(self.roots).names, *self.package.reach(roots).names]
        texts = {name: self.package.text(name) for name in reached if name.name not in (WHOLE, EFFECTS)}
        shown = {name: text for name, text in texts.items() if text not in ("registry", "machinery")}
        return {_shown(name): text[:8] for name, text in sorted(shown.items())}


@machinery
def code_of(functions: Mapping[str, Callable[..., Any] | None]) -> Code:
    """The code of a study: of the functions that are its arguments of those names, some of which are `COMPUTING`."""
    package = _package(sources.stamps())
    names = {what: [*_names_of(what, f, package)] for what, f in functions.items() if f}
    parts = (dict.fromkeys(name for what in chosen for name in names.get(what, [])) for chosen in (functions, COMPUTING))
    return Code(package, *map(tuple, parts))


@machinery
def notebook_digest(cells: Iterable[str]) -> str:
    """SHA-256 (hex) of all code that the cells of a notebook use: as for a study, and what shows, stores and judges."""
    source = "\n".join(_without_magics(cell) for cell in cells)
    package = _package(sources.stamps(), True, source)
    code = Code(package, (Name(NOTEBOOK, BODY),), ())
    return code.digest({})


@machinery
@lru_cache(maxsize=8)
def _package(stamps: object, pages: bool = False, cells: str = "") -> Package:
    return Package(pages, cells)


def _names_of(argument: str, function: Callable[..., Any], package: Package) -> Iterator[Name]:
    """Where the function is defined that is an argument of a study; of one that another made, what it was made of too."""
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


def _folder(name: Name) -> str:
    return name.module.rpartition(".")[0]


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


def module_name(path: Path) -> str:
    """lib.market.gbm of lib/market/gbm.py."""
    parts = path.relative_to(sources.FOLDER).with_suffix("").parts
    return ".".join((sources.PACKAGE, *parts)).removesuffix(".__init__")
