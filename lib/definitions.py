"""The definitions of one source file: which statements define a name, and what these use. Nothing is imported.

A definition is told from another by its text: its syntax tree without positions, comments, docstrings, annotations and
import statements, in which each name from elsewhere is a place, filled by the definition that it stands for there. So
moving, splitting or renaming files changes no text, nor does another name for what is imported.
"""

from __future__ import annotations

import ast
import hashlib
import re
import symtable
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from lib.marks import machinery
from lib.sources import in_package

#: names of a module that stand for more than one statement: all that it defines, its statements as they are, those that
#: define nothing, the numbers of the study that it declares; an entry of a registry has ENTRY in front of its name
WHOLE, BODY, EFFECTS, NUMBERS, ENTRY = "*", "@body", "", "@numbers", "#"
#: in front of the name of an argument of the declaration of a study
ARGUMENT = "STUDY:"
#: uses that are no name: a function that takes a study was called with that name, or with one that is not written there;
#: the studies are listed; modules of this package are imported by a computed name
CALLED, ANY_STUDY, ANY_MODULE = "called", "any study", "any module"
#: arguments of a study's declaration that show or judge its numbers, or say in which order they are computed
SHOWING = frozenset({"name", "title", "summarise", "claims", "claim_ids", "agreement", "tolerances", "setting", "group", "unavailable"})
#: parts of a syntax tree that say nothing about values
_NOT_TEXT = frozenset({"returns", "type_comment", "ctx"})
#: calls that look names up in their own module
_REFLECTS = frozenset({"globals", "eval", "exec", "__import__"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


class Name(NamedTuple):
    """A name in a module of this package, or one of WHOLE, BODY, EFFECTS, NUMBERS, or an entry."""

    module: str
    name: str


class Use(NamedTuple):
    """What a definition uses: a name with the attributes behind it, or one of the uses that are no name.

    literals: of a call, the literal strings among its arguments, None where it is no call.
    """

    name: Name
    attributes: tuple[str, ...] = ()
    literals: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Definition:
    """The text of a definition (a digest of it), what it uses in order of appearance, and its strings.

    machinery: it is marked so. takes_study: it is a function of a study or its name.
    """

    text: str
    uses: tuple[Use, ...]
    strings: frozenset[str]
    machinery: bool = False
    takes_study: bool = False


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
        return self._written(self.statements[name])

    def _written(self, nodes: Iterable[ast.AST]) -> Definition:
        nodes = list(nodes)
        marks = {_last(mark) for node in nodes for mark in getattr(node, "decorator_list", [])}
        takes_study = any(_takes_study(node) for node in nodes)
        writer = _Writer(self, "machinery" in marks)
        text = hashlib.sha256("\n".join(writer.write(node) for node in nodes).encode()).hexdigest()
        return Definition(text, tuple(writer.uses + writer.behind), frozenset(writer.strings), "machinery" in marks, takes_study)

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
        return {name: c for name, c in calls.items() if isinstance(c, ast.Call) and _last(c.func) == "registry"}

    @property
    def entries(self) -> dict[str, list[ast.AST]]:
        """Entries of registries that stand here: values of a table, or calls at the top level with a literal name."""
        found: dict[str, list[ast.AST]] = {}
        for call in self.registries.values():
            for key, value in items_of(self, call.args[1]):
                found.setdefault(key, []).append(value)
        for statement in self.effects:
            if (key := _entry(statement)) is not None:
                found.setdefault(key, []).append(statement)
        return found

    def names_used(self, node: ast.AST, inside: Iterable[ast.AST], annotations: Iterable[ast.AST]) -> set[str]:
        """Names of the module's scope that a statement at its top level uses; inside: all nodes below it."""
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            return {item.id for item in inside if isinstance(item, ast.Name)}
        outside = [*node.decorator_list, *annotations]
        outside += [*node.bases, *node.keywords] if isinstance(node, ast.ClassDef) else _defaults(node)
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
        module.symbols[key] = module.symbols.get(key, frozenset()) | frozenset(_globals(table))
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
    if isinstance(statement, _IMPORTS):
        module.imported |= _bound(statement, module)
    elif isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        module.statements.setdefault(statement.name, []).append(statement)
    elif isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
        _collect_block(module, statement)
    elif names := set(_targets(statement)):
        for name in names:
            module.statements.setdefault(name, []).append(statement)
    elif not isinstance(statement, ast.Pass | ast.Assert) and not _is_constant(statement):
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
    for name in {*inside.statements, *_targets(block)}:
        module.statements.setdefault(name, []).append(block)
    if inside.effects:
        module.effects.append(block)


def _targets(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement binds or changes a part of."""
    found = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    found += [item.optional_vars for item in getattr(statement, "items", [])]
    for target in found:
        for part in getattr(target, "elts", [target]):
            while isinstance(part, ast.Subscript | ast.Starred):
                part = part.value
            if isinstance(part, ast.Name):
                yield part.id


def _bound(node: ast.Import | ast.ImportFrom, module: Module) -> dict[str, Name | str]:
    """Names that an import binds, and what each stands for."""
    if isinstance(node, ast.Import):
        names = {a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0] for a in node.names}
        return {own: Name(meant, WHOLE) if in_package(meant) else meant for own, meant in names.items()}
    base = _absolute(node, module)
    if in_package(base):
        return {a.asname or a.name: Name(base, a.name) for a in node.names}
    return {a.asname or a.name: f"{base}.{a.name}" for a in node.names if base != "__future__"}


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    """The module that an import names, dots in front resolved."""
    if node.level == 0:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.package]
    return ".".join(parts + ([node.module] if node.module else []))


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
    for child in table.get_children():
        yield from _globals(child)


def _annotations(nodes: Iterable[ast.AST]) -> list[ast.AST]:
    """The annotations of some nodes, those in quotes read."""
    parts = [node.returns for node in nodes if isinstance(node, _FUNCTIONS)]
    parts += [node.annotation for node in nodes if isinstance(node, ast.arg | ast.AnnAssign)]
    return [_unquoted(part) for part in parts if part is not None]


def _unquoted(node: ast.AST) -> ast.AST:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return node
    return node


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    return [default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None]


def _last(node: ast.AST) -> str:
    """The last name of a.b.c or of a call of it."""
    node = node.func if isinstance(node, ast.Call) else node
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _takes_study(node: ast.AST) -> bool:
    """A function whose first argument is a study or the name of one."""
    arguments = node.args.posonlyargs + node.args.args if isinstance(node, _FUNCTIONS) else []
    note = arguments[0].annotation if arguments and arguments[0].arg == "study" else None
    return note is not None and re.search(r"\bstr\b", ast.unparse(note)) is not None


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _entry(node: ast.AST) -> str | None:
    """The literal name that a call at the top level begins with."""
    call = node.value if isinstance(node, ast.Expr) else None
    first = call.args[0] if isinstance(call, ast.Call) and call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def chain(node: ast.AST) -> tuple[ast.AST, tuple[str, ...]]:
    """The root of a.b.c and the attributes behind it."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return node, tuple(reversed(attributes))


class _Writer:
    """Writes the text of a definition, and collects its uses and strings on the way."""

    def __init__(self, module: Module, machinery: bool) -> None:
        self.module, self.machinery = module, machinery
        self.uses: list[Use] = []
        self.behind: list[Use] = []  # by annotations, which are not in the text
        self.strings: set[str] = set()
        self.local: Mapping[str, Name | str] = {}
        self.names: set[str] = set()

    def write(self, node: ast.AST) -> str:
        """The text of a statement or expression at the top level of the module."""
        inside = list(ast.walk(node))
        annotations = _annotations(inside)
        self.local = {}
        for item in inside:
            if isinstance(item, _IMPORTS):
                self.local |= _bound(item, self.module)
        self.names = self.module.names_used(node, inside, annotations) | self.local.keys()
        text = self._text(node)
        annotated, self.uses = self.uses, []
        for note in annotations:
            self._text(note)
        self.behind += self.uses
        self.uses = annotated
        return text

    def _text(self, item: object) -> str:
        if isinstance(item, list):
            return f"[{','.join([self._text(part) for part in item])}]"
        if not isinstance(item, ast.AST):
            return repr(item)
        kind = type(item)
        if kind is ast.Attribute or kind is ast.Name:
            return self._name(item)  # type: ignore[arg-type]
        if isinstance(item, ast.Constant):
            if isinstance(item.value, str):
                self.strings.add(item.value)
            return f"{type(item.value).__name__}:{item.value!r}"
        if isinstance(item, _IMPORTS):
            return ""
        if isinstance(item, ast.Call):
            self._call(item)
        return self._node(item)

    def _node(self, item: ast.AST) -> str:
        parts = []
        for name in item._fields:
            value = getattr(item, name, None)
            if value is None or value == [] or name in _NOT_TEXT:
                continue
            if name == "annotation" and not getattr(item, "in_class", False):
                continue
            if name == "body" and isinstance(value, list):
                value = self._body(item, value)
            elif name == "decorator_list":
                value = [mark for mark in value if _last(mark) != "machinery"]
            parts.append(f"{name}={self._text(value)}")
        return f"{type(item).__name__}({','.join(parts)})"

    def _body(self, item: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
        if isinstance(item, ast.ClassDef):  # there an annotation says what a dataclass has
            for statement in body:
                statement.in_class = True  # type: ignore[attr-defined]
        documented = isinstance(item, (*_FUNCTIONS, ast.ClassDef)) and ast.get_docstring(item, clean=False) is not None
        return body[1:] if documented else body

    def _name(self, node: ast.Attribute | ast.Name) -> str:
        root, attributes = chain(node)
        behind = "".join(f".{attribute}" for attribute in attributes)
        if isinstance(root, ast.Call) and (target := _imported_module(root)):
            self.uses.append(Use(Name(target, WHOLE), attributes))
            return f"@{behind}"
        if not isinstance(root, ast.Name):
            return f"{self._text(root)}{behind}"
        meant = self._meant(root.id) if isinstance(root.ctx, ast.Load) or attributes else None
        if isinstance(meant, str):
            return f"{meant}{behind}"
        if meant is None:
            return f"{root.id}{behind}"
        self.uses.append(Use(meant, attributes))
        return f"@{behind}"

    def _meant(self, name: str) -> Name | str | None:
        """What a name stands for: something of this package, of another one (a text), or None: local or built in."""
        if name not in self.names:
            return None
        if name in self.local:
            if name in self.module.statements:
                self.uses.append(Use(Name(self.module.name, name)))
            return self.local[name]
        if name in self.module.statements:
            if (other := self.module.imported.get(name)) and isinstance(other, Name):  # imported where it can be
                self.uses.append(Use(other))
            return Name(self.module.name, name)
        return self.module.imported.get(name)

    def _call(self, node: ast.Call) -> None:
        """Uses that only a call shows."""
        called = _last(node.func)
        if called == "import_module":
            if target := _imported_module(node):
                self.uses.append(Use(Name(target, WHOLE)))
            elif not self.machinery and not (node.args and isinstance(node.args[0], ast.Constant)):
                self.uses.append(Use(Name(self.module.name, ANY_MODULE)))
        elif called in _REFLECTS and isinstance(node.func, ast.Name):
            self.uses.append(Use(Name(self.module.name, WHOLE)))
        elif called == "study_modules" and not self.machinery:
            self.uses.append(Use(Name("", ANY_STUDY)))
        root, attributes = chain(node.func)
        meant = self._meant(root.id) if isinstance(root, ast.Name) else None
        if isinstance(meant, Name):
            first = next((k.value for k in node.keywords if k.arg == "study"), node.args[0] if node.args else None)
            literal = (first.value,) if isinstance(first, ast.Constant) and isinstance(first.value, str) else ()
            self.uses.append(Use(meant, attributes, literal if not self.machinery or literal else None))


def _imported_module(node: ast.Call) -> str:
    """The module of this package that import_module("...") names; "" where it names none."""
    first = node.args[0] if _last(node.func) == "import_module" and node.args else None
    name = first.value if isinstance(first, ast.Constant) else None
    return name if isinstance(name, str) and in_package(name) else ""
