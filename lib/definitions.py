"""What a computation takes from modules that only show results: constants and functions, one definition at a time.

A study names modules that show or judge its numbers; editing them makes no result stale. Where its measuring code
imports a constant from one of them all the same, that constant makes numbers. So every name that such code uses is
followed to the statement that defines it, and on to what that statement uses.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from lib.sources import absolute, canonical, closure, digest, find, locate, stamp

#: arguments of a study's declaration that show or judge; a name used nowhere else makes no number
SHOWING = frozenset({"summarise", "claims", "claim_ids", "presentation"})


class Name(NamedTuple):
    """A name in a module; "*" is the module itself."""

    module: str
    name: str


def measured_digest(modules: Iterable[str], machinery: Iterable[str], shown: Iterable[str]) -> str:
    """Digest of the code that makes numbers: the modules reached, and what they use of the modules `shown`."""
    modules, shown = tuple(modules), frozenset(shown)
    skip = (*machinery, *shown)
    found: dict[Name, str] = {}
    while True:
        names = {name for module in closure(modules, skip) for name in _used(module) if name.module in shown}
        more = _follow(names, shown, found)
        if more <= set(modules):
            break
        modules = (*modules, *sorted(more - set(modules)))
    total = digest(modules, skip, exact=False)
    lines = [f"{name.module} {name.name} {text}" for name, text in sorted(found.items())]
    return hashlib.sha256("\n".join([total, *lines]).encode()).hexdigest() if lines else total


def _follow(names: Iterable[Name], shown: frozenset[str], found: dict[Name, str]) -> set[str]:
    """Add the definitions of some names, and of what they use; returns the modules outside `shown` that they use."""
    waiting, outside = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name.module not in shown:
            outside.add(name.module)
            continue
        text, uses = _definition(name)
        found[name] = text
        waiting.extend(uses)
    return outside


def _definition(name: Name) -> tuple[str, list[Name]]:
    """Digest of the statements that define a name, and the names that these use."""
    tree, imported = _parsed(name.module)
    statements = [s for s in tree.body if name.name == "*" or name.name in _defines(s)]
    own = {defined for statement in tree.body for defined in _defines(statement)}
    uses = []
    for used in {node.id for s in statements for node in ast.walk(s) if isinstance(node, ast.Name)} | {name.name}:
        if used in imported:
            uses.append(imported[used])
        elif used in own:
            uses.append(Name(name.module, used))
    text = hashlib.sha256(canonical(statements).encode()).hexdigest()
    return text, [use for use in uses if use != name]


def _defines(statement: ast.stmt) -> set[str]:
    """Names that a statement of a module binds; imports are followed instead."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return set()
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _used(module: str) -> Iterator[Name]:
    """What a module uses of others, beyond its declaration of how results are shown."""
    tree, imported = _parsed(module)
    showing = {id(node) for call in ast.walk(tree) if isinstance(call, ast.Call)
               for keyword in call.keywords if keyword.arg in SHOWING for node in ast.walk(keyword.value)}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in imported and id(node) not in showing:
            yield imported[node.id]
        elif isinstance(node, ast.Import):  # import lib.x: whatever it uses of it
            yield from (Name(alias.name, "*") for alias in node.names if not alias.asname)


def _parsed(module: str) -> tuple[ast.Module, dict[str, Name]]:
    return _parsed_file(*stamp(locate(module)), module)


@lru_cache(maxsize=1024)
def _parsed_file(path: Path, size: int, changed: int, module: str) -> tuple[ast.Module, dict[str, Name]]:
    """The tree of a module, and what its imported names stand for."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported: dict[str, Name] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.asname: Name(alias.name, "*") for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, module)
            imported |= {alias.asname or alias.name: _meant(base, alias.name) for alias in node.names}
    return tree, {name: meant for name, meant in imported.items() if meant.module.partition(".")[0] == "lib"}


def _meant(base: str, name: str) -> Name:
    """``from base import name``: a module of that package, or a name in it."""
    return Name(f"{base}.{name}", "*") if find(f"{base}.{name}") else Name(base, name)
