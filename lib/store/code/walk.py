"""Definitions reached from others, in an order that depends on nothing but what they are; see `lib.store.code`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lib.errors import UnknownNameError
from lib.store import sources
from lib.store.code.definitions import Module, items_of, parse, parse_file
from lib.store.code.syntax import ANY_MODULE, ANY_STUDY, BODY, EFFECTS, ENTRY, NUMBERS, WHOLE, Name, Use
from lib.store.marks import machinery

#: files that are no data of the package beside them
_NO_DATA = frozenset({".py", ".md", ".tmp"})
NOTEBOOK = "notebook"


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
    all_studies: bool = False  # whether something there asks for every study, which the cells of a notebook may name

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
    all_studies: bool = False


@machinery
class Package:
    """The source files of the package at one moment.

    pages: follow the machinery too, and studies with what they show. cells: the source of a notebook. shared: the same
    without cells, asked for what no cell can change.
    """

    def __init__(self, pages: bool = False, cells: str | None = None, shared: Package | None = None) -> None:
        self.pages, self._shared = pages, shared
        files = sources.stamps()
        self.paths = {module_name(stamp[0]): stamp for stamp in files if stamp[0].suffix == ".py"}
        self.tables = [path for path, _, _ in files if path.suffix not in _NO_DATA and not path.name.startswith(".")]
        self.cells = None if cells is None else parse(cells, NOTEBOOK, False)
        self._meant: dict[Use, Name | None] = {}
        self.digests: dict[object, str] = {}  # of codes
        self._steps: dict[Name, Step] = {}
        self._named: dict[tuple[tuple[Name, ...], Name], tuple[frozenset[str], frozenset[str]]] = {}
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
        if self._shared:
            return self._shared.registries
        found: dict[Name, Registry] = {}
        for name, (path, _, _) in self.paths.items():
            if "registry(" in path.read_text(encoding="utf-8"):
                module = self.module(name)
                found |= {Name(name, own): self._registry(module, call) for own, call in module.registries.items()}
        return found

    def _registry(self, module: Module, call: Any) -> Registry:
        values = [(key, getattr(value, "value", None)) for key, value in items_of(module, call.args[1])]
        of_modules = bool(values) and all(isinstance(value, str) for _, value in values)
        beside = module.name if module.package else module.name.rpartition(".")[0]
        inner = next((f"{beside}.{k.value.value}" for k in call.keywords if k.arg == "folder"), beside)
        where = [module.name] if not of_modules else [
            own for _, value in values for own in self.modules_of(f"{inner}.{value}")
        ]  # fmt: skip
        entries: dict[str, list[Name]] = {}
        for own in dict.fromkeys(where):
            for entry in self.module(own).entries:
                if of_modules or entry in dict(values):
                    entries.setdefault(entry, []).append(Name(own, ENTRY + entry))
        listed: list[Any] = next((k.value.elts for k in call.keywords if k.arg == "listed_by"), [])
        by = frozenset(self._beside(module.name, beside, item.value) for item in listed)
        return Registry(call.args[0].value, {k: tuple(v) for k, v in entries.items()}, by, of_modules)

    def _beside(self, module: str, package: str, name: str) -> Name:
        """A function of the module, or "far.name" in a module of its package."""
        where, _, own = name.rpartition(".")
        found = Name(f"{package}.{where}" if where else module, own)
        if own not in self.module(found.module).statements:
            what = f"registry in {module}: listed_by names {name!r}"
            raise UnknownNameError(f"{what}, which {found.module} does not define; expected a function of the package")
        return found

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
            found = self._shared.reach(roots) if self._shared and all(map(_outside_cells, roots)) else None
            self._reached[roots] = self._walk(roots) if found is None or found.all_studies else found
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
            found.all_studies |= step.all_studies
        found.lines += [f"file {text}" for text in self._data(found)]
        return found

    def entry_digest(self, names: Iterable[Name], used: set[Name]) -> str:
        """SHA-256 (hex) of the statements of an entry and what is reached from them; adds registries to `used`."""
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

    def named(self, roots: tuple[Name, ...], registry: Name) -> tuple[frozenset[str], frozenset[str]]:
        """Entries of a registry that strings reached from somewhere name, outside its module; names that hold such."""
        if (roots, registry) not in self._named:
            entries = self.registries[registry].entries.keys()
            steps = ((name, self._step_from(name).strings & entries) for name in self.reach(roots).names)
            found = [(name.name, strings) for name, strings in steps if strings and name.module != registry.module]
            entry_names = frozenset(entry for _, strings in found for entry in strings)
            self._named[roots, registry] = entry_names, frozenset(name for name, _ in found)
        return self._named[roots, registry]

    def _step_from(self, name: Name) -> Step:
        if name not in self._steps:
            found = self._shared._step_from(name) if self._shared and _outside_cells(name) else None
            self._steps[name] = self._find_step(name) if found is None or found.all_studies else found
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
        every = any(self._asks_for_all_studies(use) for use in own.uses)
        if name.name == WHOLE:
            if not self.module(name.module).package:  # of modules imported there, what its definitions use
                targets = [target for target in targets if target.name != WHOLE]
            targets.append(Name(name.module, EFFECTS))
        elif name.name != EFFECTS:
            targets += self._effects(name.module)
        return Step(own.text, tuple(targets), own.strings, frozenset(used), listed, every)

    def _targets(self, use: Use) -> Iterator[Name]:
        if use.name.name == ANY_STUDY:
            yield from self._named_studies(())
        elif use.name.name == ANY_MODULE:
            here = use.name.module
            if not any(r.of_modules for n, r in self.registries.items() if n.module == here):
                package = here if self.module(here).package else _folder(use.name)
                yield from (Name(module, WHOLE) for module in sorted(self.modules_of(package)))
        elif (target := self.meant(Use(use.name, use.attributes))) is not None:
            yield target
            if use.literals is not None and self._takes_study(target):
                yield from self._named_studies(use.literals)

    def _asks_for_all_studies(self, use: Use) -> bool:
        if use.name.name == ANY_STUDY:
            return True
        target = self.meant(Use(use.name, use.attributes)) if use.literals == () else None
        return target is not None and self._takes_study(target)

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
        if not self.tables:
            return
        folders = {self.paths[n.module][0].parent for n in found.names if n.module in self.paths}
        for path in self.tables:
            if path.parent not in folders:
                continue
            beside = (own.read_text(encoding="utf-8") for own in path.parent.glob("*.py"))
            if path.name in found.strings or not any(path.name in text for text in beside):
                yield f"{path.name} {sources.file_digest(path)}"


def _outside_cells(name: Name) -> bool:
    return name.module != NOTEBOOK


def _folder(name: Name) -> str:
    return name.module.rpartition(".")[0]


def module_name(path: Path) -> str:
    """lib.market.gbm of lib/market/gbm.py."""
    parts = path.relative_to(sources.FOLDER).with_suffix("").parts
    return ".".join((sources.PACKAGE, *parts)).removesuffix(".__init__")
