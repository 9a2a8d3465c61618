"""What a definition is, and what can be read off single nodes of a syntax tree."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lib.store.sources import in_package

#: names of a module that stand for more than one statement: all that it defines, its statements as they are, those that
#: define nothing, the numbers of the study that it declares; an entry of a registry has ENTRY in front of its name
WHOLE, BODY, EFFECTS, NUMBERS, ENTRY = "*", "@body", "", "@numbers", "#"
#: in front of the name of an argument of the declaration of a study
ARGUMENT = "STUDY:"
#: uses that are no name: the studies are listed; modules beside this one are imported by a computed name
ANY_STUDY, ANY_MODULE = "any study", "any module"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)


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


def targets(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement binds or changes a part of."""
    found = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    found += [item.optional_vars for item in getattr(statement, "items", [])]
    for target in found:
        for part in getattr(target, "elts", [target]):
            while isinstance(part, ast.Subscript | ast.Starred):
                part = part.value
            if isinstance(part, ast.Name):
                yield part.id


def bound(node: ast.Import | ast.ImportFrom, owner: str, package: bool) -> dict[str, Name | str]:
    """Names that an import binds, and what each stands for."""
    if isinstance(node, ast.Import):
        pairs = ((a.asname, a.name) if a.asname else (a.name.partition(".")[0],) * 2 for a in node.names)
        return {own: Name(meant, WHOLE) if in_package(meant) else meant for own, meant in pairs}
    base = absolute(node, owner, package)
    if in_package(base):
        return {a.asname or a.name: Name(base, a.name) for a in node.names}
    return {a.asname or a.name: f"{base}.{a.name}" for a in node.names if base != "__future__"}


def absolute(node: ast.ImportFrom, owner: str, package: bool) -> str:
    """The module that an import names, dots in front resolved for the module, or package, that imports."""
    if node.level == 0:
        return node.module or ""
    parts = owner.split(".")
    parts = parts[: len(parts) - node.level + package]
    return ".".join(parts + ([node.module] if node.module else []))


def globals_of(table: symtable.SymbolTable) -> Iterator[str]:
    yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
    for child in table.get_children():
        yield from globals_of(child)


def annotations_of(nodes: Iterable[ast.AST]) -> list[ast.AST]:
    """The annotations of some nodes, those in quotes read."""
    parts = [node.returns for node in nodes if isinstance(node, FUNCTIONS)]
    parts += [node.annotation for node in nodes if isinstance(node, ast.arg | ast.AnnAssign)]
    return [_unquoted(part) for part in parts if part is not None]


def _unquoted(node: ast.AST) -> ast.AST:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return node
    return node


def defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    return [default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None]


def last(node: ast.AST) -> str:
    """The last name of a.b.c or of a call of it."""
    node = node.func if isinstance(node, ast.Call) else node
    return str(getattr(node, "attr", getattr(node, "id", "")))


def takes_study(node: ast.AST) -> bool:
    """A function whose first argument is a study or the name of one."""
    arguments = node.args.posonlyargs + node.args.args if isinstance(node, FUNCTIONS) else []
    note = arguments[0].annotation if arguments and arguments[0].arg == "study" else None
    return note is not None and re.search(r"\bstr\b", ast.unparse(note)) is not None


def is_class_state(node: ast.AST) -> bool:
    """A name for an attribute of a class, as in TABLE = Entry.registry; not for a constant of it, Kind.ONE."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    root, attributes = chain(value) if value is not None else (None, ())
    of_class = isinstance(root, ast.Name) and root.id[0].isupper() and not root.id.isupper()
    return of_class and any(map(str.islower, attributes))


def is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def entry_name(node: ast.AST) -> str | None:
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


def imported_module(node: ast.Call) -> str:
    """The module of this package that import_module("...") names; "" where it names none."""
    first = node.args[0] if last(node.func) == "import_module" and node.args else None
    name = first.value if isinstance(first, ast.Constant) else None
    return name if isinstance(name, str) and in_package(name) else ""
