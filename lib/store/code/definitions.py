"""The definitions of one source file: which statements define a name, and what these use. Nothing is imported."""

from __future__ import annotations

import ast
import hashlib
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from lib.store.code.syntax import (
    ARGUMENT,
    BODY,
    EFFECTS,
    ENTRY,
    FUNCTIONS,
    IMPORTS,
    NUMBERS,
    WHOLE,
    Definition,
    Name,
    Use,
    bound,
    defaults,
    entry_name,
    globals_of,
    is_class_state,
    is_constant,
    last,
    takes_study,
    targets,
)
from lib.store.code.text import Writer
from lib.store.marks import machinery

#: arguments of a study's declaration that show or judge its numbers, or say in which order they are computed
SHOWING = frozenset({
    "agreement", "evidence", "group", "name", "page", "setting", "title", "tolerances", "unavailable",
})  # fmt: skip


@dataclass
class Module:
    """The definitions of one source file."""

    name: str
    package: bool
    body: list[ast.stmt]
    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Name | str] = field(default_factory=dict)  # a text: a module of somebody else
    effects: list[ast.stmt] = field(default_factory=list)
    symbols: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    known: dict[str, Definition] = field(default_factory=dict)

    def definition(self, name: str) -> Definition:
        """The definition of a name, or of what stands for more than one."""
        if name not in self.known:
            self.known[name] = self._definition(name)
        return self.known[name]

    def _definition(self, name: str) -> Definition:
        if name == WHOLE:
            owned = [Use(Name(self.name, own)) for own in sorted(self.statements)]
            owned += [Use(target) for _, target in sorted(self.imported.items()) if isinstance(target, Name)]
            return Definition("whole", tuple(owned), frozenset())
        if name == BODY:
            return self._written(self.body)
        if name == EFFECTS:
            return self._written(self.effects)
        if name == NUMBERS:
            return self._written(self._numbers())
        if name.startswith(ARGUMENT):
            return self._written([self.arguments[name.removeprefix(ARGUMENT)]])
        if name.startswith(ENTRY):
            return self._written(self.entries[name.removeprefix(ENTRY)])
        return self._written(self.statements[name], name)

    def _written(self, nodes: Iterable[ast.AST], own: str = "") -> Definition:
        """The definition of some statements; own: the name that they define, which is no part of their text."""
        nodes = list(nodes)
        marks = {last(mark) for node in nodes for mark in getattr(node, "decorator_list", [])}
        of_study = any(takes_study(node) for node in nodes)
        writer = Writer(self, "machinery" in marks, own)
        text = hashlib.sha256("\n".join(writer.write(node) for node in nodes).encode()).hexdigest()
        uses = [*writer.uses, *writer.behind]
        if any(is_class_state(node) for node in nodes):  # a table that definitions of this module have filled
            uses.append(Use(Name(self.name, WHOLE)))
        return Definition(text, tuple(uses), frozenset(writer.strings), "machinery" in marks, of_study)

    def _numbers(self) -> list[ast.AST]:
        """Of the declaration of a study: what is called, and the arguments that make numbers."""
        calls = (getattr(statement, "value", None) for statement in self.statements.get("STUDY", []))
        found: list[ast.AST] = []
        for call in calls:
            if not isinstance(call, ast.Call):
                return list(self.statements["STUDY"])
            found += [call.func, *call.args, *(k for k in call.keywords if k.arg not in SHOWING)]
        return found

    @property
    def arguments(self) -> dict[str, ast.expr]:
        """Arguments of the declaration of a study, by name."""
        calls = (getattr(statement, "value", None) for statement in self.statements.get("STUDY", []))
        return {k.arg: k.value for call in calls if isinstance(call, ast.Call) for k in call.keywords if k.arg}

    @property
    def registries(self) -> dict[str, ast.Call]:
        """Names bound to a call of `registry`, with the call."""
        calls = {name: getattr(nodes[0], "value", None) for name, nodes in self.statements.items() if len(nodes) == 1}
        return {name: c for name, c in calls.items() if isinstance(c, ast.Call) and last(c.func) == "registry"}

    @property
    def entries(self) -> dict[str, list[ast.AST]]:
        """Entries of registries that stand here: values of a table, or calls at the top level with a literal name."""
        found: dict[str, list[ast.AST]] = {}
        for call in self.registries.values():
            for key, value in items_of(self, call.args[1]):
                found.setdefault(key, []).append(value)
        for statement in self.effects:
            if (named := entry_name(statement)) is not None:
                found.setdefault(named, []).append(statement)
        return found

    def names_used(self, node: ast.AST, inside: Iterable[ast.AST], annotations: Iterable[ast.AST]) -> set[str]:
        """Names of the module's scope that a statement at its top level uses; inside: all nodes below it."""
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            return {item.id for item in inside if isinstance(item, ast.Name)}
        outside = [*node.decorator_list, *annotations]
        outside += [*node.bases, *node.keywords] if isinstance(node, ast.ClassDef) else defaults(node)
        names = {item.id for part in outside for item in ast.walk(part) if isinstance(item, ast.Name)}
        return names | self.symbols.get((node.name, node.lineno), frozenset())


@machinery
def parse(source: str, name: str, package: bool) -> Module:
    """The definitions of a source text."""
    module = Module(name, package, ast.parse(source).body)
    for statement in module.body:
        _collect(module, statement)
    for table in symtable.symtable(source, name, "exec").get_children():
        key = table.get_name(), table.get_lineno()
        module.symbols[key] = module.symbols.get(key, frozenset()) | frozenset(globals_of(table))
    return module


@machinery
@lru_cache(maxsize=2048)
def parse_file(path: Path, size: int, changed: int, name: str) -> Module:
    """The definitions of a file; `size` and `changed` are there to notice an edit."""
    return parse(path.read_text(encoding="utf-8"), name, path.name == "__init__.py")


def items_of(module: Module, table: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Keys and values of a literal table; tables of the same module that are unpacked in it included."""
    if isinstance(table, ast.Name):
        for statement in module.statements.get(table.id, []):
            if (value := getattr(statement, "value", None)) is not None:
                yield from items_of(module, value)
    elif isinstance(table, ast.Dict):
        for key, value in zip(table.keys, table.values, strict=True):
            if key is None:
                yield from items_of(module, value)
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def _collect(module: Module, statement: ast.stmt) -> None:
    """Sort a statement of the top level by what it does: import, define names, or have an effect."""
    if isinstance(statement, IMPORTS):
        module.imported |= bound(statement, module.name, module.package)
    elif isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        module.statements.setdefault(statement.name, []).append(statement)
    elif isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
        _collect_block(module, statement)
    elif names := set(targets(statement)):
        for name in names:
            module.statements.setdefault(name, []).append(statement)
    elif not isinstance(statement, ast.Pass | ast.Assert) and not is_constant(statement):
        module.effects.append(statement)


def _collect_block(module: Module, block: ast.stmt) -> None:
    """Names of a block are defined by the whole of it: what they are depends on its condition."""
    if isinstance(block, ast.If) and "__main__" in ast.unparse(block.test):
        return
    inside = Module(module.name, module.package, [])
    for part in ("body", "orelse", "handlers", "finalbody"):
        for statement in getattr(block, part, []):
            for own in statement.body if isinstance(statement, ast.ExceptHandler) else [statement]:
                _collect(inside, own)
    module.imported |= inside.imported
    for name in {*inside.statements, *targets(block)}:
        module.statements.setdefault(name, []).append(block)
    if inside.effects:
        module.effects.append(block)


